/** What a plan for one record is made from: both sides as they are, and what they agreed on. */
import type { FieldMapping, ObjectMapping } from '../model/mapping.ts';
import type { Document, Side, Value } from '../model/value.ts';
import type { FieldProblem } from '../sides.ts';
import type { CustomPolicy } from './merge.ts';

/** Which sides had the record when they last agreed. `unknown`: nothing may be concluded from its absence now. */
export type Had = Readonly<Record<Side, 'present' | 'absent' | 'unknown'>>;

export type SideState =
  | {
      readonly presence: 'present';
      readonly document: Document;
      /** When somebody else than we last changed it there, by that side's clock. Our own writes must not move it: they would win. */
      readonly modified_ms: number | null;
      /** Fields that cannot be read; they are not in `document`. */
      readonly problems?: readonly FieldProblem[];
    }
  /** `modified_ms`: when it was deleted, if that is known. */
  | { readonly presence: 'absent'; readonly modified_ms: number | null }
  /** A fetch is needed, or several records have this key. */
  | { readonly presence: 'unknown' };

/** What both sides last agreed on. */
export interface Agreement {
  readonly base: Document;
  readonly had: Had;
}

/**
 * A foreign edit in Salesforce that was committed before a write of ours replaced it, as its late event tells: `base` is
 * what the sides had agreed on before our write. It meets PostgreSQL's edit in the merge. Given again by the caller as
 * long as its conflict is open.
 */
export interface OverwrittenEdit {
  readonly base: Value | undefined;
  readonly salesforce: Value;
  /** What our write put in its place; where Salesforce has something else by now, that counts. Absent: the agreed value. */
  readonly ours?: Value;
}

export interface PairInput {
  readonly mapping: ObjectMapping;
  /** Null: never synced. */
  readonly link: Agreement | null;
  readonly salesforce: SideState;
  readonly postgres: SideState;
  /** What a person took, by field; `record`: the side whose presence counts, after a delete against a change. */
  readonly resolutions?: { readonly fields: Document; readonly record: Side | null };
  /** Values to be written on both sides whatever they have now (a revert). */
  readonly wanted?: Document;
  /** Where neither side has the record, it is made on both from `wanted` (the revert of a delete). */
  readonly restore?: boolean;
  readonly overwritten?: Readonly<Record<string, OverwrittenEdit>>;
  /** Policy `custom`. */
  readonly custom?: CustomPolicy;
  /** Whether the column can keep the value; Salesforce's own check is built in. */
  readonly checkPostgres?: (field: FieldMapping, value: Value) => FieldProblem | null;
}
