import { Controller, Get, Inject, Query, Req, SetMetadata } from '@nestjs/common';
import type { CallerRequest } from '../domain/caller.js';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { invalid } from '../domain/request-problem.js';
import { words } from '../domain/schema.js';
import { SCOPE_METADATA, type Access, type Scope } from '../domain/scope.js';
import { GatewayView } from './gateway-view.js';
import { SPANS, type Span } from './rates.js';
import type { Activity, CallerFacts, Rates, Status } from './shown/types.js';
import { activity, caller, rates, status } from './status-schema.js';

const EVERYTHING: CallerFacts = { name: null, scopes: ['publish', 'read', 'admin'] };

@Controller('v1')
export class StatusController {
  constructor(@Inject(GatewayView) private readonly view: GatewayView) {}

  @Get('status')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getStatus',
    tag: 'gateway',
    summary: 'How the gateway is: what is wrong, since when, why, and what to do.',
    description:
      'Answered within about a second, also while a thread stands still: of that one it has the last that it said, and `asOf`.',
    answers: { 200: { description: 'How it is.', content: { schema: status } } },
  } satisfies Operation)
  status(): Promise<Status> {
    return this.view.status();
  }

  @Get('rates')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getRates',
    tag: 'gateway',
    summary: 'What happened in the last hour or day, step by step.',
    description:
      'As many steps as there were since the start, at most the span: of 5 seconds in `1h`, of a minute in `24h`.',
    query: { span: { schema: words(...SPANS).says('Default `1h`.') } },
    answers: { 200: { description: 'Columns of equal length.', content: { schema: rates } } },
  } satisfies Operation)
  rates(@Query() query: { [name: string]: unknown }): Rates {
    const { span = '1h', ...others } = query;
    const unknown = Object.keys(others).map((name) => ({
      pointer: `/${name}`,
      message: 'is no parameter of this call',
    }));
    const known = SPANS.includes(span as Span);
    const problems = known ? unknown : [{ pointer: '/span', message: 'must be 1h or 24h' }, ...unknown];
    if (problems.length > 0) throw invalid(problems);
    return this.view.rates(span as Span);
  }

  @Get('activity')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getActivity',
    tag: 'subscribers',
    summary: 'What became of attempts of late, by subscriber.',
    description: 'Beside what `GET /v1/subscribers` says of each. Counted since the start, and not over a restart.',
    answers: { 200: { description: 'Every subscriber.', content: { schema: activity } } },
  } satisfies Operation)
  activity(): Promise<Activity> {
    return this.view.activity();
  }

  @Get('caller')
  @SetMetadata(SCOPE_METADATA, 'any' satisfies Access)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getCaller',
    tag: 'gateway',
    summary: 'Who calls, and what the token lets it do.',
    answers: { 200: { description: 'The token’s name and scopes.', content: { schema: caller } } },
  } satisfies Operation)
  caller(@Req() { caller: known }: CallerRequest): CallerFacts {
    if (!known) return EVERYTHING;
    const { name, scopes, publish } = known;
    return { name, scopes: [...scopes], ...(publish ? { publish: [...publish] } : {}) };
  }
}
