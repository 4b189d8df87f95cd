import { Controller, Get, Inject, Param, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HoldfastError } from '../domain/errors.js';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { text } from '../domain/schema.js';
import { SCOPE_METADATA, type Access } from '../domain/scope.js';
import { PAGE_POLICY } from '../domain/security-headers.js';
import { codingFor, PageFiles } from './page-files.js';

const FOR_EVER = 'public, max-age=31536000, immutable';

/** The page holds no data: whoever opens it gives it a token, or it shows nothing. */
@Controller('console')
export class PageController {
  constructor(@Inject(PageFiles) private readonly files: PageFiles) {}

  @Get()
  @SetMetadata(SCOPE_METADATA, 'public' satisfies Access)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getConsole',
    tag: 'gateway',
    summary: 'The console: a page for whoever operates the gateway.',
    description: 'It asks for a token where calls need one, and keeps it until the tab is closed.',
    answers: { 200: { description: 'A page with a script.', content: { media: 'text/html', schema: text } } },
    problems: ['CONSOLE_NOT_BUILT'],
  } satisfies Operation)
  page(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Buffer {
    if (!this.files.built) {
      throw new HoldfastError('CONSOLE_NOT_BUILT', 'the page of the console is not in this installation');
    }
    return this.#answer('index.html', request, reply);
  }

  @Get(':file')
  @SetMetadata(SCOPE_METADATA, 'public' satisfies Access)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getConsoleFile',
    tag: 'gateway',
    summary: 'What the console is made of.',
    path: { file: text.says('As the page names it.') },
    answers: { 200: { description: 'Script, style, icon or licences.', content: { media: '*/*', schema: text } } },
    problems: ['NOT_FOUND'],
  } satisfies Operation)
  file(
    @Param('file') name: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Buffer {
    return this.#answer(name, request, reply);
  }

  #answer(name: string, { headers }: FastifyRequest, reply: FastifyReply): Buffer {
    const file = this.files.get(name);
    if (!file) throw new HoldfastError('NOT_FOUND', 'nothing is at this address');
    const coding = codingFor(file, headers['accept-encoding']?.toString());
    void reply.headers({
      'content-type': file.type,
      'content-security-policy': PAGE_POLICY,
      vary: 'accept-encoding',
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
      ...(file.hashed ? { 'cache-control': FOR_EVER } : {}),
    });
    return file.bodies.get(coding)!;
  }
}
