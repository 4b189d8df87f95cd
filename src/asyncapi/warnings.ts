export interface Warning {
  /** Where: `#/channels/a`, or `schemas/b.yaml#/c` in a file beside the document. */
  place: string;
  message: string;
}

/** More would bury those that matter. */
const WARNINGS_MAX = 200;
const TEXT_CHARACTERS_MAX = 400;

/** What could not be taken over, each once, in the order in which it was met. */
export class Warnings {
  readonly #found = new Map<string, Warning>();
  #more = 0;

  add({ place }: { place: string }, message: string): void {
    const warning = { place: shown(place), message: shown(message) };
    const key = `${warning.place} ${warning.message}`;
    if (this.#found.has(key)) return;
    if (this.#found.size >= WARNINGS_MAX) this.#more++;
    else this.#found.set(key, warning);
  }

  list(): Warning[] {
    const found = [...this.#found.values()];
    if (this.#more > 0) found.push({ place: '#', message: `and ${this.#more} more warnings` });
    return found;
  }
}

/** Whoever wrote the document does not get to write to the terminal. */
function shown(text: string): string {
  const clipped = text.length > TEXT_CHARACTERS_MAX ? `${text.slice(0, TEXT_CHARACTERS_MAX)}…` : text;
  return clipped.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
