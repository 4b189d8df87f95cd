/** Asks before something is done that cannot be taken back. */
import { signal } from '@preact/signals';
import { Dialog } from './dialog.js';

interface Question {
  /** What is going to be done, as a question. */
  what: string;
  /** What it means. */
  meaning: string;
  /** On the button that does it. */
  verb: string;
}

const asking = signal<(Question & { answer: (yes: boolean) => void }) | undefined>(undefined);

/** Resolves with whether to do it. */
export function sure(question: Question): Promise<boolean> {
  asking.value?.answer(false);
  return new Promise((resolve) => {
    const one = {
      ...question,
      answer: (yes: boolean): void => {
        if (asking.value === one) asking.value = undefined;
        resolve(yes);
      },
    };
    asking.value = one;
  });
}

export function Ask() {
  const question = asking.value;
  if (!question) return null;
  return (
    <Dialog key={question.what} labelledBy="ask" closed={() => question.answer(false)}>
      <h2 id="ask">{question.what}</h2>
      <p>{question.meaning}</p>
      <footer>
        <button type="button" class="secondary" onClick={() => question.answer(false)}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={() => question.answer(true)}>
          {question.verb}
        </button>
      </footer>
    </Dialog>
  );
}
