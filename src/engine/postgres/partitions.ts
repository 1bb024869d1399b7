import { invariant } from '../../platform/errors.ts';
import type { PartitionHeader } from '../ordered/destination.ts';
import { TRANSACTION_LIMITS, type DeliveryKind, type Partition, type PartitionSpec, type Source } from '../store.ts';
import type { Transaction } from './database.ts';

export interface PartitionRow extends Omit<Partition, 'header'> {
  header: string;
}

export const PARTITION_COLUMNS =
  'p.partition_id, p.stream, p.name, p.header, p.delivery, p.first_offset, p.last_offset, p.bytes';

/** The partition of that name, made when there is none. The header of an existing one never changes. */
export async function openPartition(tx: Transaction, spec: PartitionSpec): Promise<Partition> {
  const delivery = spec.delivery ?? 'ordered';
  await requireOneDelivery(tx, spec.stream, delivery);
  const found = await partitionByName(tx, spec.stream, spec.name);
  if (found) return found;
  const predecessor = spec.predecessor ? await partitionByName(tx, spec.stream, spec.predecessor) : undefined;
  await tx.run(
    `INSERT INTO syncline.partition (stream, name, header, delivery, predecessor) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (stream, name) DO NOTHING`,
    spec.stream,
    spec.name,
    JSON.stringify(spec.header),
    delivery,
    predecessor?.partition_id ?? null,
  );
  const made = await partitionByName(tx, spec.stream, spec.name);
  invariant(made, 'a partition just inserted is there');
  return made;
}

/**
 * All partitions and destinations of a stream are consumed in one way: then no entry is waited for by the wrong one. Who
 * opens the first of a stream holds off others of it until the commit.
 */
export async function requireOneDelivery(tx: Transaction, stream: string, delivery: DeliveryKind): Promise<void> {
  await tx.get(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, `syncline.stream ${stream}`);
  const other = await tx.get(
    `SELECT 1 FROM syncline.partition WHERE stream = $1 AND delivery <> $2
     UNION ALL SELECT 1 FROM syncline.destination WHERE stream = $1 AND delivery <> $2 LIMIT 1`,
    stream,
    delivery,
  );
  invariant(!other, `the stream ${stream} is consumed in one way, not also ${delivery}`);
}

async function partitionByName(tx: Transaction, stream: string, name: string): Promise<Partition | undefined> {
  const row = await tx.get<PartitionRow>(
    `SELECT ${PARTITION_COLUMNS} FROM syncline.partition p WHERE stream = $1 AND name = $2`,
    stream,
    name,
  );
  return row && toPartition(row);
}

/** The partition, which nobody else appends to or removes from until the commit. */
export async function lockPartition(tx: Transaction, partition_id: number): Promise<Partition> {
  const row = await tx.get<PartitionRow>(
    `SELECT ${PARTITION_COLUMNS} FROM syncline.partition p WHERE partition_id = $1 FOR NO KEY UPDATE`,
    partition_id,
  );
  invariant(row, `partition ${partition_id} exists`);
  return toPartition(row);
}

export async function allPartitions(tx: Transaction): Promise<Partition[]> {
  const rows = await tx.all<PartitionRow>(
    `SELECT ${PARTITION_COLUMNS} FROM syncline.partition p ORDER BY partition_id`,
  );
  return rows.map(toPartition);
}

export function toPartition(row: PartitionRow): Partition {
  return { ...row, header: JSON.parse(row.header) as PartitionHeader };
}

const SOURCE_COLUMNS = 's.source_id, s.stream, s.name, s.epoch, s.checkpoint, s.holes, s.updated_ms';

/** The newest epoch of each source, in the order of `names`; those there are none of are made. */
export async function openSources(
  tx: Transaction,
  stream: string,
  names: readonly string[],
  now_ms: number,
): Promise<Source[]> {
  invariant(
    names.length <= TRANSACTION_LIMITS.max_rows,
    `at most ${TRANSACTION_LIMITS.max_rows} sources are opened at once`,
  );
  await tx.run(
    `INSERT INTO syncline.source (stream, name, epoch, updated_ms)
     SELECT $1, n.name, 1, $2 FROM unnest($3::text[]) WITH ORDINALITY AS n (name, place)
     WHERE NOT EXISTS (SELECT 1 FROM syncline.source s WHERE s.stream = $1 AND s.name = n.name) ORDER BY n.place
     ON CONFLICT (stream, name, epoch) DO NOTHING`,
    stream,
    now_ms,
    names,
  );
  return tx.all<Source>(
    `SELECT ${SOURCE_COLUMNS} FROM unnest($2::text[]) WITH ORDINALITY AS n (name, place)
     CROSS JOIN LATERAL (SELECT * FROM syncline.source s WHERE s.stream = $1 AND s.name = n.name
                         ORDER BY epoch DESC LIMIT 1) s ORDER BY n.place`,
    stream,
    names,
  );
}

export async function openSource(tx: Transaction, stream: string, name: string, now_ms: number): Promise<Source> {
  const [source] = await openSources(tx, stream, [name], now_ms);
  invariant(source, 'a source just opened is there');
  return source;
}

export async function nextEpoch(tx: Transaction, source_id: number, now_ms: number): Promise<Source> {
  const made = await tx.get<Source>(
    `INSERT INTO syncline.source AS s (stream, name, epoch, updated_ms)
     SELECT stream, name, epoch + 1, $2 FROM syncline.source WHERE source_id = $1
     ON CONFLICT (stream, name, epoch) DO UPDATE SET updated_ms = s.updated_ms RETURNING ${SOURCE_COLUMNS}`,
    source_id,
    now_ms,
  );
  invariant(made, `source ${source_id} exists`);
  return made;
}

export function allSources(tx: Transaction, stream: string): Promise<Source[]> {
  return tx.all<Source>(
    `SELECT ${SOURCE_COLUMNS} FROM syncline.source s WHERE stream = $1
       AND epoch = (SELECT max(epoch) FROM syncline.source t WHERE t.stream = s.stream AND t.name = s.name)
     ORDER BY source_id`,
    stream,
  );
}
