import { telemetryRoom, type DataDirectory } from './data-directory.ts';
import { journalsOf } from './journals.ts';

/**
 * Removes entries that are delivered and old, or delivered and in the way, a bounded step at a time; returns how many.
 * The journal is kept a tenth below its room, so that capture never meets the cap for long.
 */
export async function removeDelivered(directory: DataDirectory, signal: AbortSignal): Promise<number> {
  const { options } = directory;
  const { retention } = options.loaded.config;
  const now_ms = options.clock.now_ms();
  const before_ms = retention.days === 0 ? 0 : now_ms - retention.days * 86_400_000;
  const target_bytes = Math.floor(telemetryRoom(options.loaded) * 0.9);
  let total = 0;
  for (const engine of journalsOf(directory))
    for (let more = true; more && !signal.aborted;) {
      const step = await engine.retain({ before_ms, target_bytes, now_ms });
      total += step.removed;
      ({ more } = step);
    }
  return total;
}
