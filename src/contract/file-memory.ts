/** What was read of the contracts' files: with it they can be loaded again just as they were, whatever the disk says now. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ContractFlaw } from './problem.js';

/** By question, such as `text /contracts/a.json`. Plain data, so that it can be sent to any thread. */
export type FileAnswers = ReadonlyMap<string, unknown>;

/** Every thread that checks has a copy, in a heap that is bounded. */
const BYTES_MAX = 32 * 2 ** 20;
/** Questions whose answer is what a file holds. */
const CONTENT = /^(text|bytes|module) (.*)$/s;

/**
 * Answers from memory what it was asked before, and asks the disk for the rest. A thread that is replaced because of one
 * record must come back with the contracts that are in force: a file that was changed meanwhile may be half written.
 */
export class FileMemory {
  /** Every path it was asked about, also in vain. */
  readonly looked = new Set<string>();
  readonly #answers: Map<string, unknown>;
  #bytes = 0;

  constructor(answers: FileAnswers = new Map()) {
    this.#answers = new Map(answers);
  }

  /** Empty answers are none: what is there is only known once everything was loaded. */
  get answers(): FileAnswers {
    return this.#answers;
  }

  /** @param what the kind of question: the same path may be asked about in several ways */
  ask<T>(what: string, path: string, disk: () => T): T {
    const question = `${what} ${path}`;
    this.looked.add(path);
    if (!this.#answers.has(question)) this.#keep(question, disk());
    return this.#answers.get(question) as T;
  }

  /** As {@link ask}, where the disk takes its time. */
  async asked<T>(what: string, path: string, disk: () => Promise<T>): Promise<T> {
    const question = `${what} ${path}`;
    this.looked.add(path);
    if (!this.#answers.has(question)) this.#keep(question, await disk());
    return this.#answers.get(question) as T;
  }

  #keep(question: string, answer: unknown): void {
    const content = contentOf(answer);
    this.#bytes += content?.length ?? 0;
    if (this.#bytes > BYTES_MAX) {
      throw new ContractFlaw(
        `the files of the contracts have more than ${BYTES_MAX} bytes together; make them smaller`,
      );
    }
    this.#answers.set(question, answer);
  }
}

/** The files whose content is not the same in both, each once. */
export function filesThatDiffer(before: FileAnswers, after: FileAnswers): string[] {
  const files = new Set<string>();
  for (const question of [...before.keys(), ...after.keys()]) {
    const path = pathOf(question);
    if (path !== undefined && !isDeepStrictEqual(plain(before.get(question)), plain(after.get(question))))
      files.add(path);
  }
  return [...files].sort();
}

/** Whether the disk would answer the same. Where folders were searched only loading again can tell: then false. */
export function stillOnDisk(answers: FileAnswers): boolean {
  for (const [question, answer] of answers) {
    if (question.startsWith(SEARCHED)) return false;
    const path = pathOf(question);
    if (path === undefined) continue;
    try {
      if (!readFileSync(path).equals(Buffer.from(contentOf(answer) ?? ''))) return false;
    } catch {
      return false;
    }
  }
  return true;
}

/** The kind of question that looks through a folder. */
export const SEARCHED = 'ids';

function pathOf(question: string): string | undefined {
  const [, what, path] = CONTENT.exec(question) ?? [];
  return what === 'module' && path!.startsWith('file:') ? fileURLToPath(path!) : path;
}

/** A module's answer has its text under `source`. */
function contentOf(answer: unknown): string | Uint8Array | undefined {
  const content = (answer as { source?: unknown } | undefined)?.source ?? answer;
  return typeof content === 'string' || content instanceof Uint8Array ? content : undefined;
}

/** What came from another thread is a Uint8Array where here it was a Buffer. */
function plain(answer: unknown): unknown {
  const content = contentOf(answer);
  return content === undefined ? answer : Buffer.from(content);
}
