/** Injected time. `now` is a wall-clock instant (survives restarts); `monotonic` never jumps. Both in milliseconds. */
export interface Clock {
  now(): number;
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
