import { watch } from 'chokidar';
import type { Clock } from '../../platform/clock.ts';
import type { Timers } from '../../platform/timers.ts';

/** Writers commit in bursts: one hint a burst, when nothing came for this long … */
const QUIET_MS = 500;
/** … but at least this often while something goes on coming, or a busy agent would starve the capture (§4). */
const LONGEST_MS = 5_000;
/** Events are lost now and then, and some file systems tell none. A quiet look costs a few `stat` calls. */
const POLL_MS = 30_000;
const POLL_WITHOUT_WATCH_MS = 5_000;

/** Depth of `projects/<folder>/<session>/subagents/workflows/<id>/agent-*.jsonl` below a watched folder. */
const DEPTH = 6;

export interface SessionWatchOptions {
  clock: Clock;
  timers: Timers;
  signal: AbortSignal;
  /** Something that is watched changed: look without asking whether anything did. */
  hint: () => void;
  /** Time went by: ask whether anything happened. */
  poll: () => void;
  /** Told once for each failure of the watch; polling goes on, and more often. */
  report: (error: unknown) => void;
}

/**
 * Gathers events into hints: after the last of a burst, and during a long one again and again. Ends when its signal
 * aborts.
 */
export class HintGatherer {
  readonly #options: Pick<SessionWatchOptions, 'clock' | 'timers' | 'signal' | 'hint'>;
  #first_ms: number | null = null;
  #last_ms = 0;

  constructor(options: Pick<SessionWatchOptions, 'clock' | 'timers' | 'signal' | 'hint'>) {
    this.#options = options;
  }

  event(): void {
    this.#last_ms = this.#options.clock.monotonic_ms();
    if (this.#first_ms !== null) return;
    this.#first_ms = this.#last_ms;
    void this.#gather(this.#first_ms);
  }

  async #gather(first_ms: number): Promise<void> {
    const { clock, timers, signal, hint } = this.#options;
    for (;;) {
      const due_ms = Math.min(this.#last_ms + QUIET_MS, first_ms + LONGEST_MS);
      const now_ms = clock.monotonic_ms();
      if (signal.aborted) return;
      if (now_ms >= due_ms) break;
      await timers.sleep(due_ms - now_ms, signal);
    }
    this.#first_ms = null;
    hint();
  }
}

/**
 * Watches the folders of sources (`SessionSource.watched`) for written, new and replaced files, and polls beside it.
 * Events are a hint, never the proof. Returns at once; ends when the signal aborts.
 */
export function watchSessions(paths: readonly string[], options: SessionWatchOptions): void {
  const { signal, report } = options;
  const gatherer = new HintGatherer(options);
  let is_watching = paths.length > 0;
  void pollOn(options, () => (is_watching ? POLL_MS : POLL_WITHOUT_WATCH_MS));
  if (paths.length === 0 || signal.aborted) return;
  const watcher = watch([...paths], {
    ignoreInitial: true,
    depth: DEPTH,
    followSymlinks: false,
    ignored: (path, stats) => stats?.isFile() === true && !isOfSessions(path),
  });
  watcher
    .on('all', () => gatherer.event())
    .on('error', (error) => {
      is_watching = false;
      report(error);
    });
  signal.addEventListener('abort', () => void watcher.close().catch(report), { once: true });
}

/**
 * Transcripts, and agentsview's database with its write-ahead log. Not the `-shm` beside it: our own reading touches it,
 * and each look would cause the next.
 */
export function isOfSessions(path: string): boolean {
  return /\.(?:jsonl|db|db-wal)$/.test(path);
}

async function pollOn({ timers, signal, poll }: SessionWatchOptions, every_ms: () => number): Promise<void> {
  for (;;) {
    await timers.sleep(every_ms(), signal);
    if (signal.aborted) return;
    poll();
  }
}
