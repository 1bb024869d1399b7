/** What a mapped table is made of, and whether a mapping fits it: for `init`, `plan`, `status`, and the statements on it. */
import type { Postgres } from '../../storage/postgres/postgres.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { ColumnTypes } from '../model/postgres-value.ts';
import { quoteTable, tableName } from './identifiers.ts';

export interface Column {
  readonly name: string;
  /** Name in `pg_type`, of a domain that of what it stands for: `text`, `timestamptz`, `_text` (an array). */
  readonly type: string;
  /** As it can be written in a cast, with its schema and limits: `character varying(80)`, `crm.colour`. */
  readonly declared: string;
  readonly nullable: boolean;
  readonly has_default: boolean;
  /** `always`: an identity column that takes no value · `stored`, `virtual`: computed. */
  readonly generated: 'no' | 'always' | 'stored' | 'virtual';
  /** Of an enum, in its order. */
  readonly labels: readonly string[] | null;
}

export interface TableColumns {
  readonly kind: 'table' | 'partitioned' | 'other';
  readonly columns: ReadonlyMap<string, Column>;
  readonly primary_key: readonly string[];
  /** Columns that are unique by themselves, by indexes that are valid, whole and not deferred. */
  readonly unique: ReadonlySet<string>;
  /** Columns with an index on `lower(…)` of them. */
  readonly folded: ReadonlySet<string>;
  /** Policies hide rows from this role: what it does not find may be there. */
  readonly hides_rows: boolean;
  /** Other tables inherit from it; their rows are read with it, and its triggers do not see them. */
  readonly has_heirs: boolean;
  /** A foreign key to itself deletes rows along with the one they refer to. */
  readonly cascades_on_itself: boolean;
  /** PostgreSQL keeps the time of each commit (`track_commit_timestamp`). */
  readonly has_commit_times: boolean;
}

/** `stop`: the object cannot be synced so · `warn`: it can, and somebody should know. */
export interface TableProblem {
  readonly severity: 'stop' | 'warn';
  readonly code: string;
  readonly column: string | null;
  /** Names table and column; what is wrong and what to do. */
  readonly message: string;
}

/** Declared types by column, as plain data: kept with an applied mapping, so that a later change is seen. */
export type TableShape = Readonly<Record<string, string>>;

/** Reads the table of a mapping from the catalogue; null: there is none. Needs no right on the table. */
export async function tableColumns(
  postgres: Postgres,
  mapping: { readonly postgres: Pick<ObjectMapping['postgres'], 'table'> },
): Promise<TableColumns | null> {
  return postgres.transaction(async (connection) => {
    // Types outside of pg_catalog are then written with their schema.
    await connection.begin('SET LOCAL search_path TO pg_catalog', 'ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const [table] = await connection.query<TableRow>(TABLE_SQL, [quoteTable(tableName(mapping.postgres.table))]);
    if (table === undefined) return null;
    const columns = await connection.query<Column>(COLUMNS_SQL, [table.oid]);
    const indexes = await connection.query<IndexRow>(INDEXES_SQL, [table.oid]);
    await connection.commit([]);
    return tableOf(table, columns, indexes);
  });
}

/** For `readPostgresRow` and `postgresCells` of the model. */
export function columnTypes({ columns }: TableColumns): ColumnTypes {
  return new Map([...columns].map(([name, { type }]) => [name, type]));
}

/** The declared types of what the mapping uses. */
export function tableShape(mapping: ObjectMapping, { columns }: TableColumns): TableShape {
  const used = usedColumns(mapping).filter((name) => columns.has(name));
  return Object.fromEntries(used.map((name) => [name, columns.get(name)?.declared ?? '']));
}

/** What is wrong with a table for a mapping; `before`: its shape when the mapping was applied, null: it was not yet. */
export function checkTable(
  mapping: ObjectMapping,
  table: TableColumns | null,
  before: TableShape | null,
): TableProblem[] {
  const named = mapping.postgres.table;
  if (table === null)
    return [stop('no_table', null, `There is no table ${named}, or the database's name is another one.`)];
  if (table.kind === 'other')
    return [stop('not_a_table', null, `${named} is no table: triggers for rows need one. Map the table below it.`)];
  return [
    ...usedColumns(mapping).flatMap((name) => checkColumn(mapping, table, name, before)),
    ...checkKey(mapping, table),
    ...checkInserts(mapping, table),
    ...checkRows(mapping, table),
  ];
}

interface TableRow {
  oid: string;
  relkind: string;
  hides_rows: boolean;
  has_heirs: boolean;
  cascades_on_itself: boolean;
  has_commit_times: boolean;
}

interface IndexRow {
  is_primary: boolean;
  /** Null: an expression. */
  columns: (string | null)[];
  is_unique: boolean;
  lower_of: string | null;
}

const TABLE_SQL = `
  SELECT c.oid::text, c.relkind::text, row_security_active(c.oid) AS hides_rows,
    c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS has_heirs,
    EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.confrelid = c.oid AND f.confdeltype = 'c')
      AS cascades_on_itself,
    current_setting('track_commit_timestamp')::bool AS has_commit_times
  FROM pg_class c WHERE c.oid = to_regclass($1)`;

const COLUMNS_SQL = `
  WITH RECURSIVE base AS (
    SELECT a.attnum, a.atttypid AS type FROM pg_attribute a
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.attnum, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
  SELECT a.attname::text AS name, t.typname::text AS type, format_type(a.atttypid, a.atttypmod) AS declared,
    NOT a.attnotnull AS nullable, a.atthasdef OR a.attidentity <> '' AS has_default,
    CASE WHEN a.attgenerated = 's' THEN 'stored' WHEN a.attgenerated <> '' THEN 'virtual'
         WHEN a.attidentity = 'a' THEN 'always' ELSE 'no' END AS generated,
    CASE WHEN t.typtype = 'e' THEN (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
                                    FROM pg_enum e WHERE e.enumtypid = t.oid) END AS labels
  FROM pg_attribute a JOIN base b ON b.attnum = a.attnum JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
  WHERE a.attrelid = $1 ORDER BY a.attnum`;

const INDEXES_SQL = `
  SELECT i.indisprimary AS is_primary,
    (SELECT array_agg(a.attname::text ORDER BY k.place)
     FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
       LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
     WHERE k.place <= i.indnkeyatts) AS columns,
    i.indisunique AND i.indimmediate AND i.indpred IS NULL AS is_unique,
    CASE WHEN i.indkey[0] = 0 AND i.indpred IS NULL
      THEN substring(pg_get_indexdef(i.indexrelid, 1, false) FROM '^lower\\(\\(?(.+?)\\)?(?:::text)?\\)$') END AS lower_of
  FROM pg_index i WHERE i.indrelid = $1 AND i.indisvalid`;

function tableOf(table: TableRow, columns: readonly Column[], indexes: readonly IndexRow[]): TableColumns {
  const { hides_rows, has_heirs, cascades_on_itself, has_commit_times } = table;
  const single = indexes.filter(({ is_unique, columns: of }) => is_unique && of.length === 1);
  const named = (columns_of: IndexRow): string[] => columns_of.columns.filter((name) => name !== null);
  const folded = indexes.flatMap(({ lower_of }) => (lower_of === null ? [] : [unquoted(lower_of)]));
  const primary = indexes.find(({ is_primary }) => is_primary);
  return {
    kind: table.relkind === 'r' ? 'table' : table.relkind === 'p' ? 'partitioned' : 'other',
    columns: new Map(columns.map((column) => [column.name, column])),
    primary_key: primary === undefined ? [] : named(primary),
    unique: new Set(single.flatMap(named)),
    folded: new Set(folded),
    hides_rows,
    has_heirs,
    cascades_on_itself,
    has_commit_times,
  };
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function usedColumns({ postgres, fields }: ObjectMapping): string[] {
  const id = postgres.salesforce_id === null ? [] : [postgres.salesforce_id];
  return [...new Set([postgres.key, ...fields.map((field) => field.postgres), ...id])];
}

/** Types whose values a kind can be read from; a kind that is not here is read from any type's text. */
const TYPES_OF_KIND: Readonly<Record<string, readonly string[]>> = {
  boolean: ['bool'],
  integer: ['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'],
  decimal: ['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'],
  date: ['date'],
  datetime: ['timestamptz', 'timestamp'],
};
const TEXTS = ['text', 'varchar', 'bpchar', 'citext', 'name'];

function checkColumn(
  mapping: ObjectMapping,
  { columns }: TableColumns,
  name: string,
  before: TableShape | null,
): TableProblem[] {
  const where = `${mapping.postgres.table}.${name}`;
  const column = columns.get(name);
  if (column === undefined) {
    const was = before?.[name] === undefined ? 'There is no column' : 'The mapping uses a column that is gone:';
    return [
      stop('no_column', name, `${was} ${where}. If it was renamed, change the mapping, and run the setup again.`),
    ];
  }
  const problems: TableProblem[] = [];
  const { declared, type, generated } = column;
  if (before?.[name] !== undefined && before[name] !== declared)
    problems.push(
      stop(
        'type_changed',
        name,
        `${where} was ${before[name]} and is ${declared} now. Make a new plan, which tells what that changes.`,
      ),
    );
  if (generated === 'virtual')
    problems.push(
      stop(
        'virtual_column',
        name,
        `${where} is computed when it is read, so no trigger sees it change. Make it a stored column.`,
      ),
    );
  else if (generated !== 'no' && isWritten(mapping, name))
    problems.push(
      stop(
        'generated_column',
        name,
        `${where} is generated by PostgreSQL and takes no value. Let it only go to Salesforce.`,
      ),
    );
  const field = mapping.fields.find((one) => one.postgres === name);
  const expected = field === undefined ? undefined : TYPES_OF_KIND[field.kind];
  if (expected !== undefined && !expected.includes(type) && !TEXTS.includes(type))
    problems.push(stop('wrong_type', name, `${where} is ${declared}, which no ${field?.kind ?? ''} can be kept in.`));
  return problems;
}

function isWritten({ direction, postgres, fields }: ObjectMapping, column: string): boolean {
  if (column === postgres.salesforce_id) return true;
  if (column === postgres.key) return direction !== 'postgres_to_salesforce';
  return fields.some((field) => field.postgres === column && field.direction !== 'postgres_to_salesforce');
}

function checkKey({ postgres, salesforce }: ObjectMapping, table: TableColumns): TableProblem[] {
  const { key } = postgres;
  const column = table.columns.get(key);
  if (column === undefined) return [];
  const where = `${postgres.table}.${key}`;
  const problems: TableProblem[] = [];
  if (!table.unique.has(key))
    problems.push(
      stop(
        'key_not_unique',
        key,
        `${where} is the external id and has no unique index of its own: CREATE UNIQUE INDEX ON ${postgres.table} (${key}).`,
      ),
    );
  if (column.nullable)
    problems.push(warn('key_nullable', key, `${where} may be null. Rows without an external id are not synced.`));
  if (!salesforce.case_sensitive && TEXTS.includes(column.type) && column.type !== 'citext' && !table.folded.has(key))
    problems.push(
      warn(
        'key_without_folded_index',
        key,
        `Salesforce takes ABC and abc for one record of this object, so rows are looked up by lower(${key}), and without an index that reads the whole table: CREATE UNIQUE INDEX ON ${postgres.table} (lower(${key})).`,
      ),
    );
  return problems;
}

/** Columns nobody gives a value when Salesforce's new records are inserted. */
function checkInserts(mapping: ObjectMapping, { columns }: TableColumns): TableProblem[] {
  if (mapping.direction === 'postgres_to_salesforce') return [];
  const left = [...columns.values()].filter(
    ({ name, nullable, has_default, generated }) =>
      !nullable && !has_default && generated === 'no' && !isWritten(mapping, name),
  );
  return left.map(({ name }) =>
    stop(
      'required_column',
      name,
      `${mapping.postgres.table}.${name} must have a value and has no default, so new records of Salesforce cannot be inserted. Map it, or give it a default.`,
    ),
  );
}

function checkRows({ postgres }: ObjectMapping, table: TableColumns): TableProblem[] {
  const problems: TableProblem[] = [];
  if (table.hides_rows)
    problems.push(
      stop(
        'row_security',
        null,
        `Policies of ${postgres.table} hide rows from this role, and a row that is not seen would count as deleted. Give the role BYPASSRLS.`,
      ),
    );
  if (table.has_heirs)
    problems.push(
      stop(
        'inherited',
        null,
        `Other tables inherit from ${postgres.table}; changes of their rows call none of its triggers. Use partitions, or map those tables.`,
      ),
    );
  if (table.kind === 'partitioned')
    problems.push(
      warn(
        'partitioned',
        null,
        `${postgres.table} has partitions. A TRUNCATE of one of them, and one that is attached or detached, change rows without calling a trigger: only a reconciliation finds that.`,
      ),
    );
  if (table.cascades_on_itself)
    problems.push(
      warn(
        'cascades_on_itself',
        null,
        `A foreign key of ${postgres.table} to itself deletes rows along with their parent. When Syncline deletes the parent, only a reconciliation finds the others.`,
      ),
    );
  return problems;
}

function stop(code: string, column: string | null, message: string): TableProblem {
  return { severity: 'stop', code, column, message };
}

function warn(code: string, column: string | null, message: string): TableProblem {
  return { severity: 'warn', code, column, message };
}
