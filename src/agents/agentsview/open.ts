import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { StaleError, invariant } from '../../platform/errors.ts';
import { fileIdentity, sameFile, type FileIdentity } from './file.ts';
import type { Rows } from './rows.ts';
import { probeSchema, type Schema } from './schema.ts';
import { sqliteFailure } from './sqlite-failure.ts';

export interface OpenOptions {
  /** Rule A2 asks for 5 s. It is waited in the calling thread, but only behind an exclusive lock or a recovery. */
  busy_timeout_ms?: number;
}

/** A file that is replaced again while it is opened is left for the next round. */
const OPEN_ATTEMPTS = 3;

/**
 * agentsview's database, opened to be read and never to be written (rules A2, A3; foundation §0 trap 6).
 *
 * SQLite's own protocol for readers is followed, so a reader never blocks agentsview, and it leaves what every reader
 * leaves: where nobody has the file open, an empty `-wal` and a `-shm` (32 KiB) that the next writer takes over. The
 * rejected ways around it: `immutable=1` reads garbage when agentsview starts meanwhile; deleting the two files
 * afterwards could delete a writer's WAL; a copy of the file would be a second place where conversations rest.
 *
 * Keep it open for one round, not for the life of the program: while any reader has the file open, agentsview's last
 * close cannot fold its WAL into the file.
 */
export class AgentsviewDatabase implements Disposable {
  readonly path: string;
  readonly file: FileIdentity;
  readonly schema: Schema;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #reading = false;

  /** Use `openAgentsview`. */
  constructor(path: string, options: OpenOptions) {
    this.path = path;
    this.file = fileIdentity(path);
    this.#connection = connect(path, options.busy_timeout_ms ?? 5_000);
    try {
      this.schema = this.read(probeSchema);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** False once the path names another file, as after agentsview rebuilt its database: reopen then. */
  isCurrent(): boolean {
    return sameFile(this.file, fileIdentity(this.path));
  }

  /**
   * Runs `work` in one read transaction: all it reads is one committed state. `work` is synchronous, since an open read
   * transaction keeps agentsview from resetting its WAL (rule A6).
   *
   * The file is compared with the path before and after. After too, because a replaced file and its successor share the
   * name of the WAL, so a transaction that spans the swap may have read a mixture: discard what it gave.
   * @throws StaleError `agentsview.replaced`; what `sqliteFailure` lists
   */
  read<T>(work: (rows: Rows) => T): T {
    invariant(!this.#reading, "a transaction of agentsview's database is not begun inside another");
    this.#requireCurrent();
    this.#reading = true;
    try {
      this.#connection.exec('BEGIN');
      const result = work(this.#rows);
      invariant(!(result instanceof Promise), 'a read transaction is synchronous: it is never held over an await');
      this.#connection.exec('COMMIT');
      this.#requireCurrent();
      return result;
    } catch (error) {
      if (this.#connection.isOpen && this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      const failure = sqliteFailure(error);
      // What SQLite says of a file whose WAL went to another tells nothing; that it was replaced does.
      if (failure !== error) this.#requireCurrent();
      throw failure;
    } finally {
      this.#reading = false;
    }
  }

  /** Changes whenever another connection committed since the last call on this handle (rule A4). */
  dataVersion(): number {
    return this.read((rows) => Number(rows.get<{ data_version: bigint }>('PRAGMA data_version')?.data_version));
  }

  /** Closes the file. Never checkpoints: SQLite lets only a writer do that. Twice is the same as once. */
  close(): void {
    if (this.#connection.isOpen) this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  readonly #rows: Rows = {
    get: <T extends object>(sql: string, ...parameters: SQLInputValue[]) =>
      this.#statement(sql).get(...parameters) as T | undefined,
    all: <T extends object>(sql: string, ...parameters: SQLInputValue[]) =>
      this.#statement(sql).all(...parameters) as T[],
    iterate: <T extends object>(sql: string, ...parameters: SQLInputValue[]) =>
      this.#statement(sql).iterate(...parameters) as Iterable<T>,
  };

  #statement(sql: string): StatementSync {
    invariant(this.#reading, 'rows are read inside their transaction');
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      statement.setReadBigInts(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #requireCurrent(): void {
    if (this.isCurrent()) return;
    throw new StaleError('agentsview.replaced', 'agentsview replaced its database while it was being read.', {
      hint: 'It is opened anew and compared whole on the next round.',
    });
  }
}

/**
 * Opens agentsview's database read-only and finds out what it has.
 * @throws UnreachableError `agentsview.missing`, `agentsview.locked`, `agentsview.unreadable`; InvalidInputError
 * `agentsview.damaged`, `agentsview.unsupported`; StaleError `agentsview.replaced` when it is replaced again and again
 */
export function openAgentsview(path: string, options: OpenOptions = {}): AgentsviewDatabase {
  for (let attempt = 1; ; attempt++) {
    try {
      return new AgentsviewDatabase(path, options);
    } catch (error) {
      if (!(error instanceof StaleError) || attempt === OPEN_ATTEMPTS) throw error;
    }
  }
}

function connect(path: string, timeout: number): DatabaseSync {
  // As a URI, so that `?`, `#` and `%` in a folder's name are part of the name and not of the options.
  const url = pathToFileURL(path);
  url.searchParams.set('mode', 'ro');
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(url.href, { readOnly: true, timeout, allowExtension: false });
    // A foreign schema may not call functions with side effects; damaged cells are reported, not read; no memory map,
    // for a file that shrinks under one kills the process; what SQLite must sort stays off the disk.
    connection.exec(
      'PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;',
    );
    return connection;
  } catch (error) {
    connection?.close();
    throw sqliteFailure(error);
  }
}
