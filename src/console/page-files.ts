/** The files of the page, as `src/console/app/bundle.mjs` left them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Beside the code; or, when that was compiled for tests, where the build puts it. */
const FOLDERS = ['page/', '../../../../dist/console/page/'].map((to) => fileURLToPath(new URL(to, import.meta.url)));

const TYPES: { readonly [ending: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};
/** The better one first. */
const CODINGS = [
  { coding: 'br', ending: '.br' },
  { coding: 'gzip', ending: '.gz' },
] as const;
export type Coding = (typeof CODINGS)[number]['coding'] | 'identity';

export interface PageFile {
  type: string;
  /** Its name changes with what is in it: it may be kept for ever. */
  hashed: boolean;
  /** The same bytes, compressed and not. */
  bodies: ReadonlyMap<Coding, Buffer>;
}

/** By name. Read once, so that no address ever leads to the disk. */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>;

  /** @param folders of which the first that has the page is taken; none has it: it was not built */
  constructor(folders: readonly string[] = FOLDERS) {
    const folder = folders.find((one) => existsSync(join(one, 'index.html')));
    const names = folder === undefined ? [] : readdirSync(folder);
    const plain = names.filter((name) => extname(name) in TYPES);
    this.#files = new Map(plain.map((name) => [name, fileOf(folder!, name, names)]));
  }

  get built(): boolean {
    return this.#files.size > 0;
  }

  get(name: string): PageFile | undefined {
    return this.#files.get(name);
  }
}

function fileOf(folder: string, name: string, names: string[]): PageFile {
  const packed = CODINGS.filter(({ ending }) => names.includes(name + ending)).map(
    ({ coding, ending }): [Coding, Buffer] => [coding, readFileSync(join(folder, name + ending))],
  );
  const bodies = new Map<Coding, Buffer>([...packed, ['identity', readFileSync(join(folder, name))]]);
  return { type: TYPES[extname(name)]!, hashed: /-[A-Z0-9]{8}\.\w+$/.test(name), bodies };
}

/** The best of a file's codings that `Accept-Encoding` has, and does not rule out with `q=0` [RFC 9110, 12.5.3]. */
export function codingFor({ bodies }: PageFile, accepted = ''): Coding {
  const weights = new Map(
    accepted.split(',').map((one): [string, number] => {
      const [coding = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((part) => part.startsWith('q='))?.slice(2);
      return [coding, weight === undefined ? 1 : Number(weight)];
    }),
  );
  return [...bodies.keys()].find((coding) => (weights.get(coding) ?? weights.get('*') ?? 0) > 0) ?? 'identity';
}
