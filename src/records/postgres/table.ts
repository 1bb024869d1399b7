/** Reads a customer's table: rows by key, all rows by page. Values leave as texts of one form (`text-form.ts`). */
import { SynclineError, invariant } from '../../platform/errors.ts';
import type { Postgres } from '../../storage/postgres/postgres.ts';
import { canonicalKey } from '../model/canonical-key.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { readPostgresRow } from '../model/postgres-value.ts';
import type { Parents } from '../model/read-value.ts';
import type { Document } from '../model/value.ts';
import type { Found, PostgresSide, SidePage, SideRecord } from '../sides.ts';
import { checkTable, columnTypes, tableColumns, type Column, type TableColumns } from './columns.ts';
import { quoteIdentifier, quoteTable, tableName } from './identifiers.ts';
import { castKey, couldHold, hasOwnLookup } from './row-sql.ts';
import { capturedColumns } from './setup-sql.ts';
import { TEXT_FORM_OF_TRANSACTION } from './text-form.ts';

/** A row as it is now, with the texts that a compare-and-set compares: two texts may be one neutral value. */
export interface PostgresRecord extends SideRecord {
  /** By column: all mapped ones. */
  readonly raw: Readonly<Record<string, string | null>>;
  /** Of the column for it; null: none, or no such column. */
  readonly salesforce_id: string | null;
}

export type PostgresFound =
  { readonly kind: 'record'; readonly record: PostgresRecord } | Exclude<Found, { kind: 'record' }>;

export interface PostgresPage extends SidePage {
  readonly records: readonly PostgresRecord[];
}

/** Most keys of a `readKeys`, and rows of a page of `scan`. */
const MOST_KEYS = 1000;
const PAGE_ROWS = 2000;

export interface PostgresTablesOptions {
  readonly postgres: Postgres;
  /** All mappings by name: what references point to. */
  readonly mappings: ReadonlyMap<string, ObjectMapping>;
  /** Columns that say when a row was changed, by object; without one the commit's time is taken where PostgreSQL keeps it. */
  readonly modified_columns?: ReadonlyMap<string, string>;
}

/** The customer's tables, by mapping. */
export class PostgresTables implements PostgresSide {
  readonly #postgres: Postgres;
  readonly #parents: Parents;
  readonly #modified: ReadonlyMap<string, string>;
  readonly #known = new Map<string, { version: string; table: TableColumns }>();

  constructor({ postgres, mappings, modified_columns = new Map() }: PostgresTablesOptions) {
    this.#postgres = postgres;
    this.#parents = mappings;
    this.#modified = modified_columns;
  }

  /**
   * The columns of the mapping's table, from the catalogue once and then from memory.
   * @throws SynclineError `records.table` when the mapping does not fit the table
   */
  async table(mapping: ObjectMapping): Promise<TableColumns> {
    const known = this.#known.get(mapping.name);
    if (known?.version === mapping.version) return known.table;
    const table = await tableColumns(this.#postgres, mapping);
    const [problem] = checkTable(mapping, table, null).filter(({ severity }) => severity === 'stop');
    if (problem !== undefined || table === null)
      throw new SynclineError('records.table', problem?.message ?? 'There is no such table', {
        hint: 'Nothing is read or written for this object until the table fits its mapping.',
      });
    this.#known.set(mapping.name, { version: mapping.version, table });
    return table;
  }

  /** The catalogue is read anew: the schema may have changed. */
  forget(): void {
    this.#known.clear();
  }

  async readKeys(mapping: ObjectMapping, keys: readonly string[]): Promise<PostgresFound[]> {
    invariant(keys.length <= MOST_KEYS, 'at most 1,000 keys are read at once');
    const table = await this.table(mapping);
    const column = keyColumn(mapping, table);
    const lookups = lookupsOf(mapping, column, [...new Set(keys)]);
    const byKey = new Map<string, PostgresRecord[]>();
    if (lookups.length > 0) {
      const select = this.#select(mapping, table);
      const rows = await this.#read(
        lookups.map(({ where, keys: asked }) => ({ sql: `${select} WHERE ${where}`, values: [asked] })),
      );
      for (const row of rows) {
        const record = this.#recordOf(mapping, table, row);
        const same = byKey.get(record.key);
        if (same === undefined) byKey.set(record.key, [record]);
        // A row that two lookups found is one row.
        else if (!same.some(({ id }) => id === record.id)) same.push(record);
      }
    }
    return keys.map((key) => foundOf(byKey.get(key) ?? []));
  }

  /**
   * In the order of the key's own index, so that a page costs what it holds. With the last page come rows without a key, at
   * most 2,000 of them.
   */
  async scan(mapping: ObjectMapping, from: string | null): Promise<PostgresPage> {
    const table = await this.table(mapping);
    const column = keyColumn(mapping, table);
    const key = `t.${quoteIdentifier(column.name)}`;
    const select = this.#select(mapping, table);
    const where = from === null ? `${key} IS NOT NULL` : `${key} > ${castKey(column, '$1')}`;
    const values = from === null ? [] : [from];
    const rows = await this.#read([{ sql: `${select} WHERE ${where} ORDER BY ${key} LIMIT ${PAGE_ROWS}`, values }]);
    const isLast = rows.length < PAGE_ROWS;
    const without =
      isLast && column.nullable
        ? await this.#read([{ sql: `${select} WHERE ${key} IS NULL LIMIT ${PAGE_ROWS}`, values: [] }])
        : [];
    const unkeyed = [...without, ...rows.filter(({ k }) => k === '')];
    return {
      records: rows.filter(({ k }) => k !== '').map((row) => this.#recordOf(mapping, table, row)),
      unkeyed: unkeyed.map((row) => ({ id: row.p ?? '', document: this.#documentOf(mapping, table, row).document })),
      next: isLast ? null : (rows.at(-1)?.k ?? null),
    };
  }

  #select(mapping: ObjectMapping, table: TableColumns): string {
    const { key, salesforce_id } = mapping.postgres;
    const text = (name: string): string => `t.${quoteIdentifier(name)}::text`;
    const columns = capturedColumns(mapping).map((name, i) => `${text(name)} AS c${i}`);
    const id = salesforce_id === null ? 'NULL' : `nullif(${text(salesforce_id)}, '')`;
    const [primary] = table.primary_key.length === 1 ? table.primary_key : [];
    const own = primary === undefined ? 'NULL' : text(primary);
    return `SELECT ${[`${text(key)} AS k`, `${id} AS s`, `${own} AS p`, `${this.#modifiedSql(mapping, table)} AS m`, ...columns].join(', ')}
      FROM ${quoteTable(tableName(mapping.postgres.table))} AS t`;
  }

  #modifiedSql(mapping: ObjectMapping, table: TableColumns): string {
    const column = this.#modified.get(mapping.name);
    const moment =
      column !== undefined
        ? `t.${quoteIdentifier(column)}::timestamptz`
        : table.has_commit_times
          ? 'pg_xact_commit_timestamp(t.xmin)'
          : null;
    return moment === null ? 'NULL::float8' : `floor(extract(epoch FROM ${moment}) * 1000)::float8`;
  }

  /** On one snapshot, in the one text form. */
  async #read(queries: readonly { sql: string; values: readonly unknown[] }[]): Promise<ReadRow[]> {
    try {
      return await this.#postgres.transaction(async (connection) => {
        await connection.begin(TEXT_FORM_OF_TRANSACTION, 'ISOLATION LEVEL REPEATABLE READ READ ONLY');
        const rows: ReadRow[] = [];
        for (const { sql, values } of queries) rows.push(...(await connection.query<ReadRow>(sql, values)));
        await connection.commit([]);
        return rows;
      });
    } catch (error) {
      // Perhaps a column was renamed: the next call looks anew.
      this.forget();
      throw error;
    }
  }

  #recordOf(mapping: ObjectMapping, table: TableColumns, row: ReadRow): PostgresRecord {
    const { raw, document, problems } = this.#documentOf(mapping, table, row);
    const id = row.k ?? '';
    return { key: canonicalKey(mapping, id), id, document, modified_ms: row.m, problems, raw, salesforce_id: row.s };
  }

  #documentOf(
    mapping: ObjectMapping,
    table: TableColumns,
    row: ReadRow,
  ): { raw: Record<string, string | null>; document: Document; problems: SideRecord['problems'] } {
    const raw = Object.fromEntries(capturedColumns(mapping).map((name, i) => [name, row[`c${i}`] ?? null]));
    return { raw, ...readPostgresRow(mapping, columnTypes(table), raw, this.#parents) };
  }
}

interface ReadRow {
  k: string | null;
  s: string | null;
  m: number | null;
  /** The primary key, where it is one column. */
  p: string | null;
  [column: `c${number}`]: string | null;
}

interface Lookup {
  where: string;
  keys: readonly string[];
}

const ASCII = /^[\0-\x7f]*$/;

/**
 * How rows are found by canonical keys. Folding is the model's, not PostgreSQL's, whose rules are those of a collation: the
 * statements find at least the rows that are asked for, and the model decides which they are.
 */
function lookupsOf(mapping: ObjectMapping, column: Column, keys: readonly string[]): Lookup[] {
  const possible = keys.filter((key) => couldHold(column, key));
  const stored = `t.${quoteIdentifier(column.name)}`;
  const folds = !mapping.salesforce.case_sensitive && mapping.salesforce.external_id !== 'Id';
  const own = { where: `${stored} = ANY (${castKey(column, '$1', true)})`, keys: possible };
  const lookups: Lookup[] = [];
  if (!hasOwnLookup(column))
    lookups.push({
      where: `lower(${stored}::text) = ANY ($1::text[])`,
      keys: possible.map((key) => key.toLowerCase()),
    });
  else if (!folds || !/^(?:text|varchar|bpchar|name)$/.test(column.type)) lookups.push(own);
  else {
    lookups.push({
      where: `lower(${stored}::text) = ANY ($1::text[])`,
      keys: possible.filter((key) => ASCII.test(key)),
    });
    // Without what is not ASCII both are alike, whatever the collation folds; U+0130 and U+212A fold into ASCII.
    const bare = `regexp_replace(lower(translate(${stored}::text, U&'\\0130\\212A', 'ik')), '[^\\x01-\\x7f]', '', 'g')`;
    const others = possible.filter((key) => !ASCII.test(key)).map((key) => key.replace(/[^\0-\x7f]/g, ''));
    lookups.push({ where: `${bare} = ANY ($1::text[])`, keys: others });
  }
  return lookups.filter(({ keys: asked }) => asked.length > 0);
}

function foundOf(records: readonly PostgresRecord[]): PostgresFound {
  const [record] = records;
  if (record === undefined) return { kind: 'missing' };
  if (records.length > 1) return { kind: 'ambiguous', ids: records.map(({ id }) => id) };
  return { kind: 'record', record };
}

function keyColumn({ postgres }: ObjectMapping, { columns }: TableColumns): Column {
  const column = columns.get(postgres.key);
  invariant(column, 'a table that fits its mapping has the key column');
  return column;
}
