/**
 * Named places where crash tests kill the process: `HOLDFAST_FAILPOINT=journaled:37` ends it with
 * SIGKILL the 37th time the place is passed. Without the variable each call is one comparison.
 */
export const FAILPOINTS = [
  'received', // a message was taken from the socket
  'journaled', // its batch was committed, PUBACK not yet written
  'acked', // PUBACK was written
  'admitted', // its contract was checked
  'attempted', // a subscriber answered
  'settled', // that answer is in the journal
  'accepting', // a publish is in a transaction that is not committed yet
  'outboxed', // it is committed, and nobody has heard of that
  'accepted', // a publish is in the outbox, the caller not yet answered
  'sent', // the publish was written to the socket
  'confirmed', // the broker acknowledged it, the outbox not yet told
  'concluded', // that is committed, and nobody has heard of it
  'answered', // the caller is about to be answered
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

const [armed, count] = (process.env['HOLDFAST_FAILPOINT'] ?? '').split(':');
let remaining = Number(count ?? 1);

/** Ends the process with SIGKILL when `name` is armed and was passed often enough. */
export function failpoint(name: Failpoint, times = 1): void {
  if (armed !== name) return;
  remaining -= times;
  if (remaining <= 0) process.kill(process.pid, 'SIGKILL');
}
