/** A configuration file's content as data; the gateway under test reads it as YAML. */
import { freePorts } from './ports.js';

/** Any part of the file; see config/gateway.example.yaml. */
export interface GatewayConfig {
  [section: string]: unknown;
}

export interface Ports {
  httpPort: number;
  opsPort: number;
}

/**
 * What most tests start from: a session that outlives restarts, quick reconnects, JSON logs, free ports on
 * 127.0.0.1 and a journal beside the configuration file. `overrides` are merged in, section by section; arrays
 * and single values replace what was there.
 */
export async function gatewayConfig(overrides: GatewayConfig = {}): Promise<GatewayConfig> {
  const [httpPort, opsPort] = await freePorts(2);
  return merge(
    {
      broker: { url: 'mqtt://127.0.0.1:1883' },
      session: { clientId: 'gateway', expiry: '1h', keepalive: '10s', reconnect: { initial: '50ms', max: '500ms' } },
      subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', qos: 1 }],
      subscribers: [],
      journal: { directory: './data' },
      http: { host: '127.0.0.1', port: httpPort },
      ops: { host: '127.0.0.1', port: opsPort },
      log: { level: 'info', format: 'json' },
    },
    overrides,
  );
}

function merge(base: GatewayConfig, over: GatewayConfig): GatewayConfig {
  const merged = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name];
    merged[name] = isSection(below) && isSection(value) ? merge(below, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is GatewayConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The ports a configuration names: tests must know them before the gateway runs. */
export function portsOf(config: unknown): Ports {
  const port = (section: 'http' | 'ops'): number => {
    const value = isSection(config) && isSection(config[section]) ? config[section]['port'] : undefined;
    if (typeof value !== 'number' || value === 0) throw new Error(`the configuration must name ${section}.port`);
    return value;
  };
  return { httpPort: port('http'), opsPort: port('ops') };
}
