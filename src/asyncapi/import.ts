import { isAbsolute, resolve } from 'node:path';
import { stringify } from 'yaml';
import { fragmentOf, type Fragment } from './fragment.js';
import { isObject, own, textOf } from './json.js';
import { operationsOf2 } from './operations-2.js';
import { operationsOf3 } from './operations-3.js';
import type { Perspective } from './operations.js';
import { References } from './references.js';
import { readSource, type Source } from './source.js';
import { Warnings, type Warning } from './warnings.js';

/** The configuration that is written; not `gateway.yaml`, which is somebody's own. */
export const FRAGMENT_FILE = 'gateway.asyncapi.yaml';

export interface Imported {
  /** `Streetlights 1.0.0 (AsyncAPI 3.0.0)`. */
  title: string;
  fragment: Fragment;
  /** What is to be written, by its path from the output folder. The configuration comes last. */
  files: Map<string, string>;
  warnings: Warning[];
}

export interface ImportOptions {
  /** `application`: the gateway is the application that the document describes; `client`: it talks with it. */
  perspective: Perspective;
}

/** Reads a document and the files it refers to. Nothing is written or fetched. Never throws. */
export function importFile(file: string, options: ImportOptions): Imported | { fault: string } {
  const path = resolve(file);
  const source = readSource(path);
  return 'fault' in source ? source : importDocument(path, source.value, options);
}

/**
 * @param path of the document: files it refers to are below its folder
 * @param load how they are read
 */
export function importDocument(
  path: string,
  document: unknown,
  { perspective }: ImportOptions,
  load: (path: string) => Source = readSource,
): Imported | { fault: string } {
  if (!isObject(document)) return { fault: 'is not an AsyncAPI document' };
  const version = textOf(own(document, 'asyncapi'));
  if (version === undefined) return { fault: 'is not an AsyncAPI document: it has no asyncapi: VERSION' };
  const major = /^([23])\.\d/.exec(version)?.[1];
  if (major === undefined) return { fault: `is AsyncAPI ${version.slice(0, 20)}; 2.x and 3.x can be read` };
  const warnings = new Warnings();
  const references = new References(isAbsolute(path) ? path : resolve(path), document, load, warnings);
  const reading = { references, warnings, perspective };
  const operations = major === '2' ? operationsOf2(reading) : operationsOf3(reading);
  const { fragment, files } = fragmentOf(operations, reading);
  const info = references.at(references.root, 'info').value;
  const title = line(`${textOf(own(info, 'title')) ?? 'untitled'} ${textOf(own(info, 'version')) ?? ''}`.trim());
  files.set(FRAGMENT_FILE, fragmentText(title, fragment));
  return { title: `${title} (AsyncAPI ${line(version)})`, fragment, files, warnings: warnings.list() };
}

function fragmentText(title: string, { broker, subscriptions, contracts, publish }: Fragment): string {
  const parts = {
    broker,
    ...(subscriptions.length > 0 ? { subscriptions } : {}),
    ...(Object.keys(contracts).length > 0 ? { contracts } : {}),
    ...(publish.allow.length > 0 ? { publish: { allow: publish.allow, ...contractsOf(publish) } } : {}),
  };
  return `# Written by holdfast import asyncapi, from: ${title}
# Take it as it is, or copy what you need; holdfast check --config FILE names what does not fit.
${stringify(parts, { lineWidth: 0 })}`;
}

function contractsOf({ contracts }: Fragment['publish']): Partial<Fragment['publish']> {
  return contracts.length > 0 ? { contracts } : {};
}

function line(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 200);
}
