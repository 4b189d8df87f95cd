import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface DialogParts {
  /** Id of the heading inside. */
  labelledBy: string;
  wide?: boolean;
  /** It was closed, also with the Escape key; may be told more than once. */
  closed: () => void;
  children: ComponentChildren;
}

/** A native dialog, open as long as it is there; what was focused before is focused again. */
export function Dialog({ labelledBy, wide, closed, children }: DialogParts) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before anything else can happen: a key that is pressed now is for the dialog.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // It belongs to the view that it was opened in.
    const close = (): void => element?.close();
    addEventListener('hashchange', close);
    return () => {
      removeEventListener('hashchange', close);
      close();
    };
  }, []);
  return (
    <dialog ref={dialog} class={wide === true ? 'wide' : ''} aria-labelledby={labelledBy} onClose={closed}>
      <article>{children}</article>
    </dialog>
  );
}
