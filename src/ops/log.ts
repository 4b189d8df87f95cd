import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Settings } from '../domain/settings.js';
import { escaped, spelt } from './plain-text.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** What a thread asks the main thread to log. */
export interface LogLine {
  level: LogLevel;
  message: string;
  fields: { [name: string]: unknown };
}

export type Log = (level: LogLevel, message: string, fields?: { [name: string]: unknown }) => void;

/**
 * JSON lines on standard output, or readable ones on a terminal. Written at once, so that the last one before an exit is
 * not lost. Devices and apps choose much of what is in them: no control character is written as it is.
 */
export function createLogger({ level, format }: Settings['log'], terminal: boolean): Logger {
  // Secrets are never logged; this is the second fence.
  const redact = {
    paths: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.token', '*.authorization'],
    censor: '***',
  };
  if (format === 'pretty' || (format === 'auto' && terminal)) {
    const stream = pretty({
      colorize: terminal,
      singleLine: true,
      ignore: 'pid,hostname',
      translateTime: 'HH:MM:ss',
      sync: true,
      messageFormat: (line, key) => String(line[key]).replaceAll('\n', '\\n'),
    });
    return pino({ level, redact }, { write: (line: string) => void stream.write(spelt(line)) });
  }
  const options = {
    level,
    redact,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: stdTimeFunctions.isoTime,
  };
  // Without `sync` the line of an exit overtakes those before it.
  const stream = pino.destination({ fd: process.stdout.fd, sync: true });
  return pino(options, { write: (line: string) => void stream.write(escaped(line)) });
}

/** Nest's own lines: what it says of its wiring interests whoever debugs it, and nobody else. */
export function nestLogger(logger: Logger): LoggerService {
  const context = (more: unknown[]): { context: unknown } => ({ context: more.at(-1) });
  return {
    log: (message, ...more) => logger.debug(context(more), String(message)),
    debug: (message, ...more) => logger.debug(context(more), String(message)),
    verbose: (message, ...more) => logger.trace(context(more), String(message)),
    warn: (message, ...more) => logger.warn(context(more), String(message)),
    error: (message, ...more) => logger.error(context(more), String(message)),
    fatal: (message, ...more) => logger.fatal(context(more), String(message)),
  };
}
