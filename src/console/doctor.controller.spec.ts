import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, CallerRequest } from '../domain/caller.js';
import { DoctorController } from './doctor.controller.js';
import { Examiner } from './examiner.js';

/** Goes on until it is told to end, or interrupted. */
class Patient extends Examiner {
  override readonly allow = ['commands/#'];
  probed: readonly string[] | undefined;
  interrupted = false;
  readonly over = Promise.withResolvers<void>();

  override async examine(...[topics, tell, signal]: Parameters<Examiner['examine']>): Promise<void> {
    this.probed = topics;
    tell({ kind: 'begun', check: 'TLS' });
    signal.addEventListener('abort', () => {
      this.interrupted = true;
      this.over.resolve();
    });
    await this.over.promise;
  }
}

class Scene {
  readonly patient = new Patient();
  readonly controller = new DoctorController(this.patient);
  readonly raw = Object.assign(new EventEmitter(), {
    text: '',
    ended: false,
    writeHead: () => undefined,
    write: (text: string) => (this.raw.text += text),
    end: () => (this.raw.ended = true),
  });

  ask(body?: unknown, caller?: Caller): Promise<void> {
    const reply = { hijack: () => ({ raw: this.raw }) } as unknown as FastifyReply;
    return this.controller.examine(body, { caller } as unknown as FastifyRequest & CallerRequest, reply);
  }
}

describe('the doctor over REST', () => {
  it('tells as it goes on, one at a time', async () => {
    const scene = new Scene();
    const first = scene.ask();
    assert.equal(scene.raw.text, '{"kind":"begun","check":"TLS"}\n');
    await assert.rejects(scene.ask(), { code: 'DOCTOR_RUNNING' });
    scene.patient.over.resolve();
    await first;
    assert.deepEqual([scene.raw.ended, scene.patient.interrupted, scene.patient.probed], [true, false, []]);
    await scene.ask({});
  });

  it('ends when whoever asked has gone, or lost the token', async () => {
    const scene = new Scene();
    const first = scene.ask();
    scene.raw.emit('close');
    await first;
    assert.ok(scene.patient.interrupted);

    const other = new Scene();
    const revoke = new AbortController();
    const second = other.ask({}, { name: 'a', scopes: ['admin'], revoked: revoke.signal });
    revoke.abort();
    await second;
    assert.ok(other.patient.interrupted);
  });

  it('probes only what the caller may publish to', async () => {
    const scene = new Scene();
    const caller = {
      name: 'a',
      scopes: ['admin'],
      publish: ['commands/a'],
      revoked: new AbortController().signal,
    } as const;
    for (const topic of ['other', 'commands/b'])
      await assert.rejects(scene.ask({ probeTopics: [topic] }, caller), { code: 'TOPIC_FORBIDDEN' });
    scene.patient.over.resolve();
    await scene.ask({ probeTopics: ['commands/a', 'commands/a'] }, caller);
    assert.deepEqual(scene.patient.probed, ['commands/a']);
  });

  it('refuses what it does not know', async () => {
    const scene = new Scene();
    const many = Array<string>(11).fill('commands/a');
    for (const body of [
      [],
      'x',
      { takeover: true },
      { probeTopics: 'x' },
      { probeTopics: ['a/#'] },
      { probeTopics: [1] },
      { probeTopics: many },
    ])
      await assert.rejects(scene.ask(body), { code: 'REQUEST_INVALID' }, JSON.stringify(body));
    assert.equal(scene.patient.probed, undefined);
  });
});
