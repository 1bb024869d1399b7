import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { stampMs, stampTime } from '../clock/stamp.ts';
import type { Json, JsonObject } from '../json.ts';
import type { PendingAction, PendingStatus } from '../memory.ts';
import type { PendingState } from '../merge/pending.ts';
import { limitOf } from '../recall/conditions.ts';

interface PendingParts {
  db: Database;
  clock: Clock;
  pending_timeout_ms: number;
}

/** Newest first. Those of which only a vote or a decision is here are not shown yet. */
export function pendingActions(
  parts: PendingParts,
  { status, limit }: { status?: PendingStatus; limit?: number },
): PendingAction[] {
  const rows = parts.db.all<{ key: string; state: string }>(
    `SELECT key, state FROM coordination WHERE row = 'pending' AND json_extract(state, '$.asked') IS NOT NULL
     ORDER BY json_extract(state, '$.asked.stamp') DESC`,
  );
  const actions = rows.flatMap(({ key, state }) => viewOf(parts, key, JSON.parse(state) as PendingState) ?? []);
  return actions
    .filter((action) => status === undefined || action.status === status)
    .slice(0, limitOf(limit, 100, 1000));
}

export function pendingActionOf(parts: PendingParts, id: string): PendingAction | null {
  const state = pendingStateOf(parts.db, id);
  return state && viewOf(parts, id, state);
}

export function pendingStateOf(db: Database, id: string): PendingState | null {
  const row = db.get<{ state: string }>(`SELECT state FROM coordination WHERE row = 'pending' AND key = ?`, id);
  return row ? (JSON.parse(row.state) as PendingState) : null;
}

/** Who may decide: `"human"`, `{"agent": id}` or `{"consensus": n}`. */
export function approverOf(state: PendingState): Json {
  return state.asked?.value['approver'] ?? 'human';
}

function viewOf({ clock, pending_timeout_ms }: PendingParts, id: string, state: PendingState): PendingAction | null {
  const { asked, decision } = state;
  if (!asked) return null;
  const { value, stamp } = asked;
  const expired = stampMs(stamp) + pending_timeout_ms <= clock.now_ms();
  const undecided = expired ? 'expired' : 'pending';
  return {
    id,
    action_type: value['action_type'] as string,
    memory_id: typeof value['memory_id'] === 'string' ? value['memory_id'] : null,
    namespace: value['namespace'] as string,
    payload: (value['payload'] ?? {}) as JsonObject,
    requested_by: value['requested_by'] as string,
    requested_at: stampTime(stamp),
    status: decision ? (decision.approved ? 'approved' : 'rejected') : undecided,
    decided_by: decision?.decider ?? null,
    decided_at: decision ? stampTime(decision.stamp) : null,
    approvals: Object.values(state.votes)
      .sort((a, b) => (a.stamp < b.stamp ? -1 : 1))
      .map((vote) => ({ agent_id: vote.agent_id, approved_at: stampTime(vote.stamp) })),
  };
}
