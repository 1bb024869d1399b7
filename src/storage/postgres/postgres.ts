import pg from 'pg';
import { UnreachableError, invariant } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import { postgresAddress, type PostgresAddress } from './address.ts';
import { isTransient, postgresFailure } from './failure.ts';
import { StepsQuery, type Step, type StepValue } from './steps.ts';

export interface PostgresOptions {
  /** See `postgresAddress`. */
  url: string;
  timers: Timers;
  random: Random;
  /** Default 10. */
  max_connections?: number | undefined;
  /** The server ends a statement after this. Default 20,000; the leases of whoever writes are longer. */
  statement_timeout_ms?: number | undefined;
  /** A whole transaction, retries apart, also when nothing answers any more. Default 30,000. */
  transaction_timeout_ms?: number | undefined;
  connect_timeout_ms?: number | undefined;
}

/** Attempts at a transaction that PostgreSQL gives up because of another one. */
const ATTEMPTS = 6;
const RETRY_MS = 20;

type Rows = Record<string, unknown>[];

const INT8 = 20;

/** Whole numbers of our columns stay below 2^53; those that do not are asked for as text. */
const types = {
  getTypeParser: (oid: number): unknown => (oid === INT8 ? Number : pg.types.getTypeParser(oid)),
};

/** Connections to one PostgreSQL. Every failure is an error of ours, without the address's password. */
export class Postgres {
  readonly #pool: pg.Pool;
  readonly #address: PostgresAddress;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #transaction_timeout_ms: number;

  /** Connects when first asked. @throws UsageError `postgres.url`, `postgres.tls` */
  constructor(options: PostgresOptions) {
    this.#address = postgresAddress(options.url);
    this.#timers = options.timers;
    this.#random = options.random;
    this.#transaction_timeout_ms = options.transaction_timeout_ms ?? 30_000;
    this.#pool = new pg.Pool({
      connectionString: this.#address.connection_string,
      ssl: this.#address.tls,
      max: options.max_connections ?? 10,
      connectionTimeoutMillis: options.connect_timeout_ms ?? 10_000,
      statement_timeout: options.statement_timeout_ms ?? 20_000,
      idle_in_transaction_session_timeout: this.#transaction_timeout_ms,
      keepAlive: true,
      application_name: 'syncline',
      types,
    });
    // An idle connection that ends is replaced; whoever asks next hears when there is none.
    this.#pool.on('error', () => undefined);
  }

  /** `host:port/database`. */
  get shown(): string {
    return this.#address.shown;
  }

  /** One statement in a transaction of its own. */
  async query<T extends object>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return this.#withConnection(undefined, (connection) => connection.query<T>(sql, values));
  }

  /**
   * Lends a connection to `work`, which begins and ends its transaction; one that is left open is rolled back. A
   * transaction that PostgreSQL gives up because of another one is made again from its beginning, a few times.
   * @throws UnreachableError, StaleError `storage.contention`, FullError, ForbiddenError, SynclineError `storage.statement`
   */
  async transaction<T>(work: (connection: PostgresConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withConnection(signal, work, attempt < ATTEMPTS);
      } catch (error) {
        if (!isTransient(error)) throw error;
      }
      await this.#timers.sleep(RETRY_MS * 2 ** attempt * this.#random.unit(), signal);
    }
  }

  /** Reads on one snapshot. */
  snapshot<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.transaction(async (connection) => {
      await connection.begin('', 'ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const result = await work(connection);
      await connection.commit([]);
      return result;
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** `keeps_transient`: those come out as they are, for another attempt. */
  async #withConnection<T>(
    signal: AbortSignal | undefined,
    work: (connection: PostgresConnection) => Promise<T>,
    keeps_transient = false,
  ): Promise<T> {
    signal?.throwIfAborted();
    let lent: PostgresConnection | undefined;
    try {
      const client = await this.#pool.connect();
      lent = new PostgresConnection(client);
      return await this.#bounded(lent, work, signal);
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw keeps_transient && isTransient(error) ? error : postgresFailure(error, this.shown);
    } finally {
      await lent?.giveBack();
    }
  }

  /** Cuts the connection when the time is over or the caller wants no more, which ends whatever waits for it. */
  async #bounded<T>(
    lent: PostgresConnection,
    work: (connection: PostgresConnection) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const over = new AbortController();
    const cut = (): void => lent.cut();
    signal?.addEventListener('abort', cut, { once: true });
    let late = false;
    void this.#timers.sleep(this.#transaction_timeout_ms, over.signal).then(() => {
      if (over.signal.aborted) return;
      late = true;
      lent.cut();
    });
    try {
      return await work(lent);
    } catch (error) {
      if (!late) throw error;
      throw new UnreachableError('storage.timeout', `PostgreSQL at ${this.shown} did not answer in time`, {
        hint: 'Check the network to it; the work is tried again.',
      });
    } finally {
      over.abort();
      signal?.removeEventListener('abort', cut);
    }
  }
}

/** A connection while it is lent. */
export class PostgresConnection {
  readonly #client: pg.PoolClient;
  #state: 'idle' | 'open' | 'cut' = 'idle';
  #broken = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
    // Told once more to whoever waits for a query.
    client.on('error', this.#noteLoss);
  }

  readonly #noteLoss = (): void => {
    this.#broken = true;
  };

  /** Begins a transaction; `sql` are statements without parameters, sent with it. Returns the rows of each. */
  async begin(sql: string, mode = ''): Promise<Rows[]> {
    invariant(this.#state === 'idle', 'a transaction begins outside another one');
    this.#state = 'open';
    const results = (await this.#client.query(`BEGIN ${mode}; ${sql}`)) as unknown;
    return [results]
      .flat()
      .map((result) => (result as pg.QueryResult).rows as Rows)
      .slice(1);
  }

  async query<T extends object>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    const { rows } = await this.#client.query({ text: sql, values: [...values] });
    return rows as T[];
  }

  /**
   * One statement that PostgreSQL is to remember under `name` (at most 63 bytes, one text for each name): it parses it once
   * for each connection, and after a few calls plans it no more. `count`: rows it changed, or returned.
   */
  async prepared<T extends object>(
    name: string,
    sql: string,
    values: readonly StepValue[],
  ): Promise<{ rows: T[]; count: number }> {
    const { rows, rowCount } = await this.#client.query({ name, text: sql, values: [...values] });
    return { rows: rows as T[], count: rowCount ?? 0 };
  }

  /** Tells the rows one by one as they come. */
  async stream<T extends object>(sql: string, values: readonly unknown[], row: (row: T) => void): Promise<void> {
    const query = new pg.Query({ text: sql, values: [...values] });
    let failed: unknown;
    await new Promise<void>((resolve, reject) => {
      query.on('row', (given: T) => {
        if (failed !== undefined) return;
        try {
          row(given);
        } catch (error) {
          failed = error;
        }
      });
      query.on('end', () => resolve());
      query.on('error', reject);
      this.#client.query(query);
    });
    if (failed !== undefined) throw failed as Error;
  }

  /** Several statements in one round trip. */
  async run(steps: readonly Step[]): Promise<void> {
    await this.#client.query(new StepsQuery(steps)).done;
  }

  /** Several statements and the commit in one round trip; nothing of them happened when it throws, unless the connection was lost. */
  async commit(steps: readonly Step[]): Promise<void> {
    invariant(this.#state === 'open', 'a commit ends a transaction');
    await this.run([...steps, { sql: 'COMMIT', values: [] }]);
    this.#state = 'idle';
  }

  async rollback(): Promise<void> {
    if (this.#state !== 'open') return;
    await this.#client.query('ROLLBACK');
    this.#state = 'idle';
  }

  /** Ends the connection at once. */
  cut(): void {
    if (this.#state === 'cut') return;
    this.#state = 'cut';
    this.#client.removeListener('error', this.#noteLoss);
    this.#client.on('error', () => undefined);
    this.#client.release(true);
  }

  /** Rolls back what is open and returns the connection. Never throws: a lost connection is thrown away. */
  async giveBack(): Promise<void> {
    if (!this.#broken) await this.rollback().catch(this.#noteLoss);
    if (this.#state === 'cut') return;
    this.#state = 'cut';
    if (!this.#broken) this.#client.removeListener('error', this.#noteLoss);
    this.#client.release(this.#broken);
  }
}
