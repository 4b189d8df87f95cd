/** A `@MessagePattern` answer reaches whoever asked over MQTT 5, whatever happens to the gateway. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Controller } from '@nestjs/common';
import { MessagePattern as NestMessagePattern, Payload } from '@nestjs/microservices';
import { from, type Observable } from 'rxjs';
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt';
import { MessagePattern } from '../../src/index.js';
import { killedAtFailpoint } from '../crash/crash-flow.js';
import { startFlow } from '../support/flow.js';
import { metricSum, parseMetrics } from '../support/metrics-text.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { appFlow, type AppFlow } from './app-flow.js';

const ANSWERING_APP = fileURLToPath(new URL('./answering-app.js', import.meta.url));
const PUBLISH = { publish: { allow: ['answers/#'] } };

/** Everything published under `answers/` from now on. */
async function answersAt(client: MqttClient): Promise<IPublishPacket[]> {
  const packets: IPublishPacket[] = [];
  client.on('message', (_topic, _payload, packet) => packets.push(packet));
  await client.subscribeAsync('answers/#', { qos: 1 });
  return packets;
}

function ask(topic: string, responseTopic: string | undefined, correlation: string, flow: AppFlow): Promise<void> {
  const properties = { responseTopic, correlationData: Buffer.from(correlation) };
  return flow.publish(topic, { n: 4 }, { properties });
}

function seen({ topic, payload, properties }: IPublishPacket): unknown[] {
  return [topic, payload.toString(), properties?.correlationData?.toString(), properties?.contentType];
}

describe('answers', { skip: needs('mosquitto') }, () => {
  it('reach the response topic with the correlation data: a value, a promise, the last of a stream', async (t) => {
    @Controller()
    class Handlers {
      @MessagePattern('devices/value')
      value(@Payload() { n }: { n: number }): object {
        return { squared: n * n };
      }
      @NestMessagePattern('devices/promise')
      async promise(): Promise<string> {
        return 'done';
      }
      @MessagePattern('devices/stream')
      stream(): Observable<number> {
        return from([1, 2, 3]);
      }
      @MessagePattern('devices/silent')
      silent(): void {}
    }
    const flow = await appFlow(t, { controllers: [Handlers] }, PUBLISH);
    const packets = await answersAt(flow.device);
    for (const name of ['value', 'promise', 'silent', 'stream']) {
      await ask(`devices/${name}`, `answers/${name}`, `c-${name}`, flow);
    }
    await until(() => packets.length >= 3, { what: () => JSON.stringify(packets.map(seen)) });
    assert.deepEqual(packets.map(seen).sort(), [
      ['answers/promise', 'done', 'c-promise', 'text/plain; charset=utf-8'],
      ['answers/stream', '3', 'c-stream', 'application/json'],
      ['answers/value', '{"squared":16}', 'c-value', 'application/json'],
    ]);
  });

  it('to a topic that publish.allow lacks, or to none, are dropped, and the message is delivered', async (t) => {
    let handled = 0;

    @Controller()
    class Handlers {
      @MessagePattern('devices/+')
      handle(): string {
        handled++;
        return 'answer';
      }
    }
    const flow = await appFlow(t, { controllers: [Handlers] }, PUBLISH);
    const packets = await answersAt(flow.device);
    await flow.device.subscribeAsync('elsewhere/#', { qos: 1 });
    await ask('devices/1', 'elsewhere/1', 'c', flow);
    await ask('devices/2', undefined, 'c', flow);
    await ask('devices/3', 'answers/3', 'c', flow);
    const settled = async (): Promise<boolean> => (await flow.holdfast.subscribers())[0]!.lagRecords === 0;
    await until(async () => packets.length > 0 && handled === 3 && (await settled()), { what: () => `${handled}` });
    assert.deepEqual(packets.map(seen), [['answers/3', 'answer', 'c', 'text/plain; charset=utf-8']]);
    const metrics = parseMetrics(await flow.metrics());
    const counted = (outcome: string): unknown => metricSum(metrics, 'holdfast_replies_total', { outcome });
    assert.deepEqual([counted('queued'), counted('refused')], [1, 1]);
    assert.equal(metricSum(metrics, 'holdfast_dead_letters'), 0);
  });

  for (const point of ['accepted', 'attempted']) {
    it(`kill -9 at "${point}", between the answer and its record's settlement: it arrives, perhaps again`, async (t) => {
      const flow = await startFlow(t, {
        gateway: { main: ANSWERING_APP, env: { HOLDFAST_FAILPOINT: `${point}:1` } },
        config: ({ brokerUrl }) => ({ broker: { url: brokerUrl }, subscribers: [], ...PUBLISH }),
      });
      const requester = await connectAsync(flow.broker.url, { protocolVersion: 5 });
      t.after(() => requester.endAsync(true));
      const packets = await answersAt(requester);
      const properties = { responseTopic: 'answers/1', correlationData: Buffer.from('c') };
      await requester.publishAsync('devices/1/telemetry', '{"n":4}', { qos: 1, properties });
      await killedAtFailpoint(flow.gateway);
      await flow.restart({ main: ANSWERING_APP });
      await until(() => packets.length > 0, { what: () => flow.gateway.report });
      const lag = (): Promise<number> => flow.gateway.metric('holdfast_subscriber_lag_records');
      await until(async () => (await lag()) === 0 && (await flow.gateway.metric('holdfast_outbox_records')) === 0, {
        what: () => flow.gateway.report,
      });
      for (const packet of packets) {
        assert.deepEqual(seen(packet), ['answers/1', '{"squared":16}', 'c', 'application/json']);
      }
      // On its way when the gateway was killed; sent again from the outbox; and the record's second delivery has an answer, too.
      assert.ok(packets.length <= 3, `${packets.length} answers`);
    });
  }
});
