/** Why attempts fail, and what to do about it. Pure. */
import type { SubscriberFacts } from './facts.js';

/** Of an answer, which somebody else wrote. */
const DETAIL_CHARACTERS_MAX = 200;

type Failure = NonNullable<SubscriberFacts['lastFailure']>;

export function failureWhy({ reason, status, detail }: Failure): string {
  const said = detail.length > DETAIL_CHARACTERS_MAX ? `${detail.slice(0, DETAIL_CHARACTERS_MAX)} …` : detail;
  const what = status === 0 ? reason : `${reason} ${status}`;
  return `The last attempt: ${said === '' ? what : `${what}, ${said}`}.`;
}

const OF_REASON: { readonly [reason: string]: string } = {
  refused: 'Look whether its receiver runs, at the host and port of its url.',
  timeout: 'Its receiver does not answer in time: look at how it is, or raise the subscriber’s timeout.',
  network: 'Look at the name and port in its url, and at the network and proxies on the way.',
  tls: 'Look at the receiver’s certificate, its dates and name, and at the subscriber’s tls.ca.',
  redirect: 'Its receiver has moved: set its url to where the answer points.',
  answer: 'Its receiver answers, but does not say success: look at what it says, and at `answers`.',
  payload: 'The payload is no JSON: set `payload: original`, or mend the device.',
  threw: 'Mend the handler: it threw.',
  forbidden: 'Allow its address in registration.allow, or give it another url.',
};

export function failureMend({ reason, status }: Failure): string {
  if (status === 401 || status === 403)
    return 'Its receiver does not let the gateway in: renew the subscriber’s token (auth, headers) or its signing secret.';
  if (status === 404 || status === 405) return 'Look at the path in its url: its receiver does not know it.';
  if (status >= 500) return 'Look at its receiver and its log: it fails by itself.';
  if (status >= 400)
    return 'Look at what its receiver does not like about the messages, and mend it there or at the device.';
  return OF_REASON[reason] ?? 'Mend its receiver.';
}
