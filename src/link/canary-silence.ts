import { MEND, type Diagnosis } from '../domain/cause.js';

/** What is known of the probe that does not come back. */
export interface CanaryFacts {
  topic: string;
  protocol: '5' | '3.1.1';
  /** How long it has been away. */
  awayMs: number;
  /** What the broker answered to the PUBLISH, 0 also when it was sent with QoS 0; absent: nothing. */
  answer?: number | undefined;
  /** The broker hung up on it so often while nothing else was on the way. */
  hangUps?: number | undefined;
  /** The broker refuses the subscription to the topic, with this code. */
  denied?: number | undefined;
}

const REFUSED = 0x80;

/** Why the canary is silent: it may not be published, not be subscribed to, or it is withheld. Pure. */
export function canarySilence({ topic, protocol, awayMs, answer, hangUps, denied }: CanaryFacts): Diagnosis {
  const silence = (confidence: Diagnosis['confidence'], evidence: string[], mend: string): Diagnosis => {
    return { cause: 'canary-silent', confidence, evidence, mend };
  };
  const mayPublish = `Let this user publish to ${topic} at the broker, or set session.canary.topic to a topic it may publish to and subscribe to.`;
  if (hangUps !== undefined) {
    const text = `the broker hung up ${hangUps} times instead of answering a PUBLISH to ${topic}, with nothing else on the way`;
    return silence('likely', [text], mayPublish);
  }
  if (answer !== undefined && answer >= REFUSED) {
    return silence('certain', [`the PUBLISH to ${topic} was refused: reason code ${hex(answer)}`], mayPublish);
  }
  if (denied !== undefined) {
    const text = `the SUBSCRIBE ${topic} was refused: reason code ${hex(denied)}`;
    return silence('certain', [text], `Let this user subscribe to ${topic} at the broker.`);
  }
  const away = `for ${Math.round(awayMs / 1_000)} s`;
  if (answer === undefined) {
    return silence(
      'guess',
      [`a PUBLISH to ${topic} was not answered ${away}`],
      'Look at the broker: it may be overloaded.',
    );
  }
  const evidence = [`a PUBLISH to ${topic} was taken, and did not come back ${away}`];
  if (answer > 0) evidence.push(`PUBACK reason code ${hex(answer)}`);
  if (protocol === '3.1.1') evidence.push('MQTT 3.1.1 has no word for a PUBLISH that is denied: this one may be');
  return silence('likely', evidence, MEND['canary-silent']);
}

function hex(code: number): string {
  return `0x${code.toString(16)}`;
}
