import { createHash } from 'node:crypto';
import type { PostgresConnection } from '../../storage/postgres/postgres.ts';
import { inSchema } from '../../storage/postgres/schema-name.ts';
import { arrayText, type StepValue } from '../../storage/postgres/steps.ts';

/** What all SQL of this room calls the schema; the database may have it under another name. */
export const SCHEMA = 'syncline';

/** A parameter: what is no text, number or truth value goes as the text of a PostgreSQL array. */
export type Value = string | number | bigint | boolean | null | readonly (string | number | bigint | boolean | null)[];

/** What of `Postgres` the engine needs; tests put one in between whose process ends at a chosen statement. */
export interface PostgresLike {
  readonly shown: string;
  transaction<T>(work: (connection: ConnectionLike) => Promise<T>): Promise<T>;
}
export type ConnectionLike = Pick<PostgresConnection, 'begin' | 'query' | 'prepared' | 'commit'>;

interface Statement {
  name: string;
  sql: string;
}

/** The engine's tables in one schema of one PostgreSQL. */
export class EngineDatabase {
  readonly schema: string;
  readonly #postgres: PostgresLike;
  readonly #statements = new Map<string, Statement>();

  constructor(postgres: PostgresLike, schema: string) {
    this.#postgres = postgres;
    this.schema = schema;
  }

  /**
   * `work` in one transaction of isolation READ COMMITTED: each statement sees what was committed before it. It is made
   * again when PostgreSQL gives it up because of another one, so it has no effect of its own besides.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#postgres.transaction(async (connection) => {
      await connection.begin('');
      const result = await work(this.#on(connection));
      await connection.commit([]);
      return result;
    });
  }

  /** Reads on one snapshot. */
  snapshot<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#postgres.transaction(async (connection) => {
      await connection.begin('', 'ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const result = await work(this.#on(connection));
      await connection.commit([]);
      return result;
    });
  }

  /** One statement that is its own transaction. */
  statement<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#postgres.transaction((connection) => work(this.#on(connection)));
  }

  #on(connection: ConnectionLike): Transaction {
    return new Transaction(connection, (sql) => this.#statement(sql));
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const qualified = inSchema(sql, this.schema, SCHEMA);
    // Named by its text: another store on the same connections prepares it under the same name.
    const name = `syncline_${createHash('sha256').update(qualified).digest('base64url').slice(0, 22)}`;
    const statement = { name, sql: qualified };
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** Statements of one transaction. Their number in the program is bounded: each is prepared once for a connection. */
export class Transaction {
  readonly #connection: ConnectionLike;
  readonly #statement: (sql: string) => Statement;

  constructor(connection: ConnectionLike, statement: (sql: string) => Statement) {
    this.#connection = connection;
    this.#statement = statement;
  }

  async all<T extends object>(sql: string, ...values: Value[]): Promise<T[]> {
    return (await this.#run<T>(sql, values)).rows;
  }

  async get<T extends object>(sql: string, ...values: Value[]): Promise<T | undefined> {
    return (await this.#run<T>(sql, values)).rows[0];
  }

  /** The first column of the first row. */
  async value<T>(sql: string, ...values: Value[]): Promise<T> {
    const row = (await this.#run<Record<string, unknown>>(sql, values)).rows[0];
    return (row === undefined ? undefined : Object.values(row)[0]) as T;
  }

  /** How many rows it changed. */
  async run(sql: string, ...values: Value[]): Promise<number> {
    return (await this.#run(sql, values)).count;
  }

  #run<T extends object>(sql: string, values: readonly Value[]): Promise<{ rows: T[]; count: number }> {
    const { name, sql: text } = this.#statement(sql);
    return this.#connection.prepared<T>(name, text, values.map(textOf));
  }
}

function textOf(value: Value): StepValue {
  if (value === null || typeof value === 'string') return value;
  return typeof value === 'object' ? arrayText(value) : String(value);
}
