/**
 * Reads the outbox in the order of `pos` and never passes a change that may still come (design §5 rule 3).
 *
 * A writer takes `pos` when it has its transaction id already, and commits later: so a position that is missing below one
 * that is there belongs to a transaction that runs, or to one that was rolled back. Nobody can tell which; but every
 * position up to the highest that a read saw was taken by a transaction with a lower id than one assigned after that read.
 * When no transaction below that id runs any more, what is still missing will never come.
 *
 * That id is assigned on purpose (`pg_current_xact_id`). The `pg_snapshot_xmax` of the read itself is no such bound (decision 0028): it is one
 * above the last id that *ended*, so a writer that runs may have it.
 */
import { invariant } from '../../platform/errors.ts';
import type { Postgres, PostgresConnection } from '../../storage/postgres/postgres.ts';
import { quoteTable } from './identifiers.ts';
import { readOutboxRows, type MappedTables, type OutboxReading, type OutboxRow } from './outbox-row.ts';

export type { MappedTables, OutboxChange, OutboxNotice, OutboxProblem } from './outbox-row.ts';

export interface OutboxPage extends OutboxReading {
  /** For the source's checkpoint: everything up to here is in this page or in pages before it. */
  readonly checkpoint: string;
  /** More can be read right now. */
  readonly more: boolean;
  /** What the reader waits for; null: nothing. */
  readonly hole: OutboxHole | null;
}

/** Positions that a running transaction may still fill. Writers that run long delay what comes after them, and lose nothing. */
export interface OutboxHole {
  readonly positions: number;
  /** Since it was first seen, by the database's clock. */
  readonly age_ms: number;
}

/** Most rows of a page: what they become fits into one append. */
const MOST_ROWS = 2000;
/** A page ends after the row that reaches this: with that row it fits into one append, too (4 MiB). */
const PAGE_BYTES = 2 * 1024 * 1024;
/** Of a larger row only that it changed is told; it is read when its key is looked at. */
const MOST_ROW_BYTES = 1024 * 1024;
/** Rows removed by one statement of a trim. */
const TRIM_ROWS = 10_000;

interface ReadRow extends OutboxRow {
  /** Up to here everything that this statement does not see will never come; null: nothing is known. */
  proven: string | null;
  /** Up to here holes are noted, proven or not. */
  noted: string | null;
  hole_age_ms: number | null;
  /** Rows that the limit would have allowed. */
  window_rows: number;
}

export class OutboxReader {
  readonly #postgres: Postgres;
  readonly #outbox: string;
  readonly #hole: string;

  /** The database and the schema that `setup` made there. */
  constructor(postgres: Postgres, schema: string) {
    this.#postgres = postgres;
    this.#outbox = quoteTable({ schema, table: 'outbox' });
    this.#hole = quoteTable({ schema, table: 'hole' });
  }

  /**
   * The changes after a checkpoint (null: from the beginning), at most `limit` rows of the outbox. Reading changes nothing but the
   * note of a hole, so the same page may be read again.
   */
  async read(tables: MappedTables, checkpoint: string | null, limit = MOST_ROWS): Promise<OutboxPage> {
    invariant(limit > 0 && limit <= MOST_ROWS, 'a page of the outbox has 1 to 2,000 rows');
    const after = checkpoint === null ? 0 : Number(checkpoint);
    invariant(Number.isSafeInteger(after) && after >= 0, 'a checkpoint of the outbox is a position');
    const rows = await this.#postgres.query<ReadRow>(this.#readSql, [after, limit]);
    const taken = rows.slice(0, reachable(rows, after));
    const reading = readOutboxRows(tables, taken);
    const through = taken.at(-1)?.pos ?? after;
    const blocked = rows[taken.length];
    if (blocked === undefined)
      return {
        ...reading,
        checkpoint: String(through),
        more: rows.length > 0 && (rows[0]?.window_rows === limit || rows.length < (rows[0]?.window_rows ?? 0)),
        hole: null,
      };
    const last = rows.at(-1)?.pos ?? blocked.pos;
    const isNoted = Number(blocked.noted ?? 0) >= blocked.pos - 1;
    if (!isNoted) await this.#note(through + 1, last);
    const hole = { positions: blocked.pos - 1 - through, age_ms: isNoted ? (blocked.hole_age_ms ?? 0) : 0 };
    return { ...reading, checkpoint: String(through), more: false, hole };
  }

  /**
   * How old the oldest change after the checkpoint is that a hole holds back, for `status` and metrics; null: nothing is held
   * back.
   */
  async oldestHole(checkpoint: string | null): Promise<OutboxHole | null> {
    const [row] = await this.#postgres.query<{ positions: number; age_ms: number }>(
      `SELECT last_pos - greatest(first_pos, $1::bigint + 1) + 1 AS positions,
              greatest(0, extract(epoch FROM clock_timestamp() - seen_at) * 1000)::float8 AS age_ms
       FROM ${this.#hole} WHERE last_pos > $1::bigint ORDER BY seen_at LIMIT 1`,
      [Number(checkpoint ?? 0)],
    );
    return row ?? null;
  }

  /** Rows that wait after the checkpoint, as far as they can be seen, and how old the oldest is. */
  async backlog(checkpoint: string | null): Promise<{ waiting: number; oldest_ms: number | null }> {
    const [row] = await this.#postgres.query<{ waiting: number; oldest_ms: number | null }>(
      `SELECT count(*) AS waiting, (extract(epoch FROM min(at)) * 1000)::float8 AS oldest_ms FROM ${this.#outbox} WHERE pos > $1`,
      [Number(checkpoint ?? 0)],
    );
    return { waiting: row?.waiting ?? 0, oldest_ms: row?.oldest_ms ?? null };
  }

  /**
   * Removes what was read up to `through` (a durable checkpoint) and is older than `before_ms`, and the notes of holes below it.
   * At most 10,000 rows; `more`: call again.
   */
  async trim(through: string, before_ms: number): Promise<{ removed: number; more: boolean }> {
    const removed = await this.#postgres.query<{ removed: number }>(
      `WITH gone AS (
         DELETE FROM ${this.#outbox} WHERE pos = ANY (ARRAY(
           SELECT pos FROM ${this.#outbox} WHERE pos <= $1::bigint AND at < to_timestamp($2::float8 / 1000)
           ORDER BY pos LIMIT ${TRIM_ROWS})) RETURNING 1),
       holes AS (DELETE FROM ${this.#hole} WHERE last_pos <= $1::bigint)
       SELECT count(*) AS removed FROM gone`,
      [Number(through), before_ms],
    );
    const count = removed[0]?.removed ?? 0;
    return { removed: count, more: count === TRIM_ROWS };
  }

  /**
   * A position for a source that begins: whatever is committed from now on comes after it, and whatever comes before it can be seen in
   * the tables already. What is below it is not told any more.
   */
  async position(): Promise<string> {
    let at: string | null = null;
    for (;;) {
      const page = await this.read(new Map(), at);
      at = page.checkpoint;
      if (!page.more) return at;
    }
  }

  /** A note of a bound that is above every id assigned so far comes from another cluster (a restored dump): it proves nothing. */
  get #readSql(): string {
    const usable = `proven_by <= pg_snapshot_xmax(pg_current_snapshot())`;
    const told = `SELECT pos, object, key, key_before, operation, changed::text AS changed, ours, session, actor, at
            FROM ${this.#outbox} WHERE pos > $1::bigint ORDER BY pos LIMIT $2`;
    const counted = `SELECT *, least(coalesce(octet_length(changed), 0), ${MOST_ROW_BYTES}) AS bytes, count(*) OVER () AS window_rows FROM (${told}) AS t`;
    return `SELECT pos, object, key, key_before, operation, ours, session, actor, window_rows,
              CASE WHEN octet_length(changed) <= ${MOST_ROW_BYTES} THEN changed::jsonb END AS changed,
              (extract(epoch FROM at) * 1000)::float8 AS at_ms,
              (SELECT max(last_pos) FROM ${this.#hole} WHERE proven_by <= pg_snapshot_xmin(pg_current_snapshot()))::text AS proven,
              (SELECT max(last_pos) FROM ${this.#hole} WHERE ${usable})::text AS noted,
              (SELECT extract(epoch FROM clock_timestamp() - min(seen_at)) * 1000 FROM ${this.#hole}
               WHERE ${usable} AND last_pos > $1::bigint)::float8 AS hole_age_ms
            FROM (SELECT *, sum(bytes) OVER (ORDER BY pos ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before FROM (${counted}) AS c) AS w
            WHERE coalesce(bytes_before, 0) < ${PAGE_BYTES} ORDER BY pos`;
  }

  /** Kept in the database, so that a restart does not begin to wait anew. */
  async #note(first: number, last: number): Promise<void> {
    await this.#postgres.transaction(async (connection: PostgresConnection) => {
      await connection.begin('');
      // One that cannot be proven here (it is from another cluster) gives way.
      await connection.query(`DELETE FROM ${this.#hole} WHERE proven_by > pg_snapshot_xmax(pg_current_snapshot())`);
      await connection.query(
        `INSERT INTO ${this.#hole} AS hole (first_pos, last_pos, proven_by) VALUES ($1, $2, pg_current_xact_id())
         ON CONFLICT (first_pos) DO UPDATE SET last_pos = excluded.last_pos, proven_by = excluded.proven_by
         WHERE hole.last_pos < excluded.last_pos`,
        [first, last],
      );
      await connection.commit([]);
    });
  }
}

/** How many rows from the beginning follow without a hole that may still be filled. */
function reachable(rows: readonly ReadRow[], after: number): number {
  const proven = Number(rows[0]?.proven ?? 0);
  let expected = after + 1;
  for (const [i, { pos }] of rows.entries()) {
    if (pos !== expected && pos - 1 > proven) return i;
    expected = pos + 1;
  }
  return rows.length;
}
