/** What a field takes: JSON of REST or text of a CSV file becomes the stored value, or is refused as the platform does. */
import type { FieldDefinition, FieldType, FieldValue } from './fields.ts';
import { keyPrefixOf, parseRecordId } from './record-id.ts';
import { OrgRefusal } from './refusal.ts';

/** Values of JSON have types; values of a CSV file or a form are text. */
export type ValueForm = 'json' | 'text';

const EMAIL = /^[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATETIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const EARLIEST_YEAR = 1700;
const LATEST_YEAR = 4000;

/**
 * The value as it is stored; null and the empty text are no value.
 * @throws OrgRefusal of the wrong type, too long, out of range, not in a restricted picklist, no email, no id
 */
export function storedValue(field: FieldDefinition, given: unknown, form: ValueForm): FieldValue {
  if (given === null || given === undefined || given === '') return null;
  return STORED[field.type](field, given, form);
}

type Stored = (field: FieldDefinition, given: unknown, form: ValueForm) => FieldValue;

const STORED: Readonly<Record<FieldType, Stored>> = {
  id: storedReference,
  string: storedText,
  textarea: storedText,
  phone: storedText,
  url: storedText,
  email: (field, given, form) => {
    const email = storedText(field, given, form);
    if (EMAIL.test(email)) return email;
    throw new OrgRefusal('INVALID_EMAIL_ADDRESS', `${field.label}: invalid email address: ${email}`, [field.name]);
  },
  picklist: storedChoice,
  boolean: storedBoolean,
  int: storedNumber,
  double: storedNumber,
  currency: storedNumber,
  percent: storedNumber,
  date: storedDate,
  datetime: storedDatetime,
  reference: storedReference,
  address: (field, given, form) => {
    throw wrongType(field, given, form);
  },
};

function storedText(field: FieldDefinition, given: unknown, form: ValueForm): string {
  if (typeof given !== 'string') throw wrongType(field, given, form);
  if (field.length === 0 || given.length <= field.length) return given;
  const shown = given.length > 80 ? `${given.slice(0, 80)}...` : given;
  throw new OrgRefusal(
    'STRING_TOO_LONG',
    `${field.label}: data value too large: ${shown} (max length=${field.length})`,
    [field.name],
  );
}

function storedChoice(field: FieldDefinition, given: unknown, form: ValueForm): string {
  const chosen = storedText(field, given, form);
  const known = field.picklist.find((value) => value.toLowerCase() === chosen.toLowerCase());
  if (known !== undefined || !field.restricted) return known ?? chosen;
  throw new OrgRefusal(
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    `${field.label}: bad value for restricted picklist field: ${chosen}`,
    [field.name],
  );
}

function storedBoolean(field: FieldDefinition, given: unknown, form: ValueForm): boolean {
  if (typeof given === 'boolean') return given;
  if (form === 'text' && typeof given === 'string') {
    if (/^(true|1)$/i.test(given)) return true;
    if (/^(false|0)$/i.test(given)) return false;
  }
  throw wrongType(field, given, form);
}

function storedNumber(field: FieldDefinition, given: unknown, form: ValueForm): number {
  // REST takes a number also as text; what must not be is anything else.
  const value = typeof given === 'string' && NUMBER.test(given.trim()) ? Number(given) : given;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(field, given, form);
  const rounded = roundTo(value, field.type === 'int' ? 0 : field.scale);
  if (field.precision > 0 && Math.abs(rounded) >= 10 ** (field.precision - field.scale))
    throw new OrgRefusal(
      'NUMBER_OUTSIDE_VALID_RANGE',
      `${field.label}: value outside of valid range on numeric field: ${value}`,
      [field.name],
    );
  return rounded;
}

/** Half away from zero, of the decimal as it is written: 1.005 becomes 1.01. */
function roundTo(value: number, scale: number): number {
  const scaled = Number(`${Math.abs(value)}e${scale}`);
  if (Number.isNaN(scaled)) return value;
  const rounded = Number(`${Math.round(scaled)}e-${scale}`);
  return value < 0 ? -rounded || 0 : rounded;
}

function storedDate(field: FieldDefinition, given: unknown, form: ValueForm): string {
  // A bulk file may hold a whole datetime where a date is meant.
  const day = typeof given === 'string' && form === 'text' ? given.replace(/T.*$/, '') : given;
  if (typeof day === 'string' && isDay(day)) return day;
  throw wrongType(field, given, form);
}

function isDay(day: string): boolean {
  const [, year, month, date] = DATE.exec(day) ?? [];
  if (year === undefined || Number(year) < EARLIEST_YEAR || Number(year) > LATEST_YEAR) return false;
  const parsed = new Date(`${day}T00:00:00Z`);
  return parsed.getUTCMonth() + 1 === Number(month) && parsed.getUTCDate() === Number(date);
}

function storedDatetime(field: FieldDefinition, given: unknown, form: ValueForm): number {
  const ms = typeof given === 'string' ? parseDatetime(given) : null;
  if (ms !== null) return wholeSecond(ms);
  throw wrongType(field, given, form);
}

/** Epoch milliseconds of a datetime with a zone (`Z`, `+0000`, `+00:00`) or a day at midnight; null for anything else. */
export function parseDatetime(given: string): number | null {
  if (isDay(given)) return Date.parse(`${given}T00:00:00Z`);
  const [, day, time, zone] = DATETIME.exec(given) ?? [];
  if (day === undefined || time === undefined || zone === undefined || !isDay(day)) return null;
  const ms = Date.parse(`${day}T${time}${zone === 'Z' ? 'Z' : zone.replace(/(\d{2}):?(\d{2})$/, '$1:$2')}`);
  return Number.isNaN(ms) ? null : ms;
}

/** The organisation keeps no part of a second. */
export function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function storedReference(field: FieldDefinition, given: unknown, form: ValueForm): string {
  if (typeof given !== 'string') throw wrongType(field, given, form);
  const id = parseRecordId(given);
  if (id !== null) return id;
  throw malformedId(field.label, given, field.name);
}

export function malformedId(label: string, given: string, field: string): OrgRefusal {
  return new OrgRefusal('MALFORMED_ID', `${label}: id value of incorrect type: ${given}`, [field]);
}

/** Whether an id is of an object with one of the prefixes. */
export function hasPrefix(id: string, prefixes: readonly string[]): boolean {
  return prefixes.includes(keyPrefixOf(id));
}

function wrongType(field: FieldDefinition, given: unknown, form: ValueForm): OrgRefusal {
  const shown = typeof given === 'string' ? given : JSON.stringify(given);
  if (form === 'text')
    return new OrgRefusal('INVALID_TYPE_ON_FIELD_IN_RECORD', `${field.label}: value not of required type: ${shown}`, [
      field.name,
    ]);
  return new OrgRefusal(
    'JSON_PARSER_ERROR',
    `Cannot deserialize instance of ${field.type} from ${tokenOf(given)} value ${shown} or request may be missing a required field`,
  );
}

function tokenOf(given: unknown): string {
  if (typeof given === 'number') return Number.isInteger(given) ? 'VALUE_NUMBER_INT' : 'VALUE_NUMBER_FLOAT';
  if (typeof given === 'boolean') return given ? 'VALUE_TRUE' : 'VALUE_FALSE';
  if (typeof given === 'string') return 'VALUE_STRING';
  return Array.isArray(given) ? 'START_ARRAY' : 'START_OBJECT';
}
