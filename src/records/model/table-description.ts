/** What PostgreSQL says of a table: the parts that decide about a mapping. */

export interface TableDescription {
  /** `schema.table` */
  readonly name: string;
  readonly columns: readonly ColumnDescription[];
}

export interface ColumnDescription {
  readonly name: string;
  /** Name in `pg_type`: `int4`, `timestamptz`, `_text`. Of a domain, that of its base type. */
  readonly type: string;
  /** The labels of an enum; null: it is none. */
  readonly labels: readonly string[] | null;
  /** Of `varchar(n)`; null: no limit. */
  readonly length: number | null;
  /** Of `numeric(p, s)`; null: no limit. */
  readonly scale: number | null;
  readonly nullable: boolean;
  /** Alone in a unique index or constraint over all rows. */
  readonly unique: boolean;
  readonly has_default: boolean;
  /** `GENERATED ALWAYS`, as an expression or identity: it cannot be written. */
  readonly generated: boolean;
}

/** A table as `postgres/columns.ts` reads it from the catalogue. */
export interface CatalogueTable {
  readonly columns: ReadonlyMap<string, CatalogueColumn>;
  /** Columns that are unique by themselves. */
  readonly unique: ReadonlySet<string>;
}

export interface CatalogueColumn {
  readonly name: string;
  readonly type: string;
  /** With its limits, as `format_type` writes it: `character varying(80)`, `numeric(10,2)`. */
  readonly declared: string;
  readonly nullable: boolean;
  readonly has_default: boolean;
  readonly generated: 'no' | 'always' | 'stored' | 'virtual';
  readonly labels: readonly string[] | null;
}

/** The description of a table of the catalogue. Limits of domains are not told by their declaration, and stay unknown. */
export function describeTable(name: string, { columns, unique }: CatalogueTable): TableDescription {
  return {
    name,
    columns: [...columns.values()].map((column) => ({
      name: column.name,
      type: column.type,
      labels: column.labels,
      length: limitIn(/^character varying\((\d+)\)/, column.declared),
      scale: limitIn(/^numeric\(\d+,(-?\d+)\)/, column.declared),
      nullable: column.nullable,
      unique: unique.has(column.name),
      has_default: column.has_default,
      generated: column.generated !== 'no',
    })),
  };
}

function limitIn(form: RegExp, declared: string): number | null {
  const limit = form.exec(declared)?.[1];
  return limit === undefined ? null : Number(limit);
}
