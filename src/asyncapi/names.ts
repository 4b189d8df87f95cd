const CHARACTERS_MAX = 57;

/** Names for contracts and channels, each once. Letter case makes no difference: contracts are files, too. */
export class Names {
  readonly #taken = new Set(['constructor', '__proto__']);

  /** The first of the candidates that holds anything, as a name that is still free. */
  take(...candidates: (string | undefined)[]): string {
    const wanted = candidates.map((one) => plain(one ?? '')).find((one) => one !== '') ?? 'unnamed';
    let name = wanted;
    for (let i = 2; this.#taken.has(name.toLowerCase()); i++) name = `${wanted}-${i}`;
    this.#taken.add(name.toLowerCase());
    return name;
  }
}

function plain(text: string): string {
  const words = text
    .replace(/[{}]/g, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/-*\.-*/g, '.')
    .replace(/^[^A-Za-z0-9]+/, '');
  return words.slice(0, CHARACTERS_MAX).replace(/[^A-Za-z0-9]+$/, '');
}
