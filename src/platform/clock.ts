/** Time comes in as a parameter, so that tests and the simulator own it. */
export interface Clock {
  /** Wall time in epoch milliseconds. May step back; nothing may rely on it for safety (design §5 rule 10). */
  now_ms(): number;
  /** Milliseconds of a clock that never steps back; only differences mean anything. */
  monotonic_ms(): number;
}

export const systemClock: Clock = {
  now_ms: () => Date.now(),
  monotonic_ms: () => performance.now(),
};
