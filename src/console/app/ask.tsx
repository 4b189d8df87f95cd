/** Asks before something is done that cannot be taken back. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

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
    asking.value = {
      ...question,
      answer: (yes) => {
        asking.value = undefined;
        resolve(yes);
      },
    };
  });
}

export function Ask() {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asking.value;
  useEffect(() => {
    if (question) dialog.current?.showModal();
    else dialog.current?.close();
  }, [question]);
  return (
    <dialog ref={dialog} aria-labelledby="ask" onClose={() => asking.value?.answer(false)}>
      {question && (
        <article>
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
        </article>
      )}
    </dialog>
  );
}
