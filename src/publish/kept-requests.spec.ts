import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import type { KeptAnswer, KeptRequest } from '../domain/publish.js';
import { KeptRequests, keptAnswer, type AskedOnce } from './kept-requests.js';
import type { BatchAnswer } from './publisher.js';

const ASKED: AskedOnce = { caller: 'app', key: 'k', digest: 'd' };
const REFUSED = new HoldfastError('PUBLISH_REFUSED', 'no', { details: { id: 'a', cause: 'publish-denied' } });

/** Keys that outlive a process, which {@link restart} ends. */
class Journal {
  readonly kept = new Map<string, KeptRequest>();
  readonly now = new Map<string, BatchAnswer>();
  runs = 0;
  full = false;
  requests = this.#started();

  #started(): KeptRequests {
    return new KeptRequests(
      { keptRequest: ({ caller, key }) => this.kept.get(`${caller} ${key}`) },
      {
        keepAnswer: ({ caller, key }, answers) => {
          if (this.full) return Promise.reject(new HoldfastError('JOURNAL_FULL', 'full'));
          this.kept.get(`${caller} ${key}`)!.answers = answers;
          return Promise.resolve();
        },
      },
      (id) => this.now.get(id),
    );
  }

  restart(): void {
    this.requests = this.#started();
  }

  /** @param answers what is answered the first time; the key is kept with what is known before */
  ask(answers: BatchAnswer[] | Promise<BatchAnswer[]>, asked = ASKED, before?: KeptAnswer[]): Promise<BatchAnswer[]> {
    return this.requests.once(asked, async () => {
      this.runs++;
      const { caller, key, digest } = asked;
      if (before) this.kept.set(`${caller} ${key}`, { digest, answers: before });
      return answers;
    });
  }
}

describe('a request with a key', () => {
  it('is done once: later ones are answered like the first, also after a restart and whatever came of it since', async () => {
    for (const first of [{ id: 'a', status: 'published' }, { id: 'a', status: 'queued' }, REFUSED] as BatchAnswer[]) {
      const journal = new Journal();
      journal.now.set('a', first);
      assert.deepEqual(await journal.ask([first], ASKED, [{ id: 'a' }]), [first]);
      if (!(first instanceof HoldfastError)) journal.now.set('a', { id: 'a', status: 'published' });
      for (let again = 0; again < 2; again++) {
        assert.deepEqual(await journal.ask([]), [first]);
        journal.restart();
      }
      assert.equal(journal.runs, 1);
    }
  });

  it('killed before its answer: it is told how the publish stands, and then always the same', async () => {
    const journal = new Journal();
    journal.kept.set('app k', { digest: 'd', answers: [{ id: 'a' }] });
    journal.now.set('a', { id: 'a', status: 'queued' });
    assert.deepEqual(await journal.ask([]), [{ id: 'a', status: 'queued' }]);
    journal.now.set('a', { id: 'a', status: 'published' });
    journal.restart();
    assert.deepEqual(await journal.ask([]), [{ id: 'a', status: 'queued' }]);
    assert.equal(journal.runs, 0);
  });

  it('while the first one runs: 409 for the same, 422 for another; another caller has keys of its own', async () => {
    const journal = new Journal();
    const answer = Promise.withResolvers<BatchAnswer[]>();
    const first = journal.ask(answer.promise, ASKED, [{ id: 'a' }]);
    await assert.rejects(journal.ask([]), { code: 'KEY_IN_USE' });
    await assert.rejects(journal.ask([], { ...ASKED, digest: 'other' }), { code: 'KEY_REUSED' });
    await journal.ask([{ id: 'b', status: 'published' }], { ...ASKED, caller: 'another' });
    answer.resolve([{ id: 'a', status: 'published' }]);
    await first;
    journal.now.set('a', { id: 'a', status: 'published' });
    await assert.rejects(journal.ask([], { ...ASKED, digest: 'other' }), { code: 'KEY_REUSED' });
    assert.equal(journal.runs, 2);
  });

  it('what was refused before it was on disk is not remembered, and what is forgotten is done again', async () => {
    const journal = new Journal();
    const full = new HoldfastError('JOURNAL_FULL', 'full');
    const refused = journal.requests.once(ASKED, () => Promise.reject(full));
    await assert.rejects(refused, full);
    await journal.ask([{ id: 'a', status: 'published' }], ASKED, [{ id: 'a' }]);
    await journal.ask([{ id: 'b', status: 'published' }], { ...ASKED, digest: 'other' }, [{ id: 'b' }]);
    assert.equal(journal.runs, 2);
  });

  it('what is on disk is answered, also when there is no room to remember what was answered', async () => {
    const journal = new Journal();
    journal.full = true;
    journal.now.set('a', { id: 'a', status: 'queued' });
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await journal.ask([{ id: 'a', status: 'queued' }], ASKED, [{ id: 'a' }]), [
        { id: 'a', status: 'queued' },
      ]);
    }
    assert.equal(journal.runs, 1);
  });

  it('of a batch each answer is remembered, also of those that were never accepted', async () => {
    const journal = new Journal();
    const bad = new HoldfastError('TOPIC_FORBIDDEN', 'not there', { details: { a: 1 } });
    const answers: BatchAnswer[] = [{ id: 'a', status: 'published' }, bad, { id: 'c', status: 'queued' }, REFUSED];
    journal.now.set('a', answers[0]!).set('c', answers[2]!).set('d', REFUSED);
    await journal.ask(answers, ASKED, [{ id: 'a' }, keptAnswer(bad), { id: 'c' }, { id: 'd' }]);
    journal.now.set('c', { id: 'c', status: 'published' });
    const again = await journal.ask([]);
    assert.deepEqual(again, answers);
    assert.deepEqual((again[1] as HoldfastError).details, { a: 1 });
  });
});
