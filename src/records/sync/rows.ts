/** Rows of the flow's tables (migrations/0001-records.sql). */
import type { Document, Side, Value } from '../model/value.ts';
import type { SalesforceState } from '../plan/fold.ts';
import type { Agreement } from '../plan/pair.ts';

/** What is known of a key. */
export interface Link {
  stream: string;
  key: string;
  /** What Salesforce has, as last told. */
  salesforce: SalesforceState;
  /** Entries of PostgreSQL's partition up to here were taken into account. */
  postgres_offset: number;
  /** What both sides agreed on last; null: never. */
  agreed: Agreement | null;
  mapping_version: string;
  /** The version that was read; 0: there was no row. */
  version: number;
}

/** What was about to be written to Salesforce. */
export interface Intent {
  intent_id: string;
  stream: string;
  key: string;
  operation: 'upsert' | 'update' | 'delete' | 'undelete';
  fields: Document;
  /** The agreed values of these fields before; a field on which nothing was agreed is absent. */
  before: Document;
  /** Those of the fields whose value PostgreSQL had: once it arrived, both sides agreed on it. */
  carried: readonly string[];
  state: 'sent' | 'settled' | 'refused' | 'unknown';
  seen: boolean;
}

/** What a person decided about a conflict. */
export type Resolution = { take: Side } | { value: Value };

/** A field that both sides changed; `field` null: the record itself. Values are null where a side has no record or none was agreed. */
export interface Conflict {
  conflict_id: string;
  stream: string;
  key: string;
  field: string | null;
  base: Value;
  salesforce: Value;
  postgres: Value;
  /** The value of Salesforce is one that a write of ours replaced unseen. */
  overwritten: boolean;
}

export interface KnownConflict extends Conflict {
  /** Null: it waits for a person. */
  resolution: Resolution | null;
}

/** Why something was written. */
export type Cause = 'change' | 'first-sync' | 'repair' | 'conflict' | 'revert';

/** Values by field: before, after. Null instead of a document's absence. */
export type Changes = Readonly<Record<string, readonly [before: Value, after: Value]>>;

export interface HistoryRow {
  stream: string;
  key: string;
  side: Side;
  operation: 'create' | 'update' | 'delete' | 'undelete';
  batch_id: string;
  cause: Cause;
  actor: string | null;
  session: string | null;
  changes: Changes;
}

/** Values that somebody wants a key to have on both sides. */
export interface Wish {
  fields: Document;
  cause: Cause;
  actor: string | null;
}
