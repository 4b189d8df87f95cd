import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { invalid } from '../domain/request-problem.js';
import { asHoldfastError, sendProblem } from './problem.js';
import { requestIdOf } from './request-id.js';

/** Where faults that are nobody's fault outside are told. */
export abstract class FaultLog {
  /** @param caller the token's name; null: there are no tokens, or the page is public */
  abstract fault(error: unknown, request: { requestId: string; caller: string | null }): void;
}

/** Every error leaves as `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(FaultLog) private readonly log: FaultLog) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const known = asHoldfastError(thrown);
    if (!known) {
      const { raw, caller } = host.switchToHttp().getRequest<FastifyRequest & CallerRequest>();
      this.log.fault(thrown, { requestId: requestIdOf(raw), caller: caller?.name ?? null });
    }
    const error = known ?? new HoldfastError('INTERNAL', 'something went wrong inside the gateway', { cause: thrown });
    sendProblem(error, host.switchToHttp().getResponse<FastifyReply>());
  }
}

/** What is refused before there is a route, such as an address that cannot be decoded: no filter sees it. */
export function refuseUnrouted(thrown: Error, _request: unknown, reply: FastifyReply): void {
  sendProblem(asHoldfastError(thrown) ?? invalid([{ pointer: '', message: thrown.message }]), reply);
}
