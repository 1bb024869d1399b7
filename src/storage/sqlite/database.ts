import { chmodSync, closeSync, existsSync, fsync, fsyncSync, openSync } from 'node:fs';
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
  /**
   * Group commits (`together`) wait for the disk beside this thread: SQLite writes them without waiting
   * (`synchronous=NORMAL`), then the log is synced by a thread of the pool, and only then they resolve. Whoever waits for
   * them gets the same promise as from `synchronous=FULL`; all other writes keep that. A sync covers all that was written
   * before it, so what follows from a commit is never on disk without it. Default false: nobody else gets a turn meanwhile.
   */
  background_sync?: boolean;
}

export type Row = Record<string, SQLInputValue>;

/** A piece of work that waits for the commit of its group. */
interface Member {
  waits_for: 'disk' | 'commit';
  committed: () => void;
  undone: (error: unknown) => void;
}

export interface TogetherOptions {
  /** Called when what was done is rolled back, before anything else runs. */
  undone?: () => void;
  /**
   * `disk` (default): resolves when it is there. `commit`: resolves when others see it, where the disk is waited for in the
   * background; for what may be lost with the power as long as nothing that follows from it is on disk, since a later
   * sync brings both.
   */
  waits_for?: 'disk' | 'commit';
}

/** Most pieces of work of one commit; with the bounds of each (design §5 rule 1) it bounds the transaction. */
const MOST_MEMBERS = 16;

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
  /** Done in the transaction that is open, and not committed yet; null = none is open for a group. */
  #group: Member[] | null = null;
  /** Null where group commits wait in this thread. */
  #log: LogSync | null = null;

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
    if (options.background_sync === true && path !== ':memory:') this.#log = new LogSync(`${path}-wal`);
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
    this.#endGroup();
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
    this.#endGroup();
    this.#exec(sql);
  }

  #exec(sql: string): void {
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

  /**
   * Group commit: runs `work` at once as `transaction` does, in a transaction that it shares with whatever else asks for
   * this in the same turn of the event loop, and resolves when that is on disk. A commit waits for the disk and writes
   * each page it touched, so several in one cost little more than one. Each member keeps to itself: one that fails
   * leaves nothing and takes no other along. Any other statement commits the group first, so nobody ever sees what may still be undone.
   */
  together<T>(work: () => T, { undone, waits_for = 'disk' }: TogetherOptions = {}): Promise<T> {
    invariant(this.#depth === 0, 'a transaction is synchronous: it waits for no group');
    // Nothing that waits holds `work`, and with it what was written: a dozen bodies wait for the disk together.
    const done = Promise.withResolvers<T>();
    const undo = undoing(done.reject, undone);
    try {
      const [group, result] = this.#join(work);
      group.push(memberOf(waits_for, done.resolve, result, undo));
      if (group.length >= MOST_MEMBERS) this.#endGroup();
    } catch (error) {
      undo(error);
    }
    return done.promise;
  }

  #join<T>(work: () => T): [group: Member[], result: T] {
    const joined = this.#group;
    const group = joined ?? this.#beginGroup();
    // The first has the transaction to itself: where it fails, all of that goes.
    if (joined) this.#exec('SAVEPOINT member');
    this.#depth++;
    try {
      const result = work();
      invariant(!(result instanceof Promise), 'a transaction is synchronous: it is never held over an await');
      if (joined) this.#exec('RELEASE member');
      return [group, result];
    } catch (error) {
      if (joined && this.#connection.isTransaction) this.#exec('ROLLBACK TO member; RELEASE member');
      else this.#dropGroup(group, error);
      throw error;
    } finally {
      this.#depth--;
    }
  }

  #beginGroup(): Member[] {
    if (this.#log) this.#exec('PRAGMA synchronous=NORMAL');
    try {
      this.#exec('BEGIN IMMEDIATE');
    } catch (error) {
      this.#waitAgain();
      throw error;
    }
    const group: Member[] = [];
    this.#group = group;
    // After all that waits to go on in this turn.
    process.nextTick(() => {
      if (this.#group === group) this.#endGroup();
    });
    return group;
  }

  /** Commits what is open for a group, if anything is. */
  #endGroup(): void {
    const group = this.#group;
    if (group === null || this.#depth > 0) return;
    try {
      this.#exec('COMMIT');
    } catch (error) {
      this.#dropGroup(group, error);
      return;
    }
    this.#group = null;
    this.#waitAgain();
    const log = this.#log;
    const waiting = log ? group.filter(({ waits_for }) => waits_for === 'disk') : [];
    for (const member of group) if (!waiting.includes(member)) member.committed();
    if (waiting.length === 0) return;
    log?.sync((error) => {
      for (const member of waiting)
        if (error === null) member.committed();
        else member.undone(this.#translate(error, 'storage.write'));
    });
  }

  #dropGroup(group: readonly Member[], error: unknown): void {
    this.#group = null;
    // A full disk or an I/O error may have rolled back already; then there is nothing left to undo.
    if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
    this.#waitAgain();
    for (const member of group) member.undone(error);
  }

  /** After a group, commits wait for the disk themselves again. */
  #waitAgain(): void {
    if (this.#log) this.#exec('PRAGMA synchronous=FULL');
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
    if (this.#connection.isOpen) this.#endGroup();
    this.#log?.close();
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

function undoing(reject: (error: Error) => void, undone: (() => void) | undefined): Member['undone'] {
  return (error) => {
    undone?.();
    reject(error instanceof Error ? error : new Error(messageOf(error)));
  };
}

function memberOf<T>(
  waits_for: Member['waits_for'],
  resolve: (result: T) => void,
  result: T,
  undone: Member['undone'],
): Member {
  return { waits_for, committed: () => resolve(result), undone };
}

type Told = (error: Error | null) => void;

/**
 * Syncs a write-ahead log beside the thread that writes it, one sync at a time: what is asked for meanwhile shares the
 * next. The file stays the same while a connection is open; SQLite takes its locks on other files, so that a second
 * descriptor of this one releases none.
 */
class LogSync {
  readonly #path: string;
  /** Opened with the first sync: SQLite makes the file with the first write. */
  #descriptor: number | null = null;
  #waiting: Told[] = [];
  #syncing = false;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Calls `told` when all that was written before is on disk, or cannot be brought there. */
  sync(told: Told): void {
    this.#waiting.push(told);
    if (!this.#syncing) this.#next();
  }

  #next(): void {
    const told = this.#waiting;
    this.#waiting = [];
    if (told.length === 0) {
      if (this.#closed) this.#release();
      return;
    }
    this.#syncing = true;
    fsync(this.#open(), (error) => {
      this.#syncing = false;
      for (const tell of told) tell(error);
      this.#next();
    });
  }

  /** Waits for nothing that was asked for: it is synced here. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const told = this.#waiting;
    this.#waiting = [];
    if (told.length > 0) fsyncSync(this.#open());
    for (const tell of told) tell(null);
    if (!this.#syncing) this.#release();
  }

  #open(): number {
    return (this.#descriptor ??= openSync(this.#path, 'r+'));
  }

  #release(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
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
