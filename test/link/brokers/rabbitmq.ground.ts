import { Authority } from '../../support/certificates.js';
import { rabbitMqVersion, startRabbitMq } from '../../support/rabbitmq.js';
import { LOGIN, signalOf, SINGLE, STRANGER, type Ground } from './ground.js';

export const rabbitMq: Ground = {
  name: 'RabbitMQ',
  needs: ['rabbitmq-server', 'openssl'],
  protocols: ['3.1.1'],
  version: rabbitMqVersion,
  start: async () => {
    const authority = new Authority();
    // As ALLOWED, in RabbitMQ's words: regular expressions of routing keys.
    const topics = { read: '^devices\\..*', write: '^commands\\..*' };
    const broker = await startRabbitMq({
      tls: { caFile: authority.certFile, ...authority.server() },
      users: {
        [LOGIN.username]: { password: LOGIN.password, topics },
        [STRANGER.username]: { password: STRANGER.password },
        [SINGLE.username]: { password: SINGLE.password, topics, maxConnections: 1 },
      },
    });
    return {
      port: broker.ports.mqtt,
      tlsPort: broker.ports.mqtts,
      wrongPath: `ws://127.0.0.1:${broker.ports.ws}/mqtt`,
      stranger: true,
      kick: () => void broker.control('close_all_connections', 'closed by an administrator'),
      crowded: () => Promise.resolve({ port: broker.ports.mqtt, login: SINGLE, end: () => Promise.resolve() }),
      stop: (how) => broker.stop(signalOf(how)),
      start: () => broker.start(),
      end: () => broker.end(),
      log: () => broker.log,
    };
  },
};
