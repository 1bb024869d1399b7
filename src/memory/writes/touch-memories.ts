/** What a recall does to what it found: counts it here, keeps it longer, and in the end for good (specification §2.2). */
import type { Json } from '../json.ts';
import type { Memory, Tier } from '../memory.ts';
import { liveMemory } from '../store/reads.ts';
import type { WriteScope } from './scope.ts';
import { writeChange } from './update-memory.ts';

const PROMOTED_AT = 5;
const PRIORITY_EVERY = 10;
const MOST_PRIORITY = 10;
const MOST_COUNTED = 1_000_000;

/** Counts stay on this member; the expiry, tier and priority that follow from them travel. */
export function touchMemories(scope: WriteScope, ids: readonly string[]): void {
  for (const id of ids) {
    const row = scope.db.get<{ count: number }>(
      `INSERT INTO access (memory_key, count, last_ms) SELECT memory_key, 1, ?2 FROM memory WHERE id = ?1 AND status = 'live'
       ON CONFLICT (memory_key) DO UPDATE SET count = min(count + 1, ${MOST_COUNTED}), last_ms = excluded.last_ms RETURNING count`,
      id,
      scope.work.now_ms,
    );
    const memory = row && liveMemory(scope, id);
    if (memory) writeChange(scope, memory, consequences(scope, memory, row.count), null);
  }
}

function consequences(scope: WriteScope, memory: Memory, count: number): Record<string, Json> {
  const values: Record<string, Json> = {};
  if (count % PRIORITY_EVERY === 0 && memory.priority < MOST_PRIORITY) values['priority'] = memory.priority + 1;
  if (memory.tier === 'mid' && count >= PROMOTED_AT) return { ...values, tier: 'long', expires_at: null };
  const expires_at = extended(scope, memory);
  return expires_at === null ? values : { ...values, expires_at };
}

/** Null: not yet. An extension is an operation, so it is written only when it moves by a quarter of its step. */
function extended({ settings, work }: WriteScope, { tier, expires_at }: Memory): number | null {
  const step = Object.hasOwn(settings.tiers, tier) ? settings.tiers[tier as Tier].extend_ms : null;
  if (step === null || expires_at === null) return null;
  const until = work.now_ms + step;
  return until - Date.parse(expires_at) > step / 4 ? until : null;
}
