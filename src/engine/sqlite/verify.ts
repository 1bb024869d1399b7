import type { Database } from '../../storage/sqlite/database.ts';
import { OFFSET_BITS } from './entry-id.ts';

/** Invariants as queries: each returns one row for every place where it is broken. */
const CHECKS: { broken: string; sql: string }[] = [
  {
    broken: 'offsets of a partition are not dense (P10)',
    sql: `SELECT p.name AS place FROM partition p
          WHERE (SELECT count(*) FROM entry e WHERE e.entry_id BETWEEN (p.partition_id << ${OFFSET_BITS}) AND ((p.partition_id + 1) << ${OFFSET_BITS}) - 1)
                <> p.last_offset - p.first_offset + 1
             OR EXISTS (SELECT 1 FROM entry e WHERE e.entry_id BETWEEN (p.partition_id << ${OFFSET_BITS}) AND ((p.partition_id + 1) << ${OFFSET_BITS}) - 1
                        AND (e.offset < p.first_offset OR e.offset > p.last_offset))`,
  },
  {
    broken: 'the bytes of a partition are not the sum of its entries',
    sql: `SELECT p.name AS place FROM partition p WHERE p.bytes <> (
            SELECT coalesce(sum(e.bytes), 0) FROM entry e
            WHERE e.entry_id BETWEEN (p.partition_id << ${OFFSET_BITS}) AND ((p.partition_id + 1) << ${OFFSET_BITS}) - 1)`,
  },
  {
    broken: 'unsettled batches of one partition overlap (I1)',
    sql: `SELECT a.destination_id || ' ' || a.batch_id AS place FROM batch a JOIN batch b
            ON a.destination_id = b.destination_id AND a.partition_id = b.partition_id AND a.batch_id < b.batch_id
           AND a.first_offset <= b.last_offset AND b.first_offset <= a.last_offset
          WHERE a.state IN ('open', 'suspect') AND b.state IN ('open', 'suspect')`,
  },
  {
    broken: 'acked does not follow the lowest open batch (I2)',
    sql: `SELECT g.destination_id || ' ' || g.partition_id AS place FROM progress g WHERE g.acked_offset <> coalesce(
            (SELECT min(b.first_offset) - 1 FROM batch b WHERE b.destination_id = g.destination_id
               AND b.partition_id = g.partition_id AND b.state IN ('open', 'suspect') AND b.retry_of IS NULL), g.planned_offset)`,
  },
  {
    broken: 'progress is outside its partition',
    sql: `SELECT g.destination_id || ' ' || p.name AS place FROM progress g JOIN partition p USING (partition_id)
          WHERE g.acked_offset < p.first_offset - 1 OR g.acked_offset > g.planned_offset OR g.planned_offset > p.last_offset`,
  },
  {
    broken: 'an unsettled batch does not count the items of its range',
    sql: `SELECT batch_id AS place FROM batch WHERE state IN ('open', 'suspect') AND items <> last_offset - first_offset + 1`,
  },
  {
    broken: 'a suspect holds more than one item',
    sql: `SELECT batch_id AS place FROM batch WHERE state = 'suspect' AND items <> 1`,
  },
  {
    broken: 'a fence is newer than the counter it comes from (I4)',
    sql: `SELECT batch_id AS place FROM batch WHERE fence > (SELECT fence FROM identity)`,
  },
  {
    broken: 'a key is claimed without a fence, an owner or a lease, or has them without being claimed (K2)',
    sql: `SELECT destination_id || ' ' || fence AS place FROM task
          WHERE fence > (SELECT fence FROM identity) OR claimed > wanted
             OR (state = 'claimed') <> (owner IS NOT NULL) OR (state = 'claimed') <> (lease_until_ms IS NOT NULL)
             OR (state = 'claimed' AND fence = 0)`,
  },
  {
    broken: 'a held key and its open dead letter do not belong together (K5)',
    sql: `SELECT t.dead_letter_id AS place FROM task t LEFT JOIN dead_letter d USING (dead_letter_id)
          WHERE t.state = 'held' AND (d.state IS NOT 'open' OR d.key IS NOT t.key OR d.destination_id IS NOT t.destination_id)
          UNION ALL
          SELECT d.dead_letter_id FROM dead_letter d
          LEFT JOIN task t ON t.destination_id = d.destination_id AND t.key = d.key
          WHERE d.state = 'open' AND d.key IS NOT NULL AND (t.state IS NOT 'held' OR t.dead_letter_id <> d.dead_letter_id)`,
  },
  {
    broken: 'a parked key stands in a group that would not bring it back',
    sql: `SELECT DISTINCT t.key_group AS place FROM task t LEFT JOIN key_group g USING (destination_id, key_group)
          WHERE t.state = 'parked' AND g.parked IS NOT 1`,
  },
  {
    broken: 'an entry has a key where entries are consumed in order, or none where keys are',
    sql: `SELECT p.name || ' ' || e.offset AS place FROM partition p JOIN entry e
            ON e.entry_id BETWEEN (p.partition_id << ${OFFSET_BITS}) AND ((p.partition_id + 1) << ${OFFSET_BITS}) - 1
          WHERE (p.delivery = 'keyed') <> (e.key IS NOT NULL)`,
  },
  {
    broken: 'an open dead letter has no copy of its item',
    sql: `SELECT dead_letter_id AS place FROM dead_letter WHERE state = 'open' AND payload IS NULL AND destination_id IS NOT NULL AND key IS NULL`,
  },
];

/** What of the engine's promises the tables themselves can show (`doctor`, tests); one sentence for each that is broken. */
export function verify(db: Database): string[] {
  const damaged = db
    .all<{ quick_check: string }>('PRAGMA quick_check')
    .map((row) => row.quick_check)
    .filter((line) => line !== 'ok');
  const broken = CHECKS.flatMap(({ broken, sql }) =>
    db.all<{ place: string }>(sql).map(({ place }) => `${broken}: ${place}`),
  );
  return [...damaged, ...broken];
}
