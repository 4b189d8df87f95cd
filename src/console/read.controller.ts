import { Controller, Get, Inject, Query, SetMetadata } from '@nestjs/common';
import { HoldfastError } from '../domain/errors.js';
import type { LinkStatus } from '../domain/link.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { GatewayView, type SubscriberView } from './gateway-view.js';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

interface Page<T> {
  items: T[];
  /** Give it as `after` to get the next page; absent on the last one. */
  next?: number;
}

@Controller('v1')
export class ReadController {
  constructor(@Inject(GatewayView) private readonly view: GatewayView) {}

  @Get('link')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  async link(): Promise<LinkStatus> {
    const status = await this.view.link();
    if (!status) throw new HoldfastError('NOT_FOUND', 'the link has not started yet');
    return status;
  }

  @Get('subscribers')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  subscribers(): { items: SubscriberView[] } {
    return { items: this.view.subscribers() };
  }

  @Get('dead-letters')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  deadLetters(@Query() query: { [name: string]: unknown }): Page<unknown> {
    const { after, limit } = pageOf(query);
    const subscriber = typeof query['subscriber'] === 'string' ? query['subscriber'] : undefined;
    return page(this.view.deadLetters({ subscriber, afterNumber: after, limit }), limit, ({ number }) => number);
  }

  @Get('rejections')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  rejections(@Query() query: { [name: string]: unknown }): Page<unknown> {
    const { after, limit } = pageOf(query);
    return page(this.view.rejections({ after, limit }), limit, ({ position }) => position);
  }
}

function pageOf(query: { [name: string]: unknown }): { after: number; limit: number } {
  return {
    after: wholeNumber(query, 'after', 0, Number.MAX_SAFE_INTEGER, 0),
    limit: wholeNumber(query, 'limit', 1, PAGE_MAX, PAGE_DEFAULT),
  };
}

function wholeNumber(
  query: { [name: string]: unknown },
  name: string,
  min: number,
  max: number,
  standard: number,
): number {
  const text = query[name];
  if (text === undefined) return standard;
  const value = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const message = `${name} must be a whole number from ${min} to ${max}`;
  throw new HoldfastError('REQUEST_INVALID', message, { details: { errors: [{ pointer: `/${name}`, message }] } });
}

function page<T>(items: T[], limit: number, next: (last: T) => number): Page<T> {
  return items.length < limit ? { items } : { items, next: next(items.at(-1)!) };
}
