/** Taking back what was written (R17): from history rows to the values that a normal plan is to restore. */
import type { ObjectMapping } from '../model/mapping.ts';
import type { Document, Side, Value } from '../model/value.ts';

/** One write on one side, as history keeps it. */
export interface HistoryRow {
  /** Later rows have a larger number. */
  readonly order: number;
  readonly side: Side;
  readonly operation: 'create' | 'update' | 'delete';
  /** Of the fields that were written; of a delete, all. */
  readonly before: Document;
  readonly after: Document;
}

/** What to give `planRecord` as `wanted` and `restore`. */
export interface Revert {
  readonly wanted: Document;
  /** The record was deleted, and is to be made again on both sides. */
  readonly restore: boolean;
  /**
   * `changed_since`: somebody changed it after those writes · `created`: it was made by them; to take that back, delete it
   * at its source · `one_way`: its source would put it back; change it there · `differed`: the sides had different values
   * before · `not_mapped`: the mapping has no such field now. Field null: the record.
   */
  readonly skipped: readonly { readonly field: string | null; readonly reason: RevertRefusal }[];
}

export type RevertRefusal = 'changed_since' | 'created' | 'one_way' | 'differed' | 'not_mapped';

/**
 * What taking back these rows of one key means. `now`: both sides' documents; null: absent. Only what still is as the rows left it
 * is taken back.
 */
export function planRevert(
  mapping: ObjectMapping,
  rows: readonly HistoryRow[],
  now: Readonly<Record<Side, Document | null>>,
): Revert {
  const refuse = (reason: RevertRefusal): Revert => ({
    wanted: {},
    restore: false,
    skipped: [{ field: null, reason }],
  });
  const ordered = [...rows].sort((a, b) => a.order - b.order);
  const last = ordered.at(-1);
  if (last === undefined) return { wanted: {}, restore: false, skipped: [] };
  if (ordered.some(({ operation }) => operation === 'create')) return refuse('created');
  if (last.operation === 'delete') {
    if (now.salesforce !== null || now.postgres !== null) return refuse('changed_since');
    return mapping.direction === 'both' ? restored(mapping, ordered) : refuse('one_way');
  }
  if (now.salesforce === null || now.postgres === null) return refuse('changed_since');
  return reverted(mapping, ordered, { salesforce: now.salesforce, postgres: now.postgres });
}

function reverted(mapping: ObjectMapping, rows: readonly HistoryRow[], now: Readonly<Record<Side, Document>>): Revert {
  const wanted: Record<string, Value> = {};
  const skipped: { field: string; reason: RevertRefusal }[] = [];
  for (const field of fieldsOf(rows)) {
    const former = formerValue(field, rows);
    const refusal =
      refusalOf(mapping, field) ??
      (isAsLeft(field, rows, now) ? null : 'changed_since') ??
      (former === undefined ? 'differed' : null);
    if (refusal !== null || former === undefined) skipped.push({ field, reason: refusal ?? 'differed' });
    else wanted[field] = former;
  }
  return { wanted, restore: false, skipped };
}

function restored(mapping: ObjectMapping, rows: readonly HistoryRow[]): Revert {
  const wanted: Record<string, Value> = {};
  const skipped: { field: string; reason: RevertRefusal }[] = [];
  for (const field of fieldsOf(rows)) {
    const former = formerValue(field, rows);
    const refusal = refusalOf(mapping, field) ?? (former === undefined ? 'differed' : null);
    if (refusal !== null || former === undefined) skipped.push({ field, reason: refusal ?? 'differed' });
    else wanted[field] = former;
  }
  return { wanted, restore: true, skipped };
}

function refusalOf(mapping: ObjectMapping, name: string): RevertRefusal | null {
  const field = mapping.fields.find((one) => one.name === name);
  if (field === undefined) return 'not_mapped';
  return field.direction === 'both' ? null : 'one_way';
}

function fieldsOf(rows: readonly HistoryRow[]): string[] {
  return [...new Set(rows.flatMap(({ before, after }) => [...Object.keys(before), ...Object.keys(after)]))].sort();
}

/**
 * What the field was before the first of the rows. Undefined when the sides had different values then: the other side's first
 * row found neither that value nor what the first row made of it.
 */
function formerValue(field: string, rows: readonly HistoryRow[]): Value | undefined {
  const first = rows.find(({ before }) => before[field] !== undefined);
  const other = rows.find(({ side, before }) => side !== first?.side && before[field] !== undefined);
  const former = first?.before[field];
  const found = other?.before[field];
  return found === undefined || found === former || found === first?.after[field] ? former : undefined;
}

/** Both sides have what the last row that wrote the field left. */
function isAsLeft(field: string, rows: readonly HistoryRow[], now: Readonly<Record<Side, Document>>): boolean {
  const left = rows.findLast(({ after }) => after[field] !== undefined)?.after[field];
  return now.salesforce[field] === left && now.postgres[field] === left;
}
