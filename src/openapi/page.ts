import { ERRORS, type ErrorCode } from '../domain/errors.js';
import { code, escaped, paragraphs, prose } from './html.js';
import { field, membersOf, typeOf } from './schema-html.js';
import type { Json } from './schemas.js';

interface Operation {
  operationId: string;
  tags: [string];
  summary: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { description?: string; required: boolean; content: Contents };
  responses: { [status: string]: { $ref?: string; description: string; headers?: Json; content?: Contents } };
  security: { bearer?: string[] }[];
}

interface Parameter {
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  schema: Json;
}

interface Contents {
  [media: string]: { schema: Json };
}

interface Document {
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: { [path: string]: { [method: string]: Operation } };
  components: { schemas: { [name: string]: Json } };
}

interface Call {
  method: string;
  path: string;
  operation: Operation;
}

const PLACES: { readonly [where: string]: string } = { path: 'In the address', query: 'Query', header: 'Headers' };

/** An OpenAPI document of {@link describe} as one HTML page, without scripts. */
export function pageOf(described: object): string {
  const document = described as Document;
  const { info, tags, components } = document;
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== 'head')
      .map(([method, operation]): Call => ({ method, path, operation })),
  );
  const schemas = Object.entries(components.schemas);
  const problems = schemas.filter(([name]) => isCode(name)).sort(([one], [other]) => (one < other ? -1 : 1));
  const groups = tags.map((tag) => ({
    ...tag,
    calls: calls.filter(({ operation }) => operation.tags[0] === tag.name),
  }));
  const main = [
    `<h1>${escaped(info.title)} <span class="soft">${escaped(info.version)}</span></h1>`,
    paragraphs(info.description),
    '<p>For machines: <a href="openapi.json">openapi.json</a>. What answers GET answers HEAD.</p>',
    ...groups.map(groupHtml),
    section('schemas', 'Schemas', schemas.filter(([name]) => !isCode(name)).map(schemaHtml)),
    section('problems', 'Problems', problems.map(problemHtml)),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} REST</title>
<link rel="stylesheet" href="docs/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<div class="layout">
${navigation(groups)}
<main id="main">
${main.join('\n')}
</main>
</div>
</body>
</html>
`;
}

function navigation(groups: { name: string; calls: Call[] }[]): string {
  const items = groups.map(({ name, calls }) => {
    const links = calls.map(({ method, path, operation }) => {
      return `<li><a href="#${operation.operationId}">${methodHtml(method)} ${escaped(path)}</a></li>`;
    });
    return `<li><a href="#${anchorOf(name)}">${escaped(name)}</a><ul>${links.join('')}</ul></li>`;
  });
  const rest = ['schemas', 'problems'].map((name) => `<li><a href="#${name}">${name}</a></li>`);
  return `<nav aria-label="Contents"><ul>${[...items, ...rest].join('')}</ul></nav>`;
}

function groupHtml({ name, description, calls }: { name: string; description: string; calls: Call[] }): string {
  return section(anchorOf(name), name, [`<p class="soft">${prose(description)}</p>`, ...calls.map(callHtml)]);
}

function section(id: string, name: string, parts: string[]): string {
  return `<section aria-labelledby="${id}"><h2 id="${id}">${escaped(name)}</h2>${parts.join('\n')}</section>`;
}

function callHtml({ method, path, operation }: Call): string {
  const { operationId, summary, description, requestBody } = operation;
  const scope = operation.security[0]?.bearer?.[0];
  const parts = [
    `<h3>${methodHtml(method)} <a href="#${operationId}">${code(path)}</a></h3>`,
    `<p>${prose(summary)}</p>`,
    description ? paragraphs(description) : '',
    scope ? `<p class="scope">Needs a token with the scope ${code(scope)}.</p>` : '',
    ...Object.entries(PLACES).map(([where, name]) => parametersHtml(operation, where, name)),
    requestBody ? `<h4>Body</h4><dl>${contentsHtml(requestBody.content)}</dl>` : '',
    ...answersHtml(Object.entries(operation.responses)),
  ];
  return `<article class="item" id="${operationId}">${parts.join('')}</article>`;
}

function parametersHtml({ parameters = [] }: Operation, where: string, heading: string): string {
  const own = parameters.filter((parameter) => parameter.in === where);
  if (own.length === 0) return '';
  const fields = own.map(({ name, schema, required = false, description }) =>
    field(name, schema, required, description),
  );
  return `<h4>${heading}</h4><dl>${fields.join('')}</dl>`;
}

/** What can go wrong is folded: it is much the same everywhere. */
function answersHtml(responses: [string, Operation['responses'][string]][]): string[] {
  const [well, wrong] = [true, false].map((is) => responses.filter(([, { $ref }]) => ($ref === undefined) === is));
  const problems = wrong!.map(([status, { $ref = '' }]) => {
    const codes = $ref.slice('#/components/responses/'.length).split('.');
    const links = codes.map((one) => `<li><a href="#schema-${one}">${code(one)}</a></li>`);
    return `<div><dt>${code(status)}</dt><dd><ul class="codes">${links.join('')}</ul></dd></div>`;
  });
  return [
    `<h4>Answers</h4><dl>${well!.map(answerHtml).join('')}</dl>`,
    `<details><summary>Problems</summary><dl>${problems.join('')}</dl></details>`,
  ];
}

function answerHtml([status, response]: [string, Operation['responses'][string]]): string {
  const { description, content = {}, headers = {} } = response;
  const named = Object.entries(headers as { [name: string]: Omit<Parameter, 'name' | 'in'> });
  const list = named.map(([name, one]) => field(name, one.schema, one.required ?? false, one.description));
  const bodies = Object.entries(content).map(([media, { schema }]) => ` ${code(media)} ${typeOf(schema)}`);
  const rest = list.length > 0 ? `<dl>${list.join('')}</dl>` : '';
  const words = `<span class="type">${bodies.join('')}</span><p>${prose(description)}</p>`;
  return `<div><dt>${code(status)}</dt><dd>${words}${rest}</dd></div>`;
}

function contentsHtml(contents: Contents): string {
  const fields = Object.entries(contents).map(([media, { schema }]) => field(media, schema, false));
  return fields.join('');
}

function schemaHtml([name, schema]: [string, Json]): string {
  const { description } = schema;
  const heading = `<h3><a href="#schema-${name}">${code(name)}</a></h3>`;
  const words = typeof description === 'string' ? `<p>${prose(description)}</p>` : '';
  const members = membersOf(schema) || `<p class="type">${typeOf(schema)}</p>`;
  return `<article class="item" id="schema-${name}">${heading}${words}${members}</article>`;
}

/** What all problems have is said once, above. */
function problemHtml([name, schema]: [string, Json]): string {
  const { status, hint } = ERRORS[name as ErrorCode];
  const common = ['type', 'title', 'status', 'detail', 'code', 'hint'];
  const own = Object.entries(schema['properties'] as Json).filter(([member]) => !common.includes(member));
  const members = membersOf({ properties: Object.fromEntries(own), required: schema['required'] });
  const heading = `<h3><a href="#schema-${name}">${code(name)}</a> <span class="soft">${status}</span></h3>`;
  return `<article class="item" id="schema-${name}">${heading}<p>${prose(hint)}</p>${own.length > 0 ? members : ''}</article>`;
}

function isCode(name: string): boolean {
  return Object.hasOwn(ERRORS, name);
}

function methodHtml(method: string): string {
  return `<span class="method ${method}">${method.toUpperCase()}</span>`;
}

function anchorOf(name: string): string {
  return `tag-${name.replaceAll(' ', '-')}`;
}
