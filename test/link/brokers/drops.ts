/** The link was up, and ends. */
import { connect, connectAsync, type IClientOptions } from 'mqtt';
import type { GatewayProcess } from '../../support/gateway-process.js';
import { until } from '../../support/until.js';
import { LOGIN } from './ground.js';
import { dropped, loggedCause, type Finding, type Scene } from './scene.js';
import type { Situation } from './situation.js';

const TAKEOVERS_MAX = 6;

export const DROPS: Situation[] = [
  {
    name: 'another client uses the client id',
    cause: 'client-id-conflict',
    play: (scene) => contested(scene, false),
  },
  {
    name: 'the same, with clean sessions',
    cause: 'client-id-conflict',
    play: (scene) => contested(scene, true),
  },
  {
    name: 'an administrator ends the connection',
    cause: 'admin-kick',
    play: async (scene) => {
      if (!scene.site.kick) return undefined;
      const gateway = await scene.gateway({}, 'link');
      scene.site.kick(scene.clientId);
      return dropped(gateway);
    },
  },
  { name: 'the broker is stopped and started', cause: 'broker-shutdown', play: (scene) => restarted(scene, 'orderly') },
  { name: 'the broker is killed and started', cause: 'broker-shutdown', play: (scene) => restarted(scene, 'killed') },
  {
    name: 'the network resets the connection',
    cause: 'network',
    play: async (scene) => {
      const { gateway, proxy } = await scene.gatewayBehindProxy();
      proxy.reset();
      return dropped(gateway);
    },
  },
  {
    name: 'the network swallows everything',
    cause: 'keepalive-timeout',
    play: async (scene) => {
      const { gateway, proxy } = await scene.gatewayBehindProxy();
      proxy.blackhole();
      await isDown(gateway);
      proxy.reset();
      proxy.restore();
      return dropped(gateway);
    },
  },
  { name: 'the broker forgets the session', cause: 'session-lost', play: forgotten },
];

/** A client that comes back as often as it is sent away, as most do. */
async function contested(scene: Scene, clean: boolean): Promise<Finding> {
  const gateway = await scene.gateway({}, 'link');
  const rival = connect(urlOf(scene), { ...clientOptions(scene, clean), reconnectPeriod: 500, connectTimeout: 5_000 });
  rival.on('error', () => undefined);
  // Once it must not come back, also when it was about to.
  const leave = async (): Promise<void> => {
    rival.options.reconnectPeriod = 0;
    await rival.endAsync(true);
  };
  scene.later(leave);
  const count = (labels = {}): Promise<number> => gateway.metric('holdfast_link_drops_total', labels);
  await until(async () => (await count({ cause: 'client-id-conflict' })) > 0 || (await count()) >= TAKEOVERS_MAX, {
    timeoutMs: 60_000,
    what: () => `the rival to be named\n${gateway.report}`,
  });
  await leave();
  return dropped(gateway);
}

async function restarted(scene: Scene, how: 'orderly' | 'killed'): Promise<Finding> {
  const gateway = await scene.gateway({}, 'link');
  await scene.site.stop(how);
  const finding = await dropped(gateway);
  await scene.site.start();
  await isBack(gateway);
  return finding;
}

/** Somebody begins a new session under the gateway's client id while its line is down. */
async function forgotten(scene: Scene): Promise<Finding> {
  const { gateway, proxy } = await scene.gatewayBehindProxy();
  proxy.refuse = true;
  proxy.reset();
  await isDown(gateway);
  const other = await connectAsync(urlOf(scene), { ...clientOptions(scene, true), properties: {} });
  await other.endAsync();
  proxy.refuse = false;
  await isBack(gateway);
  const lost = await gateway.metric('holdfast_link_session_resumes_total', { result: 'lost' });
  const cause = lost === 1 ? loggedCause(gateway, /lost the session/) : undefined;
  return {
    happened: lost === 1 ? 'CONNACK without the session' : 'CONNACK with a session',
    cause,
    confidence: 'certain',
  };
}

function urlOf({ site }: Scene): string {
  return `mqtt://127.0.0.1:${site.port}`;
}

function clientOptions({ clientId, protocol }: Scene, clean: boolean): IClientOptions {
  const session = protocol === '5' ? { protocolVersion: 5 as const, properties: { sessionExpiryInterval: 600 } } : {};
  return { ...LOGIN, clientId, protocolVersion: 4, clean, reconnectPeriod: 0, ...session };
}

async function isDown(gateway: GatewayProcess): Promise<void> {
  const down = async (): Promise<boolean> => (await gateway.metric('holdfast_link_up')) === 0;
  await until(down, { what: () => `the link to be down\n${gateway.report}` });
}

/** Up, and subscribed as before. */
async function isBack(gateway: GatewayProcess): Promise<void> {
  await gateway.linkUp(60_000);
  await gateway.answered(1);
}
