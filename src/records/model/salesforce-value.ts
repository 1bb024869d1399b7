/**
 * Salesforce's forms of a value (records.md §12.1, §12.3, §12.7, §12.9): JSON of REST and of change events, cells of bulk
 * files.
 *
 * | kind | JSON | bulk cell |
 * |---|---|---|
 * | integer, decimal | number (a double) | decimal text |
 * | boolean | true, false | `true`, `false` |
 * | date | `2024-01-31`; change events: days or milliseconds since 1970 | `2024-01-31` |
 * | datetime | `2024-01-31T10:00:00.000+0000`; change events: milliseconds | `2024-01-31T10:00:00.000Z` |
 * | multipicklist | `a;b` | `a;b` |
 * | reference | `{"Account__r":{"Ext__c":"…"}}` | column `Account__r.Ext__c` |
 * | null | null | written `#N/A`; read: empty |
 */
import type { FieldProblem } from '../sides.ts';
import { carried, refused, type Converted, type ReadDocument } from './converted.ts';
import { isExactDouble } from './decimal.ts';
import type { FieldMapping, ObjectMapping } from './mapping.ts';
import { dateOfEpoch, momentOfEpoch } from './moment.ts';
import { readValue, type Parents } from './read-value.ts';
import type { Document, Value } from './value.ts';

/** A record as JSON, by Salesforce's names of fields. */
export type SalesforceRecord = Readonly<Record<string, unknown>>;

/** What a bulk file writes to set a field to null; an empty cell leaves the field as it is. */
export const BULK_NULL = '#N/A';

/** What reading needs besides the record. */
export interface SalesforceContext {
  readonly parents: Parents;
  /** External id (canonical) of a record of this mapping by its Salesforce id, where a source tells only that (change events). */
  readonly keyOfId?: (mapping: string, salesforce_id: string) => string | null;
}

/**
 * All that the record tells of the mapped fields. A field that it does not mention is in neither part; a reference told
 * only by id that `keyOfId` does not know is a problem.
 */
export function readSalesforceRecord(
  mapping: ObjectMapping,
  record: SalesforceRecord,
  context: SalesforceContext,
): ReadDocument {
  const document: Record<string, Value> = {};
  const problems: FieldProblem[] = [];
  for (const field of mapping.fields) {
    const read = readSalesforceField(field, record, context);
    if (read === null) continue;
    if (read.ok) document[field.name] = read.value;
    else problems.push(read.problem);
  }
  return { document, problems };
}

/** One field of a record; null when the record does not mention it. */
export function readSalesforceField(
  field: FieldMapping,
  record: SalesforceRecord,
  context: SalesforceContext,
): Converted<Value> | null {
  if (field.kind === 'reference') return readReference(field, record, context);
  const raw = record[field.salesforce];
  if (raw === undefined) return null;
  if (typeof raw !== 'number') return readValue(field, raw, null);
  if (field.kind === 'date') return orRefused(field, dateOfEpoch(raw), 'not_date');
  if (field.kind === 'datetime') return orRefused(field, momentOfEpoch(raw), 'not_datetime');
  return readValue(field, raw, null);
}

/** A cell of a bulk query's result: empty is null. Cells of references stand under `bulkColumn`. */
export function readBulkCell(field: FieldMapping, cell: string, parents: Parents): Converted<Value> {
  return readValue(field, cell === '' ? null : cell, parentOf(field, parents));
}

/** The column of a bulk file that holds the field. */
export function bulkColumn(field: FieldMapping): string {
  return field.relationship === null
    ? field.salesforce
    : `${field.relationship.name}.${field.relationship.external_id}`;
}

/**
 * The members of a JSON body that set these fields. Fields that cannot be written are in `problems` and not in `body`.
 * A reference to nothing is written through the field itself, any other through the relation.
 */
export function salesforceBody(
  mapping: ObjectMapping,
  fields: Document,
): { body: Record<string, unknown>; problems: FieldProblem[] } {
  const body: Record<string, unknown> = {};
  const problems: FieldProblem[] = [];
  for (const field of mapping.fields) {
    const value = fields[field.name];
    if (value === undefined) continue;
    const written = checkForSalesforce(field, value);
    if (!written.ok) problems.push(written.problem);
    else if (field.relationship === null || written.value === null)
      body[field.salesforce] = jsonOf(field, written.value);
    else body[field.relationship.name] = { [field.relationship.external_id]: written.value };
  }
  return { body, problems };
}

/** The cell that sets a field, before quoting. */
export function bulkCell(field: FieldMapping, value: Value): Converted<string> {
  const written = checkForSalesforce(field, value);
  if (!written.ok) return written;
  if (written.value === null) return carried(BULK_NULL);
  const cell = String(written.value);
  return cell === BULK_NULL ? refused(field, 'not_in_bulk') : carried(cell);
}

/**
 * Whether Salesforce can keep the value exactly: what it would cut, round or refuse by its form is a problem here, before
 * anything is sent. Yields the value, a boolean's null as false.
 */
export function checkForSalesforce(field: FieldMapping, value: Value): Converted<Value> {
  if (field.kind === 'boolean')
    return typeof value === 'string' ? refused(field, 'wrong_kind') : carried(value ?? false);
  if (value === null) return carried(null);
  if (typeof value !== 'string') return refused(field, 'wrong_kind');
  switch (field.kind) {
    case 'text':
    case 'picklist':
    case 'multipicklist':
    case 'reference':
      return checkText(field, value);
    case 'integer':
    case 'decimal':
      return isExactDouble(value) ? carried(value) : refused(field, 'too_precise');
    case 'date':
    case 'datetime':
      return value >= '1700' && value < '4001' ? carried(value) : refused(field, 'out_of_range');
  }
}

/** Characters are counted as code points, as PostgreSQL does. */
export function isTooLong(field: FieldMapping, value: string): boolean {
  if (field.length === null || value.length <= field.length) return false;
  return [...value].length > field.length;
}

function checkText(field: FieldMapping, value: string): Converted<Value> {
  if (!value.isWellFormed()) return refused(field, 'not_unicode');
  return isTooLong(field, value) ? refused(field, 'too_long') : carried(value);
}

function jsonOf(field: FieldMapping, value: Value): unknown {
  const is_number = field.kind === 'integer' || field.kind === 'decimal';
  return is_number && value !== null ? Number(value) : value;
}

function readReference(
  field: FieldMapping,
  record: SalesforceRecord,
  { parents, keyOfId }: SalesforceContext,
): Converted<Value> | null {
  const id = record[field.salesforce];
  const related = field.relationship === null ? undefined : record[field.relationship.name];
  if (related === undefined) {
    if (id === undefined) return null;
    if (id === null || id === '') return carried(null);
    const key = typeof id === 'string' && field.references !== null ? keyOfId?.(field.references, id) : null;
    return orRefused(field, key ?? null, 'unknown_reference');
  }
  // No relation though there is an id: the parent cannot be seen by our user.
  if (related === null) return typeof id === 'string' ? refused(field, 'unknown_reference') : carried(null);
  const external_id = (related as SalesforceRecord)[field.relationship?.external_id ?? ''];
  if (external_id === null || external_id === undefined) return refused(field, 'unknown_reference');
  return readValue(field, external_id, parentOf(field, parents));
}

function parentOf(field: FieldMapping, parents: Parents): ObjectMapping | null {
  return field.references === null ? null : (parents.get(field.references) ?? null);
}

function orRefused(
  field: FieldMapping,
  value: string | null,
  code: 'not_date' | 'not_datetime' | 'unknown_reference',
): Converted<Value> {
  return value === null ? refused(field, code) : carried(value);
}
