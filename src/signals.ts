/**
 * SIGTERM and SIGINT, listened to from the moment this module is loaded: process 1 of a container has no defaults, and
 * loses what it does not listen to. For the command line alone; an app that holds a gateway has its own.
 */
import { constants } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { leave } from './domain/worker-end.js';

type EndSignal = 'SIGTERM' | 'SIGINT';

const waiting: ((name: EndSignal) => void)[] = [];
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => heard(name));

/** The next one, which then does not end the process. While nobody waits, a signal ends it as it would by default. */
export function nextSignal(): Promise<EndSignal> {
  return new Promise((resolve) => waiting.push(resolve));
}

/** Loading code keeps the process busy. What was sent meanwhile has been heard when this resolves. */
export async function signalsHeard(): Promise<void> {
  // One turn may be over its looking for signals already.
  for (let turn = 0; turn < 2; turn++) await setImmediate();
}

function heard(name: EndSignal): void {
  if (waiting.length === 0) void leave(128 + constants.signals[name]);
  for (const resolve of waiting.splice(0)) resolve(name);
}
