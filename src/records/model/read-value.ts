/** From what a side tells of a field to the neutral value: what both edges have in common. */
import { canonicalKey, readExternalId, type KeyRules } from './canonical-key.ts';
import { joinChoices, splitChoices } from './choices.ts';
import { carried, refused, type Converted } from './converted.ts';
import { decimalText, roundHalfEven } from './decimal.ts';
import type { FieldMapping, ObjectMapping } from './mapping.ts';
import { readDate, readMoment } from './moment.ts';
import type { Value } from './value.ts';

/** The mappings that references point to, by their names. */
export type Parents = ReadonlyMap<string, ObjectMapping>;

/**
 * Reads one value: null, a text in any form that either side writes, a number, a boolean, a list of choices. A reference
 * is the parent's external id; `parent` says how that is spelled (null: as it is).
 */
export function readValue(field: FieldMapping, raw: unknown, parent: KeyRules | null): Converted<Value> {
  if (raw === null || raw === undefined) return carried(field.kind === 'boolean' ? false : null);
  switch (field.kind) {
    case 'text':
    case 'picklist':
      return readText(field, raw);
    case 'multipicklist':
      return readChoices(field, raw);
    case 'integer':
    case 'decimal':
      return readNumber(field, raw);
    case 'boolean':
      return readBoolean(field, raw);
    case 'date':
      return readMomentOr(field, raw, readDate, 'not_date');
    case 'datetime':
      return readMomentOr(field, raw, readMoment, 'not_datetime');
    case 'reference':
      return readReference(field, raw, parent);
  }
}

function readText(field: FieldMapping, raw: unknown): Converted<Value> {
  if (typeof raw !== 'string') return refused(field, 'not_text');
  if (!raw.isWellFormed()) return refused(field, 'not_unicode');
  return carried(raw === '' ? null : raw);
}

function readChoices(field: FieldMapping, raw: unknown): Converted<Value> {
  const choices: unknown = typeof raw === 'string' ? splitChoices(raw) : raw;
  if (!Array.isArray(choices)) return refused(field, 'not_choices');
  const named: unknown[] = choices.filter((choice) => choice !== null);
  if (!named.every((choice) => typeof choice === 'string' && !choice.includes(';')))
    return refused(field, 'not_choices');
  const joined = joinChoices(named as string[]);
  return joined?.isWellFormed() === false ? refused(field, 'not_unicode') : carried(joined);
}

function readNumber(field: FieldMapping, raw: unknown): Converted<Value> {
  if (raw === '') return carried(null);
  const told = typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'bigint';
  const text = told ? decimalText(raw) : null;
  if (text === null) return refused(field, 'not_number');
  if (field.kind === 'integer') return text.includes('.') ? refused(field, 'not_integer') : carried(text);
  return carried(field.scale === null ? text : roundHalfEven(text, field.scale));
}

function readBoolean(field: FieldMapping, raw: unknown): Converted<Value> {
  if (raw === true || raw === 'true' || raw === 't') return carried(true);
  if (raw === false || raw === 'false' || raw === 'f' || raw === '') return carried(false);
  return refused(field, 'not_boolean');
}

function readMomentOr(
  field: FieldMapping,
  raw: unknown,
  read: (text: string) => string | null,
  code: 'not_date' | 'not_datetime',
): Converted<Value> {
  if (raw === '') return carried(null);
  const value = typeof raw === 'string' ? read(raw) : null;
  return value === null ? refused(field, code) : carried(value);
}

function readReference(field: FieldMapping, raw: unknown, parent: KeyRules | null): Converted<Value> {
  if (raw === '') return carried(null);
  const external_id = readExternalId(raw);
  if (external_id === null) return refused(field, 'unknown_reference');
  if (!external_id.isWellFormed()) return refused(field, 'not_unicode');
  return carried(parent === null ? external_id : canonicalKey(parent, external_id));
}
