/** How one object of Salesforce and one table of PostgreSQL are kept in step: a mapping file, parsed and checked. */
import type { FieldKind, Side } from './value.ts';

/** Which way changes go. New objects start with `salesforce_to_postgres` (R16). */
export type Direction = 'salesforce_to_postgres' | 'postgres_to_salesforce' | 'both';

/** Whether anything goes to that side. */
export function writesTo(direction: Direction, side: Side): boolean {
  return direction === 'both' || direction === `${side === 'salesforce' ? 'postgres' : 'salesforce'}_to_${side}`;
}

/** Whose word counts when both sides changed a field since they last agreed; `shared`: the object's policy decides. */
export type Owner = Side | 'shared';

/**
 * What becomes of a `shared` field that both sides changed. `manual`: a conflict for a person · `newest_wins`: the later
 * modification (Salesforce's own clock against the database's; equal: a conflict) · `custom`: a function of the embedding program.
 */
export type ConflictPolicy = 'manual' | 'salesforce_wins' | 'postgres_wins' | 'newest_wins' | 'custom';

/**
 * What becomes of the other side's record when one is deleted. `propagate` deletes it, under the brakes · `ignore` leaves
 * it, and the pair is no pair any more. A delete against a change is a conflict under `manual`, else the policy's side wins.
 */
export type DeletePolicy = 'propagate' | 'ignore';

export interface FieldMapping {
  /** The name of the field here: of documents, conflicts, history, command line. The column's name unless given. */
  readonly name: string;
  readonly salesforce: string;
  readonly postgres: string;
  readonly kind: FieldKind;
  readonly direction: Direction;
  readonly owner: Owner;
  /** Kind `reference`: the object mapping whose external id the value is. */
  readonly references: string | null;
  /** Kind `reference`: how Salesforce names the relation (`Account__r`), and the parent's external id field. */
  readonly relationship: { readonly name: string; readonly external_id: string } | null;
  /** Kind `text`: most characters that Salesforce takes; a longer value is an invalid row, never cut. Null: no limit known. */
  readonly length: number | null;
  /** Kind `decimal`: digits after the point that both sides keep; a value with more is rounded half to even before it is compared. */
  readonly scale: number | null;
}

export interface ObjectMapping {
  /** `accounts` of `records/accounts`: the engine's stream is `records/NAME`. */
  readonly name: string;
  /** 16 hex digits over everything here that decides what is written: a plan and its apply are for one version. */
  readonly version: string;
  readonly salesforce: {
    readonly object: string;
    /** Field that holds the external id; `Id` only with `salesforce_to_postgres`. */
    readonly external_id: string;
    /** False: `abc` and `ABC` are one record there, so the key is folded to lower case. */
    readonly case_sensitive: boolean;
  };
  readonly postgres: {
    /** `schema.table`, unquoted parts. */
    readonly table: string;
    /** Column with the external id; unique and not null. */
    readonly key: string;
    /** Column that gets the Salesforce id written back; null: none. */
    readonly salesforce_id: string | null;
  };
  readonly direction: Direction;
  readonly policy: ConflictPolicy;
  readonly deletes: DeletePolicy;
  /** Sets of field names, tried in order, by which records without a common external id are matched (R18). */
  readonly natural_keys: readonly (readonly string[])[];
  readonly brakes: Brakes;
  readonly fields: readonly FieldMapping[];
}

/** What one object may change in an hour on one side before it pauses and asks (R17). */
export interface Brakes {
  readonly max_deletes: number;
  readonly max_creates: number;
  /** Updates, as a share of the known pairs. At least 100 are always allowed. */
  readonly max_changes_percent: number;
}
