import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IsIn, IsInt, IsOptional, IsString, Length, Max } from 'class-validator';
import type { Operation } from '../domain/operation.js';
import { dto, object, optional, Says, Schema, text } from '../domain/schema.js';
import { describe as documentOf, type DescribedRoute, type Surface } from './document.js';
import { pageOf } from './page.js';

class Body {
  @Says('Its name.', { maxLength: 10 })
  @IsString()
  name!: string;

  @Says('How often.')
  @IsOptional()
  @IsInt()
  @Max(5)
  times = 1;

  @Says('Which.')
  @IsOptional()
  @IsIn(['a', 'b'])
  which?: 'a' | 'b';
}

class Odd {
  @IsString()
  @Length(1, 5)
  name!: string;
}

const CLOSED: Surface = { version: '1', tokens: true, clientCertificates: false, namesChecked: false, schemas: {} };
const thing = object<{ a: string; b?: string }>({ a: text, b: optional(text.says('Perhaps.')) }).named('Thing');

function route(operation: Partial<Operation> = {}, more: Partial<DescribedRoute> = {}): DescribedRoute {
  const own: Operation = {
    ...{ id: 'change', tag: 'gateway', summary: 'Changes `a` <thing> & more.' },
    path: { id: text },
    body: { schema: dto(Body) },
    answers: { 200: { description: 'Done.', content: { schema: thing } } },
    problems: ['NOT_FOUND'],
    ...operation,
  };
  return { method: 'PUT', url: '/v1/things/:id', access: 'admin', operation: own, ...more };
}

interface Described {
  paths: { [path: string]: { [method: string]: { responses: object; security: object[]; parameters: object[] } } };
  components: { schemas: { [name: string]: object }; securitySchemes: object };
}

function described(routes: DescribedRoute[], surface: Partial<Surface> = {}): Described {
  return documentOf(routes, { ...CLOSED, ...surface }) as unknown as Described;
}

function statuses(routes: DescribedRoute[], surface: Partial<Surface> = {}): string[] {
  const [methods] = Object.values(described(routes, surface).paths);
  return Object.keys(Object.values(methods!)[0]!.responses);
}

describe('the document', () => {
  it('has what the validators of a class demand', () => {
    const { schemas } = described([route()]).components;
    assert.deepEqual(schemas['Body'], {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Its name.', maxLength: 10 },
        times: { type: ['integer', 'null'], maximum: 5, description: 'How often.', default: 1 },
        which: { enum: ['a', 'b', null], description: 'Which.' },
      },
      required: ['name'],
      additionalProperties: false,
    });
    assert.deepEqual(schemas['Thing'], {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string', description: 'Perhaps.' } },
      required: ['a'],
    });
  });

  it('a rule that it cannot tell, or two schemas of one name, is a defect that is not passed over', () => {
    assert.throws(() => described([route({ body: { schema: dto(Odd) } })]), /isLength/);
    const other = new Schema<object>({ type: 'object' }).named('Thing');
    assert.throws(() => described([route({ body: { schema: other } })]), /two schemas are called Thing/);
  });

  it('says what this gateway asks for: a token, a certificate, a name, or nothing', () => {
    const security = (surface: Partial<Surface>, more = {}): object[] =>
      described([route({}, more)], surface).paths['/v1/things/{id}']!['put']!.security;
    assert.deepEqual(security({}), [{ bearer: ['admin'] }]);
    assert.deepEqual(security({ clientCertificates: true }), [{ bearer: ['admin'], mutualTLS: [] }]);
    assert.deepEqual(security({ tokens: false }), []);
    assert.deepEqual(security({}, { access: 'public' }), []);
    const schemes = described([route()], { clientCertificates: true }).components.securitySchemes;
    assert.deepEqual(Object.keys(schemes), ['bearer', 'mutualTLS']);
    const every = ['200', '400', '404', '408', '413', '415', '431', '500', '503'];
    assert.deepEqual(statuses([route()]), [...every, '401', '403', '429'].sort());
    assert.deepEqual(statuses([route()], { tokens: false }), [...every, '403'].sort());
    const get = route({ body: undefined }, { method: 'GET' });
    assert.deepEqual(statuses([get], { tokens: false, namesChecked: true }), [
      '200',
      '400',
      '403',
      '404',
      '408',
      '431',
      '500',
    ]);
  });

  it('what answers GET answers HEAD, without a body', () => {
    const { get, head } = described([route({ body: undefined }, { method: 'GET' })]).paths['/v1/things/{id}']!;
    assert.deepEqual(Object.keys(head!.responses), Object.keys(get!.responses));
    assert.doesNotMatch(JSON.stringify(head), /content/);
  });
});

describe('the page', () => {
  const page = pageOf(described([route(), route({ id: 'read', body: undefined }, { method: 'GET' })]));

  it('has no script, no style of its own and nothing from elsewhere, and shows text as text', () => {
    assert.doesNotMatch(page, /<script|<style|style=|\son\w+=|https?:\/\//);
    assert.match(page, /Changes <code>a<\/code> &lt;thing&gt; &amp; more\./);
  });

  it('every link leads somewhere, and every place has a name of its own', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
    assert.equal(new Set(ids).size, ids.length);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!);
    assert.ok(links.length > 10);
    assert.deepEqual(
      links.filter((id) => !ids.includes(id)),
      [],
    );
  });

  it('can be read aloud: a language, landmarks, a way past the contents, headings in order', () => {
    for (const part of ['<html lang="en">', '<nav aria-label=', '<main id="main">', 'href="#main"']) {
      assert.ok(page.includes(part), part);
    }
    const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level));
    assert.equal(levels.filter((level) => level === 1).length, 1);
    for (const [i, level] of levels.entries()) assert.ok(i === 0 || level <= levels[i - 1]! + 1, `h${level} at ${i}`);
  });
});
