/** The doctor, run by the gateway that it examines. */
import type { Logger } from 'pino';
import type { Examiner } from './console/index.js';
import { examine } from './doctor/index.js';
import type { LinkStatus } from './domain/link.js';
import type { Settings } from './domain/settings.js';

/** For one check, as `holdfast doctor` has it. */
const LIMIT_MS = 10_000;

export interface ExaminingParts {
  /** In force now, with the ports that are listened on. */
  settings: () => Settings;
  link: () => Promise<LinkStatus | undefined>;
  logger: Pick<Logger, 'error'>;
}

export class Examining implements Examiner {
  readonly #stopped = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(private readonly parts: ExaminingParts) {}

  get allow(): readonly string[] {
    return this.parts.settings().publish.allow;
  }

  async examine(...[probeTopics, tell, interrupted]: Parameters<Examiner['examine']>): Promise<void> {
    const examination = examine({
      settings: this.parts.settings(),
      gateway: this.parts.link,
      takeover: false, // it would drop the link
      probeTopics: [...probeTopics],
      limitMs: LIMIT_MS,
      interrupted: AbortSignal.any([interrupted, this.#stopped.signal]),
      broker: (url) => tell({ kind: 'broker', url }),
      begun: (check) => tell({ kind: 'begun', check }),
      done: (row) => tell({ kind: 'row', ...row }),
      skipped: (rows) => rows.forEach((row) => tell({ kind: 'row', ...row })),
    });
    this.#running = examination.then(
      ({ ok, interrupted: early, leftBehind }) => tell({ kind: 'end', ok, interrupted: early, leftBehind }),
      (error: unknown) => {
        this.parts.logger.error({ err: error }, 'the doctor broke');
        tell({ kind: 'end', ok: false, interrupted: true, leftBehind: [] });
      },
    );
    await this.#running;
  }

  /** Resolves when what is under way has cleaned up. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }
}
