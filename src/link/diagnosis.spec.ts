import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CAUSES, MEND, type Cause, type Diagnosis } from '../domain/cause.js';
import { NOTHING } from './evidence.fixture.js';
import { CAUSE_OF_CODE, causeOfCode, causeOfRefusal } from './causes.js';
import { diagnose, isOpen } from './diagnosis.js';
import { isBare, isTakeoverGuessed, type Afterwards, type Evidence, type Life, type Outstanding } from './evidence.js';

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

const REFUSED = { topic: 'commands/1', reasonCode: 0x87 };

const DUPLICATE = { stage: 'open', closeCode: 1011, closeReason: 'Duplicate Client ID' } as const;

type Row = [name: string, evidence: Partial<Evidence>, cause: Cause, confidence: Diagnosis['confidence']];

const UP: Row[] = [
  ['we stopped', { ended: 'stop' }, 'requested', 'certain'],
  ['the broker fell silent', { ended: 'keepalive' }, 'keepalive-timeout', 'certain'],
  ['we were late ourselves', { ended: 'keepalive', threadDelayMs: 31_000 }, 'event-loop-stall', 'likely'],
  ['the broker heard nothing', { code: 0x8d, where: 'disconnect' }, 'keepalive-timeout', 'certain'],
  ['the broker heard nothing, for we were late', { code: 0x8d, threadDelayMs: 50_000 }, 'event-loop-stall', 'likely'],
  ['hung up on a client that was late', { threadDelayMs: 50_000 }, 'event-loop-stall', 'likely'],
  ['session taken over', { code: 0x8e, where: 'disconnect' }, 'client-id-conflict', 'certain'],
  ['session taken over, as NATS says it', { webSocket: DUPLICATE }, 'client-id-conflict', 'certain'],
  ['the same, at a PUBLISH', { webSocket: DUPLICATE, outstanding: [PUBLISH] }, 'client-id-conflict', 'certain'],
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
  [
    'and again, when the one before was taken for a takeover',
    { outstanding: [GRANTED], history: [{ ...CLEAN_RIVAL, unanswered: GRANTED }] },
    'network',
    'guess',
  ],
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
    'a WebSocket ended at a PUBLISH, without a close frame',
    { outstanding: [PUBLISH], webSocket: { stage: 'open', finished: true } },
    'publish-denied',
    'guess',
  ],
  [
    'reset at the same PUBLISH again',
    { outstanding: [PUBLISH], systemCode: 'ECONNRESET', history: unanswered(PUBLISH) },
    'publish-denied',
    'guess',
  ],
  [
    'reset at another PUBLISH to the same topic',
    {
      outstanding: [{ ...PUBLISH, sequence: 8 }],
      systemCode: 'ECONNRESET',
      history: unanswered({ ...PUBLISH, sequence: 7 }),
    },
    'network',
    'guess',
  ],
  [
    'hung up at another PUBLISH to the same topic',
    { outstanding: [{ ...PUBLISH, sequence: 8 }], history: unanswered({ ...PUBLISH, sequence: 7 }) },
    'publish-denied',
    'guess',
  ],
  ['hung up right after a PUBLISH was refused', { refused: REFUSED }, 'publish-denied', 'guess'],
  [
    'the same, by a broker that is there all the while',
    { refused: REFUSED, afterwards: THERE },
    'publish-denied',
    'likely',
  ],
  [
    'the same, for the third time',
    { upMs: 1_500, refused: REFUSED, history: [BARE, BARE], afterwards: THERE },
    'publish-denied',
    'likely',
  ],
  [
    'the same, after a hold-off',
    { upMs: 9, refused: REFUSED, history: [NAMED, BARE, BARE], afterwards: THERE },
    'publish-denied',
    'likely',
  ],
  ['the same, with another behind it', { refused: REFUSED, outstanding: [SUBSCRIBE] }, 'publish-denied', 'guess'],
  ['the same, by a broker that goes', { refused: REFUSED, afterwards: GONE }, 'broker-shutdown', 'likely'],
  ['refused for a quota, and hung up', { refused: { ...REFUSED, reasonCode: 0x97 } }, 'quota-exceeded', 'guess'],
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
  [
    'the third, and a connect in between was closed without a word: NATS, or a proxy',
    { upMs: 1_500, history: [{ ...BARE, turnedAway: true }, BARE], afterwards: THERE },
    'client-id-conflict',
    'guess',
  ],
  [
    'the third, and so was the one after it',
    { upMs: 1_500, history: [BARE, BARE], afterwards: refused('broker-unreachable', 'guess') },
    'client-id-conflict',
    'guess',
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
  [
    'a WebSocket that is ended without a close frame',
    { upMs: 9, webSocket: { stage: 'open', finished: true }, history: [BARE, BARE] },
    'client-id-conflict',
    'likely',
  ],
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
  for (const [what, rows] of [
    ['a link that was up', UP],
    ['taken back after a hold-off', AFTER_A_HOLD_OFF],
  ] as const) {
    for (const [name, evidence, cause, confidence] of rows) {
      it(`${what}, ${name}: ${cause}, ${confidence}`, () => {
        const diagnosis = diagnose({ ...NOTHING, ...evidence });
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

  it('a rival that is only inferred may be a proxy that hides restarts, and the mend says so', () => {
    for (const afterwards of [THERE, refused('broker-unreachable', 'guess')]) {
      const { mend } = diagnose({ ...NOTHING, upMs: 9, history: [BARE, BARE], afterwards });
      assert.match(mend, /session\.clientId of its own.*proxy or load balancer/);
    }
  });

  it('a hang-up after a refusal is told with the publish, its code and what is known of such brokers, and is not bare', () => {
    const hungUp = { ...NOTHING, refused: REFUSED };
    const { evidence, mend } = diagnose(hungUp);
    assert.match(evidence.join(), /right after it had refused PUBLISH commands\/1 with reason code 0x87/);
    assert.match(mend, /Allow the topic.*max_queued_messages/);
    assert.deepEqual([isBare(hungUp), isBare(NOTHING)], [false, true]);
  });

  it('one takeover is not yet a fight', () => {
    const taken = { ...NOTHING, code: 0x8e, where: 'disconnect' } as const;
    assert.match(diagnose(taken).mend, /--takeover.*If it happens again/);
    assert.equal(diagnose({ ...taken, history: [NAMED] }).mend, MEND['client-id-conflict']);
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
    assert.equal(isOpen({ ...third, webSocket: DUPLICATE }), false);
    assert.equal(isBare({ ...third, webSocket: DUPLICATE }), false);
    assert.equal(isOpen(NOTHING), true);
    assert.equal(isOpen({ ...NOTHING, code: 0x8b }), false);
    assert.equal(isOpen({ ...NOTHING, wasUp: false }), false);
    assert.equal(isOpen({ ...NOTHING, afterwards: { kind: 'accepted', sessionPresent: true } }), false);
  });
});
