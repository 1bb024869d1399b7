/** What a person decides about conflicts, and whether it still says what they meant when it is carried out. */
import { carried, refused, type Converted } from '../model/converted.ts';
import type { FieldMapping } from '../model/mapping.ts';
import { readValue, type Parents } from '../model/read-value.ts';
import { checkForSalesforce } from '../model/salesforce-value.ts';
import type { Document, Side, Value } from '../model/value.ts';
import { otherSide, type FieldConflict } from './merge.ts';

/** `--take salesforce`, `--take postgres`, or a value of their own. */
export type Choice = { readonly take: Side } | { readonly value: Value };

export interface Resolution {
  readonly choice: Choice;
  /** The conflict as it was when they decided. */
  readonly seen: FieldConflict;
}

/** A value as typed on the command line; `null` empties the field. Salesforce must be able to keep it. */
export function readChosenValue(field: FieldMapping, typed: string | null, parents: Parents): Converted<Value> {
  if (typed === null && field.kind === 'boolean') return refused(field, 'not_boolean');
  const parent = field.references === null ? null : (parents.get(field.references) ?? null);
  const read = readValue(field, typed, parent);
  return read.ok ? checkForSalesforce(field, read.value) : read;
}

/** Those resolutions that hold as the values that `planRecord` takes, and the fields whose conflict must be decided anew. */
export interface HoldingResolutions {
  readonly fields: Document;
  readonly reopened: readonly string[];
}

/**
 * A decision holds as long as nothing that it gives up was changed after the person saw it: the side that loses is as it
 * was, or has the chosen value already. The side that was taken counts with what it has now.
 */
export function holdingResolutions(
  resolutions: readonly Resolution[],
  now: Readonly<Record<Side, Document>>,
): HoldingResolutions {
  const fields: Record<string, Value> = {};
  const reopened: string[] = [];
  for (const { choice, seen } of resolutions) {
    const { field } = seen;
    const value = 'take' in choice ? now[choice.take][field] : choice.value;
    const losers = 'take' in choice ? [otherSide(choice.take)] : (['salesforce', 'postgres'] as const);
    const holds = losers.every((side) => now[side][field] === seen[side] || now[side][field] === value);
    if (value !== undefined && holds) fields[field] = value;
    else reopened.push(field);
  }
  return { fields, reopened };
}

/** The value that a choice means for a conflict as it was seen, to be shown before it is confirmed. */
export function chosenValue({ choice, seen }: Resolution): Converted<Value> {
  return carried('take' in choice ? seen[choice.take] : choice.value);
}
