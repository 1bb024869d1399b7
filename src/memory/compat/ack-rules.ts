import { z } from 'zod';

/** Acknowledgements of the original (memory specification §4), where we keep them and where we do not. */

/** Members that more than half of `members` makes. The original's `ceil(n/2)` is wrong for an even number (4 → 2). */
export function majority(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * `W` clamped to 1 … `members`, as the original does silently; `clamped` is for the check of a configuration, which says it.
 * Whole numbers of at least one member are the caller's to have.
 */
export function writesNeeded(wanted: number, members: number): { writes: number; clamped: boolean } {
  const writes = Math.min(Math.max(1, wanted), members);
  return { writes, clamped: writes !== wanted };
}

/**
 * What an old peer's answer to a push means: `ack` only when it skipped nothing. Up to 0.8 the original counted every 2xx,
 * so that a refused row was counted to the quorum (D3).
 */
export type PushOutcome =
  | { outcome: 'ack' }
  | { outcome: 'skipped'; items: number }
  | { outcome: 'id_drift' }
  | { outcome: 'failed'; status: number };

const count = z.number().min(0).catch(0);
const answer = z.object({
  skipped: count,
  unsupported_on_postgres: count,
  quota_refused: count,
  ids: z.array(z.string()).catch([]),
});

export function readPushReply(status: number, body: string, expected: readonly string[]): PushOutcome {
  if (status < 200 || status > 299) return { outcome: 'failed', status };
  const parsed = answer.safeParse(parseJson(body));
  // Some proxies empty the body; the original takes a 2xx without JSON for an acknowledgement, and cannot say more.
  if (!parsed.success) return { outcome: 'ack' };
  const items = parsed.data.skipped + parsed.data.unsupported_on_postgres + parsed.data.quota_refused;
  if (items > 0) return { outcome: 'skipped', items };
  const ids = new Set(parsed.data.ids);
  return ids.size > 0 && expected.some((id) => !ids.has(id)) ? { outcome: 'id_drift' } : { outcome: 'ack' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
