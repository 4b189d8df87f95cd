/** The document that a gateway serves, and whether an answer is what it says. */
import assert from 'node:assert/strict';
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Json } from './openapi-values.js';

const STREAM = 'text/event-stream';
const TIMEOUT_MS = 20_000;

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Json;
}

export interface Response {
  headers?: { [name: string]: { required?: boolean; schema: Json } };
  content?: { [media: string]: { schema: Json } };
}

export interface Operation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: { [media: string]: { schema: Json } } };
  responses: { [status: string]: Response & { $ref?: string } };
  security: { bearer?: string[] }[];
}

/** An operation, and where it is. */
export interface Target {
  path: string;
  method: string;
  operation: Operation;
}

export interface Document extends Json {
  paths: { [path: string]: { [method: string]: Operation } };
}

export interface Call {
  method: string;
  path: string;
  headers?: { [name: string]: string };
  body?: Buffer | undefined;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Calls a gateway as it is told to; a connection that is dropped is an error. */
export class Caller {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  constructor(private readonly port: number) {}

  /** Of a stream only the head is waited for. */
  call({ method, path, headers = {}, body }: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length = body ? { 'content-length': String(body.length) } : {};
      const options = { host: '127.0.0.1', port: this.port, method, path, agent: this.#agent, timeout: TIMEOUT_MS };
      const asking = request({ ...options, headers: { ...length, ...headers } }, (answer) => {
        const { statusCode: status = 0, headers: said } = answer;
        const told = (parts: Buffer[]): void => resolve({ status, headers: said, body: Buffer.concat(parts) });
        if (said['content-type'] === STREAM && method === 'GET') {
          told([]);
          return void asking.destroy();
        }
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part)).on('end', () => told(parts));
        answer.on('error', reject);
      });
      asking.on('timeout', () => asking.destroy(new Error('no answer in time')));
      asking.on('error', reject).end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export class Described {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: true });

  constructor(readonly document: Document) {
    addFormats.default(this.#ajv);
    // What is not described may not be there either.
    this.#ajv.addSchema(closed({ ...document, $id: 'document' }) as object);
  }

  /** Every operation. */
  get operations(): Target[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
  }

  resolve(reference: string): Json {
    const steps = reference.replace(/^#\//, '').split('/');
    return steps.reduce<unknown>((at, step) => (at as Json)[step], this.document) as Json;
  }

  /** @throws AssertionError when this answer is none of the operation's */
  check({ operation, path, method }: Target, answer: Answer): void {
    const { status, headers, body } = answer;
    const shown = `${method} ${path}: ${status} ${body.toString().slice(0, 300)}`;
    const at = operation.responses[String(status)];
    assert.ok(at, `${shown}\nthis status is not in the document`);
    const place = at.$ref ?? `#/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}`;
    const response = at.$ref === undefined ? at : (this.resolve(at.$ref) as Response);
    for (const [name, { required, schema }] of Object.entries(response.headers ?? {})) {
      const value = headers[name.toLowerCase()];
      assert.ok(value !== undefined || !required, `${shown}\nhas no ${name}`);
      if (value === undefined) continue;
      const fits = this.#ajv.compile({ $ref: `document${place}/headers/${escaped(name)}/schema` });
      assert.ok(
        fits(typed(String(value), schema)),
        `${shown}\n${name}: ${String(value)}\n${JSON.stringify(fits.errors)}`,
      );
    }
    if (method === 'HEAD') return assert.equal(body.length, 0, shown);
    if (status === 204) return assert.deepEqual([body.length, response.content], [0, undefined], shown);
    const media = headers['content-type']?.split(';')[0] ?? '';
    const known = Object.keys(response.content ?? {}).find((one) => one === media || one === '*/*');
    assert.ok(known !== undefined, `${shown}\n${media} is not in the document`);
    if (!media.endsWith('json') || known === '*/*') return;
    const validate = this.#ajv.compile({ $ref: `document${place}/content/${escaped(known)}/schema` });
    const texts = media.endsWith('ndjson') ? body.toString().trim().split('\n') : [body.toString()];
    for (const text of texts) assert.ok(validate(JSON.parse(text)), `${shown}\n${JSON.stringify(validate.errors)}`);
  }
}

/** What a header's text stands for, by its schema. */
function typed(text: string, { type }: Json): unknown {
  return type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text;
}

function escaped(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** With `additionalProperties: false` wherever members are described. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closed(one)]));
  const described = copy['type'] === 'object' && typeof copy['properties'] === 'object';
  return described && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy;
}
