import type { ObjectMapping } from '../model/mapping.ts';
import type { Document } from '../model/value.ts';
import { UNHEARD, type SalesforceState } from '../plan/fold.ts';
import type { PostgresFound, PostgresTables } from '../postgres/table.ts';
import type { FlowDatabase } from './flow-database.ts';
import { readKeyStates, type KeyState } from './key-states.ts';
import type { RecordStream } from './streams.ts';
import type { Walk } from './walk.ts';

/** A key with both sides as a walk found them. */
export interface WalkedPair {
  key: string;
  state: KeyState;
  salesforce: SalesforceState;
  /** Several records there have this external id. */
  salesforce_copies: number;
  postgres: PostgresFound;
  /** A change of it is on its way: what differs may be about to end. */
  is_waiting: boolean;
}

export interface WalkedOptions {
  database: FlowDatabase;
  mapping: ObjectMapping;
  stream: RecordStream;
  postgres: Pick<PostgresTables, 'readKeys' | 'scan'>;
}

const PAGE = 1000;

interface KnownKey {
  key: string;
  salesforce_id: string | null;
  document: Document | null;
  modified_ms: number | null;
  copies: number | null;
}

/**
 * Every key that either side or the link knows, once, in pages of bounded size: first those that Salesforce or a link has,
 * then those that only the table has.
 */
export async function* walkedPairs(
  walk: Walk,
  options: WalkedOptions,
  signal: AbortSignal,
): AsyncGenerator<WalkedPair[]> {
  for (let after: string | null = null; ;) {
    signal.throwIfAborted();
    const known: KnownKey[] = await knownKeys(walk, options, after);
    if (known.length === 0) break;
    yield await withRows(known, options);
    after = known.at(-1)?.key ?? null;
  }
  for (let from: string | null = null; ;) {
    signal.throwIfAborted();
    const page = await options.postgres.scan(options.mapping, from);
    const keys = page.records.map(({ key }) => key);
    const unknown = new Set(await unknownKeys(walk, options, keys));
    // Rows whose keys are one in Salesforce come one by one: both are told by `readKeys`.
    const rest = [...new Set(keys)].filter((key) => unknown.has(key));
    if (rest.length > 0) yield await withRows(rest.map(onlyInTable), options);
    if (page.next === null) return;
    from = page.next;
  }
}

function onlyInTable(key: string): KnownKey {
  return { key, salesforce_id: null, document: null, modified_ms: null, copies: null };
}

async function knownKeys(
  { walk_id }: Walk,
  { database, stream }: WalkedOptions,
  after: string | null,
): Promise<KnownKey[]> {
  return database.query<KnownKey>(
    `WITH keys AS (
       (SELECT key FROM syncline.snapshot WHERE walk_id = $1 AND has_key AND ($3::text IS NULL OR key > $3) ORDER BY key LIMIT ${PAGE})
       UNION
       (SELECT key FROM syncline.link WHERE stream = $2 AND ($3::text IS NULL OR key > $3) ORDER BY key LIMIT ${PAGE}))
     SELECT k.key, s.salesforce_id, s.document, s.modified_ms, s.copies
       FROM (SELECT key FROM keys ORDER BY key LIMIT ${PAGE}) k
       LEFT JOIN syncline.snapshot s ON s.walk_id = $1 AND s.has_key AND s.key = k.key
      ORDER BY k.key`,
    [walk_id, stream.stream, after],
  );
}

async function unknownKeys({ walk_id }: Walk, { database, stream }: WalkedOptions, keys: string[]): Promise<string[]> {
  const rows = await database.query<{ key: string }>(
    `SELECT k.key FROM unnest($3::text[]) k (key)
      WHERE NOT EXISTS (SELECT 1 FROM syncline.snapshot s WHERE s.walk_id = $1 AND s.has_key AND s.key = k.key)
        AND NOT EXISTS (SELECT 1 FROM syncline.link l WHERE l.stream = $2 AND l.key = k.key)`,
    [walk_id, stream.stream, keys],
  );
  return rows.map(({ key }) => key);
}

async function withRows(known: readonly KnownKey[], options: WalkedOptions): Promise<WalkedPair[]> {
  const { database, mapping, stream, postgres } = options;
  const keys = known.map(({ key }) => key);
  const [states, rows, waiting] = await Promise.all([
    readKeyStates(database, stream, keys),
    postgres.readKeys(mapping, keys),
    database.query<{ key: string }>(`SELECT key FROM syncline.task WHERE destination_id = $1 AND key = ANY($2)`, [
      stream.stream,
      keys,
    ]),
  ]);
  const on_their_way = new Set(waiting.map(({ key }) => key));
  return known.flatMap((one, i) => {
    const [state, row] = [states[i], rows[i]];
    if (!state || !row) return [];
    const salesforce = { ...salesforceOf(one), folded: state.link.salesforce.folded };
    const copies = one.copies ?? 0;
    return [
      {
        key: one.key,
        state,
        salesforce,
        salesforce_copies: copies,
        postgres: row,
        is_waiting: on_their_way.has(one.key),
      },
    ];
  });
}

function salesforceOf({ salesforce_id, document, modified_ms }: KnownKey): SalesforceState {
  if (document === null) return { ...UNHEARD, presence: 'absent', whole: true };
  const times = { modified_ms, as_of_ms: modified_ms };
  return { presence: 'present', id: salesforce_id, document, whole: true, ...times, folded: {} };
}
