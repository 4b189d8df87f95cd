import { formatProblems, loadSettings } from '../config/index.js';
import {
  examine,
  headingText,
  pendingText,
  rowText,
  skippedText,
  summaryText,
  WIDTH_MAX,
  type Look,
  type Progress,
} from '../doctor/index.js';
import { nextSignal } from '../signals.js';

export interface DoctorFlags {
  json: boolean;
  takeover: boolean;
  probeTopics: string[];
  limitMs: number;
}

const CLEAR_LINE = '\r\u001b[2K';

/** Walks the known reasons why links drop against the configured broker. @returns the exit code */
export async function doctor(file: string, flags: DoctorFlags): Promise<number> {
  const { json, takeover, probeTopics, limitMs } = flags;
  const loaded = loadSettings(file, process.env);
  const problems = 'problems' in loaded ? loaded.problems : [];
  for (const found of [loaded.warnings, problems]) {
    if (found.length > 0) process.stderr.write(formatProblems(file, found, process.stderr.isTTY));
  }
  if ('problems' in loaded) return 2;
  const how: Look = {
    width: process.stdout.isTTY ? process.stdout.columns : WIDTH_MAX,
    colour: process.stdout.isTTY,
  };
  const progress = json ? SILENT : told(how);
  const interrupted = interruption();
  const { settings } = loaded;
  const report = await examine({ settings, takeover, probeTopics, limitMs, interrupted, ...progress });
  const { ok, broker, rows } = report;
  if (json) process.stdout.write(`${JSON.stringify({ ok, broker, rows }, undefined, 2)}\n`);
  else process.stdout.write(`${how.colour ? CLEAR_LINE : ''}\n${summaryText(rows, how)}`);
  if (report.interrupted) process.stderr.write('holdfast: interrupted before every check was made\n');
  for (const clientId of report.leftBehind) {
    process.stderr.write(`holdfast: the session of ${clientId} could not be ended and may be left at the broker\n`);
  }
  return ok ? 0 : 1;
}

const SILENT: Progress = {
  broker: () => undefined,
  begun: () => undefined,
  done: () => undefined,
  skipped: () => undefined,
};

/** Each row when it is finished; on a terminal also which one is being looked at. */
function told(how: Look): Progress {
  const write = (text: string): void => void process.stdout.write(text);
  return {
    broker: (url) => write(headingText(url, how)),
    begun: (check) => how.colour && write(pendingText(check)),
    done: (row) => write(`${how.colour ? CLEAR_LINE : ''}${rowText(row, how)}`),
    skipped: (rows) => write(skippedText(rows, how)),
  };
}

/** The first Ctrl-C, or a reader that has gone, ends the examination and cleans up; the second Ctrl-C ends the process. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  void nextSignal().then(() => controller.abort());
  process.stdout.on('error', () => controller.abort());
  return controller.signal;
}
