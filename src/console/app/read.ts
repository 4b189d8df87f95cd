/** One read of the gateway, kept fresh while somebody looks at it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../shown/problem.js';
import type { Told } from '../shown/types.js';
import { call, problemIn, signIns, signInWanted } from './gateway.js';
import { told } from './live.js';

export interface Read<T> {
  /** The last answer; it stays when a later one fails. */
  data?: T;
  problem?: Problem;
  /** Reads it now. */
  again: () => void;
}

/** A burst of what happens is one reason to read again. */
const SETTLE_MS = 300;

/** @param on of what is told: then it is read at once */
export function useRead<T>(path: string, everyMs = 5_000, on: readonly Told['name'][] = []): Read<T> {
  const [answer, setAnswer] = useState<{ path: string; data?: T; problem?: Problem }>({ path });
  const again = useRef(() => {});
  const newest = told.value.find(({ name }) => on.includes(name))?.key;
  const identity = signIns.value;
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      clearTimeout(timer);
      if (!document.hidden && signInWanted.value === undefined) {
        try {
          const data = await call<T>(path, { signal: stop.signal });
          setAnswer({ path, data });
        } catch (error) {
          if (stop.signal.aborted) return;
          setAnswer((last) => ({ path, data: last.path === path ? last.data : undefined, problem: problemIn(error) }));
        }
      }
      if (stop.signal.aborted) return;
      timer = setTimeout(() => void read(), everyMs);
    };
    again.current = () => void read();
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, identity]);
  useEffect(() => {
    if (newest === undefined) return;
    const timer = setTimeout(() => again.current(), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [newest]);
  return {
    data: answer.path === path ? answer.data : undefined,
    problem: answer.problem,
    again: () => again.current(),
  };
}
