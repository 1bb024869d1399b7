import { invariant } from '../../../platform/errors.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS, type Task, type TaskClaim, type TaskRef } from '../../keyed/store.ts';
import type { CircuitState, DestinationState } from '../../ordered/states.ts';
import { TRANSACTION_LIMITS, type FlowWrite, type RowWrite } from '../../transaction.ts';
import { applyFlowWrites, requireNoRows } from '../flow-writes.ts';
import { maySend } from '../plan.ts';
import { isDue, park, trials, troubledGroups } from './groups.ts';

/** Takes due tasks, each with a fence of its own from the one counter of this database. */
export function claim(db: Database, request: TaskClaim): Task[] {
  invariant(request.limit <= TRANSACTION_LIMITS.max_rows, `a claim takes at most ${TRANSACTION_LIMITS.max_rows} tasks`);
  return db.transaction(() => {
    const limit = allowed(db, request);
    if (limit <= 0) return [];
    const keys = dueKeys(db, request, limit);
    if (keys.length === 0) return [];
    const last = db.value<number>('UPDATE identity SET fence = fence + ? RETURNING fence', keys.length);
    const claims = keys.map((key, i) => ({ key, fence: last - keys.length + 1 + i }));
    take(db, request, claims);
    return claimed(db, request.destination_id, claims);
  });
}

/** How many may be claimed: none while paused or the circuit is open, one at a time while it is half open (I6). */
function allowed(db: Database, { destination_id, limit }: TaskClaim): number {
  const row = db.get<{ state: DestinationState; circuit: CircuitState }>(
    'SELECT state, circuit FROM destination WHERE destination_id = ?',
    destination_id,
  );
  if (!row || (row.state !== 'active' && row.state !== 'draining')) return 0;
  if (row.circuit === 'closed') return limit;
  if (row.circuit === 'open') return 0;
  const busy = db.get<object>(
    `SELECT 1 FROM task WHERE destination_id = ? AND state = 'claimed' LIMIT 1`,
    destination_id,
  );
  return busy ? 0 : Math.min(1, limit);
}

function dueKeys(db: Database, request: TaskClaim, limit: number): string[] {
  const { destination_id, now_ms } = request;
  const groups = troubledGroups(db, destination_id);
  if (groups.length > 0) park(db, destination_id, groups);
  const keys = trials(db, destination_id, groups, now_ms).slice(0, limit);
  for (const priority of priorities(db, destination_id)) {
    if (keys.length >= limit) break;
    keys.push(...readyKeys(db, request, priority, limit - keys.length));
  }
  return keys;
}

/** The priorities among ready tasks, lowest first: a jump over the index for each. */
export function* priorities(db: Database, destination_id: string): Generator<number> {
  let last = -Number.MAX_SAFE_INTEGER;
  for (;;) {
    const next = db.value<number | null>(
      `SELECT min(priority) FROM task WHERE destination_id = ? AND state = 'ready' AND priority > ?`,
      destination_id,
      last,
    );
    if (next === null) return;
    yield (last = next);
  }
}

/** The plus signs keep the planner on the index of ready tasks: by partition or group it would read and sort all. */
const ELIGIBLE = `t.destination_id = ?1 AND t.state = 'ready' AND t.priority = ?2
  AND +t.partition_id IN (SELECT partition_id FROM subscription WHERE destination_id = ?1 AND accepts = 1)
  AND +t.key_group NOT IN (SELECT key_group FROM key_group WHERE destination_id = ?1 AND held_class IS NOT NULL)`;

/**
 * Due tasks of one priority, those due longest first: what is to go at once since it waits, what had a time since that,
 * what has an impossible time (the clock stepped back) first of all.
 */
function readyKeys(db: Database, { destination_id, now_ms }: TaskClaim, priority: number, limit: number): string[] {
  return db
    .all<{ key: string }>(
      `SELECT key FROM (
         SELECT * FROM (SELECT t.key, t.since_ms AS from_ms FROM task t WHERE ${ELIGIBLE} AND t.due_ms = 0
                        ORDER BY t.due_ms, t.since_ms LIMIT ?5)
         UNION ALL
         SELECT * FROM (SELECT t.key, t.due_ms AS from_ms FROM task t WHERE ${ELIGIBLE} AND t.due_ms > 0 AND t.due_ms <= ?3
                        ORDER BY t.due_ms LIMIT ?5)
         UNION ALL
         SELECT * FROM (SELECT t.key, 0 AS from_ms FROM task t WHERE ${ELIGIBLE} AND t.due_ms > ?4
                        ORDER BY t.due_ms LIMIT ?5))
       ORDER BY from_ms, key LIMIT ?5`,
      destination_id,
      priority,
      now_ms,
      now_ms + LONGEST_DELAY_MS,
      limit,
    )
    .map(({ key }) => key);
}

interface Claimed {
  key: string;
  fence: number;
}

/** One statement a key: joined to a list of fences, SQLite reads every task of the destination for each of them. */
function take(db: Database, request: TaskClaim, claims: readonly Claimed[]): void {
  const state = nextTaskState('ready', 'claim');
  invariant(state === nextTaskState('parked', 'claim'), 'a trial is claimed like any other');
  for (const { key, fence } of claims) {
    const taken = db.run(
      `UPDATE task SET state = ?, claimed = wanted, owner = ?, lease_until_ms = ?, fence = ?
       WHERE destination_id = ? AND key = ? AND state IN ('ready', 'parked')`,
      state,
      request.owner,
      request.now_ms + request.lease_ms,
      fence,
      request.destination_id,
      key,
    );
    invariant(taken === 1, 'what was just found due is there');
  }
}

type TaskRow = Omit<Task, 'destination_accepted_since'> & { destination_accepted_since: number };

function claimed(db: Database, destination_id: string, claims: readonly Claimed[]): Task[] {
  return db
    .all<TaskRow>(
      `SELECT t.destination_id, t.key, t.fence, t.key_group AS "group", t.partition_id, u.name AS subject, t.priority,
              t.since_ms, t.lease_until_ms, t.attempts, t.failures,
              (t.failed_fence IS NOT NULL AND d.accepted_fence > t.failed_fence) AS destination_accepted_since,
              coalesce(g.holds, 0) AS holds
       FROM json_each(?2) j CROSS JOIN task t ON t.destination_id = ?1 AND t.key = j.value
       JOIN destination d USING (destination_id)
       LEFT JOIN key_group g ON g.destination_id = t.destination_id AND g.key_group = t.key_group
       LEFT JOIN subject u USING (subject_id)
       ORDER BY t.fence`,
      destination_id,
      JSON.stringify(claims.map(({ key }) => key)),
    )
    .map((row) => ({ ...row, destination_accepted_since: row.destination_accepted_since === 1 }));
}

/** True while the claim is the newest and the destination may be sent to; then the flow's writes commit. */
export function proceed(db: Database, task: TaskRef, writes: readonly FlowWrite[]): boolean {
  return db.transaction(() => {
    const current = db.get<object>(
      `SELECT 1 FROM task WHERE destination_id = ? AND key = ? AND fence = ? AND state = 'claimed'`,
      task.destination_id,
      task.key,
      task.fence,
    );
    if (!current || !maySend(db, task.destination_id)) return false;
    applyFlowWrites(db, writes);
    return true;
  });
}

/** The same for many claims at once; there are no row writers here. */
export function proceedAll(db: Database, tasks: readonly TaskRef[], rows: readonly (readonly RowWrite[])[]): boolean[] {
  for (const some of rows) requireNoRows(some);
  return db.transaction(() => tasks.map((task) => proceed(db, task, [])));
}

/** Claims of `owner`, who has none under way, and of others whose lease is over, become ready. */
export function releaseExpired(db: Database, destination_id: string, owner: string, now_ms: number): number {
  return db.run(
    `UPDATE task SET ${RELEASED} WHERE destination_id = ? AND state = 'claimed' AND (owner = ? OR lease_until_ms <= ?)`,
    destination_id,
    owner,
    now_ms,
  );
}

/** One process owns the file: whoever claimed before it was opened works no more. */
export function releaseAll(db: Database): void {
  db.run(`UPDATE task SET ${RELEASED} WHERE state = 'claimed'`);
}

const RELEASED = `state = '${nextTaskState('claimed', 'again')}', owner = NULL, lease_until_ms = NULL, due_ms = 0`;

/** Somebody tries a key of the group; how that ends decides when the others go on. */
const TRIED = `EXISTS (SELECT 1 FROM task t
  WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group AND t.state = 'claimed')`;

/** When the next task is due; of a held group, when it and one of its keys are. */
export function nextDue(db: Database, destination_id: string, now_ms: number): number | null {
  const times: number[] = [];
  for (const priority of priorities(db, destination_id))
    times.push(
      db.value<number>(
        `SELECT min(due_ms) FROM task WHERE destination_id = ? AND state = 'ready' AND priority = ?`,
        destination_id,
        priority,
      ),
    );
  const held = db.all<{ due_ms: number | null }>(
    `SELECT max(g.due_ms, (SELECT min(t.due_ms) FROM task t
       WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group AND t.state = 'parked')) AS due_ms
     FROM key_group g WHERE g.destination_id = ? AND (g.held_class IS NOT NULL OR g.parked = 1)
       AND NOT (g.held_class IS NOT NULL AND ${TRIED})`,
    destination_id,
  );
  times.push(...held.flatMap(({ due_ms }) => (due_ms === null ? [] : [due_ms])));
  if (times.length === 0) return null;
  return Math.min(...times.map((due_ms) => (isDue(due_ms, now_ms) ? now_ms : due_ms)));
}
