/** What `holdfast doctor` finds, each thing broken in a real broker or a scripted one. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startBroker } from '../../src/demo/index.js';
import { Authority } from '../support/certificates.js';
import { Child } from '../support/children.js';
import { doctorConfig, runDoctor, startDoctor, type Seen } from '../support/doctor.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { GATEWAY_MAIN, startGateway } from '../support/gateway-process.js';
import { startMosquitto, type Mosquitto, type MosquittoOptions } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { freePort } from '../support/ports.js';
import { publishNumbered } from '../support/publisher.js';
import { accept, startScriptedBroker, type ScriptedBroker } from '../support/scripted-broker.js';
import { until } from '../support/until.js';

const PROBE = ['--probe-topic', 'devices/doctor/telemetry'];

async function mosquitto(t: TestContext, options: MosquittoOptions = {}): Promise<Mosquitto> {
  const broker = await startMosquitto({ ...options, lines: ['log_type all', ...(options.lines ?? [])] });
  t.after(() => broker.stop('SIGKILL'));
  return broker;
}

async function scripted(t: TestContext): Promise<ScriptedBroker> {
  const broker = await startScriptedBroker();
  t.after(() => broker.stop());
  return broker;
}

describe('doctor at Mosquitto', { skip: needs('mosquitto') }, () => {
  it('where nothing is wrong nothing fails, and nothing is left behind', async (t) => {
    const broker = await mosquitto(t);
    const seen = await runDoctor({ broker: { url: broker.url } }, PROBE);
    assert.equal(seen.code, 0, seen.text);
    for (const check of ['TCP', 'CONNECT', 'session kept', 'subscription telemetry', 'listen telemetry', 'keepalive']) {
      assert.equal(seen.row(check).state, 'ok', seen.text);
    }
    const log = broker.log.split('\n').filter((line) => line.includes('-doctor-'));
    const clientId = /as (gateway-doctor-[0-9a-f]+) /.exec(log.join('\n'))![1]!;
    assert.ok(clientId.length <= 23);
    // The last connection is a clean one, and every filter was taken back.
    assert.match(log.filter((line) => line.includes('New client connected')).at(-1)!, /\(p5, c1, /);
    const count = (word: string): number => log.filter((line) => line.includes(`Received ${word} from`)).length;
    assert.equal(count('UNSUBSCRIBE'), count('SUBSCRIBE'));
    assert.ok(!broker.log.includes(' as gateway '), 'the gateway’s client id is left alone');
  });

  it('without a probe topic nothing is published', async (t) => {
    const broker = await mosquitto(t);
    const seen = await runDoctor({ broker: { url: broker.url } });
    assert.equal(seen.code, 0, seen.text);
    assert.equal(seen.row('publish').state, 'skipped');
    assert.doesNotMatch(broker.log, /Received PUBLISH/);
  });

  it('a wrong password is named, and what depends on it is skipped', async (t) => {
    const broker = await mosquitto(t, { passwords: { gateway: 'right' } });
    for (const protocol of ['5', '3.1.1']) {
      const seen = await runDoctor({ broker: { url: broker.url, username: 'gateway', password: 'wrong', protocol } });
      assert.equal(seen.code, 1, seen.text);
      assert.equal(seen.row('CONNECT').state, 'failed');
      assert.match(seen.row('CONNECT').mend, /password for "gateway" is wrong/);
      assert.match(seen.row('keepalive').seen, /CONNECT failed/);
      assert.doesNotMatch(seen.text, /\bwrong\b.*\bwrong\b.*"wrong"/);
    }
    const right = await runDoctor({ broker: { url: broker.url, username: 'gateway', password: 'right' } });
    assert.equal(right.code, 0, right.text);
  });

  it('a filter that is granted and whose messages are withheld is found by the probe alone', async (t) => {
    const broker = await mosquitto(t, { acl: ['topic write devices/#'] });
    const blind = await runDoctor({ broker: { url: broker.url } });
    assert.equal(blind.code, 0, blind.text);
    assert.equal(blind.row('subscription telemetry').state, 'ok');
    const seen = await runDoctor({ broker: { url: broker.url } }, [...PROBE, '--timeout', '2']);
    assert.equal(seen.code, 1, seen.text);
    assert.equal(seen.row('listen telemetry').state, 'failed');
    assert.match(seen.row('listen telemetry').seen, /withholds silently/);
    assert.match(seen.row('listen telemetry').mend, /topic read devices\/\+\/telemetry/);
  });

  it('a publish that is refused is found; over MQTT 3.1.1 it shows as silence or a hang-up', async (t) => {
    const broker = await mosquitto(t, { acl: ['topic read devices/#'] });
    const five = await runDoctor({ broker: { url: broker.url } }, PROBE);
    assert.match(five.row('publish devices/doctor/telemetry').seen, /refused: Not authorized \(0x87\)/);
    const older = await runDoctor({ broker: { url: broker.url, protocol: '3.1.1' } }, [...PROBE, '--timeout', '2']);
    // Mosquitto acknowledges it and stays silent, or hangs up.
    const failed = older.rows.filter(({ state }) => state === 'failed');
    assert.deepEqual(failed.length, 1, `${older.text}\n${broker.log}`);
    assert.match(failed[0]!.check, /^(publish|listen) /);
    assert.match(failed[0]!.mend, /read and write|Let this client publish/);
  });

  it('limits that the configuration passes are warnings', async (t) => {
    const broker = await mosquitto(t, {
      lines: ['max_packet_size 20000', 'retain_available false', 'max_keepalive 12'],
    });
    const seen = await runDoctor({ broker: { url: broker.url }, publish: { allow: ['commands/#'] } });
    assert.equal(seen.code, 0, seen.text);
    const limits = seen.row('broker limits');
    assert.equal(limits.state, 'warning');
    assert.match(limits.seen, /publish\.maxPayload\), the broker packets up to 19\.5 KiB/);
    assert.match(limits.seen, /retain: true will be refused/);
  });

  it('WebSockets: the upgrade is a row of its own, and a port without them says so', async (t) => {
    const port = await freePort();
    const broker = await mosquitto(t, { lines: [`listener ${port} 127.0.0.1`, 'protocol websockets'] });
    const seen = await runDoctor({ broker: { url: `ws://127.0.0.1:${port}/mqtt` } }, PROBE);
    assert.equal(seen.code, 0, seen.text);
    assert.match(seen.row('WebSocket upgrade').seen, /101 at \/mqtt, subprotocol mqtt/);
    const wrong = await runDoctor({ broker: { url: `ws://127.0.0.1:${broker.port}/mqtt` } });
    assert.equal(wrong.row('WebSocket upgrade').state, 'failed');
    assert.equal(wrong.row('CONNECT').state, 'skipped');
  });

  it('the running gateway is asked, and keeps its session through it', async (t) => {
    const broker = await mosquitto(t);
    const tokens = [{ name: 'reader', token: 'a-token-for-reading-only', scopes: ['read'] }];
    const config = await gatewayConfig({ broker: { url: broker.url }, http: { auth: { tokens } } });
    const gateway = await startGateway(config, { until: 'link' });
    t.after(() => gateway.kill());
    const seen = await runDoctor(config);
    assert.equal(seen.code, 0, seen.text);
    assert.match(seen.row('gateway').seen, /link up for .*client id gateway, MQTT 5/);
    assert.match(seen.row('client id').seen, /has held gateway for/);
    assert.match(seen.row('journal').seen, /^journal has room: open; journal thread: /);
    assert.equal(seen.row('journal').state, 'ok');
    assert.equal(seen.row('canary').state, 'skipped', 'it has none');
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1);
    assert.doesNotMatch(seen.text, /a-token-for/);

    const stranger = await runDoctor({ ...config, http: { port: gateway.ports.httpPort } });
    assert.equal(stranger.row('gateway').state, 'warning');
    assert.match(stranger.row('gateway').seen, /no token of the configuration has the scope read/);
    assert.equal(stranger.row('client id').state, 'skipped');
  });

  it('--takeover: the gateway takes its id back; a stranger who does so is found', async (t) => {
    const broker = await mosquitto(t);
    const config = await gatewayConfig({ broker: { url: broker.url } });
    const gateway = await startGateway(config, { until: 'link' });
    t.after(() => gateway.kill());
    const own = await runDoctor(config, ['--takeover']);
    assert.match(own.row('client id').seen, /the gateway took it back and keeps it/);
    assert.equal(own.row('client id').state, 'ok', own.text);
    // The same client id under another port: to the doctor a stranger.
    const stranger = await gatewayConfig({ broker: { url: broker.url } });
    const found = await runDoctor(stranger, ['--takeover']);
    assert.equal(found.row('client id').state, 'failed', found.text);
    assert.match(found.row('client id').seen, /gateway is in use elsewhere: it was taken from the doctor after/);
    await gateway.stop();
    for (const qos of [1, 2] as const) {
      await publishNumbered({ url: broker.url, topics: ['devices/1/telemetry'], count: 5, qos }).done;
    }
    const nobody = await runDoctor(config, ['--takeover', '--timeout', '2']);
    assert.match(nobody.row('client id').seen, /nobody took it back; its session was there/);
    const taken = broker.log.slice(broker.log.lastIndexOf(' as gateway '));
    assert.match(taken, /Sending PUBLISH to gateway /);
    assert.doesNotMatch(taken, /Received PUB(ACK|REC|COMP) from gateway /, 'nothing of the gateway’s is confirmed');
  });

  it('Ctrl-C in the middle leaves nothing behind and ends with 1', async (t) => {
    const broker = await mosquitto(t, { acl: ['topic write devices/#'] });
    const doctor = await startDoctor({ broker: { url: broker.url } }, PROBE);
    await until(() => /Received SUBSCRIBE.*\n(.*\n)*.*Received PUBLISH.*\n(.*\n)*.*Received PUBLISH/.test(broker.log), {
      what: () => `the probe\n${broker.log}`,
    });
    const { code } = await doctor.stop('SIGINT');
    assert.equal(code, 1);
    assert.match(doctor.tail, /interrupted/);
    assert.match(broker.log, /Received UNSUBSCRIBE from [^\n]*-doctor-[^]*\(p5, c1, [^]*Received DISCONNECT/);
  });
});

describe('doctor in a pipe', { skip: needs('mosquitto') }, () => {
  it('a reader that goes early leaves nothing behind either', async (t) => {
    const broker = await mosquitto(t);
    const file = await doctorConfig({ broker: { url: broker.url } });
    const pipe = new Child('sh', [
      '-c',
      `"$0" "$1" doctor --config "$2" | head -n 6`,
      process.execPath,
      GATEWAY_MAIN,
      file,
    ]);
    await pipe.exit;
    assert.doesNotMatch(pipe.tail, /EPIPE/);
    await until(() => /-doctor-[0-9a-f]+ \(p5, c1, [^]*Received DISCONNECT/.test(broker.log), {
      what: () => `a clean end\n${pipe.tail}\n${broker.log}`,
    });
  });
});

describe('doctor and certificates', { skip: needs('mosquitto', 'openssl') }, () => {
  const listener = (port: number, { certFile, keyFile }: { certFile: string; keyFile: string }): string[] => [
    `listener ${port} 127.0.0.1`,
    `certfile ${certFile}`,
    `keyfile ${keyFile}`,
  ];

  async function tls(t: TestContext, authority: Authority, names: string[], days: number, more: string[] = []) {
    const port = await freePort();
    await mosquitto(t, { lines: [...listener(port, authority.server(names, days)), ...more] });
    return (caFile: string | undefined, own = {}, host = 'localhost'): Promise<Seen> =>
      runDoctor({ broker: { url: `mqtts://${host}:${port}`, tls: { caFile, ...own } } });
  }

  it('trusted, of another host, about to expire, of an unknown authority, not TLS at all', async (t) => {
    const authority = new Authority('Plant CA', 365);
    const good = await tls(t, authority, ['DNS:localhost'], 365);
    const fine = await good(authority.certFile);
    assert.equal(fine.code, 0, fine.text);
    assert.match(fine.row('TLS').seen, /certificate for localhost, issued by Plant CA, until/);
    const stranger = await good(undefined);
    assert.equal(stranger.row('TLS').state, 'failed');
    assert.match(stranger.row('TLS').seen, /"Plant CA" is neither sent by the broker nor trusted here/);
    assert.equal(stranger.row('CONNECT').state, 'skipped');
    const byAddress = await good(authority.certFile, {}, '127.0.0.1');
    assert.match(byAddress.row('TLS').seen, /not for 127\.0\.0\.1, but for localhost/);
    const named = await good(authority.certFile, { serverName: 'localhost' }, '127.0.0.1');
    assert.equal(named.code, 0, named.text);

    const soon = await (await tls(t, authority, ['DNS:localhost'], 10))(authority.certFile);
    assert.equal(soon.code, 0, soon.text);
    assert.equal(soon.row('TLS').state, 'warning');
    assert.match(soon.row('TLS').seen, /expires on \d{4}-\d\d-\d\d, in 10 days/);
  });

  it('a broker that wants a client certificate says so', async (t) => {
    const authority = new Authority('Plant CA', 365);
    const wants = [`cafile ${authority.certFile}`, 'require_certificate true'];
    const broker = await tls(t, authority, ['DNS:localhost'], 365, wants);
    const without = await broker(authority.certFile);
    assert.equal(without.row('TLS').state, 'failed', without.text);
    assert.match(without.row('TLS').mend, /Set broker\.tls\.certFile/);
    const wrong = await broker(authority.certFile, new Authority('Other CA').client('gw'));
    assert.match(wrong.row('TLS').mend, /Check broker\.tls\.certFile/);
    const right = await broker(authority.certFile, authority.client('gw'));
    assert.equal(right.code, 0, right.text);
    assert.match(right.row('TLS').seen, /the gateway’s own certificate expires/);
  });

  it('TLS where there is none, and none where there is', async (t) => {
    const authority = new Authority('Plant CA', 365);
    const port = await freePort();
    const broker = await mosquitto(t, { lines: listener(port, authority.server()) });
    const tooMuch = await runDoctor({ broker: { url: `mqtts://localhost:${broker.port}` } });
    assert.match(tooMuch.row('TLS').mend, /Is this the TLS port\?/);
    const tooLittle = await runDoctor({ broker: { url: `mqtt://localhost:${port}` } });
    assert.match(tooLittle.row('CONNECT').seen, /the port speaks TLS/);
  });
});

describe('doctor at Aedes', () => {
  it('falls back to MQTT 3.1.1, and finds a subscription that is denied', async (t) => {
    const broker = await startBroker({ deny: ['devices/+/telemetry'] });
    t.after(() => broker.stop());
    const subscriptions = [
      { name: 'telemetry', filter: 'devices/+/telemetry' },
      { name: 'alarms', filter: 'alarms/#' },
    ];
    const seen = await runDoctor({ broker: { url: broker.url }, subscriptions }, ['--probe-topic', 'alarms/doctor']);
    assert.equal(seen.code, 1, seen.text);
    assert.match(seen.row('CONNECT').seen, /MQTT 3\.1\.1.*MQTT 5/);
    assert.equal(seen.row('subscription telemetry').state, 'failed');
    assert.match(seen.row('subscription telemetry').seen, /devices\/\+\/telemetry is denied/);
    assert.equal(seen.row('subscription alarms').state, 'ok');
    assert.equal(seen.row('listen alarms').state, 'ok');
    assert.equal(seen.row('broker limits').state, 'skipped');
  });
});

describe('doctor at a broker that plays a part', () => {
  const connack = (properties: object, sessionPresent = false) =>
    ((_, client) => accept(client, { sessionPresent, properties })) satisfies ScriptedBroker['answers']['connect'];

  it('a session that is not kept, and an expiry that is shortened', async (t) => {
    const broker = await scripted(t);
    broker.answers.connect = connack({ sessionExpiryInterval: 60 });
    const seen = await runDoctor({ broker: { url: broker.url } });
    const row = seen.row('session kept');
    assert.equal(row.state, 'failed', seen.text);
    assert.match(row.seen, /after a reconnect the session was gone/);
    assert.match(row.seen, /keeps the session for 60 s, not for 60 min/);
    broker.answers.connect = (packet, client) => accept(client, { sessionPresent: !packet.clean });
    assert.equal((await runDoctor({ broker: { url: broker.url } })).row('session kept').state, 'warning');
  });

  it('a session that begins with its first subscription, as RabbitMQ’s do, is kept', async (t) => {
    const broker = await scripted(t);
    const begun = (): boolean => broker.clients.some((client) => client.sent('subscribe').length > 0);
    broker.answers.connect = (packet, client) => accept(client, { sessionPresent: packet.clean !== true && begun() });
    const row = (await runDoctor({ broker: { url: broker.url } })).row('session kept');
    assert.equal(row.state, 'ok');
    assert.match(row.seen, /once it had a subscription/);
  });

  it('wildcards and shared subscriptions that the broker does not have', async (t) => {
    const broker = await scripted(t);
    broker.answers.connect = connack({ wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false });
    const subscriptions = [{ name: 'group', filter: '$share/gw/devices/+/telemetry' }];
    const seen = await runDoctor({ broker: { url: broker.url }, subscriptions });
    assert.match(seen.row('broker limits').seen, /wildcards are not available, group needs them/);
    assert.match(seen.row('broker limits').seen, /shared subscriptions are not available, group needs them/);
    const asked = broker.clients.flatMap((client) => client.sent('subscribe')).flatMap((one) => one.subscriptions);
    assert.ok(asked.length > 0 && asked.every(({ topic }) => topic.startsWith('$share/gateway-doctor-')));
  });

  it('--takeover where there is no session does not leave an empty one, which would make the gateway deaf', async (t) => {
    const broker = await scripted(t);
    const seen = await runDoctor({ broker: { url: broker.url } }, ['--takeover', '--timeout', '1']);
    assert.match(seen.row('client id').seen, /nobody took it back; it had no session there/);
    const own = broker.clients.filter(({ connect }) => connect?.clientId === 'gateway');
    assert.deepEqual(
      own.map(({ connect }) => connect?.clean),
      [false, true],
    );
    assert.equal(own[0]!.sent('disconnect')[0]!.properties?.sessionExpiryInterval, 0);
    assert.equal(own[1]!.connect!.properties?.sessionExpiryInterval, 0);
  });

  it('a broker that hangs up on a filter, or never answers, costs only that row', async (t) => {
    const broker = await scripted(t);
    let connects = 0;
    broker.answers.connect = (_, client) => accept(client, { sessionPresent: ++connects > 1 });
    broker.answers.subscribe = (packet, client) => {
      const { topic } = packet.subscriptions[0]!;
      if (topic === 'hang/up') client.end();
      else if (topic !== 'silence') client.send({ cmd: 'suback', messageId: packet.messageId!, granted: [1] });
    };
    const subscriptions = ['hang/up', 'silence', 'fine'].map((filter) => ({ filter }));
    const seen = await runDoctor({ broker: { url: broker.url }, subscriptions }, ['--timeout', '1']);
    assert.match(seen.row('subscription hang/up').seen, /closed the connection without a word/);
    assert.match(seen.row('subscription silence').seen, /no SUBACK for silence within 1 s/);
    assert.equal(seen.row('subscription fine').state, 'ok', seen.text);
    assert.equal(seen.row('keepalive').state, 'ok');
  });

  it('a broker that accepts and says nothing is given up on in time', async (t) => {
    const broker = await scripted(t);
    broker.answers.connect = () => undefined;
    const startedAt = performance.now();
    const seen = await runDoctor({ broker: { url: broker.url } }, ['--timeout', '1']);
    assert.match(seen.row('CONNECT').seen, /no CONNACK within 1 s/);
    assert.ok(performance.now() - startedAt < 15_000);
    assert.equal(seen.code, 1);
  });

  it('the broker’s own words reach the reader, but cannot move the cursor', async (t) => {
    const broker = await scripted(t);
    const reasonString = 'banned until monday\u001b[2J';
    broker.answers.connect = (_, client) =>
      client.send({ cmd: 'connack', sessionPresent: false, reasonCode: 0x8a, properties: { reasonString } });
    const { stdout } = await runDoctor({ broker: { url: broker.url, protocol: '5' } }, [], { json: false });
    assert.match(stdout, /banned until monday/);
    assert.match(stdout.replaceAll(/\s+/g, ' '), /→ This client, user or address is banned/);
    assert.ok(!stdout.includes('\u001b'), 'no escape reaches the terminal');
    for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  });
});

describe('doctor', () => {
  it('a host nobody knows, and a port where nothing listens; every address is examined', async () => {
    const port = await freePort();
    const urls = ['mqtt://nowhere.invalid', `mqtts://127.0.0.1:${port}`];
    const seen = await runDoctor({ broker: { url: undefined, urls } });
    assert.equal(seen.code, 1);
    assert.equal(seen.broker, urls.join(', '));
    const of = (url: string, check: string) => seen.rows.find((row) => row.broker === url && row.check === check)!;
    assert.equal(of(urls[0]!, 'DNS').state, 'failed');
    assert.match(of(urls[0]!, 'DNS').seen, /nowhere\.invalid/);
    assert.match(of(urls[0]!, 'CONNECT').seen, /DNS failed/);
    assert.match(of(urls[1]!, 'TCP').seen, /nothing listens there \(ECONNREFUSED\)/);
    assert.equal(of(urls[1]!, 'TLS').state, 'skipped');
    for (const row of seen.rows) assert.deepEqual(typeof row.mend, 'string');
  });

  it('bad usage and a bad configuration end with 2', async () => {
    for (const args of [
      ['--probe-topic', 'a/#'],
      ['--probe-topic', '$SYS/x'],
      ['--timeout', 'soon'],
      ['--timeout', '0'],
    ]) {
      assert.equal((await runDoctor({}, args, { json: false })).code, 2, args.join(' '));
    }
    const { code, text } = await runDoctor({ broker: { url: 'ftp://x' } }, [], { json: false });
    assert.equal(code, 2);
    assert.match(text, /broker\.url/);
  });
});
