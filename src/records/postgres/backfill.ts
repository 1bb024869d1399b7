/**
 * Walks over the keys of a table that is filled already, and hands over to the outbox: its position is noted before the
 * first page, so that what changes during the walk, on pages that were walked or will be, comes by the outbox.
 */
import { InvalidInputError, invariant } from '../../platform/errors.ts';
import type { Postgres } from '../../storage/postgres/postgres.ts';
import { canonicalKey } from '../model/canonical-key.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { quoteIdentifier, quoteTable, tableName } from './identifiers.ts';
import type { OutboxReader } from './outbox-reader.ts';
import { castKey } from './row-sql.ts';
import type { PostgresTables } from './table.ts';

/** Where a walk stands; as text it is a source's checkpoint. */
interface Place {
  /** Position of the outbox before the first page. */
  watermark: string;
  /** Last key walked over, as it is written there; null: none yet. */
  after: string | null;
}

export interface BackfillPage {
  /** Canonical, each once; rows whose spellings meet are one key. */
  readonly keys: readonly string[];
  /** For the next page, also after a restart; null: this was the last one. */
  readonly place: string | null;
  /** From here the outbox is to be read at the latest: a source that never read it begins here. */
  readonly watermark: string;
}

const MOST_KEYS = 10_000;

/** The walk over one table after another; it keeps nothing itself. */
export class TableBackfill {
  readonly #postgres: Postgres;
  readonly #tables: PostgresTables;
  readonly #reader: OutboxReader;

  constructor(options: { postgres: Postgres; tables: PostgresTables; reader: OutboxReader }) {
    this.#postgres = options.postgres;
    this.#tables = options.tables;
    this.#reader = options.reader;
  }

  /** The next page of keys; `place` null begins. Rows without a key are not among them (`scan` tells those). */
  async page(mapping: ObjectMapping, place: string | null, limit = MOST_KEYS): Promise<BackfillPage> {
    invariant(limit > 0 && limit <= MOST_KEYS, 'a page of a backfill has 1 to 10,000 keys');
    const { watermark, after } =
      place === null ? { watermark: await this.#reader.position(), after: null } : readPlace(place);
    const column = (await this.#tables.table(mapping)).columns.get(mapping.postgres.key);
    invariant(column, 'a table that fits its mapping has the key column');
    const key = `t.${quoteIdentifier(column.name)}`;
    const where = after === null ? `${key} IS NOT NULL` : `${key} > ${castKey(column, '$2')}`;
    const rows = await this.#postgres.query<{ k: string }>(
      `SELECT ${key}::text AS k FROM ${quoteTable(tableName(mapping.postgres.table))} AS t
       WHERE ${where} ORDER BY ${key} LIMIT $1`,
      after === null ? [limit] : [limit, after],
    );
    const last = rows.at(-1)?.k ?? null;
    const keys = rows.filter(({ k }) => k !== '').map(({ k }) => canonicalKey(mapping, k));
    return {
      keys: [...new Set(keys)],
      place: rows.length < limit ? null : JSON.stringify({ watermark, after: last } satisfies Place),
      watermark,
    };
  }
}

function readPlace(text: string): Place {
  const place = JSON.parse(text) as Partial<Place>;
  if (typeof place.watermark === 'string' && (typeof place.after === 'string' || place.after === null))
    return { watermark: place.watermark, after: place.after };
  throw new InvalidInputError('records.backfill_place', 'The place of a backfill cannot be read', {
    hint: 'Begin the backfill again.',
  });
}
