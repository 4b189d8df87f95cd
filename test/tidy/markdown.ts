/** What the tidy tests need to know of a Markdown text. */
export interface Link {
  target: string;
  /** 1 for the first. */
  line: number;
}

/** Inline links, images and reference definitions; not those inside code. */
export function linksOf(markdown: string): Link[] {
  return proseLines(markdown).flatMap(({ text, line }) => {
    const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
    const references = [...text.matchAll(/^\s*\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/g)];
    return [...inline, ...references].map((match) => ({ target: match[1]!, line }));
  });
}

/** Anchors of the headings, as GitHub makes them, and explicit ones. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const { text } of proseLines(markdown, false)) {
    for (const [, id] of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id!);
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    let unique = slug;
    for (let n = 1; anchors.has(unique); n++) unique = `${slug}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}

/** The first words in backticks of headings and table rows: what a reference page is about. */
export function entriesOf(markdown: string, pattern: RegExp): string[] {
  const starts = proseLines(markdown, false).map(({ text }) => /^\s*(?:#+|\|)\s*`([^`]+)`/.exec(text)?.[1]);
  return starts.filter((start): start is string => start !== undefined && pattern.test(start));
}

function slugOf(heading: string): string {
  const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return plain.replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-');
}

function proseLines(markdown: string, withoutCode = true): { text: string; line: number }[] {
  let fenced = false;
  return markdown.split('\n').flatMap((text, i) => {
    const fence = /^\s*(```|~~~)/.test(text);
    if (fence) fenced = !fenced;
    return fence || fenced ? [] : [{ text: withoutCode ? text.replace(/`[^`]*`/g, '') : text, line: i + 1 }];
  });
}
