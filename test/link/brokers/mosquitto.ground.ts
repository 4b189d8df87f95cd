import { spawnSync } from 'node:child_process';
import { Authority } from '../../support/certificates.js';
import { dynamicSecurity, kickUser } from '../../support/dynamic-security.js';
import { startMosquitto, type MosquittoOptions } from '../../support/mosquitto.js';
import { findProgram } from '../../support/needs.js';
import { freePorts } from '../../support/ports.js';
import {
  ALLOWED,
  CLIENT_ID_PREFIX,
  LOGIN,
  PACKET_BYTES_MAX,
  signalOf,
  STRANGER,
  type Ground,
  type Site,
} from './ground.js';

export const mosquittoAclFile: Ground = {
  name: 'Mosquitto, acl_file',
  needs: ['mosquitto', 'openssl'],
  protocols: ['5', '3.1.1'],
  version,
  start: async () => {
    const { read, write } = ALLOWED;
    const topics = [...read.map((filter) => `topic read ${filter}`), ...write.map((filter) => `topic write ${filter}`)];
    const lines = [`clientid_prefixes ${CLIENT_ID_PREFIX}`];
    const acl = [`user ${LOGIN.username}`, ...topics];
    return { ...(await start({ passwords: { [LOGIN.username]: LOGIN.password }, acl, lines })), clientIds: true };
  },
};

export const mosquittoDynamicSecurity: Ground = {
  name: 'Mosquitto, dynamic security',
  needs: ['mosquitto', 'openssl'],
  protocols: ['5', '3.1.1'],
  version,
  start: async () => {
    const gateway = { password: LOGIN.password, ...ALLOWED };
    const users = { [LOGIN.username]: gateway, [STRANGER.username]: { ...gateway, disabled: true } };
    const site = await start({ lines: dynamicSecurity(users) });
    return { ...site, stranger: true, kick: () => kickUser(site.port, LOGIN.username, LOGIN.password) };
  },
};

/** Sessions are kept over an orderly restart, and one listener takes one connection. */
async function start(options: MosquittoOptions): Promise<Site> {
  const [tlsPort, crowdedPort] = (await freePorts(2)) as [number, number];
  const { certFile, keyFile } = new Authority().server();
  const broker = await startMosquitto({
    ...options,
    persistence: true,
    lines: [
      ...(options.lines ?? []),
      // Without a limit on its queue, Mosquitto 2.0.11 hangs up on every publish that it denies.
      'max_queued_messages 1000',
      `max_packet_size ${PACKET_BYTES_MAX}`,
      ...[`listener ${tlsPort} 127.0.0.1`, `certfile ${certFile}`, `keyfile ${keyFile}`],
      ...[`listener ${crowdedPort} 127.0.0.1`, 'max_connections 1'],
    ],
  });
  return {
    port: broker.port,
    packetLimit: true,
    tlsPort,
    crowded: () => Promise.resolve({ port: crowdedPort, login: LOGIN, end: () => Promise.resolve() }),
    stop: (how) => broker.stop(signalOf(how)),
    start: () => broker.start(),
    end: () => broker.stop('SIGKILL'),
    log: () => broker.log,
  };
}

function version(): string {
  const { stdout } = spawnSync(findProgram('mosquitto')!, ['-h'], { encoding: 'utf8' });
  return /version (\S+)/.exec(stdout)![1]!;
}
