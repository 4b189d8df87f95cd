/** The link never comes up. */
import { connectAsync } from 'mqtt';
import { freePort } from '../../support/ports.js';
import { STRANGER } from './ground.js';
import { refused, type Finding, type Scene } from './scene.js';
import type { Situation } from './situation.js';

export const REFUSALS: Situation[] = [
  { name: 'its name is unknown', cause: 'dns', play: (scene) => refusedAt(scene, 'mqtt://nowhere.invalid') },
  {
    name: 'nobody listens',
    cause: 'broker-unreachable',
    play: async (scene) => refusedAt(scene, `mqtt://127.0.0.1:${await freePort()}`),
  },
  {
    name: 'the password is wrong',
    cause: 'bad-credentials',
    play: (scene) => refusedWith(scene, { broker: { password: 'wrong' } }),
  },
  {
    name: 'the user is not let in',
    cause: 'not-authorized',
    play: async (scene) => (scene.site.stranger ? refusedWith(scene, { broker: STRANGER }) : undefined),
  },
  {
    name: 'the client id is not allowed',
    cause: 'client-id-rejected',
    play: async (scene) =>
      scene.site.clientIds ? refusedWith(scene, { session: { clientId: 'another' } }) : undefined,
  },
  {
    name: 'MQTT 5 at a broker of 3.1.1',
    cause: 'protocol-version',
    play: spokenTooNew,
  },
  {
    name: 'one connection more than allowed',
    cause: 'quota-exceeded',
    play: oneTooMany,
  },
  {
    name: 'its certificate is not trusted',
    cause: 'tls',
    play: async (scene) => {
      const { tlsPort } = scene.site;
      return tlsPort === undefined ? undefined : refusedAt(scene, `mqtts://127.0.0.1:${tlsPort}`);
    },
  },
  {
    name: 'TLS to a port without it',
    cause: 'tls',
    play: (scene) => refusedAt(scene, `mqtts://127.0.0.1:${scene.site.port}`),
  },
  {
    name: 'no TLS to a port with it',
    cause: 'tls',
    play: async (scene) => {
      const { tlsPort } = scene.site;
      return tlsPort === undefined ? undefined : refusedAt(scene, `mqtt://127.0.0.1:${tlsPort}`);
    },
  },
  {
    name: 'the path of the WebSocket is wrong',
    cause: 'websocket-upgrade',
    play: async (scene) => (scene.site.wrongPath === undefined ? undefined : refusedAt(scene, scene.site.wrongPath)),
  },
  {
    name: 'WebSocket to a port without it',
    cause: 'websocket-upgrade',
    play: (scene) => refusedAt(scene, `ws://127.0.0.1:${scene.site.port}/mqtt`),
  },
];

/** Enough to tell a broker that is too old from one that is restarting. */
const SILENT_REFUSALS = 2;

async function refusedWith(scene: Scene, over: { [section: string]: object }, times = 1): Promise<Finding> {
  return refused(await scene.gateway(over), times);
}

function refusedAt(scene: Scene, url: string): Promise<Finding> {
  return refusedWith(scene, { broker: { url } }, SILENT_REFUSALS);
}

/** `auto` falls back; who insists on 5 is told. */
async function spokenTooNew(scene: Scene): Promise<Finding | undefined> {
  if (scene.protocol === '5') return undefined;
  const falling = await scene.gateway({ broker: { protocol: 'auto' } }, 'link');
  const { protocol } = await falling.link();
  if (protocol !== '3.1.1') return undefined;
  await falling.kill();
  return refusedWith(scene, { broker: { protocol: '5' } }, SILENT_REFUSALS);
}

async function oneTooMany(scene: Scene): Promise<Finding | undefined> {
  const crowd = await scene.site.crowded?.();
  if (!crowd) return undefined;
  scene.later(() => crowd.end());
  const url = `mqtt://127.0.0.1:${crowd.port}`;
  const protocolVersion = scene.protocol === '5' ? 5 : 4;
  const other = { ...crowd.login, clientId: `${scene.clientId}-first`, protocolVersion, reconnectPeriod: 0 } as const;
  const first = await connectAsync(url, other);
  scene.later(() => first.endAsync(true));
  return refusedWith(scene, { broker: { url, ...crowd.login } }, SILENT_REFUSALS);
}
