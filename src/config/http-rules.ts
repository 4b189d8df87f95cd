import { ERRORS } from '../domain/errors.js';
import type { HttpSettings } from '../domain/settings.js';
import type { GatewayConfig } from './gateway.config.js';
import type { AuthConfig, HttpConfig } from './http.config.js';
import type { Report } from './problem.js';
import { durationMs } from './quantity.js';
import type { Surroundings } from './reference.js';
import { checkListenerTls } from './tls-rules.js';

/** Shorter ones can be guessed or tried. */
const TOKEN_CHARACTERS_GOOD = 16;
const WILDCARDS = new Set(['0.0.0.0', '::']);

/** What must fit together where we listen. @returns the PEM texts */
export function checkListening(
  { http, ops }: GatewayConfig,
  report: Report,
  surroundings: Surroundings,
): HttpSettings['tls'] {
  const sound = ['http', 'ops'].every((part) => report.clean([part, 'host']) && report.clean([part, 'port']));
  const sameHost = http.host === ops.host || WILDCARDS.has(http.host) || WILDCARDS.has(ops.host);
  if (sameHost && http.port === ops.port && http.port !== 0 && sound) {
    report.problem(['ops', 'port'], 'is the same as http.port', 'Give each a port of its own.');
  }
  if (http.auth === undefined && report.clean(['http', 'auth']) && report.clean(['http', 'host'])) {
    if (!isLoopback(http.host)) {
      report.problem(['http', 'host'], 'is not loopback, and http.auth is missing', ERRORS.HTTP_EXPOSED.hint);
    }
  }
  if (typeof http.auth === 'object' && Array.isArray(http.auth.tokens)) checkTokens(http.auth, report);
  checkTimes(http, report);
  return http.tls && checkListenerTls(http.tls, ['http', 'tls'], report, surroundings);
}

function checkTimes({ limits }: HttpConfig, report: Report): void {
  const path = ['http', 'limits', 'requestTimeout'];
  if (!report.clean(path) || !report.clean(['http', 'limits', 'headersTimeout'])) return;
  if (durationMs(limits.requestTimeout)! >= durationMs(limits.headersTimeout)!) return;
  report.problem(path, 'is shorter than headersTimeout, which is a part of it', 'Raise it, or lower headersTimeout.');
}

function checkTokens({ tokens }: AuthConfig, report: Report): void {
  const seen = { name: new Set<string>(), token: new Set<string>() };
  for (const [index, token] of (tokens as (AuthConfig['tokens'][number] | undefined)[]).entries()) {
    if (token === undefined) continue;
    for (const key of ['name', 'token'] as const) {
      const path = ['http', 'auth', 'tokens', index, key];
      if (!report.clean(path)) continue;
      if (seen[key].has(token[key])) report.problem(path, 'is the same as an earlier one', 'Give each one its own.');
      seen[key].add(token[key]);
    }
    const path = ['http', 'auth', 'tokens', index, 'token'];
    if (report.clean(path) && token.token.length < TOKEN_CHARACTERS_GOOD) {
      report.warning(path, `is shorter than ${TOKEN_CHARACTERS_GOOD} characters`, 'Make one: openssl rand -hex 32');
    }
    const filters = ['http', 'auth', 'tokens', index, 'publish'];
    if (token.publish && Array.isArray(token.scopes) && !token.scopes.includes('publish') && report.clean(filters)) {
      report.warning(filters, 'has no effect: scopes does not have publish', 'Add the scope, or remove it.');
    }
  }
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}
