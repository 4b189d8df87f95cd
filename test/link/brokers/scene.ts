/** One gateway at one broker, and what it says of what happens to its link. */
import type { Cause, Diagnosis } from '../../../src/domain/cause.js';
import type { LinkDrop, LinkStatus } from '../../../src/domain/link.js';
import { gatewayConfig, type GatewayConfig } from '../../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../../support/gateway-process.js';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { CLIENT_ID_PREFIX, LOGIN, type Protocol, type Site } from './ground.js';

const WAIT_MS = 60_000;

export interface Finding {
  /** In few words, from the evidence. */
  happened: string;
  /** Undefined: the gateway noticed nothing. */
  cause: Cause | undefined;
  confidence?: Diagnosis['confidence'];
}

/** Everything it starts ends with {@link end}. */
export class Scene {
  readonly clientId: string;
  readonly #ends: (() => Promise<unknown>)[] = [];

  constructor(
    readonly site: Site,
    readonly protocol: Protocol,
    name: string,
  ) {
    this.clientId = `${CLIENT_ID_PREFIX}${name}`;
  }

  /** A gateway of the usual user; `until: 'link'` waits for its subscription too. */
  async gateway(over: GatewayConfig = {}, wanted: 'startup' | 'link' = 'startup'): Promise<GatewayProcess> {
    const { broker = {}, session = {}, ...rest } = over as { [section: string]: object };
    const reconnect = { initial: '50ms', max: '500ms', refused: '1s', conflict: '1s', banned: '1s' };
    const config = await gatewayConfig({
      broker: { url: `mqtt://127.0.0.1:${this.site.port}`, protocol: this.protocol, ...LOGIN, ...broker },
      session: { clientId: this.clientId, keepalive: '5s', reconnect, ...session },
      ...rest,
    });
    const gateway = await startGateway(config, { until: wanted });
    this.later(() => gateway.kill());
    if (wanted === 'link') await gateway.answered(1);
    return gateway;
  }

  /** One whose way to the broker can be made bad. */
  async gatewayBehindProxy(): Promise<{ gateway: GatewayProcess; proxy: TcpProxy }> {
    const proxy = await startProxy(this.site.port);
    this.later(() => proxy.stop());
    return { gateway: await this.gateway({ broker: { url: `mqtt://127.0.0.1:${proxy.port}` } }, 'link'), proxy };
  }

  later(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

/** How often connecting failed, with the last of it. */
export async function refused(gateway: GatewayProcess, times = 1): Promise<Finding> {
  const refusals = async (): Promise<LinkDrop[]> => (await gateway.link()).drops.filter(({ wasUp }) => !wasUp);
  const found = await until(
    async () => {
      const drops = await refusals();
      return drops.reduce((sum, { count = 1 }) => sum + count, 0) >= times ? drops : undefined;
    },
    { timeoutMs: WAIT_MS, what: () => `${times} refusals\n${gateway.report}` },
  );
  return findingOf(found[0]!);
}

/** The newest end of a link that was up, once what came afterwards is known. */
export async function dropped(gateway: GatewayProcess): Promise<Finding> {
  const settled = async (): Promise<LinkDrop | undefined> => {
    const { state, drops } = await gateway.link();
    const drop = drops.find(({ wasUp }) => wasUp);
    return drop && (state === 'up' || drops[0] !== drop) ? drop : undefined;
  };
  const drop = await until(settled, { timeoutMs: WAIT_MS, what: () => `the link to drop\n${gateway.report}` });
  return findingOf(drop);
}

/** Something the gateway is to notice that is no drop. */
export async function noticed(gateway: GatewayProcess, look: (link: LinkStatus) => boolean, what: string) {
  const found = async (): Promise<boolean> => look(await gateway.link());
  await until(found, { timeoutMs: WAIT_MS, what: () => `${what}\n${gateway.report}` });
}

/** The cause in the newest line of its log that says so. */
export function loggedCause(gateway: GatewayProcess, message: RegExp): Cause | undefined {
  return gateway.logs.findLast(({ msg }) => message.test(msg))?.['cause'] as Cause | undefined;
}

export function findingOf({ cause, confidence, evidence }: LinkDrop): Finding {
  return { happened: inWords(evidence), cause, confidence };
}

/** In the order of how much they say; groups are kept. */
const WORDS: [RegExp, (found: RegExpExecArray) => string][] = [
  [/\b(connack|disconnect|error) reason code 0x([0-9a-f]+)/, ([, where, code]) => `${where!.toUpperCase()} 0x${code!}`],
  [/Unexpected server response: (\d+)/, ([, status]) => `HTTP ${status!}`],
  [/ENOTFOUND|EAI_[A-Z]+/, () => 'does not resolve'],
  [/no subprotocol/, () => 'another subprotocol'],
  [/in a row.*with (the session kept|another session)/, ([, session]) => `closed 3 times, ${session!}`],
  [/TLS alert/, () => 'TLS alert'],
  [/(self-signed|ends at an authority|neither sent by the broker)/, () => 'certificate chain'],
  [/TLS handshake began/, () => 'hung up in the handshake'],
  [/socket hang up|upgrade.*ECONNRESET/, () => 'hung up in the upgrade'],
  [/(closed without a word|reset) in answer to a CONNECT/, () => 'hung up on CONNECT'],
  [/nobody took connections/, () => 'closed, then ECONNREFUSED'],
  [/pings were not answered/, () => 'no PINGRESP'],
  [/\bE[A-Z]{4,}\b/, ([code]) => code],
  [/closed without a word/, () => 'closed without a word'],
];

/** What the evidence says, without what differs from run to run. */
export function inWords(evidence: readonly string[]): string {
  const text = evidence.join('; ');
  for (const [pattern, words] of WORDS) {
    const found = pattern.exec(text);
    if (found) return words(found);
  }
  return text;
}
