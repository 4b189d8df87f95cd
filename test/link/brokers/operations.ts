/** The link is up, and the broker does not do what it is asked. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cause } from '../../../src/domain/cause.js';
import type { GatewayProcess } from '../../support/gateway-process.js';
import { until } from '../../support/until.js';
import { PACKET_BYTES_MAX } from './ground.js';
import { findingOf, loggedCause, noticed, type Finding, type Scene } from './scene.js';
import type { Situation } from './situation.js';

const CANARY_EVERY_MS = 1_000;
/** Long enough for a link that a probe costs again and again to show. */
const CANARY_WATCH_MS = 4_000;

export const OPERATIONS: Situation[] = [
  { name: 'a filter is denied', cause: 'subscribe-denied', play: filterDenied },
  { name: 'a publish is denied', cause: 'publish-denied', play: (scene) => published(scene, 'secret/x', 'x') },
  {
    name: 'a publish is too large',
    cause: 'packet-too-large',
    play: async (scene) =>
      scene.site.packetLimit ? published(scene, 'commands/x', 'x'.repeat(2 * PACKET_BYTES_MAX)) : undefined,
  },
  { name: 'messages do not come back', cause: 'canary-silent', play: (scene) => silent(scene, 'commands/canary') },
  { name: 'the canary may not be published', cause: 'canary-silent', play: (scene) => silent(scene, 'devices/canary') },
];

async function filterDenied(scene: Scene): Promise<Finding> {
  const gateway = await scene.gateway({
    subscriptions: [
      { name: 'denied', filter: 'secret/#' },
      { name: 'telemetry', filter: 'devices/+/telemetry' },
    ],
  });
  await noticed(
    gateway,
    ({ state, subscribed, denied }) =>
      state === 'up' && subscribed.includes('telemetry') && subscribed.length + Object.keys(denied).length === 2,
    'both filters to be answered, and the one that is allowed to be granted',
  );
  const { denied, drops } = await gateway.link();
  const drop = drops.find(({ wasUp }) => wasUp);
  if (drop) return { ...findingOf(drop), happened: 'hung up on SUBSCRIBE' };
  const code = denied['denied'];
  if (code === null) throw new Error(`set aside, and no drop was told\n${gateway.report}`);
  if (code === undefined) return { happened: 'granted, then withheld', cause: undefined };
  return {
    happened: `SUBACK 0x${code.toString(16)}`,
    cause: loggedCause(gateway, /subscription denied/),
    confidence: 'certain',
  };
}

/** What an app is told of a publish. Others must go out after it. */
async function published(scene: Scene, topic: string, payload: string): Promise<Finding> {
  const gateway = await scene.gateway({ publish: { allow: ['#'] } }, 'link');
  const { status, cause, reasonCode } = await settled(gateway, topic, payload);
  const after = await settled(gateway, 'commands/after', 'x');
  if (after.status !== 'published') throw new Error(`the publish after it: ${after.status}\n${gateway.report}`);
  if (status === 'published') return { happened: 'PUBACK as if taken', cause: undefined };
  const drops = (await gateway.link()).drops.filter(({ wasUp }) => wasUp);
  if (drops[0]) return { happened: 'hung up on PUBLISH', cause, confidence: drops[0].confidence };
  // The relay obeys the limit in CONNACK, and sends no such packet.
  const happened = cause === 'packet-too-large' ? 'limit in CONNACK' : `PUBACK 0x${(reasonCode ?? 0).toString(16)}`;
  return { happened, cause, confidence: 'certain' };
}

interface Published {
  status: string;
  cause?: Cause;
  reasonCode?: number;
}

/** How a publish ends, however often the link drops under it. */
async function settled(gateway: GatewayProcess, topic: string, payload: string): Promise<Published> {
  const answer = await gateway.post('/v1/publish', { topic, payload }, { prefer: 'respond-async' });
  const { id } = (await answer.json()) as { id: string };
  const ended = async (): Promise<Published | undefined> => {
    const publish = (await (await gateway.http(`/v1/publishes/${id}`)).json()) as Published;
    return publish.status === 'queued' ? undefined : publish;
  };
  return until(ended, { timeoutMs: 30_000, what: () => `the end of publish ${id}\n${gateway.report}` });
}

async function silent(scene: Scene, topic: string): Promise<Finding> {
  const session = { canary: { topic, every: `${CANARY_EVERY_MS}ms` } };
  const gateway = await scene.gateway({ session }, 'link');
  await noticed(gateway, ({ canary }) => canary?.silent === true, 'the canary to be missed');
  await sleep(CANARY_WATCH_MS);
  const before = (await gateway.link()).counters.connects;
  await sleep(CANARY_WATCH_MS);
  await until(async () => (await gateway.link()).state === 'up', { what: () => `the link\n${gateway.report}` });
  const { counters, drops } = await gateway.link();
  if (counters.connects > before) throw new Error(`the canary costs the link again and again\n${gateway.report}`);
  return {
    happened: drops.length > 0 ? 'hung up on it, and not again' : 'nothing comes',
    cause: loggedCause(gateway, /canary does not come/),
    confidence: 'certain',
  };
}
