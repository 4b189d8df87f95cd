/** Plain data as YAML, to be read: as it would stand in the configuration file. */
import { visible } from './text.js';

const INDENT = '  ';
/** What needs no quotes, and is nothing else than text without them. */
const PLAIN = /^(?!(?:true|false|null|yes|no|on|off|~)$)[A-Za-z_$/][\w ./$@+-]*(?<! )$/i;

export function yaml(value: unknown): string {
  return lines(value, '').join('\n');
}

function lines(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      const [first = '', ...rest] = isNested(item) ? lines(item, indent + INDENT) : [indent + INDENT + scalar(item)];
      return [`${indent}- ${first.slice(indent.length + INDENT.length)}`, ...rest];
    });
  }
  return Object.entries(value as object).flatMap(([name, member]: [string, unknown]) => {
    const key = `${indent}${scalar(name)}:`;
    return isNested(member) ? [key, ...lines(member, indent + INDENT)] : [`${key} ${scalar(member)}`];
  });
}

/** Empty ones are written on the line of their key. */
function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function scalar(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? visible(value) : visible(JSON.stringify(value));
  if (Array.isArray(value)) return '[]';
  return JSON.stringify(value) ?? 'null';
}
