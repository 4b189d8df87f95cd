/** What the running gateway says of its own link: it sees what the doctor, under another client id, cannot. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { request as secureRequest, type RequestOptions as SecureRequestOptions } from 'node:https';
import { reachable } from '../domain/address.js';
import type { LinkDrop, LinkStatus } from '../domain/link.js';
import type { HttpSettings } from '../domain/settings.js';
import type { Means } from './examination.js';
import { failed, ok, skipped, together, warning, type Verdict } from './row.js';
import { refusal, span } from './words.js';

/** What a gateway answered, or why there is no answer. `why` is a row of its own. */
export type GatewayAnswer = { status: LinkStatus } | { why: Verdict };

export const IN_USE_MEND =
  'Find the other client in the broker’s log or client list by its address; give each its own session.clientId.';
const RECENT_MS = 3_600_000;
/** So many drops without a word are no accident. */
const WORDLESS_DROPS = 3;
const ANSWER_CHARACTERS_MAX = 1_000_000;

/** GET /v1/link at the REST port of the configuration. */
export async function askGateway(http: HttpSettings, clientId: string, signal: AbortSignal): Promise<GatewayAnswer> {
  if (http.port === 0) return { why: skipped('http.port is 0, so nobody knows where the gateway would answer') };
  const { tls, auth } = http;
  const base = `${tls ? 'https' : 'http'}://${reachable(http.host)}:${http.port}`;
  if (tls?.clientCa !== undefined) {
    return {
      why: skipped(
        `${base} asks for a client certificate (http.tls.clientCaFile), and the doctor has none`,
        'Ask with one of your own: curl --cert --key …/v1/link.',
      ),
    };
  }
  const token = typeof auth === 'object' ? auth.tokens.find(({ scopes }) => scopes.includes('read')) : undefined;
  let response: Awaited<ReturnType<typeof get>>;
  try {
    response = await get(`${base}/v1/link`, { ...(token ? { token: token.token } : {}), tls, signal });
  } catch (error) {
    return { why: unheard(base, error as Error) };
  }
  const { text } = response;
  if (response.status === 401 || response.status === 403) {
    return {
      why: warning(
        `${base} answers ${response.status}: ${token ? `the token "${token.name}" is not taken` : 'no token of the configuration has the scope read'}`,
        'Give a token of http.auth the scope read; if there is one, another gateway or configuration runs here.',
      ),
    };
  }
  const status = linkStatus(text);
  if (status && clientId !== '' && status.clientId !== clientId) {
    return {
      why: warning(
        `the gateway at ${base} has the client id ${status.clientId}, not ${clientId}: it runs another configuration`,
        'Ask with the configuration it runs, or restart it with this one.',
      ),
    };
  }
  if (status) return { status };
  if (/"code":"NOT_FOUND"/.test(text)) return { why: skipped(`the gateway at ${base} has not started its link yet`) };
  return {
    why: warning(
      `what answers at ${base} is not a Holdfast gateway (HTTP ${response.status})`,
      'Another program has the port: change http.port, or stop it.',
    ),
  };
}

interface Asking {
  token?: string;
  tls: HttpSettings['tls'];
  signal: AbortSignal;
}

/** Over TLS only from who has the certificate of the configuration, whatever name it is for. */
async function get(url: string, { token, tls, signal }: Asking): Promise<{ status: number; text: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const options = { headers, signal, agent: false as const, timeout: 0 };
  const call = tls ? secureRequest(url, { ...options, ...pinned(tls.cert) }) : request(url, options);
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > ANSWER_CHARACTERS_MAX) break;
  }
  return { status: response.statusCode ?? 0, text };
}

function pinned(cert: string): SecureRequestOptions {
  const { raw } = new X509Certificate(cert);
  const checkServerIdentity = (_: string, shown: { raw: Buffer }): Error | undefined =>
    shown.raw.equals(raw) ? undefined : Object.assign(new Error('another certificate'), { code: 'ERR_TLS_OTHER' });
  return { ca: cert, allowPartialTrustChain: true, checkServerIdentity };
}

function unheard(base: string, error: Error): Verdict {
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  if (code === 'ECONNREFUSED') return skipped(`no gateway runs at ${base}`);
  if (error.name === 'AbortError' || error.name === 'TimeoutError') {
    return failed(
      `the gateway at ${base} takes the connection and does not answer`,
      'Its main thread stands still: see its log and /livez.',
    );
  }
  if (/CERT|TLS|SSL/.test(code)) {
    return warning(
      `what answers at ${base} does not show the certificate of http.tls.certFile (${code})`,
      'Renew the certificate if it has expired; restart the gateway if it runs without TLS; else another program has the port.',
    );
  }
  return skipped(`no gateway answers at ${base} (${code})`);
}

function linkStatus(text: string): LinkStatus | undefined {
  try {
    const { state, clientId, drops, denied, since } = JSON.parse(text) as Partial<LinkStatus>;
    const whole = typeof state === 'string' && typeof clientId === 'string' && typeof since === 'string';
    return whole && Array.isArray(drops) && typeof denied === 'object' ? (JSON.parse(text) as LinkStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** Pure: the row about the running gateway. */
export function judgeGateway(status: LinkStatus, nowMs: number): Verdict {
  const { state, clientId, url, protocol, since, drops, retryAt } = status;
  const newest = drops[0];
  const findings: Verdict[] = [];
  const next = retryAt === undefined ? '' : `, tries again in ${span(Date.parse(retryAt) - nowMs)}`;
  const standing = state === 'up' ? `up for ${span(nowMs - Date.parse(since))}` : `not up (${state}${next})`;
  const link = `link ${standing}, client id ${clientId}, MQTT ${protocol}, ${url}`;
  if (state === 'up') findings.push(ok(link));
  else findings.push(failed(link, newest?.mend ?? 'The rows below say why; else see its log.'));
  const denied = Object.entries(status.denied);
  if (denied.length > 0) {
    const names = denied.map(([name, code]) => `${name}: ${refusal(code)}${aside(status, name, nowMs)}`).join(', ');
    findings.push(failed(`denied to the gateway: ${names}`, 'Let its user subscribe to them at the broker.'));
  }
  // Gateways of before do not say it.
  const { unanswered = [] } = status as Partial<LinkStatus>;
  if (unanswered.length > 0) {
    const text = `the broker does not answer the SUBSCRIBE of: ${unanswered.join(', ')}`;
    findings.push(failed(text, 'Look at the broker’s log: it may be overloaded. The gateway asks again every minute.'));
  }
  const lately = drops.filter(({ at }) => nowMs - Date.parse(at) < RECENT_MS);
  if (lately.length > 0) {
    findings.push(warning(`last causes: ${causes(lately, nowMs)}`, state === 'up' ? newest!.mend : ''));
  } else if (newest) {
    findings.push(ok(`last cause: ${causes([newest], nowMs)}`));
  }
  return together(findings);
}

/** ` for another 9 min`. */
function aside({ setAside }: Partial<LinkStatus>, name: string, nowMs: number): string {
  const until = setAside?.[name];
  return until === undefined ? '' : ` for another ${span(Date.parse(until) - nowMs)} at most`;
}

/** `client-id-conflict (likely) 5×, the last 2 min ago`, newest cause first. */
function causes(drops: readonly LinkDrop[], nowMs: number): string {
  const byCause = Map.groupBy(drops, ({ cause }) => cause);
  const texts = [...byCause].slice(0, 3).map(([cause, those]) => {
    const { confidence, at } = those[0]!;
    const ago = `${span(nowMs - Date.parse(at))} ago`;
    const times = those.reduce((sum, { count = 1 }) => sum + count, 0);
    return `${cause} (${confidence}) ${times > 1 ? `${times}×, the last ${ago}` : ago}`;
  });
  return texts.join(', ');
}

/** Pure: whether somebody else uses the gateway's client id, as far as its last drops tell. */
export function judgeConflicts(
  { clientId, drops, state, since }: LinkStatus,
  nowMs: number,
  { takeover }: Means,
): Verdict {
  const conflicts = drops.filter(({ cause }) => cause === 'client-id-conflict');
  const newest = conflicts[0];
  if (!newest) {
    const wordless = drops.filter(
      ({ at, wasUp, confidence }) => wasUp && confidence === 'guess' && nowMs - Date.parse(at) < RECENT_MS,
    );
    if (wordless.length >= WORDLESS_DROPS) {
      return warning(
        `${wordless.length} drops of the last hour came without a word: a second client with the id ${clientId} looks just like this`,
        `Look for the id in the broker’s log or client list; or stop the gateway and ${takeover}.`,
      );
    }
    const held = state === 'up' ? `the gateway has held ${clientId} for ${span(nowMs - Date.parse(since))}; ` : '';
    return ok(`${held}${drops.length === 0 ? 'it has not dropped' : `no takeover among its drops (${drops.length})`}`);
  }
  const agoMs = nowMs - Date.parse(newest.at);
  const last = `the last ${span(agoMs)} ago (${newest.confidence})`;
  if (conflicts.every(({ confidence }) => confidence === 'guess')) {
    return warning(`${clientId} may be in use elsewhere: ${conflicts.length}× it looked like it, ${last}`, newest.mend);
  }
  const seen = `${clientId} is in use elsewhere: taken over ${conflicts.length}×, ${last}`;
  return agoMs < RECENT_MS ? failed(seen, IN_USE_MEND) : warning(seen, IN_USE_MEND);
}
