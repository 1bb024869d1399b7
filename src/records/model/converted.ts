/** A value that could be carried over an edge, or what is wrong with it: one bad value never stops a record. */
import type { FieldProblem } from '../sides.ts';
import type { FieldMapping } from './mapping.ts';
import type { Document } from './value.ts';

/** Why a value cannot be carried over. The codes never change. */
export const PROBLEMS = {
  wrong_kind: 'holds another kind of value than the mapping says',
  not_text: 'is not a text',
  not_unicode: 'holds half a character (an unpaired surrogate), which no UTF-8 text can',
  nul_character: 'holds the character U+0000, which PostgreSQL cannot keep',
  too_long: 'is longer than Salesforce takes; it is never cut',
  not_number: 'is not a finite number',
  not_integer: 'is not a whole number',
  too_precise: 'has more digits than the other side keeps; give the field a `scale`',
  out_of_range: 'is outside of what the other side takes',
  not_boolean: 'is neither true nor false',
  not_date: 'is not a date between the years 1 and 9999',
  not_datetime: 'is not a moment between the years 1 and 9999',
  not_choices: 'is not a list of choices, or a choice holds a semicolon',
  not_uuid: 'is not a UUID in lower case, as PostgreSQL writes it',
  unknown_reference: 'refers to a record whose external id is not known',
  not_in_bulk: 'cannot be told from null in a bulk file; it goes by a single call',
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export type Converted<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: FieldProblem };

export function carried<T>(value: T): Converted<T> {
  return { ok: true, value };
}

/** The message names the field and never the value. */
export function refused(field: Pick<FieldMapping, 'name'>, code: ProblemCode): Converted<never> {
  return { ok: false, problem: { field: field.name, code, message: `${field.name} ${PROBLEMS[code]}` } };
}

/** A record at an edge: what could be read of it, by the mapping's names of fields. */
export interface ReadDocument {
  readonly document: Document;
  readonly problems: readonly FieldProblem[];
}
