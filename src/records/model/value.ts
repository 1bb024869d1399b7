/**
 * What a mapped field holds, in one form for both sides. Each side's own form (a number in JSON, `#N/A` in a bulk file, a
 * `timestamptz`) is made and read at that side's edge, so that two values are equal exactly when their neutral forms are.
 *
 * | kind | neutral form |
 * |---|---|
 * | text, picklist | string; '' becomes null, because Salesforce keeps no empty text |
 * | multipicklist | the choices in code point order, joined by `;`; none: null |
 * | integer, decimal | shortest decimal text without exponent: `-12.5`, `0`, never `-0` or `12.50` |
 * | boolean | true or false; Salesforce knows no null there: null becomes false |
 * | date | `YYYY-MM-DD` |
 * | datetime | `YYYY-MM-DDTHH:MM:SS.mmmZ`; Salesforce keeps milliseconds of it |
 * | reference | external id of the record it points to, in that object's canonical form |
 */
export type Value = string | boolean | null;

export const FIELD_KINDS = [
  'text',
  'picklist',
  'multipicklist',
  'integer',
  'decimal',
  'boolean',
  'date',
  'datetime',
  'reference',
] as const;
export type FieldKind = (typeof FIELD_KINDS)[number];

/** Values by the mapping's names of fields. A field that is absent is not known, which is not the same as null. */
export type Document = Readonly<Record<string, Value>>;

/** Which of the two. */
export type Side = 'salesforce' | 'postgres';
