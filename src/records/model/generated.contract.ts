/** Fields, values and mappings for property tests of this room and of those that build on it. */
import fc from 'fast-check';
import { joinChoices } from './choices.ts';
import { decimalText, isExactDouble, roundHalfEven } from './decimal.ts';
import type { FieldMapping, ObjectMapping } from './mapping.ts';
import type { FieldKind, Value } from './value.ts';

/** A field of this kind, both ways, shared, without limits, unless said otherwise. */
export function fieldOf(kind: FieldKind, changes: Partial<FieldMapping> = {}): FieldMapping {
  const is_reference = kind === 'reference';
  return {
    name: 'field',
    salesforce: is_reference ? 'Parent__c' : 'Field__c',
    postgres: 'field',
    kind,
    direction: 'both',
    owner: 'shared',
    references: is_reference ? 'parents' : null,
    relationship: is_reference ? { name: 'Parent__r', external_id: 'Ext__c' } : null,
    length: null,
    scale: null,
    ...changes,
  };
}

/** A mapping of these fields, both ways, manual, deletes propagated. */
export function mappingOf(fields: readonly FieldMapping[], changes: Partial<ObjectMapping> = {}): ObjectMapping {
  return {
    name: 'accounts',
    version: '0123456789abcdef',
    salesforce: { object: 'Account', external_id: 'Ext__c', case_sensitive: true },
    postgres: { table: 'public.accounts', key: 'ext', salesforce_id: null },
    direction: 'both',
    policy: 'manual',
    deletes: 'propagate',
    natural_keys: [],
    brakes: { max_deletes: 100, max_creates: 1000, max_changes_percent: 20 },
    fields,
    ...changes,
  };
}

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !text.includes('\0'));
const year = fc.integer({ min: 1700, max: 4000 });
const moment = fc.date({ min: new Date('1700-01-01'), max: new Date('4000-12-31'), noInvalidDate: true });

/** Neutral values that both sides can keep, by kind; decimals of at most 4 digits after the point. */
export const VALUES: Readonly<Record<FieldKind, fc.Arbitrary<Value>>> = {
  text: fc.option(fc.oneof(word, fc.constantFrom('{a,b}', '"', '\\', ';', ' x ', 'NULL', '#N/A ', 'true', '1.0'))),
  picklist: fc.option(word),
  multipicklist: fc
    .array(
      fc.oneof(word, fc.constantFrom('NULL', '{', '"a,b"', '\\', ' ', '😀', 'Ａ')).filter((one) => !one.includes(';')),
    )
    .map(joinChoices),
  integer: fc.option(fc.maxSafeInteger().map(String)),
  decimal: fc.option(
    fc
      .double({ noNaN: true, min: -1e12, max: 1e12 })
      .map((number) => roundHalfEven(decimalText(number) ?? '0', 4))
      .filter(isExactDouble),
  ),
  boolean: fc.boolean(),
  date: fc.option(
    fc
      .tuple(year, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
      .map(([y, m, d]) => `${y}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`),
  ),
  datetime: fc.option(moment.map((date) => date.toISOString())),
  reference: fc.option(word),
};

export const kind = fc.constantFrom(...(Object.keys(VALUES) as FieldKind[]));

/** A field and two values of it, equal in about half of the cases. */
export const fieldAndTwoValues: fc.Arbitrary<{ field: FieldMapping; one: Value; other: Value }> = kind.chain((chosen) =>
  fc
    .tuple(VALUES[chosen], VALUES[chosen], fc.boolean())
    .map(([one, other, same]) => ({ field: fieldOf(chosen), one, other: same ? one : other })),
);
