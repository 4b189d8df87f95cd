/** The REST port: listens, takes up what may change while it does, and closes. */
import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp, type AppParts } from './app.module.js';
import { systemClock } from './domain/clock.js';
import { HoldfastError } from './domain/errors.js';
import type { HttpSettings } from './domain/settings.js';
import { Callers, type RestServer } from './rest/index.js';

export class Listening {
  private constructor(
    private readonly app: NestFastifyApplication,
    private readonly rest: RestServer,
    private readonly callers: Callers,
  ) {}

  /** @throws HoldfastError LISTEN_FAILED */
  static async open(http: HttpSettings, parts: Omit<AppParts, 'http' | 'callers'>): Promise<Listening> {
    const callers = new Callers(http.auth, systemClock);
    const { app, rest } = await createApp({ ...parts, http, callers });
    await app.listen(http.port, http.host).catch((error: Error) => {
      throw new HoldfastError('LISTEN_FAILED', `http: ${error.message}`, { cause: error });
    });
    return new Listening(app, rest, callers);
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  /** Tokens and certificates; anything else of the settings stays as it is. */
  replace({ auth, tls }: HttpSettings): void {
    if (typeof auth === 'object') this.callers.replace(auth.tokens);
    if (tls) this.rest.replaceTls(tls);
  }

  /** A request that never ends is cut off after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const cut = setTimeout(() => this.app.getHttpServer().closeAllConnections(), graceMs);
    await this.app.close();
    clearTimeout(cut);
  }
}
