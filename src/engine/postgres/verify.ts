import type { Transaction } from './database.ts';
import { NEWEST_FENCE } from './fences.ts';

/** Invariants as queries: each returns one row for every place where it is broken. */
const CHECKS: { broken: string; sql: string }[] = [
  {
    broken: 'offsets of a partition are not dense (P10)',
    sql: `SELECT p.name AS place FROM syncline.partition p
          LEFT JOIN (SELECT partition_id, count(*) AS entries, min("offset") AS first, max("offset") AS last
                     FROM syncline.entry GROUP BY partition_id) e USING (partition_id)
          WHERE coalesce(e.entries, 0) <> p.last_offset - p.first_offset + 1
             OR e.first < p.first_offset OR e.last > p.last_offset`,
  },
  {
    broken: 'the bytes of a partition are not the sum of its entries',
    sql: `SELECT p.name AS place FROM syncline.partition p
          LEFT JOIN (SELECT partition_id, sum(bytes) AS bytes FROM syncline.entry GROUP BY partition_id) e USING (partition_id)
          WHERE p.bytes <> coalesce(e.bytes, 0)`,
  },
  {
    broken: 'unsettled batches of one partition overlap (I1)',
    sql: `SELECT a.destination_id || ' ' || a.batch_id AS place FROM syncline.batch a JOIN syncline.batch b
            ON a.destination_id = b.destination_id AND a.partition_id = b.partition_id AND a.batch_id < b.batch_id
           AND a.first_offset <= b.last_offset AND b.first_offset <= a.last_offset
          WHERE a.state IN ('open', 'suspect') AND b.state IN ('open', 'suspect')`,
  },
  {
    broken: 'acked does not follow the lowest open batch (I2)',
    sql: `SELECT g.destination_id || ' ' || g.partition_id AS place FROM syncline.progress g WHERE g.acked_offset <> coalesce(
            (SELECT min(b.first_offset) - 1 FROM syncline.batch b WHERE b.destination_id = g.destination_id
               AND b.partition_id = g.partition_id AND b.state IN ('open', 'suspect') AND b.retry_of IS NULL), g.planned_offset)`,
  },
  {
    broken: 'progress is outside its partition',
    sql: `SELECT g.destination_id || ' ' || p.name AS place FROM syncline.progress g JOIN syncline.partition p USING (partition_id)
          WHERE g.acked_offset < p.first_offset - 1 OR g.acked_offset > g.planned_offset OR g.planned_offset > p.last_offset`,
  },
  {
    broken: 'an unsettled batch does not count the items of its range',
    sql: `SELECT batch_id AS place FROM syncline.batch
          WHERE state IN ('open', 'suspect') AND items <> last_offset - first_offset + 1`,
  },
  {
    broken: 'a suspect holds more than one item',
    sql: `SELECT batch_id AS place FROM syncline.batch WHERE state = 'suspect' AND items <> 1`,
  },
  {
    broken: 'a fence is newer than the counter it comes from (I4)',
    sql: `SELECT batch_id AS place FROM syncline.batch WHERE fence > ${NEWEST_FENCE}`,
  },
  {
    broken: 'a key is claimed without a fence, an owner or a lease, or has them without being claimed (K2)',
    sql: `SELECT destination_id || ' ' || fence AS place FROM syncline.task
          WHERE fence > ${NEWEST_FENCE} OR claimed > wanted
             OR (state = 'claimed') <> (owner IS NOT NULL) OR (state = 'claimed') <> (lease_until_ms IS NOT NULL)
             OR (state = 'claimed' AND fence = 0)`,
  },
  {
    broken: 'a held key and its open dead letter do not belong together (K5)',
    sql: `SELECT t.dead_letter_id AS place FROM syncline.task t LEFT JOIN syncline.dead_letter d USING (dead_letter_id)
          WHERE t.state = 'held' AND (d.state IS DISTINCT FROM 'open' OR d.key IS DISTINCT FROM t.key
             OR d.destination_id IS DISTINCT FROM t.destination_id)
          UNION ALL
          SELECT d.dead_letter_id FROM syncline.dead_letter d
          LEFT JOIN syncline.task t ON t.destination_id = d.destination_id AND t.key = d.key
          WHERE d.state = 'open' AND d.key IS NOT NULL
            AND (t.state IS DISTINCT FROM 'held' OR t.dead_letter_id <> d.dead_letter_id)`,
  },
  {
    broken: 'a parked key stands in a group that would not bring it back',
    sql: `SELECT DISTINCT t.key_group AS place FROM syncline.task t
          LEFT JOIN syncline.key_group g USING (destination_id, key_group)
          WHERE t.state = 'parked' AND g.parked IS NOT TRUE`,
  },
  {
    broken: 'an entry has a key where entries are consumed in order, or none where keys are',
    sql: `SELECT p.name || ' ' || e."offset" AS place FROM syncline.partition p JOIN syncline.entry e USING (partition_id)
          WHERE (p.delivery = 'keyed') <> (e.key IS NOT NULL)`,
  },
  {
    broken: 'an open dead letter has no copy of its item',
    sql: `SELECT dead_letter_id AS place FROM syncline.dead_letter
          WHERE state = 'open' AND payload IS NULL AND destination_id IS NOT NULL AND key IS NULL`,
  },
];

const ALL = CHECKS.map(({ sql }, i) => `SELECT ${i} AS "check", place::text FROM (${sql}) AS c${i}`).join(
  ' UNION ALL ',
);

/** What of the engine's promises the tables themselves can show (`doctor`, tests); one sentence for each that is broken. */
export async function verify(tx: Transaction): Promise<string[]> {
  const rows = await tx.all<{ check: number; place: string }>(
    `SELECT * FROM (${ALL}) AS broken ORDER BY "check", place`,
  );
  return rows.map(({ check, place }) => `${CHECKS[check]?.broken ?? ''}: ${place}`);
}
