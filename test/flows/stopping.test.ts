/** The end of a gateway, whoever is in its way. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway } from '../support/gateway-process.js';

describe('stopping', () => {
  it('SIGTERM: a request that never ends does not keep the gateway', async () => {
    const gateway = await startGateway(await gatewayConfig({ publish: { allow: ['#'] } }));
    const socket = connect(gateway.ports.httpPort, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      'POST /v1/publish HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(await gateway.stop(25_000), { code: 0, signal: null });
    socket.destroy();
  });
});
