import type { Certificate } from './certificates.js';
import { freePorts } from './ports.js';

/** Listeners beside the usual one: what Mosquitto is told, and where they are. */
export async function mosquittoListeners(server: Certificate | undefined, more: { secure?: string[] } = {}) {
  const [ws, mqtts, wss] = (await freePorts(3)) as [number, number, number];
  const tls = server ? [`certfile ${server.certFile}`, `keyfile ${server.keyFile}`, ...(more.secure ?? [])] : [];
  const plain = [`listener ${ws} 127.0.0.1`, 'protocol websockets'];
  const secure = [`listener ${mqtts} 127.0.0.1`, ...tls, `listener ${wss} 127.0.0.1`, 'protocol websockets', ...tls];
  return {
    ports: { ws, mqtts, wss },
    lines: server ? [...plain, ...secure] : plain,
    urls: { ws: `ws://127.0.0.1:${ws}`, mqtts: `mqtts://127.0.0.1:${mqtts}`, wss: `wss://127.0.0.1:${wss}` },
  };
}
