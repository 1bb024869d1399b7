/** Waiting comes in as a parameter, so that tests never sleep for luck and the simulator runs in virtual time. */
export interface Timers {
  /** Resolves after `delay_ms`, or at once when `signal` aborts (also in the middle); never rejects. */
  sleep(delay_ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemTimers: Timers = {
  sleep: (delay_ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      // Node clamps longer delays to 1 ms with a warning; a day is longer than any back-off cap of ours.
      const timer = setTimeout(done, Math.min(Math.max(0, delay_ms), 86_400_000));
      signal?.addEventListener('abort', done, { once: true });
    }),
};
