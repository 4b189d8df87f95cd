/** Text that somebody else wrote, made harmless to look at: what is invisible, or turns writing around, is spelt out. */

/** C0, DEL, C1, soft hyphen, zero-width and bidirectional marks, line and paragraph separators, BOM, lone surrogates, tags. */
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

/** On one line. */
export function visible(text: string): string {
  return text.replace(HIDDEN, escaped);
}

/** With its line ends and tabs as they are. */
export function visibleLines(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(HIDDEN, (hidden) => {
    return hidden === '\n' || hidden === '\t' ? hidden : escaped(hidden);
  });
}

/** At most so many characters, with a mark where something is missing. */
export function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function escaped(hidden: string): string {
  return `\\u{${hidden.codePointAt(0)!.toString(16)}}`;
}
