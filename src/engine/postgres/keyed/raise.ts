import { StaleError, invariant } from '../../../platform/errors.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS, PRIORITY, type BackfillStep, type KeyTouch, type TaskHint } from '../../keyed/store.ts';
import { TRANSACTION_LIMITS } from '../../transaction.ts';
import type { Transaction } from '../database.ts';

/** One change of a key, with its place when an entry says it. */
export interface Change extends KeyTouch {
  offset?: number;
  subject_id?: number | null;
}

/** All changes of one key in one call, as the statement below takes them. */
interface Raise extends Required<TaskHint> {
  key: string;
  partition_id: number;
  offset: number;
  subject_id: number | null;
  wanted: number;
}

/** In the order of keys, as `settle` locks them: two transactions wait for each other one way only. */
const RAISE = `
  INSERT INTO syncline.task AS t (destination_id, key, partition_id, "offset", subject_id, key_group, wanted, state,
    priority, due_ms, since_ms)
  SELECT d.destination_id, c.key, c.partition_id, c.place, c.subject_id, c.key_group, c.wanted,
         '${nextTaskState('absent', 'touch')}', c.priority, c.due_ms, $1::bigint
  FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::integer[], $10::bigint[])
    AS c (key, partition_id, place, subject_id, key_group, wanted, priority, due_ms)
  JOIN syncline.partition p ON p.partition_id = c.partition_id
  JOIN syncline.destination d ON d.stream = p.stream AND d.state <> 'removed'
   AND ($2::text IS NULL OR d.destination_id = $2)
  LEFT JOIN syncline.subscription s ON s.destination_id = d.destination_id AND s.partition_id = p.partition_id
  WHERE s.accepts IS NOT FALSE
  ORDER BY d.destination_id, c.key COLLATE "C"
  ON CONFLICT (destination_id, key) DO UPDATE SET
    wanted = t.wanted + excluded.wanted,
    "offset" = CASE WHEN excluded."offset" > 0 OR excluded.partition_id <> t.partition_id THEN excluded."offset"
                    ELSE t."offset" END,
    partition_id = excluded.partition_id,
    subject_id = coalesce(excluded.subject_id, t.subject_id),
    -- A key that leaves a held group is not held with it.
    state = CASE WHEN t.state = 'parked' AND excluded.key_group NOT IN ('', t.key_group)
                 THEN '${nextTaskState('parked', 'unpark')}' ELSE t.state END,
    key_group = CASE WHEN excluded.key_group = '' THEN t.key_group ELSE excluded.key_group END,
    priority = least(t.priority, excluded.priority),
    due_ms = CASE
      -- What comes after the claim has a due time of its own.
      WHEN t.state = 'claimed' AND t.wanted = t.claimed THEN excluded.due_ms
      -- A change does not shorten a back-off, or a key that changes often would have none.
      WHEN t.attempts + t.failures > 0 THEN t.due_ms
      ELSE least(t.due_ms, excluded.due_ms) END`;

/**
 * Marks keys dirty for every destination of their stream that takes their partition or was not asked yet, or for one
 * alone: one statement for all (design §5 rule 2). Returns how many tasks were raised. The partitions are locked, and
 * known to be keyed.
 */
export async function raiseTasks(
  tx: Transaction,
  changes: readonly Change[],
  now_ms: number,
  destination_id: string | null = null,
): Promise<number> {
  if (changes.length === 0) return 0;
  const raises = merged(changes, now_ms);
  return tx.run(
    RAISE,
    now_ms,
    destination_id,
    raises.map((raise) => raise.key),
    raises.map((raise) => raise.partition_id),
    raises.map((raise) => raise.offset),
    raises.map((raise) => raise.subject_id),
    raises.map((raise) => raise.group),
    raises.map((raise) => raise.wanted),
    raises.map((raise) => raise.priority),
    raises.map((raise) => raise.due_ms),
  );
}

/** One row a key: the place and group of its last change, the lowest priority, the earliest due time. */
function merged(changes: readonly Change[], now_ms: number): Raise[] {
  const raises = new Map<string, Raise>();
  for (const change of changes) {
    const before = raises.get(change.key);
    const due_ms = Math.min(change.due_ms ?? 0, now_ms + LONGEST_DELAY_MS);
    const priority = change.priority ?? PRIORITY.live;
    raises.set(change.key, {
      key: change.key,
      partition_id: change.partition_id,
      offset: change.offset ?? 0,
      subject_id: change.subject_id ?? before?.subject_id ?? null,
      group: change.group ?? before?.group ?? '',
      wanted: (before?.wanted ?? 0) + 1,
      priority: before ? Math.min(before.priority, priority) : priority,
      due_ms: before ? Math.min(before.due_ms, due_ms) : due_ms,
    });
  }
  return [...raises.values()];
}

/** Nobody decides anew who takes these partitions before the commit: else a change would fall between two answers. */
async function lockPartitions(tx: Transaction, touches: readonly KeyTouch[]): Promise<void> {
  const ids = [...new Set(touches.map(({ partition_id }) => partition_id))];
  const rows = await tx.all<{ delivery: string }>(
    `SELECT delivery FROM syncline.partition WHERE partition_id = ANY ($1::bigint[]) ORDER BY partition_id FOR KEY SHARE`,
    ids,
  );
  const keyed = rows.length === ids.length && rows.every(({ delivery }) => delivery === 'keyed');
  invariant(keyed, 'a key stands in a partition of keyed delivery');
}

export async function touch(tx: Transaction, touches: readonly KeyTouch[], now_ms: number): Promise<number> {
  invariant(touches.length <= TRANSACTION_LIMITS.max_rows, `a touch has at most ${TRANSACTION_LIMITS.max_rows} keys`);
  await lockPartitions(tx, touches);
  return raiseTasks(tx, touches, now_ms);
}

export async function beginBackfill(tx: Transaction, destination_id: string): Promise<void> {
  await tx.run(
    `UPDATE syncline.destination SET backfill = '' WHERE destination_id = $1 AND delivery = 'keyed'`,
    destination_id,
  );
}

/** @throws StaleError `backfill.moved` */
export async function enqueueAll(tx: Transaction, step: BackfillStep): Promise<number> {
  invariant(
    step.touches.length <= TRANSACTION_LIMITS.max_rows,
    `a step of a backfill has at most ${TRANSACTION_LIMITS.max_rows} keys`,
  );
  await lockPartitions(tx, step.touches);
  const touches = step.touches.map((one) => ({ priority: PRIORITY.backfill, ...one }));
  const raised = await raiseTasks(tx, touches, step.now_ms, step.destination_id);
  const moved = await tx.run(
    'UPDATE syncline.destination SET backfill = $1 WHERE destination_id = $2 AND backfill = $3',
    step.to,
    step.destination_id,
    step.from,
  );
  if (moved !== 1)
    throw new StaleError('backfill.moved', 'The walk over all known keys of a destination was begun anew', {
      hint: 'Read where it stands and go on from there.',
    });
  return raised;
}
