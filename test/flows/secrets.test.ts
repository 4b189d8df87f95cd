/** A rotated password or certificate is taken up without a restart. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Authority, type Certificate } from '../support/certificates.js';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { passwordFile } from '../support/mosquitto.js';
import { allDelivered } from '../support/numbered.js';
import { freePort } from '../support/ports.js';
import { publishNumbered } from '../support/publisher.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const OLD = 'old-and-secret';
const NEW = 'new-and-secret';

describe('secrets', { skip: needs('mosquitto', 'openssl') }, () => {
  it('password: the broker takes another one; the link comes back when the file has it', async (t) => {
    const directory = scratchDirectory('gateway');
    writeFileSync(join(directory, 'password'), `${OLD}\n`);
    const users = passwordFile('gateway', OLD);
    const flow = await startFlow(t, {
      gateway: { directory },
      broker: { lines: ['allow_anonymous false', `password_file ${users}`] },
      config: ({ brokerUrl }) => ({
        broker: { url: brokerUrl, username: 'gateway', password: '${file:password}' },
        session: { reconnect: { initial: '50ms', max: '1h', refused: '1s' } },
      }),
    });
    const { pid } = flow.gateway;
    copyFileSync(passwordFile('gateway', NEW), users);
    await flow.broker.restart();
    await refusals(flow, 'not-authorized', 3);
    writeFileSync(join(directory, 'password'), `${NEW}\n`);
    await backAs(flow, pid, NEW);
  });

  it('password: a file that is lost or emptied changes nothing, and is told', async (t) => {
    const directory = scratchDirectory('gateway');
    const file = join(directory, 'password');
    writeFileSync(file, OLD);
    const lines = ['allow_anonymous false', `password_file ${passwordFile('gateway', OLD)}`];
    const flow = await startFlow(t, {
      gateway: { directory },
      broker: { lines },
      config: ({ brokerUrl }) => ({ broker: { url: brokerUrl, username: 'gateway', password: '${file:password}' } }),
    });
    writeFileSync(file, '');
    const told = (): boolean => flow.gateway.logs.some(({ problem }) => problem === 'is empty now');
    await until(told, { what: () => `the warning\n${flow.gateway.report}` });
    assert.equal(await flow.gateway.metric('holdfast_link_up'), 1);
    await flow.broker.restart();
    await until(async () => (await flow.gateway.metric('holdfast_link_connects_total')) === 2, { what: 'the link' });
  });

  it('certificates: Kubernetes swaps all of them at once, for another authority', async (t) => {
    const [first, second] = [new Authority('first'), new Authority('second')];
    const servers = [first.server(), second.server()];
    const broker = scratchDirectory('broker');
    const volume = scratchDirectory('volume');
    install(broker, first, servers[0]!);
    mount(volume, first, first.client('gateway'));
    const port = await freePort();
    const at = (name: string): string => join(broker, name);
    const flow = await startFlow(t, {
      broker: {
        lines: [
          ...[`listener ${port} 127.0.0.1`, 'require_certificate true', 'use_identity_as_username true'],
          ...[`cafile ${at('ca.pem')}`, `certfile ${at('tls.pem')}`, `keyfile ${at('tls.key')}`],
        ],
      },
      config: () => ({
        broker: {
          url: `mqtts://localhost:${port}`,
          tls: { caFile: join(volume, 'ca.pem'), certFile: join(volume, 'tls.pem'), keyFile: join(volume, 'tls.key') },
        },
      }),
    });
    const { pid } = flow.gateway;
    install(broker, second, servers[1]!);
    await flow.broker.restart();
    await refusals(flow, 'tls', 1);
    mount(volume, second, second.client('gateway'));
    await backAs(flow, pid);
  });
});

/** The files a broker or a client needs. */
function install(directory: string, authority: Authority, { certFile, keyFile }: Certificate): void {
  mkdirSync(directory, { recursive: true });
  copyFileSync(authority.certFile, join(directory, 'ca.pem'));
  copyFileSync(certFile, join(directory, 'tls.pem'));
  copyFileSync(keyFile, join(directory, 'tls.key'));
}

let version = 0;

/** As Kubernetes mounts a secret: the names lead through one link, which is swapped. */
function mount(volume: string, authority: Authority, client: Certificate): void {
  const name = `..${++version}`;
  install(join(volume, name), authority, client);
  symlinkSync(name, join(volume, '..data_tmp'));
  renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
  if (version > 1) return;
  for (const file of ['ca.pem', 'tls.pem', 'tls.key']) symlinkSync(`..data/${file}`, join(volume, file));
}

async function refusals({ gateway }: Flow, cause: string, count: number): Promise<void> {
  await until(async () => (await gateway.metric('holdfast_link_refused_total', { cause })) >= count, {
    what: () => `${count} refusals because of ${cause}\n${gateway.report}`,
  });
}

/** The same process is up again, messages flow, and nothing secret was said. */
async function backAs(flow: Flow, pid: number, password?: string): Promise<void> {
  const { gateway, broker, receiver } = flow;
  await gateway.linkUp();
  await gateway.answered(1);
  assert.equal(gateway.pid, pid);
  const login = password === undefined ? {} : { username: 'gateway', password };
  await publishNumbered({ url: broker.url, topics: TOPICS, count: 20, ...login }).done;
  await receiver.waitFor((one) => allDelivered(one, 20));
  const changed = gateway.logs.filter(({ msg }) => /credentials have changed/.test(msg)).map((line) => line['changed']);
  assert.deepEqual(changed, [[password === undefined ? 'tls' : 'password']]);
  assert.doesNotMatch(JSON.stringify(gateway.logs) + gateway.tail, /and-secret|PRIVATE/);
}
