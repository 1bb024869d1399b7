import type { DataDirectory } from './data-directory.ts';

/**
 * Removes entries that are delivered and old, or delivered and in the way, a bounded step at a time; returns how many.
 * Half of the room is the journal's; it is kept a tenth below that, so that capture never meets the cap for long.
 */
export async function removeDelivered({ engine, options }: DataDirectory, signal: AbortSignal): Promise<number> {
  const { retention, storage } = options.loaded.config;
  const now_ms = options.clock.now_ms();
  const before_ms = retention.days === 0 ? 0 : now_ms - retention.days * 86_400_000;
  const target_bytes = Math.floor(storage.max_bytes * 0.45);
  let total = 0;
  for (let more = true; more && !signal.aborted;) {
    const step = await engine.retain({ before_ms, target_bytes, now_ms });
    total += step.removed;
    ({ more } = step);
  }
  return total;
}
