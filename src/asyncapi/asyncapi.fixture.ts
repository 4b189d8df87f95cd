import assert from 'node:assert/strict';
import { importDocument, type Imported } from './import.js';
import type { Perspective } from './operations.js';
import type { Source } from './source.js';

export const DOCUMENT = '/documents/api/document.yaml';

/** Other files, by path; nothing else exists. */
export function imported(
  document: unknown,
  perspective: Perspective = 'application',
  files: { [path: string]: unknown } = {},
): Imported {
  const load = (path: string): Source => {
    return Object.hasOwn(files, path) ? { value: files[path] } : { fault: 'does not exist' };
  };
  const result = importDocument(DOCUMENT, document, { perspective }, load);
  assert.ok('fragment' in result, JSON.stringify(result));
  return result;
}

/** `place: message` of each. */
export function warningsOf({ warnings }: Imported): string[] {
  return warnings.map(({ place, message }) => `${place}: ${message}`);
}

/** The only schema that is written. */
export function onlySchema({ files }: Imported): unknown {
  const schemas = [...files].filter(([name]) => name.endsWith('.schema.json'));
  assert.equal(schemas.length, 1);
  return JSON.parse(schemas[0]![1]);
}

/** A 3.0 document whose application receives one message with this payload. */
export function receiving(payload: unknown, message: object = {}, components: object = {}): object {
  return {
    asyncapi: '3.0.0',
    info: { title: 'T', version: '1' },
    defaultContentType: 'application/json',
    channels: { readings: { address: 'devices/{deviceId}/readings', messages: { reading: { payload, ...message } } } },
    operations: { receiveReading: { action: 'receive', channel: { $ref: '#/channels/readings' } } },
    components,
  };
}
