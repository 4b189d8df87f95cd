import { readFileSync } from 'node:fs';

/** As in package.json, which is one folder above the compiled code (two in the tests' build). */
export const VERSION = readVersion(['../package.json', '../../../package.json']);

function readVersion(places: readonly string[]): string {
  for (const place of places) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as {
        name: string;
        version: string;
      };
      if (name === 'holdfast') return version;
    } catch {
      // Not there: the next place.
    }
  }
  return '0.0.0';
}
