/**
 * PostgreSQL's forms of a value: the text that a column prints (`DateStyle` ISO) and takes, and what `to_jsonb` makes of it.
 *
 * `timestamp` has no zone: it is read and written as UTC, whatever the session's zone. Digits of a `timestamptz` beyond
 * milliseconds are not compared. `text[]` serves multi-select picklists; so does a text of choices joined by `;`.
 */
import type { FieldProblem } from '../sides.ts';
import { splitChoices } from './choices.ts';
import { carried, refused, type Converted, type ReadDocument } from './converted.ts';
import { isExactDouble, isExactFloat } from './decimal.ts';
import type { FieldMapping, ObjectMapping } from './mapping.ts';
import { readValue, type Parents } from './read-value.ts';
import { isTooLong } from './salesforce-value.ts';
import type { Document, Value } from './value.ts';

/** A row by names of columns: texts as PostgreSQL prints them, or values of `to_jsonb`. */
export type PostgresRow = Readonly<Record<string, unknown>>;

/** Types of columns by their names in `pg_type`: `int4`, `timestamptz`, `_text`. A name unknown here takes text (an enum's). */
export type ColumnTypes = ReadonlyMap<string, string>;

/** All that the row tells of the mapped fields; columns that it does not have are in neither part. */
export function readPostgresRow(
  mapping: ObjectMapping,
  types: ColumnTypes,
  row: PostgresRow,
  parents: Parents,
): ReadDocument {
  const document: Record<string, Value> = {};
  const problems: FieldProblem[] = [];
  for (const field of mapping.fields) {
    const raw = row[field.postgres];
    if (raw === undefined) continue;
    const read = readPostgresField(field, typeOf(field, types), raw, parents);
    if (read.ok) document[field.name] = read.value;
    else problems.push(read.problem);
  }
  return { document, problems };
}

/** One column. A text that Salesforce could not take is a problem already here, if it were ever to go there. */
export function readPostgresField(field: FieldMapping, type: string, raw: unknown, parents: Parents): Converted<Value> {
  const told = isArray(type) && typeof raw === 'string' ? readArray(raw) : raw;
  if (told === null && raw !== null) return refused(field, 'not_choices');
  const parent = field.references === null ? null : (parents.get(field.references) ?? null);
  const read = readValue(field, told, parent);
  if (!read.ok || typeof read.value !== 'string' || field.direction === 'salesforce_to_postgres') return read;
  return isTooLong(field, read.value) ? refused(field, 'too_long') : read;
}

/** The texts that set these fields, by column, for parameters that are cast to the column's type. */
export function postgresCells(
  mapping: ObjectMapping,
  types: ColumnTypes,
  fields: Document,
): { cells: Record<string, string | null>; problems: FieldProblem[] } {
  const cells: Record<string, string | null> = {};
  const problems: FieldProblem[] = [];
  for (const field of mapping.fields) {
    const value = fields[field.name];
    if (value === undefined) continue;
    const written = postgresText(field, typeOf(field, types), value);
    if (written.ok) cells[field.postgres] = written.value;
    else problems.push(written.problem);
  }
  return { cells, problems };
}

/** The text that a column of this type (name in `pg_type`) takes for the value, such that it reads back as the same value. */
export function postgresText(field: FieldMapping, type: string, value: Value): Converted<string | null> {
  if (field.kind === 'boolean')
    return typeof value === 'string' ? refused(field, 'wrong_kind') : carried(String(value ?? false));
  if (value === null) return carried(null);
  if (typeof value !== 'string') return refused(field, 'wrong_kind');
  if (value.includes('\0')) return refused(field, 'nul_character');
  if (!value.isWellFormed()) return refused(field, 'not_unicode');
  if (isArray(type)) return carried(writeArray(splitChoices(value)));
  switch (type) {
    case 'int2':
    case 'int4':
    case 'int8':
      return checkInteger(field, type, value);
    case 'float4':
      return isExactFloat(value) ? carried(value) : refused(field, 'too_precise');
    case 'float8':
      return isExactDouble(value) ? carried(value) : refused(field, 'too_precise');
    case 'uuid':
      return UUID.test(value) ? carried(value) : refused(field, 'not_uuid');
    case 'timestamp':
      return carried(value.replace('T', ' ').replace('Z', ''));
    default:
      return carried(value);
  }
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const INTEGER_BITS = { int2: 16n, int4: 32n, int8: 64n } as const;

function checkInteger(field: FieldMapping, type: keyof typeof INTEGER_BITS, value: string): Converted<string> {
  if (!/^-?\d+$/.test(value)) return refused(field, 'not_integer');
  const bits = Number(INTEGER_BITS[type]);
  return BigInt.asIntN(bits, BigInt(value)) === BigInt(value) ? carried(value) : refused(field, 'out_of_range');
}

function typeOf(field: FieldMapping, types: ColumnTypes): string {
  return types.get(field.postgres) ?? 'text';
}

/** `pg_type` names the array of a type by an underscore before its name. */
function isArray(type: string): boolean {
  return type.startsWith('_');
}

function writeArray(elements: readonly string[]): string {
  return `{${elements.map((element) => `"${element.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

/** A one-dimensional array as PostgreSQL prints it; null when it is none. `NULL` without quotes is left out. */
function readArray(text: string): string[] | null {
  if (!ARRAY.test(text)) return null;
  const elements: string[] = [];
  for (const [, quoted, bare] of text.matchAll(ELEMENT)) {
    if (quoted !== undefined) elements.push(quoted.replace(/\\(.)/gs, '$1'));
    else if (bare !== undefined && bare.toUpperCase() !== 'NULL') elements.push(bare);
  }
  return elements;
}

const ELEMENT_FORM = String.raw`(?:"((?:[^"\\]|\\[^])*)"|([^",{}\\]+))`;
const ELEMENT = new RegExp(ELEMENT_FORM, 'g');
const ARRAY = new RegExp(`^\\{(?:${ELEMENT_FORM}(?:,${ELEMENT_FORM})*)?\\}$`);
