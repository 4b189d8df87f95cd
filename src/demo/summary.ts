/** The live lines of the demo: what the gateway's own metrics say, once every two seconds. */
const COLUMNS = [
  { title: 'link', width: 5 },
  { title: 'received', width: 9 },
  { title: 'rejected', width: 9 },
  { title: 'billing', width: 8 },
  { title: 'lag', width: 5 },
  { title: 'audit', width: 8 },
  { title: 'retries', width: 8 },
  { title: 'lag', width: 5 },
  { title: 'state', width: 7 },
] as const;
const LINES_PER_HEADER = 15;

export class Summary {
  #lines = 0;

  constructor(private readonly write: (text: string) => void) {}

  /** @param metrics the Prometheus text */
  line(metrics: string): void {
    if (this.#lines++ % LINES_PER_HEADER === 0)
      this.#row(
        'time    ',
        COLUMNS.map(({ title }) => title),
      );
    const read = (name: string): number => sum(metrics, name);
    const state = ['active', 'paused', 'broken', 'gone'].find(
      (one) => read(`holdfast_subscriber_state{subscriber="audit",state="${one}"}`) === 1,
    );
    this.#row(clock(), [
      read('holdfast_link_up') === 1 ? 'up' : 'down',
      read('holdfast_messages_received_total'),
      read('holdfast_rejections_total'),
      read('holdfast_attempts_total{subscriber="billing",outcome="delivered"}'),
      read('holdfast_subscriber_lag_records{subscriber="billing"}'),
      read('holdfast_attempts_total{subscriber="audit",outcome="delivered"}'),
      read('holdfast_attempts_total{subscriber="audit",outcome="retry"}') +
        read('holdfast_attempts_total{subscriber="audit",outcome="throttled"}'),
      read('holdfast_subscriber_lag_records{subscriber="audit"}'),
      state ?? '?',
    ]);
  }

  event(text: string): void {
    this.write(`${clock()}  * ${text}\n`);
  }

  #row(time: string, cells: readonly (string | number)[]): void {
    this.write(`${time}  ${cells.map((cell, i) => String(cell).padStart(COLUMNS[i]!.width)).join('  ')}\n`);
  }
}

/** The sum of every sample whose name (and labels, as far as given) match. */
function sum(metrics: string, name: string): number {
  let total = 0;
  for (const line of metrics.split('\n')) {
    if (!line.startsWith(name) || !(line[name.length] === ' ' || line[name.length] === '{')) continue;
    total += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return total;
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}
