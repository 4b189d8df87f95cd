/** The main job on real parts: Mosquitto, the gateway as a process, a webhook app in the test process. */
import type { TestContext } from 'node:test';
import { gatewayConfig, type GatewayConfig } from './gateway-config.js';
import { startGateway, type GatewayProcess, type GatewayStart } from './gateway-process.js';
import { startMosquitto, type Mosquitto, type MosquittoOptions } from './mosquitto.js';
import { startReceiver, type Receiver } from './receiver.js';

export const TOPICS = Array.from({ length: 20 }, (_, i) => `devices/${i}/telemetry`);

export interface Flow {
  broker: Mosquitto;
  receiver: Receiver;
  config: GatewayConfig;
  gateway: GatewayProcess;
  /** Starts the gateway again on the same data, after it ended. Then {@link gateway} is the new one. */
  restart(options?: GatewayStart): Promise<GatewayProcess>;
}

export interface FlowOptions {
  broker?: MosquittoOptions;
  gateway?: GatewayStart;
  /** Merged into the usual configuration; told where the parts are. */
  config?: (parts: { brokerUrl: string; receiverUrl: string }) => GatewayConfig;
}

/** One ordered subscriber of all telemetry; everything is stopped when the test ends. */
export async function startFlow(t: TestContext, options: FlowOptions = {}): Promise<Flow> {
  const broker = await startMosquitto(options.broker);
  t.after(() => broker.stop('SIGKILL'));
  const receiver = await startReceiver();
  t.after(() => receiver.stop());
  const subscriber = { id: 'app', url: receiver.url, topics: ['devices/#'], ordering: 'topic' };
  const usual = { broker: { url: broker.url }, subscribers: [subscriber] };
  const config = await gatewayConfig({
    ...usual,
    ...options.config?.({ brokerUrl: broker.url, receiverUrl: receiver.url }),
  });
  const first = await startGateway(config, { until: 'link', ...options.gateway });
  const flow: Flow = {
    broker,
    receiver,
    config,
    gateway: first,
    restart: async (more = {}) => {
      flow.gateway = await startGateway(config, { until: 'link', directory: first.directory, ...more });
      return flow.gateway;
    },
  };
  t.after(() => flow.gateway.kill());
  if ((options.gateway?.until ?? 'link') === 'link') await first.answered((config['subscriptions'] as []).length);
  return flow;
}
