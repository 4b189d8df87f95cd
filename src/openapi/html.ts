/** Text as HTML, so that nothing in it is markup. */
export function escaped(text: string): string {
  const entities: { [character: string]: string } = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => entities[character]!);
}

export function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

/** What of CommonMark descriptions use: `code`. */
export function prose(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

export function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((one) => `<p>${prose(one)}</p>`)
    .join('');
}
