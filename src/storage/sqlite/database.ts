import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync, type SQLInputValue } from 'node:sqlite';
import { FullError, SynclineError, invariant, messageOf } from '../../platform/errors.ts';

/**
 * SQLite before this version can corrupt a WAL file when two connections write or checkpoint at the same moment
 * (foundation §5.2), and several processes of ours open one file.
 */
const MINIMUM_SQLITE = [3, 51, 3] as const;

/** Largest file of which `scrub` may hold a copy in memory. */
const SCRUB_IN_MEMORY_BYTES = 32 * 1024 * 1024;

export interface DatabaseOptions {
  read_only?: boolean;
  /** Soft cap of the file. SQLite cannot free space on a full disk (foundation §0 trap 4), so the cap stays below it. */
  max_bytes?: number;
  busy_timeout_ms?: number;
}

export type Row = Record<string, SQLInputValue>;

/**
 * One SQLite file, opened with the settings every file of ours has: WAL, `synchronous=FULL` (a commit that returned is
 * on disk), `secure_delete` (deleted bytes are overwritten, R11), strict permissions. Synchronous on purpose: a
 * transaction can then never be held open over an `await` (design §5 rule 1).
 */
export class Database {
  readonly path: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #page_size: number;
  #depth = 0;

  /** @throws SynclineError `storage.open` when the file cannot be opened, `storage.sqlite_version` when SQLite is too old. */
  constructor(path: string, options: DatabaseOptions = {}) {
    this.path = path;
    try {
      this.#connection = new DatabaseSync(path, {
        readOnly: options.read_only ?? false,
        timeout: options.busy_timeout_ms ?? 5000,
        enableForeignKeyConstraints: true,
      });
      this.#configure(options);
      this.#page_size = this.value<number>('PRAGMA page_size');
      if (options.max_bytes !== undefined) this.limitBytes(options.max_bytes);
    } catch (error) {
      throw this.#translate(error, 'storage.open');
    }
    if (!options.read_only && path !== ':memory:' && existsSync(path)) chmodSync(path, 0o600);
  }

  #configure(options: DatabaseOptions): void {
    requireSupportedSqlite(this.#connection);
    if (options.read_only) return;
    // A WAL of 32 MB (8,000 pages): the pages of an index that keys hit at random are moved into the file once for
    // several commits instead of at every other one.
    this.#connection.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;' +
        'PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=8000;',
    );
  }

  /** Sets the soft cap; a write beyond it fails as FullError and rolls back whole. */
  limitBytes(max_bytes: number): void {
    this.exec(`PRAGMA max_page_count=${Math.max(64, Math.floor(max_bytes / this.#page_size))}`);
  }

  /** A prepared statement, compiled once per text. Errors of its own methods are not translated: prefer `run`. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      try {
        statement = this.#connection.prepare(sql);
      } catch (error) {
        throw this.#translate(error, 'storage.statement');
      }
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Runs a statement; returns the number of rows it changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    try {
      return Number(this.prepare(sql).run(...parameters).changes);
    } catch (error) {
      throw this.#translate(error, 'storage.write');
    }
  }

  /** First row, or undefined. The caller names the row's shape; columns come from our own schema. */
  get<T extends object>(sql: string, ...parameters: SQLInputValue[]): T | undefined {
    try {
      return this.prepare(sql).get(...parameters) as T | undefined;
    } catch (error) {
      throw this.#translate(error, 'storage.read');
    }
  }

  all<T extends object>(sql: string, ...parameters: SQLInputValue[]): T[] {
    try {
      return this.prepare(sql).all(...parameters) as T[];
    } catch (error) {
      throw this.#translate(error, 'storage.read');
    }
  }

  /** First column of the first row; undefined typed as T is the caller's claim that a row exists. */
  value<T>(sql: string, ...parameters: SQLInputValue[]): T {
    const row = this.get<Record<string, T>>(sql, ...parameters);
    return (row ? Object.values(row)[0] : undefined) as T;
  }

  exec(sql: string): void {
    try {
      this.#connection.exec(sql);
    } catch (error) {
      throw this.#translate(error, 'storage.write');
    }
  }

  /**
   * Runs `work` in one IMMEDIATE transaction: all of it commits or none. Nested calls join the outer transaction, so a
   * failure anywhere still rolls everything back. `work` must not be async.
   */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.exec('BEGIN IMMEDIATE');
    this.#depth++;
    try {
      const result = work();
      invariant(!(result instanceof Promise), 'a transaction is synchronous: it is never held over an await');
      this.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk or an I/O error may have rolled back already; then there is nothing left to undo.
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** Runs reads on one snapshot. */
  snapshot<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.exec('BEGIN');
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
    }
  }

  /**
   * Moves the WAL into the file and truncates it, so that no deleted byte stays behind in it. False when a reader of
   * another connection still needs the WAL: then it is as before.
   */
  checkpoint(): boolean {
    return this.value<number>('PRAGMA wal_checkpoint(TRUNCATE)') === 0;
  }

  /**
   * Writes every page of the file anew and cuts the WAL, so that nothing is left of what was deleted or replaced.
   * `secure_delete` alone does not do it: SQLite zeroes a cell that is deleted, but where it splits or merges pages it
   * leaves the old copies of the cells that it moved in their free space, and does not know them any more (in 60 random
   * runs of inserts into several partitions, 50 erased texts were found again). Needs the size of the file as free disk
   * space and about 0.4 s for 100 MB, so callers collect their changes. False as for `checkpoint`.
   */
  scrub(): boolean {
    // VACUUM builds its copy in memory or in an unlinked temporary file.
    const in_memory = this.usedBytes() <= SCRUB_IN_MEMORY_BYTES;
    try {
      if (!in_memory) this.exec('PRAGMA temp_store=FILE');
      this.exec('VACUUM');
    } finally {
      if (!in_memory) this.exec('PRAGMA temp_store=MEMORY');
    }
    return this.checkpoint();
  }

  /** Bytes of the main file's pages, free ones included. */
  sizeBytes(): number {
    return this.value<number>('PRAGMA page_count') * this.#page_size;
  }

  /** Bytes of the main file's pages that hold something; free ones are used before the file grows. */
  usedBytes(): number {
    return this.sizeBytes() - this.value<number>('PRAGMA freelist_count') * this.#page_size;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  close(): void {
    this.#statements.clear();
    if (this.#connection.isOpen) this.#connection.close();
  }

  #translate(error: unknown, code: string): Error {
    if (error instanceof SynclineError) return error;
    const primary = errorNumber(error);
    const file = this.path.split('/').at(-1) ?? this.path;
    if (primary === 13)
      return new FullError(`${file} has reached its size cap or the disk is full`, {
        hint: 'Free disk space or raise storage.max_bytes; capture goes on where it stopped.',
        cause: error,
      });
    if (primary === 11 || primary === 26)
      return new SynclineError('storage.corrupt', `${file} is damaged: ${messageOf(error)}`, {
        hint: 'Run `syncline doctor`; restore a backup with `syncline restore FILE`.',
        cause: error,
      });
    return new SynclineError(code, `${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** SQLite's primary result code, or undefined for other errors. */
function errorNumber(error: unknown): number | undefined {
  const number = (error as { errcode?: unknown }).errcode;
  return typeof number === 'number' ? number & 0xff : undefined;
}

function requireSupportedSqlite(connection: DatabaseSync): void {
  const { version } = connection.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  const parts = version.split('.').map(Number);
  for (const [i, minimum] of MINIMUM_SQLITE.entries()) {
    if ((parts[i] ?? 0) > minimum) return;
    if ((parts[i] ?? 0) < minimum)
      throw new SynclineError(
        'storage.sqlite_version',
        `SQLite ${version} is too old; ${MINIMUM_SQLITE.join('.')} is needed`,
        {
          hint: 'Run Syncline with Node 24 (npm start does).',
        },
      );
  }
}
