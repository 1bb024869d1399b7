import type { ConnectionLike, PostgresLike } from '../../src/engine/postgres/database.ts';
import type { Postgres } from '../../src/storage/postgres/postgres.ts';
import { Crash } from './faulty-database.ts';

/**
 * Connections to a PostgreSQL of a process that ends at a chosen statement: that statement and all after it fail, until
 * `revive`. `after`: the statement still has its effect, only its caller never hears of it. A commit is a statement.
 */
export class FaultyPostgres implements PostgresLike {
  readonly #postgres: Postgres;
  #statements = 0;
  #crash: { at: number; side: 'before' | 'after' } | null = null;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  get shown(): string {
    return this.#postgres.shown;
  }

  crashAt(statement: number, side: 'before' | 'after'): void {
    this.#statements = 0;
    this.#crash = { at: statement, side };
  }

  revive(): void {
    this.#crash = null;
  }

  transaction<T>(work: (connection: ConnectionLike) => Promise<T>): Promise<T> {
    return this.#postgres.transaction((connection) =>
      work({
        begin: (...given) => this.#cut(() => connection.begin(...given)),
        query: (sql, values) => this.#cut(() => connection.query(sql, values)),
        prepared: (name, sql, values) => this.#cut(() => connection.prepared(name, sql, values)),
        commit: (steps) => this.#cut(() => connection.commit(steps)),
      }),
    );
  }

  async #cut<T>(statement: () => Promise<T>): Promise<T> {
    if (this.#crash === null) return statement();
    const number = ++this.#statements;
    const { at, side } = this.#crash;
    if (number > at || (number === at && side === 'before')) throw new Crash(`before statement ${number}`);
    const result = await statement();
    if (number === at) throw new Crash(`after statement ${number}`);
    return result;
  }
}
