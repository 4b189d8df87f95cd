import { createHash, timingSafeEqual } from 'node:crypto';
import type { Caller } from '../domain/caller.js';
import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import { RateLimit } from '../domain/rate-limit.js';
import type { HttpSettings, TokenSettings } from '../domain/settings.js';

interface Known {
  readonly digest: Buffer;
  readonly caller: Caller;
  readonly revoke: AbortController;
  readonly perSecond: number | undefined;
  readonly limit: RateLimit | undefined;
}

/** Who may call: the tokens of `http.auth`, which may change while the gateway runs. */
export class Callers {
  #known: readonly Known[] | undefined;

  /** @param auth absent or `none`: everybody may call, and nobody knows who they are */
  constructor(
    auth: HttpSettings['auth'],
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {
    if (typeof auth === 'object') this.#known = auth.tokens.map((token) => this.#made(token));
  }

  /** Whether a call needs a token. */
  get needed(): boolean {
    return this.#known !== undefined;
  }

  /**
   * Every token is compared, each in constant time: the answer's delay says nothing of any of them.
   * @throws HoldfastError UNAUTHORIZED
   */
  identify(authorization: string | undefined): Caller {
    const known = this.find(authorization);
    if (known) return known;
    const given = tokenOf(authorization) !== undefined;
    throw new HoldfastError(
      'UNAUTHORIZED',
      given ? 'this bearer token is not known' : 'this call needs a bearer token',
    );
  }

  /** As {@link identify}; undefined: nobody who is known. */
  find(authorization: string | undefined): Caller | undefined {
    const given = this.#known && tokenOf(authorization);
    if (given === undefined) return undefined;
    const digest = digestOf(given);
    const [known] = this.#known!.filter((one) => timingSafeEqual(one.digest, digest));
    return known?.caller;
  }

  /** Counts a call of one that was {@link identify}ed. @throws HoldfastError TOO_MANY_REQUESTS */
  count(caller: Caller): void {
    const limit = this.#known?.find((one) => one.caller === caller)?.limit;
    if (!limit) return;
    const now = this.clock.monotonic();
    if (limit.allows(now)) return limit.take();
    const retryAfterSeconds = Math.ceil((limit.nextAt(now) - now) / 1_000);
    throw new HoldfastError(
      'TOO_MANY_REQUESTS',
      `the token "${caller.name}" calls more often than its rateLimit lets it`,
      {
        details: { retryAfterSeconds },
      },
    );
  }

  /**
   * Puts other tokens in place of those there are. Whoever has the same token, with the same scopes or more, goes on as
   * before; the `revoked` of all others is aborted.
   */
  replace(tokens: readonly TokenSettings[]): void {
    const before = this.#known ?? [];
    const known = tokens.map((token) => {
      const same = before.find((one) => goesOn(one, token));
      return this.#made(token, same);
    });
    this.#known = known;
    for (const { revoke } of before) if (!known.some((one) => one.revoke === revoke)) revoke.abort();
  }

  /** @param before the same token as it was: its calls go on being counted */
  #made({ name, token, scopes, publish, rateLimit }: TokenSettings, before?: Known): Known {
    const revoke = before?.revoke ?? new AbortController();
    const perSecond = rateLimit?.perSecond;
    const counted = before?.perSecond === perSecond ? before?.limit : undefined;
    return {
      digest: digestOf(token),
      caller: { name, scopes, ...(publish ? { publish } : {}), revoked: revoke.signal },
      revoke,
      perSecond,
      limit: counted ?? (perSecond === undefined ? undefined : new RateLimit(perSecond, this.clock.monotonic())),
    };
  }
}

function goesOn({ caller, digest }: Known, { name, token, scopes }: TokenSettings): boolean {
  return (
    caller.name === name && digest.equals(digestOf(token)) && caller.scopes.every((scope) => scopes.includes(scope))
  );
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function tokenOf(authorization = ''): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}
