import { EventPattern as NestEventPattern, MessagePattern as NestMessagePattern } from '@nestjs/microservices';

/**
 * What a handler may say of its subscriber, beside the pattern: the keys of `subscribers` in the configuration file,
 * as they are written there. What only a webhook has is refused.
 */
export interface HandlerExtras {
  /** Its identity: backlog and dead letters belong to it. Default `handler:<pattern>`. */
  id?: string;
  where?: object;
  startFrom?: string | number;
  /** `'json'`: the data is what the contract's format makes of the payload, whatever that is. */
  payload?: 'original' | 'json';
  ordering?: 'none' | 'topic' | 'key';
  /** With `ordering: 'key'`: JSON pointer into the payload. */
  key?: string;
  concurrency?: number;
  /** For a whole attempt, such as `'5s'`. */
  timeout?: string;
  rateLimit?: { perSecond: number };
  retry?: { schedule?: string[]; maxAge?: string };
  breaker?: { failures?: number; openFor?: string };
  maxBacklog?: { records?: number; bytes?: string };
}

type Decorate = (filter: string | readonly string[], extras?: HandlerExtras) => MethodDecorator;

/** Nest's own, with types that know the extras and let the handler take a `HoldfastContext`. */
export const EventPattern: Decorate = (filter, extras) => NestEventPattern([filter].flat(), extras);

/** Nest's own, with types that know the extras. */
export const MessagePattern: Decorate = (filter, extras) => NestMessagePattern([filter].flat(), extras);
