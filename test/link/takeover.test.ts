/** Once the client id has been fought over, not every close without a word is another takeover. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { startMosquitto, type Mosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';

const HOLD_OFF_MS = 6_000;

describe('after a takeover', { skip: needs('mosquitto') }, () => {
  for (const protocol of ['5', '3.1.1']) {
    it(`an orderly restart of the broker is named, and nobody holds off for it (MQTT ${protocol})`, async (t) => {
      const { broker, gateway } = await contested(t, protocol);
      const { state, retryAt } = await gateway.link();
      assert.equal(state, 'waiting');
      assert.match(retryAt!, /^\d{4}-\d\d-\d\dT.*Z$/);
      await gateway.linkUp();
      await gateway.answered(1);
      await broker.restart();
      await until(async () => (await gateway.link()).drops[0]!.cause !== 'client-id-conflict', {
        what: () => `the restart to be seen\n${gateway.report}`,
      });
      await gateway.linkUp();
      const { drops } = await gateway.link();
      const named = drops.filter(({ wasUp }) => wasUp).map(({ cause }) => cause);
      assert.deepEqual(named, ['broker-shutdown', 'client-id-conflict', 'network', 'network']);
      const shutdown = drops.find(({ cause }) => cause === 'broker-shutdown')!;
      assert.match(shutdown.evidence.join(), /without a word, and then nobody took connections/);
    });
  }

  it('a rival that comes back is named again, although it is not seen three times', async (t) => {
    const { broker, gateway } = await contested(t, '3.1.1');
    await gateway.linkUp();
    await gateway.answered(1);
    await takeOver(broker);
    const conflicts = (): Promise<number> =>
      gateway.metric('holdfast_link_drops_total', { cause: 'client-id-conflict' });
    await until(async () => (await conflicts()) === 2, { what: () => `it to be named\n${gateway.report}` });
    const [drop] = (await gateway.link()).drops;
    assert.equal(drop!.confidence, 'likely');
    assert.match(drop!.evidence.join(), /after the session was taken back, by a broker that takes connections all the/);
  });
});

describe('takeovers over WebSocket', { skip: needs('mosquitto') }, () => {
  it('the third is named, although the broker sends no close frame', async (t) => {
    const { gateway } = await contested(t, '3.1.1', await freePort());
    const [drop] = (await gateway.link()).drops;
    assert.deepEqual([drop!.cause, drop!.confidence], ['client-id-conflict', 'likely']);
  });
});

/** A gateway whose session was taken three times, and that holds off. */
async function contested(
  t: TestContext,
  protocol: string,
  webSocketPort?: number,
): Promise<{ broker: Mosquitto; gateway: GatewayProcess }> {
  const lines = webSocketPort === undefined ? [] : [`listener ${webSocketPort} 127.0.0.1`, 'protocol websockets'];
  const broker = await startMosquitto({ persistence: true, lines });
  const url = webSocketPort === undefined ? broker.url : `ws://127.0.0.1:${webSocketPort}/`;
  t.after(() => broker.stop('SIGKILL'));
  const reconnect = { initial: '50ms', max: '200ms', conflict: `${HOLD_OFF_MS}ms` };
  const session = { clientId: 'gateway', reconnect };
  const gateway = await startGateway(await gatewayConfig({ broker: { url, protocol }, session }));
  t.after(() => gateway.kill());
  for (let takeover = 1; takeover <= 3; takeover++) {
    await gateway.linkUp();
    await gateway.answered(1);
    await takeOver(broker);
    await until(async () => (await gateway.metric('holdfast_link_drops_total')) === takeover, {
      what: () => `takeover ${takeover} to be told\n${gateway.report}`,
    });
  }
  return { broker, gateway };
}

/** Somebody takes the session, and is gone again. */
async function takeOver({ url }: Mosquitto): Promise<void> {
  const rival = await connectAsync(url, { clientId: 'gateway', clean: false, protocolVersion: 4, reconnectPeriod: 0 });
  rival.on('error', () => undefined);
  await rival.endAsync(true);
}
