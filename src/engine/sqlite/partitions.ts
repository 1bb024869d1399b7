import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { PartitionHeader } from '../ordered/destination.ts';
import { TRANSACTION_LIMITS, type DeliveryKind, type Partition, type PartitionSpec, type Source } from '../store.ts';

interface PartitionRow extends Omit<Partition, 'header'> {
  header: string;
}

const COLUMNS = 'partition_id, stream, name, header, delivery, first_offset, last_offset, bytes';

/** The partition of that name, made when there is none. The header of an existing one never changes. */
export function openPartition(db: Database, spec: PartitionSpec): Partition {
  const delivery = spec.delivery ?? 'ordered';
  requireOneDelivery(db, spec.stream, delivery);
  const found = partitionByName(db, spec.stream, spec.name);
  if (found) return found;
  const predecessor = spec.predecessor ? partitionByName(db, spec.stream, spec.predecessor) : undefined;
  db.run(
    'INSERT INTO partition (stream, name, header, delivery, predecessor) VALUES (?, ?, ?, ?, ?)',
    spec.stream,
    spec.name,
    JSON.stringify(spec.header),
    delivery,
    predecessor?.partition_id ?? null,
  );
  const made = partitionByName(db, spec.stream, spec.name);
  invariant(made, 'a partition just inserted is there');
  return made;
}

/** All partitions and destinations of a stream are consumed in one way: then no entry is waited for by the wrong one. */
export function requireOneDelivery(db: Database, stream: string, delivery: DeliveryKind): void {
  const other = db.get<object>(
    `SELECT 1 FROM partition WHERE stream = ?1 AND delivery <> ?2
     UNION ALL SELECT 1 FROM destination WHERE stream = ?1 AND delivery <> ?2 LIMIT 1`,
    stream,
    delivery,
  );
  invariant(!other, `the stream ${stream} is consumed in one way, not also ${delivery}`);
}

function partitionByName(db: Database, stream: string, name: string): Partition | undefined {
  const row = db.get<PartitionRow>(`SELECT ${COLUMNS} FROM partition WHERE stream = ? AND name = ?`, stream, name);
  return row && toPartition(row);
}

export function partitionById(db: Database, partition_id: number): Partition {
  const row = db.get<PartitionRow>(`SELECT ${COLUMNS} FROM partition WHERE partition_id = ?`, partition_id);
  invariant(row, `partition ${partition_id} exists`);
  return toPartition(row);
}

export function allPartitions(db: Database): Partition[] {
  return db.all<PartitionRow>(`SELECT ${COLUMNS} FROM partition ORDER BY partition_id`).map(toPartition);
}

export function toPartition(row: PartitionRow): Partition {
  return { ...row, header: JSON.parse(row.header) as PartitionHeader };
}

const SOURCE_COLUMNS = 'source_id, stream, name, epoch, checkpoint, holes, updated_ms';

export function openSource(db: Database, stream: string, name: string, now_ms: number): Source {
  const found = db.get<Source>(
    `SELECT ${SOURCE_COLUMNS} FROM source WHERE stream = ? AND name = ? ORDER BY epoch DESC LIMIT 1`,
    stream,
    name,
  );
  return found ?? insertSource(db, stream, name, 1, now_ms);
}

/** The newest epoch of each source; those there are none of are made. */
export function openSources(db: Database, stream: string, names: readonly string[], now_ms: number): Source[] {
  invariant(
    names.length <= TRANSACTION_LIMITS.max_rows,
    `at most ${TRANSACTION_LIMITS.max_rows} sources are opened at once`,
  );
  const given = JSON.stringify(names);
  db.run(
    `INSERT INTO source (stream, name, epoch, updated_ms) SELECT ?1, n.value, 1, ?2 FROM json_each(?3) n
     WHERE NOT EXISTS (SELECT 1 FROM source WHERE stream = ?1 AND name = n.value)`,
    stream,
    now_ms,
    given,
  );
  return db.all<Source>(
    `SELECT ${SOURCE_COLUMNS} FROM json_each(?2) n CROSS JOIN source s ON s.stream = ?1 AND s.name = n.value
     WHERE epoch = (SELECT max(epoch) FROM source WHERE stream = s.stream AND name = s.name) ORDER BY n.key`,
    stream,
    given,
  );
}

export function nextEpoch(db: Database, source_id: number, now_ms: number): Source {
  const row = db.get<Source>(`SELECT ${SOURCE_COLUMNS} FROM source WHERE source_id = ?`, source_id);
  invariant(row, `source ${source_id} exists`);
  return insertSource(db, row.stream, row.name, row.epoch + 1, now_ms);
}

export function allSources(db: Database, stream: string): Source[] {
  return db.all<Source>(
    `SELECT ${SOURCE_COLUMNS} FROM source s WHERE stream = ?
       AND epoch = (SELECT max(epoch) FROM source WHERE stream = s.stream AND name = s.name)`,
    stream,
  );
}

function insertSource(db: Database, stream: string, name: string, epoch: number, now_ms: number): Source {
  db.run('INSERT INTO source (stream, name, epoch, updated_ms) VALUES (?, ?, ?, ?)', stream, name, epoch, now_ms);
  const source_id = Number(db.value('SELECT last_insert_rowid()'));
  return { source_id, stream, name, epoch, checkpoint: null, holes: 0, updated_ms: now_ms };
}
