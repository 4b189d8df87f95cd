/** What the gateway tells by itself: its state every two seconds, and what happens. */
import { signal } from '@preact/signals';
import { sentence } from '../shown/problem.js';
import { EventReader, type ServerEvent } from '../shown/sse.js';
import type { Status, Told } from '../shown/types.js';
import { call, open, problemIn, signInWanted, signIns } from './gateway.js';

/** What it said of itself is the last, and old, when it has said nothing for so long. */
const SILENCE_MS = 12_000;
const POLL_MS = 5_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000];
const TOLD_MAX = 100;
/** A tab that nobody sees gives its connection to those that are seen: browsers have six for a host. */
const HIDDEN_MS = 30_000;
/** As the last event: asks for all that the gateway keeps. */
const FROM_THE_FIRST = '0';

export const status = signal<Status | undefined>(undefined);
export const statusProblem = signal('');
/** Newest first. */
export const told = signal<(Told & { key: string })[]>([]);
/** Whether the gateway has said something just now. */
export const heard = signal(true);
/** By the gateway's clock, of which this is known; milliseconds since the epoch. */
export const nowMs = signal(Date.now());
/**
 * How state comes: `live`, or asked for every few seconds, because the gateway does not tell it by itself; `refused`: not at
 * all, for the token may not read it.
 */
export const feed = signal<'live' | 'asked' | 'refused' | 'none'>('none');

/** Why the gateway does not tell by itself, while it is asked. */
export const untold = signal('');

let heardAt = Date.now();
let offsetMs = 0;
let lastId = FROM_THE_FIRST;

/** Begins, and goes on as long as the page is there. */
export function follow(): void {
  setInterval(() => {
    nowMs.value = Date.now() + offsetMs;
    heard.value = Date.now() - heardAt < SILENCE_MS;
  }, 1_000);
  void keepFollowing();
}

async function keepFollowing(): Promise<void> {
  for (let failures = 0; ; failures++) {
    await seen();
    const began = Date.now();
    try {
      await listen();
      failures = -1;
    } catch (error) {
      const { status: code, detail } = problemIn(error);
      // It is there and will not tell: an older one, too many who listen, or a token that may not.
      if (code === 0) {
        feed.value = 'none';
        statusProblem.value = detail;
      } else if (code !== 401) {
        untold.value = detail;
        await ask();
      }
    }
    if (Date.now() - began > 10_000) failures = 0;
    if (feed.value === 'live') feed.value = 'none';
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(failures + 1, RETRY_MS.length - 1)]));
  }
}

async function listen(): Promise<void> {
  const stop = stopWhenHidden();
  const headers = { 'last-event-id': lastId };
  try {
    const response = await open('v1/live', { headers, signal: stop.signal });
    feed.value = 'live';
    statusProblem.value = '';
    const events = new EventReader();
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of events.feed(value)) {
        take(event);
        if (event.name === 'missed') return await reader.cancel(); // to be told anew what is kept
      }
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    stop.done();
  }
}

/** Asks for a while; then it is tried again whether the gateway tells by itself. */
async function ask(): Promise<void> {
  for (let times = 0; times < 12; times++) {
    await seen();
    try {
      taken(await call<Status>('v1/status'));
      feed.value = 'asked';
      statusProblem.value = '';
    } catch (error) {
      const problem = problemIn(error);
      statusProblem.value = sentence(problem);
      feed.value = problem.status === 403 ? 'refused' : 'none';
      if (problem.status === 0) return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function take({ name, id, data }: ServerEvent): void {
  if (id !== '') lastId = id;
  if (name === 'missed') lastId = FROM_THE_FIRST;
  heardAt = Date.now();
  if (name === 'status') return taken(JSON.parse(data) as Status);
  if (name === 'missed') told.value = [];
  if (name !== 'told') return;
  const one = { ...(JSON.parse(data) as Told), key: id };
  told.value = [one, ...told.value.filter(({ key }) => key !== id)].slice(0, TOLD_MAX);
}

function taken(one: Status): void {
  heardAt = Date.now();
  heard.value = true;
  offsetMs = Date.parse(one.now) - Date.now();
  nowMs.value = Date.parse(one.now);
  status.value = one;
}

/** Resolves when somebody sees the page who needs no token, or has one. */
function seen(): Promise<void> {
  const now = (): boolean => !document.hidden && signInWanted.value === undefined;
  if (now()) return Promise.resolve();
  return new Promise((resolve) => {
    const look = (): void => {
      if (!now()) return;
      document.removeEventListener('visibilitychange', look);
      unsubscribe();
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    const unsubscribe = signIns.subscribe(() => queueMicrotask(look));
  });
}

function stopWhenHidden(): { signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => controller.abort(), HIDDEN_MS);
  };
  document.addEventListener('visibilitychange', look);
  const done = (): void => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
  return { signal: controller.signal, done };
}
