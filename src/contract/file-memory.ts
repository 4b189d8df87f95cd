/** What was read of the contracts' files: with it they can be loaded again just as they were, whatever the disk says now. */
import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ContractFlaw } from './problem.js';

/** Plain data, so that it can be sent to any thread. */
export interface FilesRead {
  /** By question, such as `text /contracts/a.json`. */
  answers: ReadonlyMap<string, unknown>;
  /** Every path that was looked at, also in vain. */
  looked: ReadonlySet<string>;
}

/** Every thread that checks has a copy, in a heap that is bounded. */
const BYTES_MAX = 32 * 2 ** 20;
/** Questions whose answer is what a file holds. */
const CONTENT = /^(text|bytes|module) (.*)$/s;

/**
 * Answers from memory what it was asked before, and asks the disk for the rest. A thread that is replaced because of one
 * record must come back with the contracts that are in force: a file that was changed meanwhile may be half written.
 */
export class FileMemory {
  /** Every path that was looked at, also in vain. */
  readonly looked: Set<string>;
  readonly #answers: Map<string, unknown>;
  #bytes = 0;

  /** @param own of contracts, by name, that go by other files: what was read for them when they came */
  constructor(
    { answers, looked }: FilesRead = { answers: new Map(), looked: new Set() },
    private readonly own: ReadonlyMap<string, FilesRead> = new Map(),
  ) {
    this.#answers = new Map(answers);
    this.looked = new Set(looked);
  }

  /** Where the files of a contract are. */
  of(contract: string): FileMemory {
    const own = this.own.get(contract);
    return own ? new FileMemory(own) : this;
  }

  get read(): FilesRead {
    return { answers: this.#answers, looked: this.looked };
  }

  /**
   * @param what the kind of question: the same path may be asked about in several ways
   * @param path or a `file:` URL; anything else is a question that no single file answers
   */
  ask<T>(what: string, path: string, disk: () => T): T {
    const question = `${what} ${path}`;
    this.#look(path);
    if (!this.#answers.has(question)) this.#keep(question, disk());
    return this.#answers.get(question) as T;
  }

  /** As {@link ask}, where the disk takes its time. */
  async asked<T>(what: string, path: string, disk: () => Promise<T>): Promise<T> {
    const question = `${what} ${path}`;
    this.#look(path);
    if (!this.#answers.has(question)) this.#keep(question, await disk());
    return this.#answers.get(question) as T;
  }

  #look(path: string): void {
    const file = path.startsWith('file:') ? fileURLToPath(path) : path;
    if (isAbsolute(file)) this.looked.add(file);
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
export function filesThatDiffer({ answers: before }: FilesRead, { answers: after }: FilesRead): string[] {
  const files = new Set<string>();
  for (const question of [...before.keys(), ...after.keys()]) {
    const path = pathOf(question);
    if (path !== undefined && !isDeepStrictEqual(plain(before.get(question)), plain(after.get(question))))
      files.add(path);
  }
  return [...files].sort();
}

/** Whether the disk would answer the same. Where folders were searched only loading again can tell: then false. */
export function stillOnDisk({ answers }: FilesRead): boolean {
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
