/**
 * The statements that write rows of a customer's tables, in the transaction that settles their keys: one for all rows of an
 * object and operation, compare-and-set on what was read. A row that moved meanwhile, or that is there already, is not applied;
 * its key is read again.
 */
import { invariant } from '../../platform/errors.ts';
import type { RowWrite, RowWriter } from '../../engine/transaction.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { Column, TableColumns } from './columns.ts';
import { quoteIdentifier, quoteTable, quoteText, tableName } from './identifiers.ts';
import { cast, castKey, holds } from './row-sql.ts';
import { capturedColumns, oursFlag, writtenColumns } from './setup-sql.ts';
import type { PostgresRecord } from './table.ts';

/** Texts by column, as `postgresCells` of the model gives them. */
export type Cells = Readonly<Record<string, string | null>>;

/** The writers of one object, for opening the engine's store, and the rows for them. */
export interface ObjectWriters {
  readonly writers: readonly RowWriter[];
  /** `id`: the external id as it is to be written. Columns without a cell become null. */
  insert(id: string, cells: Cells, salesforce_id: string | null): RowWrite;
  /** Sets these columns if they still hold what `record` says; what another column holds does not matter. */
  update(record: PostgresRecord, cells: Cells): RowWrite;
  /** Deletes the row if every mapped column still holds what `record` says. */
  delete(record: PostgresRecord): RowWrite;
  /** Writes Salesforce's id into its column; applied also when it is there already. */
  salesforceId(id: string, salesforce_id: string): RowWrite;
}

/** `order`: of these writers among those of a transaction. */
export function objectWriters(mapping: ObjectMapping, table: TableColumns, order: number): ObjectWriters {
  const context = contextOf(mapping, table);
  const writer = (operation: Operation, sql: string, width: number): RowWriter => ({
    name: nameOf(mapping, operation),
    sql,
    columns: Array.from({ length: width }, () => 'text'),
    order,
  });
  const { written, compared } = context;
  const writers = [
    writer('insert', insertSql(context), written.length + 2),
    writer('update', updateSql(context), written.length * 2 + 2),
    writer('delete', deleteSql(context), compared.length + 1),
  ];
  if (context.salesforce_id !== null)
    writers.push(writer('salesforce-id', salesforceIdSql(context, context.salesforce_id), 2));
  return {
    writers,
    insert: (id, cells, salesforce_id) => ({
      writer: nameOf(mapping, 'insert'),
      row: [id, salesforce_id, ...written.map(({ name }) => cells[name] ?? null)],
    }),
    update: (record, cells) => updateRow(mapping, written, record, cells),
    delete: (record) => ({
      writer: nameOf(mapping, 'delete'),
      row: [record.id, ...compared.map(({ name }) => record.raw[name] ?? null)],
    }),
    salesforceId: (id, salesforce_id) => ({ writer: nameOf(mapping, 'salesforce-id'), row: [id, salesforce_id] }),
  };
}

type Operation = 'insert' | 'update' | 'delete' | 'salesforce-id';

function nameOf(mapping: ObjectMapping, operation: Operation): string {
  return `records/${mapping.name}/${operation}`;
}

interface Context {
  mapping: ObjectMapping;
  table: TableColumns;
  /** Quoted. */
  name: string;
  key: Column;
  /** What may be set. */
  written: readonly Column[];
  /** What a delete compares. */
  compared: readonly Column[];
  salesforce_id: Column | null;
}

function contextOf(mapping: ObjectMapping, table: TableColumns): Context {
  const column = (name: string): Column => {
    const found = table.columns.get(name);
    invariant(found, 'a table that fits its mapping has every mapped column');
    return found;
  };
  const { key, salesforce_id } = mapping.postgres;
  return {
    mapping,
    table,
    name: quoteTable(tableName(mapping.postgres.table)),
    key: column(key),
    written: writtenColumns(mapping)
      .map(column)
      .filter(({ generated }) => generated === 'no'),
    compared: capturedColumns(mapping).map(column),
    salesforce_id: salesforce_id === null ? null : column(salesforce_id),
  };
}

/** `set`: one character for each written column, `1` where it is set; one statement so serves all sets of fields. */
function updateRow(mapping: ObjectMapping, written: readonly Column[], record: PostgresRecord, cells: Cells): RowWrite {
  const names = new Set(written.map(({ name }) => name));
  invariant(
    Object.keys(cells).every((name) => names.has(name)),
    'only columns that take values are set',
  );
  const set = written.map(({ name }) => (cells[name] === undefined ? '0' : '1')).join('');
  const pairs = written.flatMap(({ name }) =>
    cells[name] === undefined ? [null, null] : [cells[name], record.raw[name] ?? null],
  );
  return { writer: nameOf(mapping, 'update'), row: [record.id, set, ...pairs] };
}

/**
 * Sets the flag by which triggers know the rows as ours, for this statement: it must be used in it, or it is not run. The name
 * is put together so that it is not taken for one in Syncline's schema.
 */
function flag(mapping: ObjectMapping, operation: 'insert' | 'update' | 'delete'): string {
  const value = quoteText(oursFlag(mapping.name, operation));
  return `flag AS MATERIALIZED (SELECT set_config('syncline' || '.ours', ${value}, true) AS is_set)`;
}

const IS_FLAGGED = 'flag.is_set IS NOT NULL';

function matches({ key }: Context, row: string): string {
  return `t.${quoteIdentifier(key.name)} = ${castKey(key, `${row}.k`)}`;
}

function updateSql(context: Context): string {
  const { mapping, name, written } = context;
  const isSet = (i: number): string => `substr(r.set, ${i + 1}, 1) = '1'`;
  const sets = written.map(
    (column, i) =>
      `${quoteIdentifier(column.name)} = CASE WHEN ${isSet(i)} THEN ${cast(column, `r.n${i}`)} ELSE t.${quoteIdentifier(column.name)} END`,
  );
  const unmoved = written.map((column, i) => `(NOT ${isSet(i)} OR ${holds(column, 't', `r.o${i}`)})`);
  const columns = written.map((_, i) => `, n${i}, o${i}`).join('');
  // An object of which nothing is ever set still has a writer; it applies to nothing.
  const set =
    sets.length === 0
      ? `${quoteIdentifier(context.key.name)} = t.${quoteIdentifier(context.key.name)}`
      : sets.join(', ');
  return `WITH ${flag(mapping, 'update')}
UPDATE ${name} AS t SET ${set}
FROM $rows AS r (i, k, set${columns}), flag
WHERE ${[IS_FLAGGED, matches(context, 'r'), ...unmoved].join('\n  AND ')}
RETURNING r.i`;
}

/** A row under another spelling of the same key counts as there: Salesforce knows them as one. */
function insertSql(context: Context): string {
  const { mapping, table, name, key, written, salesforce_id } = context;
  const id = salesforce_id === null ? [] : [salesforce_id];
  const quoted = [key, ...id, ...written].map((column) => quoteIdentifier(column.name)).join(', ');
  const values = [
    cast(key, 'r.k'),
    ...id.map((column) => cast(column, 'r.s')),
    ...written.map((column, i) => cast(column, `r.n${i}`)),
  ].join(', ');
  const stored = `x.${quoteIdentifier(key.name)}`;
  const other = mapping.salesforce.case_sensitive
    ? `${stored} = ${castKey(key, 'r.k')}`
    : `lower(${stored}::text) = lower(r.k)`;
  const conflict = table.unique.has(key.name) ? `ON CONFLICT (${quoteIdentifier(key.name)}) DO NOTHING` : '';
  return `WITH ${flag(mapping, 'insert')},
input AS MATERIALIZED (SELECT * FROM $rows AS r (i, k, s${written.map((_, i) => `, n${i}`).join('')})),
made AS (
  INSERT INTO ${name} (${quoted})
  SELECT ${values} FROM input AS r, flag
  WHERE ${IS_FLAGGED} AND NOT EXISTS (SELECT FROM ${name} AS x WHERE ${other})
  ${conflict}
  RETURNING ${quoteIdentifier(key.name)}::text AS k)
SELECT r.i FROM input AS r JOIN made ON made.k = ${cast(key, 'r.k')}::text`;
}

function deleteSql(context: Context): string {
  const { mapping, name, compared } = context;
  const unmoved = compared.map((column, i) => holds(column, 't', `r.o${i}`));
  return `WITH ${flag(mapping, 'delete')}
DELETE FROM ${name} AS t
USING $rows AS r (i, k${compared.map((_, i) => `, o${i}`).join('')}), flag
WHERE ${[IS_FLAGGED, matches(context, 'r'), ...unmoved].join('\n  AND ')}
RETURNING r.i`;
}

function salesforceIdSql(context: Context, column: Column): string {
  const { mapping, name } = context;
  const stored = `t.${quoteIdentifier(column.name)}::text COLLATE "C"`;
  return `WITH ${flag(mapping, 'update')},
input AS MATERIALIZED (SELECT * FROM $rows AS r (i, k, s)),
done AS (
  UPDATE ${name} AS t SET ${quoteIdentifier(column.name)} = ${cast(column, 'r.s')}
  FROM input AS r, flag
  WHERE ${IS_FLAGGED} AND ${matches(context, 'r')} AND ${stored} IS DISTINCT FROM r.s
  RETURNING r.i)
SELECT i FROM done
UNION ALL
SELECT r.i FROM input AS r JOIN ${name} AS t ON ${matches(context, 'r')} WHERE ${stored} IS NOT DISTINCT FROM r.s`;
}
