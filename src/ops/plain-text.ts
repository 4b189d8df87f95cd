/**
 * What a terminal would obey, a person would not see, or a tool would take for the end of a line: DEL, C1 (U+009B begins
 * a sequence as ESC does), line and paragraph separators, marks that turn the direction of writing.
 */
const UNSEEN = '\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069';
const IN_JSON = new RegExp(`[${UNSEEN}]`, 'g');
/** Every escape of JSON, so that none is taken for the end of another; or one of those that JSON leaves as they are. */
const IN_JSON_TO_SHOW = new RegExp(`\\\\(?:u[\\da-fA-F]{4}|.)|[${UNSEEN}]`, 'g');
/** JSON's escapes of characters that are to be shown as they are. */
const HARMLESS = /^\\(?:["\\/nt]|u(?!00[01]))/;

/** @param line JSON @returns the same value, as JSON that can be shown */
export function escaped(line: string): string {
  return line.replace(IN_JSON, codeOf);
}

/** @param line JSON @returns JSON of a value whose texts hold their control characters spelt out, but for line ends and tabs */
export function spelt(line: string): string {
  return line.replace(IN_JSON_TO_SHOW, (found) => {
    if (!found.startsWith('\\')) return `\\${codeOf(found)}`;
    return HARMLESS.test(found) ? found : `\\${found}`;
  });
}

function codeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
