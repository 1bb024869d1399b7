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
