/** Where a broker does not let the right cause be known, what is said instead, and why. */
import type { Cause } from '../../../src/domain/cause.js';
import type { Protocol } from './ground.js';
import type { Situation } from './situation.js';

export interface Exception {
  situation: string;
  grounds: string[];
  protocol?: Protocol;
  /** Undefined: it cannot be noticed at all. */
  cause: Cause | undefined;
  why: string;
}

const MOSQUITTO = ['Mosquitto, acl_file', 'Mosquitto, dynamic security'];

export const EXCEPTIONS: Exception[] = [
  {
    situation: 'the password is wrong',
    grounds: [...MOSQUITTO, 'NATS'],
    cause: 'not-authorized',
    why: 'It answers a wrong password as it answers a user who is not let in. The mend names both.',
  },
  {
    situation: 'the client id is not allowed',
    grounds: ['Mosquitto, acl_file'],
    cause: 'not-authorized',
    why: '`clientid_prefixes` is answered with "not authorized".',
  },
  {
    situation: 'one connection more than allowed',
    grounds: MOSQUITTO,
    protocol: '5',
    cause: 'protocol-version',
    why: 'It hangs up on CONNECT, as a broker does that is too old for MQTT 5. The evidence names both. With `protocol: auto`, 3.1.1 is tried next.',
  },
  {
    situation: 'one connection more than allowed',
    grounds: [...MOSQUITTO, 'Aedes', 'NATS'],
    protocol: '3.1.1',
    cause: 'broker-unreachable',
    why: 'It hangs up on CONNECT, and does so for other reasons too. The evidence names them.',
  },
  {
    situation: 'one connection more than allowed',
    grounds: ['RabbitMQ'],
    cause: 'not-authorized',
    why: 'MQTT 3.1.1 has no code for a full broker; RabbitMQ says "not authorized" and logs the limit.',
  },
  {
    situation: 'no TLS to a port with it',
    grounds: MOSQUITTO,
    protocol: '5',
    cause: 'protocol-version',
    why: 'It hangs up on CONNECT, as a broker does that is too old for MQTT 5. `holdfast doctor` asks the port for TLS and names it.',
  },
  {
    situation: 'no TLS to a port with it',
    grounds: [...MOSQUITTO, 'Aedes', 'NATS'],
    protocol: '3.1.1',
    cause: 'broker-unreachable',
    why: 'It hangs up on CONNECT without the alert that TLS has for this. `holdfast doctor` asks the port for TLS and names it.',
  },
  {
    situation: 'an administrator ends the connection',
    grounds: ['Mosquitto, dynamic security', 'Aedes', 'RabbitMQ'],
    protocol: '3.1.1',
    cause: 'network',
    why: 'A broker of MQTT 3.1.1 cannot say why it closes. Once is a guess; what the next connect meets may tell more.',
  },
  {
    situation: 'a filter is denied',
    grounds: ['Mosquitto, acl_file'],
    cause: undefined,
    why: 'It grants every filter and withholds the messages. A canary or `holdfast doctor --probe-topic` finds it.',
  },
  {
    situation: 'a publish is denied',
    grounds: [...MOSQUITTO, 'NATS'],
    protocol: '3.1.1',
    cause: undefined,
    why: 'PUBACK of MQTT 3.1.1 has no code: what is denied is acknowledged and dropped.',
  },
  {
    situation: 'a publish is too large',
    grounds: ['NATS'],
    cause: undefined,
    why: '`max_payload` is not applied to MQTT.',
  },
];

export function exceptionOf(ground: string, protocol: Protocol, situation: Situation): Exception | undefined {
  return EXCEPTIONS.find(
    (one) =>
      one.situation === situation.name && one.grounds.includes(ground) && (one.protocol ?? protocol) === protocol,
  );
}
