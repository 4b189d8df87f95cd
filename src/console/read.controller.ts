import { Controller, Get, Inject, Query, SetMetadata } from '@nestjs/common';
import { HoldfastError } from '../domain/errors.js';
import type { LinkStatus } from '../domain/link.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { GatewayView } from './gateway-view.js';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

interface QueryParameters {
  [name: string]: unknown;
}

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

  @Get('dead-letters')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  deadLetters(@Query() query: QueryParameters): Page<unknown> {
    const { after, limit } = pageOf(query, 'subscriber');
    const subscriber = query['subscriber'] as string | undefined;
    const found = this.view.deadLetters({ subscriber, afterNumber: after, limit: limit + 1 });
    return page(found, limit, ({ number }) => number);
  }

  @Get('rejections')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  rejections(@Query() query: QueryParameters): Page<unknown> {
    const { after, limit } = pageOf(query);
    return page(this.view.rejections({ after, limit: limit + 1 }), limit, ({ position }) => position);
  }
}

/** A filter that is not known, or is there twice, is refused: an answer without it would be taken for one with it. */
function pageOf(query: QueryParameters, ...filters: string[]): { after: number; limit: number } {
  const known = ['after', 'limit', ...filters];
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name)) throw invalid(name, `is not known here; there are ${known.join(', ')}`);
    if (typeof value !== 'string') throw invalid(name, 'must be there once');
  }
  return {
    after: wholeNumber(query, 'after', 0, Number.MAX_SAFE_INTEGER, 0),
    limit: wholeNumber(query, 'limit', 1, PAGE_MAX, PAGE_DEFAULT),
  };
}

function wholeNumber(query: QueryParameters, name: string, min: number, max: number, standard: number): number {
  const text = query[name];
  if (text === undefined) return standard;
  const value = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw invalid(name, `must be a whole number from ${min} to ${max}`);
}

function invalid(name: string, problem: string): HoldfastError {
  const errors = [{ pointer: `/${name}`, message: problem }];
  return new HoldfastError('REQUEST_INVALID', `${name} ${problem}`, { details: { errors } });
}

/** @param found one more than the page holds, when there is a next page */
function page<T>(found: T[], limit: number, next: (last: T) => number): Page<T> {
  const items = found.slice(0, limit);
  return found.length > limit ? { items, next: next(items.at(-1)!) } : { items };
}
