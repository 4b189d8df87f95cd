import { Controller, Get, Header, Inject, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { Schema, text } from '../domain/schema.js';
import { SCOPE_METADATA, type Access } from '../domain/scope.js';
import { PAGE_POLICY } from '../domain/security-headers.js';
import { STYLE } from './style.js';

/** What there is to read about REST. As bytes: anybody may ask for it, as often as they like, and all get the same ones. */
export abstract class ApiDescription {
  /** As an OpenAPI document. */
  abstract readonly document: Buffer;
  /** As an HTML page. */
  abstract readonly page: Buffer;
}

const openApi = new Schema<object>({ type: 'object', required: ['openapi', 'info', 'paths'] });

/** They hold nothing that is not in the manual: a browser, and whoever generates a client, needs no token for them. */
@Controller()
export class OpenApiController {
  constructor(@Inject(ApiDescription) private readonly api: ApiDescription) {}

  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  @SetMetadata(SCOPE_METADATA, 'public' satisfies Access)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getOpenApi',
    tag: 'gateway',
    summary: 'This document.',
    answers: { 200: { description: 'An OpenAPI 3.1 document.', content: { schema: openApi } } },
  } satisfies Operation)
  document(): Buffer {
    return this.api.document;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', PAGE_POLICY)
  @SetMetadata(SCOPE_METADATA, 'public' satisfies Access)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getDocs',
    tag: 'gateway',
    summary: 'This document as a page to read.',
    answers: { 200: { description: 'A page without scripts.', content: { media: 'text/html', schema: text } } },
  } satisfies Operation)
  page(): Buffer {
    return this.api.page;
  }

  @Get('docs/style.css')
  @Header('content-type', 'text/css; charset=utf-8')
  @SetMetadata(SCOPE_METADATA, 'public' satisfies Access)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getDocsStyle',
    tag: 'gateway',
    summary: 'How that page looks.',
    answers: { 200: { description: 'A style sheet.', content: { media: 'text/css', schema: text } } },
  } satisfies Operation)
  style(): string {
    return STYLE;
  }
}
