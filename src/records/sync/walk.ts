/**
 * A walk over an object in Salesforce: every record, page by page, into a table of its own, so that the sides can be compared in
 * sets whatever their size. Places of both sources are noted before the first page: what changes meanwhile comes by them.
 */
import { UsageError } from '../../platform/errors.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import type { Clock } from '../../platform/clock.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { SalesforceSide, SidePage } from '../sides.ts';
import type { FlowDatabase } from './flow-database.ts';
import type { RecordStream } from './streams.ts';

export type WalkKind = 'plan' | 'drift';

export interface Walk {
  walk_id: string;
  stream: string;
  version: string;
  kind: WalkKind;
  state: 'reading' | 'read' | 'done' | 'failed';
  next_page: string | null;
  records: number;
  /** Without an external id. */
  unkeyed: number;
  pages: number;
  entry_offset: number;
  outbox_place: string;
  poll_place: string;
  started_ms: number;
  ended_ms: number | null;
}

export interface WalkOptions {
  database: FlowDatabase;
  mapping: ObjectMapping;
  stream: RecordStream;
  salesforce: SalesforceSide;
  /** Where the outbox stands now. */
  outboxPlace: () => Promise<string>;
  clock: Clock;
  random: Random;
  progress?: (walk: Pick<Walk, 'records' | 'pages'>) => void;
}

const COLUMNS = `walk_id, stream, version, kind, state, next_page, records, unkeyed, pages, entry_offset, outbox_place,
  poll_place, (extract(epoch FROM started_at) * 1000)::bigint AS started_ms,
  (extract(epoch FROM ended_at) * 1000)::bigint AS ended_ms`;

/** Walks of these that broke off are not gone on with: what they noted is too old. */
const RESUME_WITHIN = `interval '1 hour'`;

/**
 * Reads all of Salesforce's side; one of the same kind and version that broke off within the hour goes on where it was. Throws as
 * `SalesforceSide.scan` does; the walk can be gone on with then.
 */
export async function walkSalesforce(kind: WalkKind, options: WalkOptions, signal: AbortSignal): Promise<Walk> {
  let walk = (await unfinished(kind, options)) ?? (await begin(kind, options, signal));
  while (walk.state === 'reading') {
    const page = await options.salesforce.scan(options.mapping, walk.next_page, signal);
    walk = await keepPage(options.database, walk, page);
    options.progress?.(walk);
  }
  return walk;
}

/** @throws UsageError `records.walk` */
export async function readWalk(database: FlowDatabase, walk_id: string): Promise<Walk> {
  const [walk] = await database.query<Walk>(`SELECT ${COLUMNS} FROM syncline.walk WHERE walk_id = $1`, [walk_id]);
  if (walk !== undefined) return walk;
  throw new UsageError('records.walk', 'What the plan was made from is not there any more', {
    hint: 'Run `syncline records plan` again.',
  });
}

/** The newest walk of each kind for an object. */
export async function latestWalks(database: FlowDatabase, stream: string): Promise<(Walk & { result: unknown })[]> {
  return database.query(
    `SELECT DISTINCT ON (kind) ${COLUMNS}, result FROM syncline.walk WHERE stream = $1 ORDER BY kind, started_at DESC`,
    [stream],
  );
}

/** Notes what came of it; `keep`: what it read stays, for the apply of its plan. Older walks of its kind go. */
export async function endWalk(
  database: FlowDatabase,
  walk: Pick<Walk, 'walk_id' | 'stream' | 'kind'>,
  result: unknown,
  keep: boolean,
): Promise<void> {
  await database.query(
    `UPDATE syncline.walk SET state = 'done', result = $2, ended_at = clock_timestamp() WHERE walk_id = $1`,
    [walk.walk_id, JSON.stringify(result)],
  );
  await database.query(
    `DELETE FROM syncline.snapshot WHERE walk_id IN (
       SELECT walk_id FROM syncline.walk WHERE stream = $2 AND kind = $3 AND (walk_id <> $1 OR NOT $4))`,
    [walk.walk_id, walk.stream, walk.kind, keep],
  );
  await database.query(
    `DELETE FROM syncline.walk WHERE stream = $2 AND kind = $3 AND walk_id <> $1
        AND started_at < clock_timestamp() - interval '30 days'`,
    [walk.walk_id, walk.stream, walk.kind],
  );
}

async function unfinished(kind: WalkKind, { database, stream, mapping }: WalkOptions): Promise<Walk | null> {
  const [walk] = await database.query<Walk>(
    `SELECT ${COLUMNS} FROM syncline.walk
      WHERE stream = $1 AND version = $2 AND kind = $3 AND state = 'reading'
        AND started_at > clock_timestamp() - ${RESUME_WITHIN}
      ORDER BY started_at DESC LIMIT 1`,
    [stream.stream, mapping.version, kind],
  );
  return walk ?? null;
}

async function begin(kind: WalkKind, options: WalkOptions, signal: AbortSignal): Promise<Walk> {
  const { database, mapping, stream, salesforce, outboxPlace, clock, random } = options;
  const outbox_place = await outboxPlace();
  const { position } = await salesforce.poll(mapping, null, signal);
  const [walk] = await database.query<Walk>(
    `INSERT INTO syncline.walk (walk_id, stream, version, kind, state, entry_offset, outbox_place, poll_place)
     SELECT $1, $2, $3, $4, 'reading', p.last_offset, $6, $7 FROM syncline.partition p WHERE p.partition_id = $5
     RETURNING ${COLUMNS}`,
    [
      uuidv7(clock.now_ms(), random),
      stream.stream,
      mapping.version,
      kind,
      stream.salesforce.partition_id,
      outbox_place,
      position,
    ],
  );
  return walk as Walk;
}

/** The page and the place behind it, in one transaction. A record that comes twice counts once. */
async function keepPage(database: FlowDatabase, walk: Walk, page: SidePage): Promise<Walk> {
  const keyed = page.records.map(({ key, id, document, modified_ms }) => ({
    key,
    has_key: true,
    id,
    document,
    modified_ms,
  }));
  const unkeyed = page.unkeyed.map(({ id, document }) => ({
    key: id,
    has_key: false,
    id,
    document,
    modified_ms: null,
  }));
  const [next] = await database.query<Walk>(
    `WITH page AS (
       SELECT r.*, row_number() OVER (PARTITION BY has_key, key ORDER BY id) AS nth, count(*) OVER (PARTITION BY has_key, key) AS copies
         FROM jsonb_to_recordset($2::jsonb) AS r (key text, has_key boolean, id text, document jsonb, modified_ms bigint)),
     kept AS (
       INSERT INTO syncline.snapshot AS s (walk_id, key, has_key, salesforce_id, document, modified_ms, copies)
       SELECT $1, key, has_key, id, document, modified_ms, copies FROM page WHERE nth = 1
       ON CONFLICT (walk_id, has_key, key) DO UPDATE
          SET copies = s.copies + CASE WHEN s.salesforce_id = excluded.salesforce_id THEN 0 ELSE excluded.copies END
       RETURNING has_key)
     UPDATE syncline.walk
        SET next_page = $3, state = CASE WHEN $3::text IS NULL THEN 'read' ELSE 'reading' END, pages = pages + 1,
            records = records + (SELECT count(*) FROM kept WHERE has_key),
            unkeyed = unkeyed + (SELECT count(*) FROM kept WHERE NOT has_key)
      WHERE walk_id = $1 RETURNING ${COLUMNS}`,
    [walk.walk_id, JSON.stringify([...keyed, ...unkeyed]), page.next],
  );
  return next as Walk;
}
