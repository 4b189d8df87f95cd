import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CAUSES, MEND, type Cause, type Diagnosis } from '../domain/cause.js';
import { SILENT_CLOSE } from './evidence.fixture.js';
import { CAUSE_OF_CODE, causeOfCode, causeOfRefusal } from './causes.js';
import { diagnose, isOpen } from './diagnosis.js';
import { isTakeoverGuessed, type Afterwards, type Evidence, type Life, type Outstanding } from './evidence.js';

const NOTHING: Evidence = {
  ...SILENT_CLOSE,
  protocolVersion: 5,
  keepaliveMs: 30_000,
  sessionPresent: true,
  upMs: 60_000,
  threadDelayMs: 0,
  outstanding: [],
  history: [],
};
const BARE: Life = { bare: true, orderly: true, sessionPresent: true, upMs: 4_000, cause: 'network', unreached: false };
const RESET: Life = { ...BARE, orderly: false };
/** The third of a row, after which we held off. */
const NAMED: Life = { ...BARE, cause: 'client-id-conflict', heldOff: true, cameBack: true };
const NOT_BACK: Life = { ...NAMED, cameBack: false };
const RESTART: Life = { ...BARE, cause: 'broker-shutdown', unreached: true };
const THERE: Afterwards = { kind: 'there' };
const GONE = refused('broker-unreachable');
const FORGOTTEN: Afterwards = { kind: 'accepted', sessionPresent: false };
/** Or a broker that forgets; nobody held off for it. */
const CLEAN_RIVAL: Life = { ...BARE, cause: 'client-id-conflict', heldOff: false, cameBack: true };
const SUBSCRIBE = { kind: 'subscribe', name: 'secret/#', bytes: 20 } as const;
const GRANTED = { ...SUBSCRIBE, name: 'a', granted: true };
const PUBLISH = { kind: 'publish', name: 'commands/1', bytes: 200 } as const;
const LARGE = { ...PUBLISH, bytes: 300_000 };

type Row = [name: string, evidence: Partial<Evidence>, cause: Cause, confidence: Diagnosis['confidence']];

const UP: Row[] = [
  ['we stopped', { ended: 'stop' }, 'requested', 'certain'],
  ['the broker fell silent', { ended: 'keepalive' }, 'keepalive-timeout', 'certain'],
  ['we were late ourselves', { ended: 'keepalive', threadDelayMs: 31_000 }, 'event-loop-stall', 'likely'],
  ['the broker heard nothing', { code: 0x8d, where: 'disconnect' }, 'keepalive-timeout', 'certain'],
  ['the broker heard nothing, for we were late', { code: 0x8d, threadDelayMs: 50_000 }, 'event-loop-stall', 'likely'],
  ['hung up on a client that was late', { threadDelayMs: 50_000 }, 'event-loop-stall', 'likely'],
  ['session taken over', { code: 0x8e, where: 'disconnect' }, 'client-id-conflict', 'certain'],
  ['shutting down', { code: 0x8b, where: 'disconnect' }, 'broker-shutdown', 'certain'],
  ['kicked', { code: 0x98, where: 'disconnect' }, 'admin-kick', 'certain'],
  ['moved', { code: 0x9d, where: 'disconnect' }, 'server-moved', 'certain'],
  ['quota', { code: 0x97, where: 'disconnect' }, 'quota-exceeded', 'certain'],
  ['not authorized any more', { code: 0x87, where: 'disconnect' }, 'not-authorized', 'certain'],
  ['not authorized, at a SUBSCRIBE', { code: 0x87, outstanding: [SUBSCRIBE] }, 'subscribe-denied', 'likely'],
  ['not authorized, at a PUBLISH', { code: 0x87, outstanding: [PUBLISH] }, 'publish-denied', 'likely'],
  ['unspecified, at a PUBLISH', { code: 0x83, outstanding: [PUBLISH] }, 'publish-denied', 'likely'],
  ['unspecified', { code: 0x80, where: 'disconnect' }, 'unknown', 'guess'],
  ['a code outranks the error behind it', { code: 0x95, systemCode: 'ECONNRESET' }, 'packet-too-large', 'certain'],
  ['what came in cannot be read', { errors: ['Invalid header flag bits'] }, 'malformed-packet', 'likely'],
  ['hung up at a SUBSCRIBE', { outstanding: [SUBSCRIBE] }, 'subscribe-denied', 'guess'],
  ['and again', { outstanding: [SUBSCRIBE], history: unanswered(SUBSCRIBE) }, 'subscribe-denied', 'likely'],
  ['and then at another', { outstanding: [PUBLISH], history: unanswered(SUBSCRIBE) }, 'publish-denied', 'guess'],
  ['hung up at one that was granted before', { outstanding: [GRANTED] }, 'network', 'guess'],
  ['and again', { outstanding: [GRANTED], history: unanswered(GRANTED) }, 'subscribe-denied', 'likely'],
  ['hung up at a new one behind it', { outstanding: [GRANTED, PUBLISH] }, 'publish-denied', 'guess'],
  [
    'the third bare close, in the middle of asking anew',
    { upMs: 9, outstanding: [GRANTED], history: [BARE, BARE] },
    'client-id-conflict',
    'likely',
  ],
  ['hung up at one of several', { outstanding: [SUBSCRIBE, PUBLISH] }, 'subscribe-denied', 'guess'],
  ['hung up at a PUBLISH', { outstanding: [PUBLISH] }, 'publish-denied', 'guess'],
  ['reset at a PUBLISH', { outstanding: [PUBLISH], systemCode: 'ECONNRESET' }, 'network', 'guess'],
  ['a WebSocket cut at a PUBLISH', { outstanding: [PUBLISH], webSocket: { stage: 'open' } }, 'network', 'guess'],
  [
    'reset at the same PUBLISH again',
    { outstanding: [PUBLISH], systemCode: 'ECONNRESET', history: unanswered(PUBLISH) },
    'publish-denied',
    'guess',
  ],
  [
    'gone under a PUBLISH',
    { outstanding: [PUBLISH], afterwards: refused('broker-unreachable') },
    'broker-shutdown',
    'likely',
  ],
  [
    'gone under a large PUBLISH',
    { outstanding: [LARGE], systemCode: 'ECONNRESET', afterwards: GONE },
    'broker-shutdown',
    'likely',
  ],
  ['reset under a large PUBLISH', { outstanding: [LARGE], systemCode: 'ECONNRESET' }, 'packet-too-large', 'likely'],
  ['reset', { systemCode: 'ECONNRESET' }, 'network', 'guess'],
  ['timed out by the system', { systemCode: 'ETIMEDOUT' }, 'network', 'guess'],
  ['closed without a word', {}, 'network', 'guess'],
  ['and the broker came back', { afterwards: { kind: 'accepted', sessionPresent: true } }, 'network', 'guess'],
  ['and had forgotten', { afterwards: FORGOTTEN }, 'client-id-conflict', 'guess'],
  ['reset, and it had forgotten', { systemCode: 'ECONNRESET', afterwards: FORGOTTEN }, 'broker-shutdown', 'guess'],
  ['closed again after that', { upMs: 9, history: [CLEAN_RIVAL] }, 'network', 'guess'],
  ['and nobody listened', { afterwards: refused('broker-unreachable') }, 'broker-shutdown', 'likely'],
  ['and nobody answered', { afterwards: refused('broker-unreachable', 'likely') }, 'network', 'likely'],
  ['and was closed again', { afterwards: refused('broker-unreachable', 'guess') }, 'network', 'guess'],
  ['and the login was refused', { afterwards: refused('bad-credentials') }, 'bad-credentials', 'likely'],
  ['and we are banned', { afterwards: refused('banned') }, 'banned', 'likely'],
  ['the second bare close', { upMs: 4_000, history: [BARE] }, 'network', 'guess'],
  ['the third', { upMs: 1_500, history: [BARE, BARE] }, 'client-id-conflict', 'likely'],
  [
    'the third, and the broker was there all the while',
    { upMs: 1_500, history: [BARE, BARE], afterwards: THERE },
    'client-id-conflict',
    'likely',
  ],
  ['the third, by a broker that goes', { history: [BARE, BARE], afterwards: GONE }, 'broker-shutdown', 'likely'],
  ['the session is not kept', { sessionPresent: false, upMs: 9, history: [BARE, BARE] }, 'network', 'guess'],
  [
    'the session began with them',
    { upMs: 9, history: [BARE, { ...BARE, sessionPresent: false }] },
    'client-id-conflict',
    'likely',
  ],
  [
    'a rival that begins a new session',
    { sessionPresent: false, upMs: 9, history: rivals('client-id-conflict', 'broker-shutdown') },
    'client-id-conflict',
    'guess',
  ],
  [
    'and it does so again',
    {
      sessionPresent: false,
      upMs: 9,
      history: [{ ...NAMED, sessionPresent: false }, ...rivals('broker-shutdown')],
      afterwards: THERE,
    },
    'client-id-conflict',
    'guess',
  ],
  ['a restart in between', { upMs: 9, history: [BARE, { ...BARE, cause: 'broker-shutdown' }] }, 'network', 'guess'],
  ['a failed connect in between', { upMs: 9, history: [BARE, { ...BARE, unreached: true }] }, 'network', 'guess'],
  ['something was outstanding', { upMs: 9, history: [BARE, { ...BARE, bare: false }] }, 'network', 'guess'],
  ['a line that is reset', { upMs: 9, systemCode: 'ECONNRESET', history: [RESET, RESET] }, 'network', 'guess'],
  ['a WebSocket that is cut', { upMs: 9, webSocket: { stage: 'open' }, history: [RESET, RESET] }, 'network', 'guess'],
  ['a reset among closes', { upMs: 9, history: [RESET, BARE] }, 'client-id-conflict', 'likely'],
  ['a close among resets', { upMs: 9, history: [RESET, RESET] }, 'network', 'guess'],
  ['it held for long', { upMs: 200_000, history: [BARE, BARE] }, 'network', 'guess'],
  ['equally long lives', { upMs: 60_200, history: lives(60_000, 60_100) }, 'network', 'likely'],
  ['lives of any length', { upMs: 45_000, history: lives(60_000, 52_000) }, 'client-id-conflict', 'likely'],
];

/** We held off and came back. */
const AFTER_A_HOLD_OFF: Row[] = [
  ['closed again: to be looked at', { upMs: 50_000, history: [NAMED, BARE, BARE] }, 'client-id-conflict', 'guess'],
  [
    'by a broker that was there all the while',
    { upMs: 50_000, history: [NAMED, BARE, BARE], afterwards: THERE },
    'client-id-conflict',
    'likely',
  ],
  [
    'by one that was reset under',
    { systemCode: 'ECONNRESET', history: [NAMED, BARE, BARE], afterwards: THERE },
    'client-id-conflict',
    'likely',
  ],
  [
    'by a broker that then refused connections',
    { upMs: 50_000, history: [NAMED, BARE, BARE], afterwards: GONE },
    'broker-shutdown',
    'likely',
  ],
  [
    'by one behind a load balancer with nobody behind it',
    { upMs: 50_000, history: [NAMED, BARE, BARE], afterwards: refused('broker-unreachable', 'likely', false) },
    'network',
    'likely',
  ],
  [
    'in the middle of asking for the same filter again',
    {
      upMs: 9,
      outstanding: [GRANTED],
      history: [{ ...NAMED, unanswered: GRANTED }, BARE, BARE],
      afterwards: THERE,
    },
    'client-id-conflict',
    'likely',
  ],
  ['a shutdown that is told', { code: 0x8b, history: [NAMED, BARE, BARE] }, 'broker-shutdown', 'certain'],
  ['it held for longer than anybody holds off', { upMs: 80_000, history: [NAMED, BARE, BARE] }, 'network', 'guess'],
  ['a failed connect in between', { history: [{ ...NAMED, unreached: true }, BARE, BARE] }, 'network', 'guess'],
  ['a long life in between', { upMs: 9, history: [{ ...BARE, upMs: 80_000 }, NAMED, BARE] }, 'network', 'guess'],
  ['a restart in between', { upMs: 9, history: [RESTART, NAMED, BARE] }, 'network', 'guess'],
  ['and another one', { upMs: 9, history: [BARE, RESTART, NAMED] }, 'network', 'guess'],
  ['the rival is back after that', { upMs: 9, history: [BARE, BARE, RESTART] }, 'client-id-conflict', 'likely'],
  ['a takeover that the broker told', { history: [{ ...NAMED, bare: false }] }, 'network', 'guess'],
  ['another session, and the broker had been away', { sessionPresent: false, history: [NOT_BACK] }, 'network', 'guess'],
  [
    'lives as long as one another',
    { upMs: 60_200, history: [{ ...NAMED, upMs: 60_100 }, ...lives(60_000, 60_100)], afterwards: THERE },
    'network',
    'likely',
  ],
  [
    'three such lives may be chance',
    { upMs: 60_200, history: [{ ...NAMED, upMs: 60_100 }, ...lives(60_000, 10_000)], afterwards: THERE },
    'client-id-conflict',
    'likely',
  ],
];

const NEVER_UP: Row[] = [
  ['no such host', { systemCode: 'ENOTFOUND' }, 'dns', 'certain'],
  ['the resolver is away', { systemCode: 'EAI_AGAIN' }, 'dns', 'certain'],
  ['self-signed', { systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'tls', 'certain'],
  ['another host', { systemCode: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'tls', 'certain'],
  ['expired', { systemCode: 'CERT_HAS_EXPIRED' }, 'tls', 'certain'],
  ['TLS to a plain port', { systemCode: 'EPROTO' }, 'tls', 'certain'],
  ['nobody listens', { systemCode: 'ECONNREFUSED' }, 'broker-unreachable', 'certain'],
  ['no route', { systemCode: 'EHOSTUNREACH' }, 'broker-unreachable', 'certain'],
  ['no CONNACK', { errors: ['connack timeout'] }, 'broker-unreachable', 'likely'],
  ['a web server', { errors: ['404'], webSocket: { stage: 'upgrading' } }, 'websocket-upgrade', 'certain'],
  [
    'hung up at the upgrade',
    { systemCode: 'ECONNRESET', webSocket: { stage: 'upgrading' } },
    'websocket-upgrade',
    'certain',
  ],
  ['reset in answer to CONNECT', { systemCode: 'ECONNRESET' }, 'broker-unreachable', 'guess'],
  ['aborted before CONNACK', { systemCode: 'ECONNABORTED' }, 'network', 'likely'],
  ['reset in the TLS handshake', { systemCode: 'ECONNRESET', securing: true }, 'tls', 'likely'],
  ['a TLS alert came back', { errors: ['Invalid header flag bits'], spoke: 'TLS' }, 'tls', 'certain'],
  ['silent in the TLS handshake', { errors: ['connack timeout'], securing: true }, 'tls', 'likely'],
  ['closed again in answer to MQTT 5', { silentRefusals: 1 }, 'protocol-version', 'guess'],
  ['reset again in answer to MQTT 5', { silentRefusals: 1, systemCode: 'ECONNRESET' }, 'protocol-version', 'guess'],
  ['closed again in answer to 3.1.1', { silentRefusals: 1, protocolVersion: 4 }, 'broker-unreachable', 'guess'],
  [
    'a web server, at a port for MQTT',
    { errors: ['Invalid header flag bits'], spoke: 'HTTP' },
    'protocol-error',
    'certain',
  ],
  ['no MQTT', { errors: ['Invalid protocol'] }, 'protocol-error', 'likely'],
  ['closed without a word', {}, 'broker-unreachable', 'guess'],
  ['3.1.1: version', { code: 1, where: 'connack', protocolVersion: 4 }, 'protocol-version', 'certain'],
  ['3.1.1: client id', { code: 2, where: 'connack', protocolVersion: 4 }, 'client-id-rejected', 'certain'],
  ['3.1.1: password', { code: 4, where: 'connack', protocolVersion: 4 }, 'bad-credentials', 'certain'],
  ['3.1.1: not authorised', { code: 5, where: 'connack', protocolVersion: 4 }, 'not-authorized', 'likely'],
  ['5: password', { code: 0x86, where: 'connack' }, 'bad-credentials', 'certain'],
  ['5: not authorized', { code: 0x87, where: 'connack' }, 'not-authorized', 'certain'],
  ['5: banned', { code: 0x8a, where: 'connack' }, 'banned', 'certain'],
  ['5: busy', { code: 0x89, where: 'connack' }, 'server-busy', 'certain'],
];

function refused(cause: Cause, confidence: Diagnosis['confidence'] = 'certain', orderly = true) {
  return { kind: 'refused', cause, confidence, orderly } as const;
}

function unanswered(operation: Outstanding): Life[] {
  return [{ ...BARE, bare: false, unanswered: operation }];
}

function rivals(...causes: Cause[]): Life[] {
  return causes.map((cause) => ({ ...BARE, sessionPresent: false, cameBack: true, cause }));
}

function lives(...upMs: number[]): Life[] {
  return upMs.map((ms) => ({ ...BARE, upMs: ms }));
}

describe('diagnosis', () => {
  for (const [what, rows, base] of [
    ['a link that was up', UP, {}],
    ['taken back after a hold-off', AFTER_A_HOLD_OFF, {}],
    ['one that never came up', NEVER_UP, { wasUp: false, upMs: 0 }],
  ] as const) {
    for (const [name, evidence, cause, confidence] of rows) {
      it(`${what}, ${name}: ${cause}, ${confidence}`, () => {
        const diagnosis = diagnose({ ...NOTHING, ...base, ...evidence });
        assert.deepEqual([diagnosis.cause, diagnosis.confidence], [cause, confidence]);
        assert.ok(
          diagnosis.evidence.length > 0 && diagnosis.evidence.every((text) => text !== ''),
          'evidence in words',
        );
        assert.match(diagnosis.mend, /\.$/);
      });
    }
  }

  it('every code of MQTT 5 and 3.1.1 that ends or refuses something has a cause, any other is unknown', () => {
    const [first, last] = [0x80, 0xa2]; // every number in between is defined [MQTT 5.0, 2.4]
    for (let code = first; code <= last; code++) {
      assert.ok(CAUSE_OF_CODE[code] !== undefined, `0x${code.toString(16)}`);
    }
    for (let code = 1; code <= 5; code++) assert.ok(CAUSE_OF_CODE[code] !== undefined, `return code ${code}`);
    assert.equal(causeOfCode(0xff), 'unknown');
  });

  it('unknown is said only where the broker itself said "unspecified"', () => {
    const unknown = Object.entries(CAUSE_OF_CODE).filter(([, cause]) => cause === 'unknown');
    assert.deepEqual(
      unknown.map(([code]) => Number(code)),
      [0x80, 0x83],
    );
  });

  it('a code that refuses one operation is about that operation, unless it says more', () => {
    for (const code of [0x80, 0x83, 0x87]) assert.equal(causeOfRefusal('subscribe', code), 'subscribe-denied');
    for (const code of [0x80, 0x83, 0x87]) assert.equal(causeOfRefusal('publish', code), 'publish-denied');
    assert.equal(causeOfRefusal('publish', 0x97), 'quota-exceeded');
    assert.equal(causeOfRefusal('subscribe', 0x9e), 'unsupported');
  });

  it('every cause has a mend', () => {
    for (const cause of CAUSES) assert.match(MEND[cause], /\.$/, cause);
    const { cause, mend } = diagnose({ ...NOTHING, ended: 'keepalive' });
    assert.equal(mend, MEND[cause]);
  });

  it('a session that is gone after a close is a rival or a broker that forgets: both are named, neither is claimed', () => {
    for (const systemCode of [undefined, 'ECONNRESET']) {
      const { confidence, evidence, mend } = diagnose({ ...NOTHING, systemCode, afterwards: FORGOTTEN });
      assert.equal(confidence, 'guess');
      assert.match(evidence.join(), /took connections all the while.*clean start, or the broker has lost its sessions/);
      assert.match(mend, /session\.clientId.*persistence/);
    }
  });

  it('a publish that is hung up on without a word may be denied or too large: both are named', () => {
    const { evidence, mend } = diagnose({ ...NOTHING, protocolVersion: 4, outstanding: [PUBLISH] });
    assert.match(evidence.join(), /PUBLISH commands\/1 \(200 bytes\).*not be allowed, or be larger/);
    assert.match(mend, /publish\.allow.*no packet of 200 bytes.*publish\.maxPayload/);
  });

  it('one takeover is not yet a fight', () => {
    const taken = { ...NOTHING, code: 0x8e, where: 'disconnect' } as const;
    assert.match(diagnose(taken).mend, /--takeover.*If it happens again/);
    assert.equal(diagnose({ ...taken, history: [NAMED] }).mend, MEND['client-id-conflict']);
  });

  it('the mend of a refusal fits what was seen', () => {
    const refusal = { ...NOTHING, wasUp: false, upMs: 0 };
    for (const more of [{ spoke: 'HTTP' as const }, { errors: ['Invalid header flag bits'] }]) {
      assert.match(diagnose({ ...refusal, ...more }).mend, /check the port in broker\.url/);
    }
    const tooOld = diagnose({ ...refusal, silentRefusals: 1 });
    assert.match(tooOld.mend, /^The broker may be too old for MQTT 5.*broker\.protocol/);
    const { mend } = diagnose({ ...refusal, code: 0x87, where: 'connack' });
    assert.match(mend, /broker\.username/);
    assert.doesNotMatch(mend, /3\.1\.1/);
    const selfSigned = { systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT', errors: ['try --use-system-ca'] };
    const tls = diagnose({ ...refusal, ...selfSigned });
    assert.match(tls.mend, /broker\.tls\.caFile/);
    assert.doesNotMatch(tls.evidence.join(), /use-system-ca/);
  });

  it('what a close frame said is evidence', () => {
    const webSocket = { stage: 'open', closeCode: 1008, closeReason: 'policy' } as const;
    const { evidence } = diagnose({ ...NOTHING, webSocket });
    assert.ok(evidence.includes('WebSocket closed with code 1008 policy'), evidence.join());
  });

  it('only a guess waits for what comes afterwards, and so does a takeover that the broker has not told', () => {
    const third = { ...NOTHING, history: [BARE, BARE] };
    assert.equal(isOpen(third), true);
    assert.equal(isOpen({ ...third, afterwards: THERE }), false);
    assert.equal(isOpen({ ...third, code: 0x8e }), false);
    assert.equal(isTakeoverGuessed('client-id-conflict', { code: 0x8e }), false);
    assert.equal(isOpen(NOTHING), true);
    assert.equal(isOpen({ ...NOTHING, code: 0x8b }), false);
    assert.equal(isOpen({ ...NOTHING, wasUp: false }), false);
    assert.equal(isOpen({ ...NOTHING, afterwards: { kind: 'accepted', sessionPresent: true } }), false);
  });
});
