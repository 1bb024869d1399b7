/** Which records a query means, in its order. Ids, external ids and SystemModstamp are looked up, all else is scanned. */
import type { FieldValue, Row } from '../org/fields.ts';
import type { Org } from '../org/org.ts';
import type { Table } from '../org/table.ts';
import { comparableAt, literalOf, predicateOf, type Comparable } from './condition.ts';
import { resolvePath, type ResolvedPath } from './field-reader.ts';
import type { Condition, Literal, Ordering, SoqlQuery } from './query.ts';

/**
 * Live records, or with `include_deleted` also those of the recycle bin.
 * @throws OrgRefusal INVALID_TYPE, INVALID_FIELD
 */
export function findRows(org: Org, query: SoqlQuery, include_deleted: boolean): Row[] {
  const table = org.table(query.from);
  const { definition } = table;
  const where = query.where && predicateOf(org, definition, query.where);
  const orderings = query.order_by.map((ordering) => ({ ...ordering, ...resolvePath(org, definition, ordering.path) }));
  const bins = include_deleted || query.all_rows;
  const end = query.limit === null ? Infinity : query.offset + query.limit;
  const sorted = isModstampOrder(query.order_by);
  const rows: Row[] = [];
  for (const row of candidates(table, query, sorted, bins)) {
    if ((sorted || orderings.length === 0) && rows.length >= end) break;
    if ((bins || row['IsDeleted'] === false) && (where === null || where(row))) rows.push(row);
  }
  if (orderings.length > 0 && !sorted) sortRows(org, rows, orderings);
  return query.offset === 0 && rows.length <= end ? rows : rows.slice(query.offset, end);
}

function candidates(table: Table, query: SoqlQuery, sorted: boolean, bins: boolean): Iterable<Row> {
  const conditions = conjuncts(query.where);
  if (!sorted) {
    const found = lookedUp(table, conditions, bins);
    if (found) return found;
  }
  const bounds = conditions.flatMap((condition) => modstampBound(condition));
  if (!sorted && bounds.length === 0) return table.rows();
  return table.rowsByModstamp(
    Math.max(-Infinity, ...bounds.map(({ from_ms }) => from_ms)),
    Math.min(Infinity, ...bounds.map(({ to_ms }) => to_ms)),
  );
}

/** All of them hold of every record that is found. */
function conjuncts(where: Condition | null): readonly Condition[] {
  if (where === null) return [];
  return where.kind === 'and' ? where.parts.flatMap(conjuncts) : [where];
}

/** Records with one of the ids or external ids that a condition names; null where none does. */
function lookedUp(table: Table, conditions: readonly Condition[], bins: boolean): Row[] | null {
  for (const condition of conditions) {
    const values = equalTo(condition);
    const name = 'path' in condition && condition.path.length === 1 ? (condition.path[0] ?? '') : '';
    const field = values && table.definition.field(name);
    if (!values || !field) continue;
    const comparables = [...new Set(values.map((value) => literalOf(field, value)))];
    if (field.type === 'id') return present(comparables.map((id) => table.get(String(id))));
    // The indexes know live records only, and no absent value.
    if (bins || comparables.includes(null)) continue;
    const found = comparables.map((value) => table.find(field.name, value));
    if (found.every((ids) => ids !== null)) return present([...new Set(found.flat())].map((id) => table.get(id)));
  }
  return null;
}

function equalTo(condition: Condition): readonly Literal[] | null {
  if (condition.kind === 'in' && !condition.negated) return condition.values;
  return condition.kind === 'compare' && condition.operator === '=' ? [condition.value] : null;
}

function present(rows: readonly (Row | undefined)[]): Row[] {
  return rows.filter((row) => row !== undefined);
}

/** Both ends belong to it; the condition itself is asked of every record anyway. */
function modstampBound(condition: Condition): { from_ms: number; to_ms: number }[] {
  if (condition.kind !== 'compare' || condition.value.type !== 'datetime') return [];
  if (condition.path.length !== 1 || condition.path[0]?.toLowerCase() !== 'systemmodstamp') return [];
  const { ms } = condition.value;
  if (condition.operator.startsWith('>')) return [{ from_ms: ms, to_ms: Infinity }];
  if (condition.operator.startsWith('<')) return [{ from_ms: -Infinity, to_ms: ms }];
  return condition.operator === '=' ? [{ from_ms: ms, to_ms: ms }] : [];
}

/** `ORDER BY SystemModstamp, Id`: how the table keeps them. */
function isModstampOrder(order_by: readonly Ordering[]): boolean {
  const [first, second, ...more] = order_by.map(({ path, descending }) =>
    descending ? '' : path.join('.').toLowerCase(),
  );
  return first === 'systemmodstamp' && (second === undefined || second === 'id') && more.length === 0;
}

interface ResolvedOrdering extends Ordering, ResolvedPath {}

function sortRows(org: Org, rows: Row[], orderings: readonly ResolvedOrdering[]): void {
  const keys = new Map<Row, Comparable[]>(
    rows.map((row) => [row, orderings.map((ordering) => comparableAt(org, ordering, row))]),
  );
  rows.sort((a, b) => {
    for (const [index, ordering] of orderings.entries()) {
      const order = compare(keys.get(a)?.[index] ?? null, keys.get(b)?.[index] ?? null, ordering);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compare(a: FieldValue, b: FieldValue, { descending, nulls_last }: Ordering): number {
  if (a === b) return 0;
  if (a === null || b === null) return (a === null) === nulls_last ? 1 : -1;
  return (a < b ? -1 : 1) * (descending ? -1 : 1);
}
