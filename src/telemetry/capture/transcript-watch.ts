import { watch } from 'chokidar';
import type { Place } from '../../agents/source.ts';
import type { Timers } from '../../platform/timers.ts';

/** Lines come in bursts; one sweep takes them all. */
const GATHER_MS = 100;
/** Depth of `projects/<folder>/<session>/subagents/workflows/<id>/agent-*.jsonl` below a place. */
const DEPTH = 6;

/**
 * Calls `hint` when a transcript below the places may have changed. Events are a hint, never the proof: the sweep looks
 * for itself from time to time. Ends when `signal` aborts.
 */
export function watchTranscripts(
  places: readonly Place[],
  timers: Timers,
  signal: AbortSignal,
  hint: () => void,
  report: (error: unknown) => void,
): void {
  let gathering = false;
  const gather = (): void => {
    if (gathering) return;
    gathering = true;
    void timers.sleep(GATHER_MS, signal).then(() => {
      gathering = false;
      hint();
    });
  };
  const watcher = watch(
    places.map(({ path }) => path),
    {
      ignoreInitial: true,
      depth: DEPTH,
      followSymlinks: false,
      ignored: (path, stats) => stats?.isFile() === true && !path.endsWith('.jsonl'),
    },
  );
  watcher.on('all', gather).on('error', report);
  const close = (): void => void watcher.close().catch(report);
  if (signal.aborted) close();
  else signal.addEventListener('abort', close, { once: true });
}
