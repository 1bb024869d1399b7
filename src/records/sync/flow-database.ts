import pg from 'pg';
import type { Postgres } from '../../storage/postgres/postgres.ts';

/** The database of the flow: statements name its schema as `syncline.`, whatever it is called there. */
export class FlowDatabase {
  readonly postgres: Postgres;
  readonly schema: string;
  readonly #quoted: string;

  constructor(postgres: Postgres, schema: string) {
    this.postgres = postgres;
    this.schema = schema;
    this.#quoted = `${pg.escapeIdentifier(schema)}.`;
  }

  /** One statement in a transaction of its own. Throws as `Postgres.query` does. */
  query<T extends object>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return this.postgres.query<T>(this.sql(sql), values);
  }

  /** The statement with the schema's own name. */
  sql(text: string): string {
    return text.replaceAll('syncline.', this.#quoted);
  }
}
