const CHARACTERS_MAX = 256;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*"))*$`);
const ANY_JSON_TYPE = /^[^/]+\/(?:json|[^;\s]+\+json)(?:[ \t]*;.*)?$/i;
/** What JSON is called of which the publisher said nothing, and what was made JSON. */
export const JSON_TYPE = 'application/json';
/** What a publisher's content type is called that is no media type, or is absent. */
export const UNKNOWN_TYPE = 'application/octet-stream';

/** The publisher's media type when it is one: neither a header line nor an event is a place for anything else. */
export function declaredMediaType(contentType: string | undefined): string | undefined {
  if (contentType === undefined || contentType.length > CHARACTERS_MAX) return undefined;
  return MEDIA_TYPE.test(contentType) ? contentType : undefined;
}

/** `application/json`, `text/json`, `application/senml+json`, …, with parameters or without. */
export function isJsonType(mediaType: string): boolean {
  return ANY_JSON_TYPE.test(mediaType);
}
