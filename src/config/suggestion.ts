import leven from 'leven';

const DISTANCE_MAX = 2;

/** The known word that was most likely meant; undefined when none is near. Case, - and _ do not count. */
export function suggestion(word: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let nearestDistance = Math.min(DISTANCE_MAX, Math.floor(word.length / 2)) + 1;
  for (const candidate of known) {
    const distance = leven(plain(word.slice(0, 64)), plain(candidate.slice(0, 64)));
    if (distance < nearestDistance) [nearest, nearestDistance] = [candidate, distance];
  }
  return nearest;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}
