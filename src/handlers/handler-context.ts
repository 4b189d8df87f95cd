import { BaseRpcContext } from '@nestjs/microservices';
import type { MessageProperties } from '../domain/message.js';
import type { Record } from '../domain/record.js';
import type { ParameterValues } from '../domain/topic-parameters.js';
import { traceOf } from '../domain/trace.js';

/** What a handler may ask of the record it was given, with `@Ctx()`. */
export class HoldfastContext extends BaseRpcContext<
  [Record, number, boolean, AbortSignal, ParameterValues, traceparent?: string]
> {
  /** Position, id, topic, the payload's original bytes, MQTT 5 properties. */
  get record(): Record {
    return this.args[0];
  }

  /** 1 for the first try. */
  get attempt(): number {
    return this.args[1];
  }

  /** Whether an operator had the record sent again. */
  get replay(): boolean {
    return this.args[2];
  }

  /** Aborted when the attempt is given up: its time is over, or the gateway must stop at once. What is done after that counts for nothing. */
  get signal(): AbortSignal {
    return this.args[3];
  }

  /** The levels of the topic that the subscription's filter names, as in `devices/{deviceId}/telemetry`; none: empty. */
  get parameters(): ParameterValues {
    return this.args[4];
  }

  /**
   * W3C trace context to go on with, as a webhook has it in its header: of the attempt while it is traced, else the one in
   * the message's user properties. Undefined: there is none, or none that is well-formed.
   */
  get traceparent(): string | undefined {
    return this.args[5] ?? traceOf(this.record.properties?.userProperties ?? [])?.parent;
  }

  /** As Nest's `MqttContext`: the topic's name. */
  getTopic(): string {
    return this.record.topic;
  }

  /** As Nest's `MqttContext`: the PUBLISH packet, as far as the journal keeps it. */
  getPacket(): MqttPacket {
    const { topic, payload, qos, retain, properties } = this.record;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return { cmd: 'publish', topic, payload: bytes, qos, retain, dup: false, properties: propertiesOf(properties) };
  }
}

/** What is common to it and to mqtt.js's packet. */
export interface MqttPacket {
  cmd: 'publish';
  topic: string;
  payload: Buffer;
  qos: 0 | 1 | 2;
  retain: boolean;
  dup: false;
  properties?: Omit<MessageProperties, 'correlationData' | 'userProperties'> & {
    correlationData?: Buffer;
    userProperties?: { [name: string]: string | string[] };
  };
}

function propertiesOf(kept: MessageProperties | null): MqttPacket['properties'] {
  if (!kept) return undefined;
  const { correlationData, userProperties, ...same } = kept;
  const byName = Map.groupBy(userProperties ?? [], ([name]) => name);
  const pairs = [...byName].map(([name, all]): [string, string | string[]] => {
    const values = all.map(([, value]) => value);
    return [name, values.length === 1 ? values[0]! : values];
  });
  return {
    ...same,
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, 'base64') }),
    ...(userProperties ? { userProperties: Object.fromEntries(pairs) } : {}),
  };
}
