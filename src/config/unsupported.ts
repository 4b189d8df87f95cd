/**
 * What the documented surface has and this version cannot do yet. Ignoring it would break a promise in
 * silence, so it is refused. `key`: the key itself; a list: those words as its value.
 */
export const UNSUPPORTED: { readonly [place: string]: 'key' | readonly string[] } = {};

export const UNSUPPORTED_MESSAGE = 'not supported yet by this version';
