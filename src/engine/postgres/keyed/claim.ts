import { invariant } from '../../../platform/errors.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS, type Task, type TaskClaim } from '../../keyed/store.ts';
import type { CircuitState, DestinationState } from '../../ordered/states.ts';
import { TRANSACTION_LIMITS } from '../../transaction.ts';
import type { EngineDatabase, Transaction } from '../database.ts';
import { NEXT_FENCES } from '../fences.ts';
import { park, trials, troubledGroups } from './groups.ts';
import { present, presentOf, type LeaseTime } from './time.ts';

const CLAIMED = nextTaskState('ready', 'claim');

/**
 * Takes the rows that `numbered` has the places of, and tells what their sender needs. $2 owner, $3 lease, $4 now. By place:
 * joined by key, or to a list that PostgreSQL knows to be long, it may read all tasks to find these. A row that moved between being found and locked is left out.
 */
const TAKE = `
  f AS MATERIALIZED (SELECT ${NEXT_FENCES} AS base, ${present('$4')} AS now_ms WHERE EXISTS (SELECT 1 FROM due)),
  taken AS (
    UPDATE syncline.task t SET state = '${CLAIMED}', claimed = t.wanted, owner = $2, fence = f.base + numbered.n,
      lease_until_ms = f.now_ms + $3::bigint
    FROM f, numbered WHERE t.ctid = numbered.place
    RETURNING t.*)`;
const TASK_COLUMNS = `t.destination_id, t.key, t.fence, t.key_group AS "group", t.partition_id, t.priority, t.since_ms,
  t.lease_until_ms, t.attempts, t.failures, t.failed_fence,
  (SELECT name FROM syncline.subject u WHERE u.subject_id = t.subject_id) AS subject`;

/** Partitions that the destination takes, read once. */
const TAKEN_PARTITIONS = `ARRAY(SELECT partition_id FROM syncline.subscription WHERE destination_id = $1 AND accepts)`;

/**
 * The usual claim in one statement: the circuit is closed, no group is held, and nothing with a due time is due. `plain`
 * says whether that is so; else nothing was taken. The rows found are locked, and those that others hold passed over.
 */
const CLAIM_PLAIN = `
  WITH guard AS MATERIALIZED (
    SELECT d.state IN ('active', 'draining') AND d.circuit = 'closed'
       AND NOT EXISTS (SELECT 1 FROM syncline.key_group g
                       WHERE g.destination_id = $1 AND (g.held_class IS NOT NULL OR g.parked))
       AND NOT EXISTS (SELECT 1 FROM syncline.task t WHERE t.destination_id = $1 AND t.state = 'ready' AND t.due_ms <> 0
                       AND (t.due_ms <= $6::bigint OR t.due_ms > $7::bigint)) AS plain
    FROM syncline.destination d WHERE d.destination_id = $1),
  due AS MATERIALIZED (
    SELECT t.ctid AS place FROM syncline.task t
    WHERE t.destination_id = $1 AND t.state = 'ready' AND t.due_ms = 0 AND (SELECT plain FROM guard)
      AND t.partition_id = ANY (${TAKEN_PARTITIONS})
    ORDER BY t.priority, t.since_ms LIMIT $5 FOR UPDATE SKIP LOCKED),
  numbered AS (SELECT place, n FROM unnest(ARRAY(SELECT place FROM due)) WITH ORDINALITY AS d (place, n)),${TAKE}
  SELECT guard.plain, ${TASK_COLUMNS} FROM guard LEFT JOIN taken t ON true ORDER BY t.fence`;

/** Takes keys that are known to be due, in this order; the caller has locked them. */
const CLAIM_KEYS = `
  WITH due AS MATERIALIZED (
    SELECT t.ctid AS place FROM unnest($5::text[]) WITH ORDINALITY AS k (key, n)
    CROSS JOIN LATERAL (SELECT ctid FROM syncline.task t WHERE t.destination_id = $1 AND t.key = k.key OFFSET 0) t ORDER BY k.n),
  numbered AS (SELECT place, n FROM unnest(ARRAY(SELECT place FROM due)) WITH ORDINALITY AS d (place, n)),${TAKE}
  SELECT ${TASK_COLUMNS} FROM taken t ORDER BY t.fence`;

type TaskRow = Omit<Task, 'destination_accepted_since' | 'holds'> & { failed_fence: number | null };

/** Takes due tasks, each with a fence of its own from the one counter of this database. */
export async function claim(db: EngineDatabase, request: TaskClaim, lease_time: LeaseTime): Promise<Task[]> {
  const { destination_id, limit, owner, lease_ms, now_ms } = request;
  invariant(limit <= TRANSACTION_LIMITS.max_rows, `a claim takes at most ${TRANSACTION_LIMITS.max_rows} tasks`);
  if (limit <= 0) return [];
  const rows = await db.statement((tx) =>
    tx.all<TaskRow & { plain: boolean }>(
      CLAIM_PLAIN,
      destination_id,
      owner,
      lease_ms,
      presentOf(lease_time, now_ms),
      limit,
      now_ms,
      now_ms + LONGEST_DELAY_MS,
    ),
  );
  // No row: there is no such destination.
  if (rows[0]?.plain === false) return db.transaction((tx) => claimWithCare(tx, request, lease_time));
  const tasks = rows.filter(({ key }) => key !== null);
  if (tasks.every(({ failed_fence }) => failed_fence === null))
    return tasks.map(({ plain: _, ...row }) => toTask(row, NOTHING_KNOWN));
  return db.statement(async (tx) => {
    const standing = await standingOf(tx, destination_id, []);
    return tasks.map(({ plain: _, ...row }) => toTask(row, standing));
  });
}

/** What is known of a destination and its groups that a claim tells. */
interface Standing {
  accepted_fence: number;
  holds: ReadonlyMap<string, number>;
}
const NOTHING_KNOWN: Standing = { accepted_fence: 0, holds: new Map() };

function toTask({ failed_fence, ...row }: TaskRow, { accepted_fence, holds }: Standing): Task {
  const destination_accepted_since = failed_fence !== null && accepted_fence > failed_fence;
  return { ...row, destination_accepted_since, holds: holds.get(row.group) ?? 0 };
}

async function standingOf(tx: Transaction, destination_id: string, groups: readonly string[]): Promise<Standing> {
  const accepted_fence = await tx.value<number>(
    'SELECT accepted_fence FROM syncline.destination WHERE destination_id = $1',
    destination_id,
  );
  const rows = await tx.all<{ key_group: string; holds: number }>(
    `SELECT key_group, holds FROM syncline.key_group WHERE destination_id = $1 AND key_group = ANY ($2::text[])`,
    destination_id,
    groups,
  );
  return { accepted_fence, holds: new Map(rows.map(({ key_group, holds }) => [key_group, holds])) };
}

/**
 * The same where a circuit is not closed, groups are held, or keys have a time: one worker after the other, by a lock of
 * the destination, so that a half-open circuit and a held group let one key through.
 */
async function claimWithCare(tx: Transaction, request: TaskClaim, lease_time: LeaseTime): Promise<Task[]> {
  const { destination_id, owner, lease_ms, now_ms } = request;
  const limit = await allowed(tx, request);
  if (limit <= 0) return [];
  const keys = await dueKeys(tx, request, limit);
  if (keys.length === 0) return [];
  const rows = await tx.all<TaskRow>(CLAIM_KEYS, destination_id, owner, lease_ms, presentOf(lease_time, now_ms), keys);
  invariant(rows.length === keys.length, 'what was just found due and locked is there');
  const standing = await standingOf(tx, destination_id, [...new Set(rows.map(({ group }) => group))]);
  return rows.map((row) => toTask(row, standing));
}

/** How many may be claimed: none while paused or the circuit is open, one at a time while it is half open (I6). */
async function allowed(tx: Transaction, { destination_id, limit }: TaskClaim): Promise<number> {
  const row = await tx.get<{ state: DestinationState; circuit: CircuitState }>(
    'SELECT state, circuit FROM syncline.destination WHERE destination_id = $1 FOR NO KEY UPDATE',
    destination_id,
  );
  if (!row || (row.state !== 'active' && row.state !== 'draining')) return 0;
  if (row.circuit === 'closed') return limit;
  if (row.circuit === 'open') return 0;
  const busy = await tx.get(
    `SELECT 1 FROM syncline.task WHERE destination_id = $1 AND state = 'claimed' LIMIT 1`,
    destination_id,
  );
  return busy ? 0 : Math.min(1, limit);
}

async function dueKeys(tx: Transaction, request: TaskClaim, limit: number): Promise<string[]> {
  const { destination_id, now_ms } = request;
  const groups = await troubledGroups(tx, destination_id);
  if (groups.length > 0) await park(tx, destination_id, groups);
  const keys = (await trials(tx, destination_id, groups, now_ms)).slice(0, limit);
  const held = groups.filter((group) => group.held).map(({ key_group }) => key_group);
  for (let priority = await nextPriority(tx, destination_id, null); priority !== null && keys.length < limit;) {
    keys.push(...(await readyKeys(tx, request, held, priority, limit - keys.length)));
    priority = await nextPriority(tx, destination_id, priority);
  }
  return keys;
}

/** The priorities among ready tasks, lowest first: a jump over the indexes for each. */
function nextPriority(tx: Transaction, destination_id: string, after: number | null): Promise<number | null> {
  return tx.value<number | null>(
    `SELECT least((SELECT min(priority) FROM syncline.task WHERE destination_id = $1 AND state = 'ready' AND due_ms = 0
                   AND priority > $2::bigint),
                  (SELECT min(priority) FROM syncline.task WHERE destination_id = $1 AND state = 'ready' AND due_ms <> 0
                   AND priority > $2::bigint))`,
    destination_id,
    after ?? -(2 ** 31) - 1,
  );
}

const ELIGIBLE = `t.destination_id = $1 AND t.state = 'ready' AND t.priority = $2::integer
  AND t.partition_id = ANY (${TAKEN_PARTITIONS}) AND t.key_group <> ALL ($6::text[])`;

/**
 * Due tasks of one priority, those due longest first: what is to go at once since it waits, what had a time since that,
 * what has an impossible time (the clock stepped back) first of all. Locked until the commit.
 */
async function readyKeys(
  tx: Transaction,
  { destination_id, now_ms }: TaskClaim,
  held: readonly string[],
  priority: number,
  limit: number,
): Promise<string[]> {
  const rows = await tx.all<{ key: string }>(
    `SELECT key FROM (
       SELECT * FROM (SELECT t.key, t.since_ms AS from_ms FROM syncline.task t WHERE ${ELIGIBLE} AND t.due_ms = 0
                      ORDER BY t.since_ms LIMIT $5 FOR UPDATE SKIP LOCKED) a
       UNION ALL
       SELECT * FROM (SELECT t.key, t.due_ms AS from_ms FROM syncline.task t
                      WHERE ${ELIGIBLE} AND t.due_ms <> 0 AND t.due_ms <= $3::bigint
                      ORDER BY t.due_ms LIMIT $5 FOR UPDATE SKIP LOCKED) b
       UNION ALL
       SELECT * FROM (SELECT t.key, 0 AS from_ms FROM syncline.task t
                      WHERE ${ELIGIBLE} AND t.due_ms <> 0 AND t.due_ms > $4::bigint
                      ORDER BY t.due_ms LIMIT $5 FOR UPDATE SKIP LOCKED) c) AS due
     ORDER BY from_ms, key LIMIT $5`,
    destination_id,
    priority,
    now_ms,
    now_ms + LONGEST_DELAY_MS,
    limit,
    held,
  );
  return rows.map(({ key }) => key);
}
