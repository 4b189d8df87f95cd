/** The `curl` calls that a page shows, made as they stand there. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Between what two calls said: nothing that is answered here has it. */
const RECORD_SEPARATOR = '\x1e';

export interface Said {
  status: number;
  /** With `-i` after the head. */
  body: string;
}

/** The page's shell blocks that call something, in order. */
export function callsOf(page: string): string[] {
  const blocks = [...page.matchAll(/```sh\n([^`]+)```/g)].map(([, block]) => block!);
  return blocks.filter((block) => /^curl /m.test(block));
}

/**
 * Runs shell text whose calls all end by themselves.
 * @param places the ports here for the addresses that the page shows
 * @returns what each call was answered, in order
 */
export async function answersTo(calls: string, places: { [shown: string]: number }, cwd?: string): Promise<Said[]> {
  const told = `curl() { command curl -sS -w '${RECORD_SEPARATOR}%{http_code}${RECORD_SEPARATOR}' "$@"; }\n`;
  const { stdout } = await promisify(execFile)('sh', ['-c', told + moved(calls, places)], { cwd });
  const parts = stdout.split(RECORD_SEPARATOR).slice(0, -1);
  return parts.flatMap((body, i) => (i % 2 === 0 ? [{ body, status: Number(parts[i + 1]) }] : []));
}

/** Shell text with the addresses of here. */
export function moved(calls: string, places: { [shown: string]: number }): string {
  return Object.entries(places).reduce((text, [shown, port]) => text.replaceAll(shown, `127.0.0.1:${port}`), calls);
}

export function statusesOf(said: readonly Said[]): number[] {
  return said.map(({ status }) => status);
}
