import { spawnSync } from 'node:child_process';
import { Authority } from '../../support/certificates.js';
import { startNats } from '../../support/nats.js';
import { findProgram } from '../../support/needs.js';
import { ALLOWED, LOGIN, PACKET_BYTES_MAX, signalOf, STRANGER, type Ground } from './ground.js';

export const nats: Ground = {
  name: 'NATS',
  needs: ['nats-server', 'openssl'],
  protocols: ['3.1.1'],
  version: () => /v?(\d\S+)/.exec(spawnSync(findProgram('nats-server')!, ['--version']).stdout.toString())![1]!,
  start: async () => {
    const gateway = { password: LOGIN.password, ...ALLOWED };
    const users = { [LOGIN.username]: gateway, [STRANGER.username]: { ...gateway, mqtt: false } };
    const broker = await startNats({ users, maxPayloadBytes: PACKET_BYTES_MAX });
    const secure = await startNats({ users, tls: new Authority().server() });
    return {
      port: broker.ports.mqtt,
      tlsPort: secure.ports.mqtt,
      wrongPath: `ws://127.0.0.1:${broker.ports.ws}/`,
      stranger: true,
      packetLimit: true,
      crowded: async () => {
        const small = await startNats({ users, maxConnections: 1 });
        return { port: small.ports.mqtt, login: LOGIN, end: () => small.stop('SIGKILL') };
      },
      stop: (how) => broker.stop(signalOf(how)),
      start: () => broker.start(),
      end: () => Promise.all([broker.stop('SIGKILL'), secure.stop('SIGKILL')]),
      log: () => broker.log,
    };
  },
};
