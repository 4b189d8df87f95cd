import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { startAedes, type AedesOptions } from '../../support/aedes.js';
import { Authority, pemOf } from '../../support/certificates.js';
import { ALLOWED, CLIENT_ID_PREFIX, LOGIN, STRANGER, type Ground } from './ground.js';

export const aedes: Ground = {
  name: 'Aedes',
  needs: ['openssl'],
  protocols: ['3.1.1'],
  version: () => {
    const manifest = readFileSync(findPackageJSON('aedes', import.meta.url)!, 'utf8');
    return (JSON.parse(manifest) as { version: string }).version;
  },
  start: async () => {
    const gateway = { password: LOGIN.password, ...ALLOWED };
    const users = { [LOGIN.username]: gateway, [STRANGER.username]: { ...gateway, welcome: false } };
    const options: AedesOptions = { users, clientIdPrefix: CLIENT_ID_PREFIX };
    const broker = await startAedes(options);
    const secure = await startAedes({ ...options, tls: pemOf(new Authority().server()) });
    return {
      port: broker.port,
      tlsPort: secure.port,
      stranger: true,
      clientIds: true,
      kick: (clientId) => broker.kick(clientId),
      crowded: async () => {
        const small = await startAedes({ ...options, maxConnections: 1 });
        return { port: small.port, login: LOGIN, end: () => small.stop() };
      },
      stop: (how) => broker.stop(how),
      start: () => broker.start(),
      end: () => Promise.all([broker.stop('killed'), secure.stop('killed')]),
      log: () => '',
    };
  },
};
