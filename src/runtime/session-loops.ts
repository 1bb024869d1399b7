import type { Supervisor } from '../engine/supervisor.ts';
import { Wakeup } from '../engine/wakeup.ts';
import { watchSessions } from '../sessions/capture/session-watch.ts';
import type { DataDirectory } from './data-directory.ts';
import type { DirectoryOptions } from './directory-options.ts';
import type { SessionsDirectory } from './sessions-directory.ts';

/** The watch polls by itself; this is for when it failed. */
const LONGEST_WAIT_MS = 60_000;
/** How often stores are asked which one they are: one small request. */
const RECOGNIZE_MS = 10 * 60_000;
/** When the journal is full: how long capture waits for deliveries to settle. */
const FULL_MS = 5_000;

/** Starts the loops of the sessions stream: rounds of its source, one delivery for each store. Returns what wakes them. */
export function startSessionLoops(
  supervisor: Supervisor,
  { sessions, options }: DataDirectory,
  run: { capture: boolean },
): () => void {
  if (!sessions) return () => undefined;
  const source = new Wakeup();
  const deliveries = [...sessions.deliveries].map(([id, delivery]) => ({ id, delivery, wakeup: new Wakeup() }));
  const noticed = (): void => deliveries.forEach(({ wakeup }) => wakeup.notify());
  // Also with capture off: what repositories say about sharing is heard.
  if (run.capture || sessions.destinations.length > 0)
    supervisor.start({
      name: 'conversations',
      run: (signal) => capture({ sessions, options }, source, noticed, signal),
    });
  supervisor.start({
    name: 'know stores of conversations again',
    run: async (signal) => {
      while (!signal.aborted) {
        if (await sessions.recognize(signal)) source.notify();
        await options.timers.sleep(RECOGNIZE_MS, signal);
      }
    },
  });
  for (const { id, delivery, wakeup } of deliveries)
    supervisor.start({ name: `keep conversations ${id}`, run: (signal) => delivery.run(signal, wakeup) });
  return () => {
    source.notify();
    noticed();
  };
}

/** Rounds until the signal aborts: at once when something that is watched changed, else by the clock. */
async function capture(
  { sessions, options }: { sessions: SessionsDirectory; options: DirectoryOptions },
  wakeup: Wakeup,
  noticed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock, timers } = options;
  let hinted = true;
  let watching = new AbortController();
  let watched: readonly string[] = [];
  const look = (): void => {
    hinted = true;
    wakeup.notify();
  };
  try {
    while (!signal.aborted) {
      const now = sessions.watched();
      if (now.join('\n') !== watched.join('\n')) {
        watching.abort();
        watching = new AbortController();
        watched = now;
        const code = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';
        const report = (error: unknown): void =>
          options.report('a file watcher failed; rounds go on', { code: code(error) });
        const until = AbortSignal.any([signal, watching.signal]);
        watchSessions(now, { clock, timers, signal: until, hint: look, poll: () => wakeup.notify(), report });
      }
      const is_hinted = hinted;
      hinted = false;
      const { changed, full } = await sessions.sweep(signal, is_hinted);
      if (changed > 0) noticed();
      await wakeup.wait(full ? FULL_MS : LONGEST_WAIT_MS, timers, signal);
    }
  } finally {
    watching.abort();
  }
}
