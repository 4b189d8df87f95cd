import { Optional } from './field.js';
import { address, headerName, headerValue } from './format.js';
import { decimal, text } from './scalar.js';
import { map } from './shape.js';

export class TracingConfig {
  /** OTLP over HTTP: where traces go. Without a path, /v1/traces is added. Default: nowhere, and nothing is traced. */
  @Optional(address(['http', 'https'], 'http://localhost:4318', 'use headers'))
  endpoint?: string;

  /** Headers of each request to the collector, at most 32. Default: none. */
  @Optional(map(headerValue, 32, headerName(/^(content-.*|host|user-agent)$/i)))
  headers = new Map<string, string>();

  /** Share of records and publishes that are traced, 0 to 1. Default 1: all. */
  @Optional(decimal(0, 1))
  sample = 1;

  /** What the gateway is called there. Default holdfast. */
  @Optional(text({ max: 255, mend: 'Write a name, such as holdfast.' }))
  service = 'holdfast';
}
