import { opsAddress } from '../config/index.js';
import { reachable } from '../domain/address.js';

/** Asks the gateway that runs with this file for `/livez`. @returns the exit code: 0 it is alive, 1 it is not */
export async function health(file: string, limitMs: number): Promise<number> {
  const { host, port } = opsAddress(file, process.env);
  if (port === 0) return fail(`${file}: with ops.port 0 nobody can know where to ask`);
  const url = `http://${reachable(host)}:${port}/livez`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
    const text = await response.text();
    if (!response.ok) return fail(`${url} answers ${response.status}: ${text}`);
    process.stdout.write(text);
    return 0;
  } catch (error) {
    const { cause, message } = error as Error;
    return fail(`${url}: ${cause instanceof Error ? cause.message : message}`);
  }
}

function fail(why: string): number {
  process.stderr.write(`holdfast: ${why.trimEnd()}\n`);
  return 1;
}
