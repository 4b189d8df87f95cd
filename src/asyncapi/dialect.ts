/** Which JSON Schema a payload's schema is written in. */
export type Draft = 'draft-07' | '2019-09' | '2020-12';

/** `$schema` of each draft. */
export const DIALECTS: { readonly [draft in Draft]: string } = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
};

/** `schemaFormat` of each draft. */
export function schemaFormatOf(draft: Draft): string {
  return `application/schema+json;version=${draft}`;
}

/** The draft that `$schema` names; undefined for one that is none of ours. */
export function draftOfDialect(uri: unknown): Draft | undefined {
  const plain = typeof uri === 'string' ? uri.replace(/#$/, '').replace(/^http:/, 'https:') : undefined;
  const drafts = Object.keys(DIALECTS) as Draft[];
  return drafts.find((draft) => DIALECTS[draft].replace(/#$/, '').replace(/^http:/, 'https:') === plain);
}

/** What `schemaFormat` says. `as`: how it is read when it is not exactly one of ours; `fault`: it cannot be. */
export function draftOfFormat(schemaFormat: string | undefined): { draft: Draft; as?: string } | { fault: string } {
  // AsyncAPI's own schemas are a superset of draft-07.
  if (schemaFormat === undefined || /vnd\.(aai\.)?asyncapi/i.test(schemaFormat)) return { draft: 'draft-07' };
  if (/vnd\.oai\.openapi/i.test(schemaFormat)) return { draft: 'draft-07', as: schemaFormat };
  if (!/schema\+(json|yaml)/i.test(schemaFormat)) return { fault: schemaFormat };
  const version = /version=["']?([\w.-]+)/i.exec(schemaFormat)?.[1]?.replace(/^draft\/?(?=\d{4})/, '');
  if (version === '2019-09' || version === '2020-12' || version === 'draft-07') return { draft: version };
  return { draft: 'draft-07', as: schemaFormat };
}

/** Whether a schema is the text of a `.proto` file. */
export function isProtobuf(schemaFormat: string | undefined): boolean {
  return /vnd\.google\.protobuf/i.test(schemaFormat ?? '');
}
