/** A query of SOQL as data: the part of the language that the sandbox knows (records.md §12.4). */

/** `Account.Owner.Name` is three names. Compared without case. */
export type FieldPath = readonly string[];

export type Literal =
  | { type: 'string'; value: string }
  | { type: 'number'; value: number }
  | { type: 'boolean'; value: boolean }
  | { type: 'null' }
  /** Epoch milliseconds. */
  | { type: 'datetime'; ms: number }
  /** `2026-01-31` */
  | { type: 'date'; day: string };

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE';

export type Condition =
  | { kind: 'compare'; path: FieldPath; operator: Comparison; value: Literal }
  | { kind: 'in'; path: FieldPath; negated: boolean; values: readonly Literal[] }
  | { kind: 'and' | 'or'; parts: readonly Condition[] }
  | { kind: 'not'; part: Condition };

export interface Ordering {
  path: FieldPath;
  descending: boolean;
  /** Nulls come first unless said otherwise. */
  nulls_last: boolean;
}

export interface SoqlQuery {
  /** `COUNT()` has no records. */
  select: { kind: 'count' } | { kind: 'fields'; paths: readonly FieldPath[] };
  from: string;
  where: Condition | null;
  order_by: readonly Ordering[];
  limit: number | null;
  offset: number;
  all_rows: boolean;
}
