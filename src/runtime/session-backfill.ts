import { PRIORITY } from '../engine/keyed/store.ts';
import type { EngineStore } from '../engine/store.ts';
import { StaleError } from '../platform/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { KnownSessions } from '../sessions/capture/known-sessions.ts';

const KEYS_PER_STEP = 1_000;

/**
 * Names every known session to the destinations that came later, a bounded step at a time. How far the walk is stands in
 * the journal, so it goes on after a crash. Returns how many keys were named.
 */
export async function backfillNewDestinations(
  engine: EngineStore,
  known: KnownSessions,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  let named = 0;
  for (const { destination_id, state, backfill } of await engine.destinations()) {
    if (state === 'removed') continue;
    for (let from = backfill; from !== null && !signal.aborted;) {
      const sessions = known.page(from, KEYS_PER_STEP);
      const to = sessions.length < KEYS_PER_STEP ? null : (sessions.at(-1)?.key ?? null);
      const touches = sessions.map(({ key, partition_id, group }) => ({
        key,
        partition_id,
        group,
        priority: PRIORITY.backfill,
      }));
      const stepped = await step(() =>
        engine.keyed.enqueueAll({ destination_id, touches, from: from ?? '', to, now_ms: clock.now_ms() }),
      );
      // Somebody began the walk anew meanwhile; the next sweep goes on from there.
      if (!stepped) break;
      named += touches.length;
      from = to;
    }
  }
  return named;
}

async function step(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof StaleError) return false;
    throw error;
  }
}
