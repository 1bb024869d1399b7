import { StaleError, invariant } from '../../../platform/errors.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS, PRIORITY, type BackfillStep, type KeyTouch, type TaskHint } from '../../keyed/store.ts';
import { TRANSACTION_LIMITS } from '../../transaction.ts';

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

const RAISE = `
  INSERT INTO task (destination_id, key, partition_id, offset, subject_id, key_group, wanted, state, priority, due_ms, since_ms)
  SELECT d.destination_id, j.value ->> 'key', p.partition_id, j.value ->> 'offset', j.value ->> 'subject_id',
         j.value ->> 'group', j.value ->> 'wanted', '${nextTaskState('absent', 'touch')}', j.value ->> 'priority',
         j.value ->> 'due_ms', ?2
  FROM json_each(?1) j
  JOIN partition p ON p.partition_id = j.value ->> 'partition_id'
  JOIN destination d ON d.stream = p.stream AND d.state <> 'removed' AND (?3 IS NULL OR d.destination_id = ?3)
  LEFT JOIN subscription s ON s.destination_id = d.destination_id AND s.partition_id = p.partition_id
  WHERE s.accepts IS NOT 0
  ON CONFLICT (destination_id, key) DO UPDATE SET
    wanted = wanted + excluded.wanted,
    offset = iif(excluded.offset > 0 OR excluded.partition_id <> partition_id, excluded.offset, offset),
    partition_id = excluded.partition_id,
    subject_id = coalesce(excluded.subject_id, subject_id),
    -- A key that leaves a held group is not held with it.
    state = iif(state = 'parked' AND excluded.key_group NOT IN ('', key_group), '${nextTaskState('parked', 'unpark')}', state),
    key_group = iif(excluded.key_group = '', key_group, excluded.key_group),
    priority = min(priority, excluded.priority),
    due_ms = CASE
      -- What comes after the claim has a due time of its own.
      WHEN state = 'claimed' AND wanted = claimed THEN excluded.due_ms
      -- A change does not shorten a back-off, or a key that changes often would have none.
      WHEN attempts + failures > 0 THEN due_ms
      ELSE min(due_ms, excluded.due_ms) END`;

/**
 * Marks keys dirty for every destination of their stream that takes their partition or was not asked yet, or for one
 * alone: one statement for all (design §5 rule 2). Returns how many tasks were raised. Inside the caller's transaction.
 */
export function raiseTasks(
  db: Database,
  changes: readonly Change[],
  now_ms: number,
  destination_id: string | null = null,
): number {
  if (changes.length === 0) return 0;
  const partitions = JSON.stringify([...new Set(changes.map(({ partition_id }) => partition_id))]);
  const wrong = db.get<object>(
    `SELECT 1 FROM json_each(?) j LEFT JOIN partition p ON p.partition_id = j.value WHERE p.delivery IS NOT 'keyed'`,
    partitions,
  );
  invariant(!wrong, 'a key stands in a partition of keyed delivery');
  return db.run(RAISE, JSON.stringify(merged(changes, now_ms)), now_ms, destination_id);
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

export function touch(db: Database, touches: readonly KeyTouch[], now_ms: number): number {
  invariant(touches.length <= TRANSACTION_LIMITS.max_rows, `a touch has at most ${TRANSACTION_LIMITS.max_rows} keys`);
  return db.transaction(() => raiseTasks(db, touches, now_ms));
}

export function beginBackfill(db: Database, destination_id: string): void {
  db.run(`UPDATE destination SET backfill = '' WHERE destination_id = ? AND delivery = 'keyed'`, destination_id);
}

/** @throws StaleError `backfill.moved` */
export function enqueueAll(db: Database, step: BackfillStep): number {
  invariant(
    step.touches.length <= TRANSACTION_LIMITS.max_rows,
    `a step of a backfill has at most ${TRANSACTION_LIMITS.max_rows} keys`,
  );
  return db.transaction(() => {
    const moved = db.run(
      'UPDATE destination SET backfill = ? WHERE destination_id = ? AND backfill = ?',
      step.to,
      step.destination_id,
      step.from,
    );
    if (moved !== 1)
      throw new StaleError('backfill.moved', 'The walk over all known keys of a destination was begun anew', {
        hint: 'Read where it stands and go on from there.',
      });
    const touches = step.touches.map((one) => ({ priority: PRIORITY.backfill, ...one }));
    return raiseTasks(db, touches, step.now_ms, step.destination_id);
  });
}
