/** Requests as the OpenAPI document has them, and as it does not. */
import * as fc from 'fast-check';
import type { Call, Described, Parameter, Target } from './openapi-document.js';
import { spoilt, surprises, texts, Values } from './openapi-values.js';

interface Given {
  readonly [name: string]: unknown;
}

/** By the path before its first parameter, what that may be to lead to something, which no schema can know. */
export interface There {
  readonly [path: string]: readonly unknown[];
}

const TYPES = [
  ...['application/json', 'application/json', 'application/json; charset=utf-16', 'text/plain', 'application/xml'],
  ...['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'json', '', '*/*'],
];

export class Requests {
  readonly #values: Values;

  /** @param headers of every request @param address that a registered subscriber may have */
  constructor(
    described: Described,
    private readonly headers: { [name: string]: string },
    private readonly address: string,
    private readonly there: There,
  ) {
    this.#values = new Values((reference) => described.resolve(reference));
  }

  valid({ path, method, operation }: Target): fc.Arbitrary<Call> {
    const { parameters = [], requestBody } = operation;
    const [media, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
    const raw = media === '*/*';
    const bytes = fc.uint8Array({ maxLength: 100 }).map((some) => Buffer.from(some));
    const body = content && (raw ? bytes : this.#json(this.#values.of(content.schema)));
    const type = raw ? 'application/octet-stream' : 'application/json';
    return fc
      .record({
        inPath: this.#parameters(parameters, 'path', this.there[path.split('{')[0]!]),
        query: this.#parameters(parameters, 'query'),
        inHeader: this.#parameters(parameters, 'header'),
        body: body ?? fc.constant(undefined),
      })
      .map(({ inPath, query, inHeader, body: sent }) => ({
        method,
        path: addressOf(path, inPath, query),
        headers: { ...this.headers, ...(sent ? { 'content-type': type } : {}), ...headersOf(inHeader) },
        body: sent,
      }));
  }

  /** What the document does not have, most of it. */
  invalid({ path, method, operation }: Target): fc.Arbitrary<Call> {
    const { parameters = [], requestBody } = operation;
    const schema = Object.values(requestBody?.content ?? {})[0]?.schema ?? {};
    const value = this.#values.of(schema);
    const json = fc.oneof(this.#json(spoilt(value)), this.#json(surprises));
    const marked = fc.oneof(json, this.#json(value)).chain((body) => fc.constantFrom(...withMarks(body)));
    const unknown = fc.dictionary(fc.string({ minLength: 1, maxLength: 10 }), surprises, { maxKeys: 2 });
    const more = fc.tuple(this.#parameters(parameters, 'query'), unknown).map(([one, other]) => ({ ...one, ...other }));
    return fc
      .record({
        inPath: this.#parameters(parameters, 'path', 'junk'),
        query: fc.oneof(this.#parameters(parameters, 'query', 'junk'), more),
        inHeader: this.#parameters(parameters, 'header', 'junk'),
        body: fc.oneof(json, json, marked, texts, fc.constant(undefined)),
        type: fc.constantFrom(...TYPES),
      })
      .map(({ inPath, query, inHeader, body, type }) => ({
        method,
        path: addressOf(path, inPath, query),
        headers: { ...this.headers, ...(type ? { 'content-type': type } : {}), ...headersOf(inHeader) },
        body: method === 'GET' || method === 'HEAD' ? undefined : body,
      }));
  }

  /** @param there values that lead to something, half of all; `junk`: the schema says little of what they are */
  #parameters(
    parameters: Parameter[],
    where: Parameter['in'],
    there: There[string] | 'junk' = [],
  ): fc.Arbitrary<Given> {
    const junk = there === 'junk';
    const own = parameters.filter((parameter) => parameter.in === where);
    const of = ({ schema }: Parameter): fc.Arbitrary<unknown> => {
      const right = this.#values.of(schema);
      if (junk) return fc.oneof(surprises, right);
      return there.length > 0 ? fc.oneof(fc.constantFrom(...there), right) : right;
    };
    const model = Object.fromEntries(own.map((parameter) => [parameter.name, of(parameter)]));
    const required = own.filter((one) => one.required === true && (!junk || where === 'path')).map(({ name }) => name);
    return fc.record(model, { requiredKeys: required });
  }

  #json(value: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> {
    return value.map((one) => Buffer.from(JSON.stringify(this.#withAddress(one)) ?? 'null'));
  }

  /** Whatever a random host leads to must not be asked. */
  #withAddress(body: unknown): unknown {
    if (typeof body !== 'object' || body === null || !('url' in body) || typeof body.url !== 'string') return body;
    return { ...body, url: body.url.length % 3 > 0 ? this.address : 'http://127.0.0.1:1/' };
  }
}

/** With byte order marks: of UTF-8, of UTF-8 twice, of UTF-16. */
function withMarks(body: Buffer): Buffer[] {
  const mark = Buffer.from('\ufeff');
  const marked = Buffer.concat([mark, body]);
  return [marked, Buffer.concat([mark, marked]), Buffer.from(marked.toString(), 'utf16le')];
}

function addressOf(path: string, inPath: Given, query: Given): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encoded(inPath[name], 300) || '0');
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one: unknown) => `${encoded(name, 300)}=${encoded(one, 2_000)}`),
  );
  return pairs.length > 0 ? `${filled}?${pairs.join('&')}` : filled;
}

function headersOf(given: Given): { [name: string]: string } {
  const texts = Object.entries(given).map(([name, value]): [string, string] => {
    return [
      name,
      written(value)
        .replace(/[^\t\x20-\x7e]/g, '?')
        .slice(0, 500),
    ];
  });
  return Object.fromEntries(texts);
}

function encoded(value: unknown, charactersMax: number): string {
  return encodeURIComponent(written(value).slice(0, charactersMax).toWellFormed());
}

function written(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
