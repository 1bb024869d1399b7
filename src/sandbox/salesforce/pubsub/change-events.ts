/** Change events made of what an organisation committed (records.md §12.9). */
import { createHash } from 'node:crypto';
import type { ChangeKind, CommittedChange } from '../org/commit.ts';
import type { FieldDefinition, FieldValue, Row } from '../org/fields.ts';
import type { ChangeEventSchema } from './event-schema.ts';

export type ChangeType = ChangeKind | `GAP_${ChangeKind}` | 'GAP_OVERFLOW';

/** What is known of an event before a channel encodes it: channels differ in what they add. */
export interface ChangeEvent {
  entity: string;
  schema: ChangeEventSchema;
  record_ids: string[];
  change_type: ChangeType;
  origin: CommittedChange;
  /** Names of the record's fields. */
  changed: readonly string[];
  nulled: readonly string[];
  /** Long texts that are told as a difference, by field: the difference. */
  diffs: Readonly<Record<string, string>>;
  /** The record after it, or before a deletion: what channels add fields from. */
  row: Row | null;
}

export interface EventRules {
  /** Changes with the same effect in one transaction become one event with several ids. */
  merge: boolean;
  /** A changed text longer than this is told as a difference. */
  diff_above: number;
  /** Fields that became empty are in `changedFields`, too; not known of the real service (§12.12). */
  nulled_in_changed: boolean;
  /** Changed fields of one transaction beyond which it is told no more. */
  overflow_after: number;
}

export const DEFAULT_RULES: EventRules = {
  merge: true,
  diff_above: 1000,
  nulled_in_changed: false,
  overflow_after: 100_000,
};

const OVERFLOW_ID = '000000000000000AAA';

/** The events of one transaction, in its order. */
export function changeEvents(
  changes: readonly CommittedChange[],
  schemaOf: (entity: string) => ChangeEventSchema,
  rules: EventRules,
): ChangeEvent[] {
  const events: ChangeEvent[] = [];
  const overflowing = new Map<string, ChangeEvent>();
  let counted = 0;
  for (const change of changes) {
    const event = changeEvent(change, schemaOf(change.entity), rules);
    // An update of a formula, or of nothing that events tell, is none.
    if (event.change_type === 'UPDATE' && event.changed.length === 0) continue;
    counted += Math.max(1, event.changed.length);
    if (counted > rules.overflow_after) {
      if (!overflowing.has(event.entity)) overflowing.set(event.entity, overflowOf(event));
      continue;
    }
    const last = events.at(-1);
    if (rules.merge && last && isSameChange(last, event)) last.record_ids.push(...event.record_ids);
    else events.push(event);
  }
  return [...events, ...overflowing.values()];
}

export function overflowOf(event: ChangeEvent): ChangeEvent {
  return { ...event, ...NOTHING_TOLD, record_ids: [OVERFLOW_ID], change_type: 'GAP_OVERFLOW' };
}

/** The same change, told only as having happened. */
export function gapOf(event: ChangeEvent): ChangeEvent {
  if (event.change_type.startsWith('GAP_')) return event;
  return { ...event, ...NOTHING_TOLD, change_type: `GAP_${event.change_type as ChangeKind}` };
}

const NOTHING_TOLD = { changed: [], nulled: [], diffs: {}, row: null } as const;

function changeEvent(change: CommittedChange, schema: ChangeEventSchema, rules: EventRules): ChangeEvent {
  const told = new Set(columnsOf(schema).map(({ name }) => name));
  const update = change.kind === 'UPDATE';
  const changed = update ? change.changed_fields.filter((name) => told.has(name)) : [];
  const nulled = update ? change.nulled_fields.filter((name) => told.has(name)) : [];
  return {
    entity: change.entity,
    schema,
    record_ids: [change.record_id],
    change_type: change.kind,
    origin: change,
    changed: rules.nulled_in_changed ? changed : changed.filter((name) => !nulled.includes(name)),
    nulled,
    diffs: update ? diffsOf(change, schema, changed, rules) : {},
    row: change.after ?? change.before,
  };
}

const columnsOf = (schema: ChangeEventSchema): FieldDefinition[] =>
  schema.fields.flatMap(({ column, parts }) => (column ? [column] : parts.map((part) => part.column)));

function diffsOf(
  { before, after }: CommittedChange,
  schema: ChangeEventSchema,
  changed: readonly string[],
  rules: EventRules,
): Record<string, string> {
  const diffs: Record<string, string> = {};
  for (const { name, type } of columnsOf(schema)) {
    const [old, now] = [before?.[name], after?.[name]];
    if (type !== 'textarea' || !changed.includes(name) || typeof old !== 'string' || typeof now !== 'string') continue;
    if (Math.max(old.length, now.length) > rules.diff_above) diffs[name] = unifiedDiff(old, now);
  }
  return diffs;
}

/** Its second header line bears the hash of the value before; all lines are replaced. */
function unifiedDiff(old: string, now: string): string {
  const [before, after] = [old.split('\n'), now.split('\n')];
  const hash = createHash('sha256').update(old).digest('hex');
  return [
    `--- ${createHash('sha256').update(now).digest('hex')}`,
    `+++ ${hash}`,
    `@@ -1,${before.length} +1,${after.length} @@`,
    ...before.map((line) => `-${line}`),
    ...after.map((line) => `+${line}`),
  ].join('\n');
}

/** Of the same transaction with the same values; events of creations tell more than that, so they stay apart. */
function isSameChange(a: ChangeEvent, b: ChangeEvent): boolean {
  if (a.entity !== b.entity || a.change_type !== b.change_type || a.schema !== b.schema) return false;
  if (a.change_type === 'DELETE') return true;
  if (a.change_type !== 'UPDATE') return false;
  const names = (event: ChangeEvent): string => [...event.changed, '|', ...event.nulled].join();
  return names(a) === names(b) && a.changed.every((name) => a.row?.[name] === b.row?.[name]);
}

/** The event as a channel sends it; `enrichment`: fields that the channel adds to updates and deletions. */
export function encodeChangeEvent(event: ChangeEvent, enrichment: readonly string[], client_tag = true): Buffer {
  const { origin, schema } = event;
  const header = {
    entityName: event.entity,
    recordIds: event.record_ids,
    changeType: event.change_type,
    changeOrigin: client_tag ? origin.change_origin : origin.change_origin.replace(/;client=.*$/, ''),
    transactionKey: origin.transaction_key,
    sequenceNumber: origin.sequence_number,
    commitTimestamp: origin.commit_ms,
    commitNumber: origin.commit_number,
    commitUser: origin.commit_user,
    nulledFields: bitmapsOf(schema, event.nulled),
    diffFields: bitmapsOf(schema, Object.keys(event.diffs)),
    changedFields: bitmapsOf(schema, event.changed),
  };
  return schema.type.toBuffer({ ChangeEventHeader: header, ...bodyOf(event, enrichment) });
}

function bodyOf(event: ChangeEvent, enrichment: readonly string[]): Record<string, unknown> {
  const value = (column: FieldDefinition): FieldValue =>
    isTold(event, column.name, enrichment) ? (event.diffs[column.name] ?? eventValue(column, event.row)) : null;
  const body: Record<string, unknown> = {};
  for (const { name, column, parts } of event.schema.fields) {
    if (column) {
      body[name] = value(column);
      continue;
    }
    const values = parts.map((part) => [part.name, value(part.column)] as const);
    body[name] = values.every(([, told]) => told === null) ? null : Object.fromEntries(values);
  }
  return body;
}

function isTold({ change_type, changed }: ChangeEvent, name: string, enrichment: readonly string[]): boolean {
  if (change_type === 'CREATE' || change_type === 'UNDELETE') return true;
  if (change_type === 'UPDATE') return changed.includes(name) || enrichment.includes(name);
  return change_type === 'DELETE' && enrichment.includes(name);
}

/** Dates are milliseconds, too. */
function eventValue({ name, type }: FieldDefinition, row: Row | null): FieldValue {
  const value = row?.[name] ?? null;
  return type === 'date' && typeof value === 'string' ? Date.parse(`${value}T00:00:00Z`) : value;
}

/** One bitmap over the fields, then one for each compound with a named part; nothing for no field. */
export function bitmapsOf(schema: ChangeEventSchema, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const wanted = new Set(names);
  // Field 0 is the header.
  const fields = schema.fields.map(({ column }) => column !== null && wanted.has(column.name));
  const compounds = schema.fields.flatMap(({ parts }, index) => {
    const bits = parts.map(({ column }) => wanted.has(column.name));
    return bits.includes(true) ? [`${index + 1}-${hexOf(bits)}`] : [];
  });
  return [...(fields.includes(true) ? [hexOf([false, ...fields])] : []), ...compounds];
}

/** Whole bytes, as the samples of the documentation have them. */
function hexOf(bits: readonly boolean[]): string {
  const last = bits.lastIndexOf(true);
  let value = 0n;
  for (let i = 0; i <= last; i++) if (bits[i]) value |= 1n << BigInt(i);
  const hex = value.toString(16).toUpperCase();
  return `0x${hex.length % 2 === 0 ? hex : `0${hex}`}`;
}
