import { connectAsync, type MqttClient } from 'mqtt';

const DEVICES = ['pump-1', 'pump-2', 'valve-7', 'meter-3'];
const BROKEN_DEVICE = 'meter-3';
const READINGS_EVERY_MS = 250;

/** The classic poison of this field, in turns. */
const BROKEN_PAYLOADS: readonly (string | Buffer)[] = [
  'temperature=21.5',
  '{"at":1,"temperature":20}',
  Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22]),
  '['.repeat(200_000),
  '{"gwId":7,"temperature":"warm"}',
];

/** Simulated devices: four that report their temperature, one of which sends broken payloads. */
export class Devices {
  readonly #clients: MqttClient[] = [];
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;

  /** @param commanded is told every command a device receives */
  async start(url: string, commanded: (device: string, payload: string) => void): Promise<void> {
    for (const device of DEVICES) {
      const client = await connectAsync(url, { clientId: device, protocolVersion: 4 });
      client.on('message', (_topic, payload) => commanded(device, payload.toString()));
      await client.subscribeAsync(`commands/${device}`, { qos: 1 });
      this.#clients.push(client);
    }
    this.#timer = setInterval(() => this.#report(), READINGS_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#clients.map((client) => client.endAsync(true)));
  }

  #report(): void {
    this.#turn++;
    for (const [i, device] of DEVICES.entries()) {
      const broken = device === BROKEN_DEVICE && this.#turn % 4 === 0;
      const reading = { gwId: 'gw-demo', deviceId: device, at: Date.now(), temperature: 20 + ((this.#turn + i) % 10) };
      const payload = broken ? BROKEN_PAYLOADS[(this.#turn / 4) % BROKEN_PAYLOADS.length]! : JSON.stringify(reading);
      this.#clients[i]!.publish(`devices/${device}/telemetry`, payload, { qos: 1 });
    }
  }
}
