/**
 * What the flow needs of each side, so that it can be tried against the simulator, a fake and the real thing alike.
 * Keys are external ids in canonical form (`canonicalKey` of the mapping). Documents hold every mapped field.
 */
import type { ObjectMapping } from './model/mapping.ts';
import type { Document } from './model/value.ts';

/** A record as a side has it now. */
export interface SideRecord {
  /** '' when the record has no external id, which only polling and reading by id can meet: it cannot be paired. */
  readonly key: string;
  /** Salesforce: the 18-character id. PostgreSQL: the external id as it is written there. */
  readonly id: string;
  /** Salesforce: the external id as it is written there, where the key may be folded to lower case. */
  readonly external_id?: string;
  readonly document: Document;
  /** When that side last changed it, by its own clock; null: it does not say. */
  readonly modified_ms: number | null;
  /** Values that cannot be carried over (too long, no number, unknown reference). Such a field is not in `document`. */
  readonly problems: readonly FieldProblem[];
}

/** Names the field and what is wrong with it, never its value. */
export interface FieldProblem {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** `missing`: surely not there (a complete answer said so) · `ambiguous`: several records have this external id. */
export type Found =
  | { readonly kind: 'record'; readonly record: SideRecord }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly ids: readonly string[] };

/** One record's change that is to be made in Salesforce. */
export interface SalesforceWrite {
  readonly key: string;
  /** Null: by external id. */
  readonly id: string | null;
  /** How a record that comes into being is to write its external id; none: as the key. */
  readonly external_id?: string;
  readonly operation: 'upsert' | 'update' | 'delete' | 'undelete';
  /** Only what is to change; empty for `delete` and `undelete`. */
  readonly fields: Document;
  /** Keys of records of other mappings of the same call that must exist first (parents created with it). */
  readonly after?: readonly string[];
}

/** How Salesforce answered for one record (records.md §12.8). */
export type SalesforceResult =
  | { readonly kind: 'done'; readonly id: string; readonly created: boolean }
  /** Deleted already, or gone: what a delete wanted. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly failure: SalesforceFailure };

export interface SalesforceFailure {
  /**
   * `retry` soon, the record is not at fault (locks, 5xx) · `throttle`, `auth`: nothing of the org goes now · `identity`:
   * look the record up anew · `order`: a parent is missing · `rolled_back`: a neighbour's fault, send again · `permanent`: this
   * record, as it is · `unknown`: no answer came, it may have happened.
   */
  readonly class: 'retry' | 'throttle' | 'auth' | 'identity' | 'order' | 'rolled_back' | 'permanent' | 'unknown';
  /** The vendor's code, or ours for transport failures. */
  readonly code: string;
  /** Without any value of the record. */
  readonly message: string;
  readonly fields: readonly string[];
  readonly wait_ms: number | null;
}

/** A page of records that a side walked over. */
export interface SidePage {
  readonly records: readonly SideRecord[];
  /** Records without an external id, or with a bad one: they cannot be paired. */
  readonly unkeyed: readonly { readonly id: string; readonly document: Document }[];
  /** Where to go on, opaque; null: this was the last page. */
  readonly next: string | null;
}

/** What changed in Salesforce, by polling: deleted records come with `deleted`. */
export interface PollPage {
  readonly changed: readonly (SideRecord & { readonly changed_by: string | null })[];
  readonly deleted: readonly { readonly id: string; readonly deleted_ms: number }[];
  /** Position after this page, opaque. */
  readonly position: string;
  /** More waits right now. */
  readonly more: boolean;
}

export interface SalesforceSide {
  /** Who we are there: `changed_by` of our own writes, and the tag in `changeOrigin`. */
  identity(signal: AbortSignal): Promise<{ user_id: string; client: string; organization_id: string }>;
  /** Newest state of each key, in their order. At most 2,000. Throws a SynclineError when an answer is missing or short. */
  readKeys(mapping: ObjectMapping, keys: readonly string[], signal: AbortSignal): Promise<Found[]>;
  /** The same by Salesforce id. */
  readIds(mapping: ObjectMapping, ids: readonly string[], signal: AbortSignal): Promise<Found[]>;
  /** Writes each once, by the lane that fits how many there are; one result for each, in order. Never throws for a vendor's refusal. */
  write(mapping: ObjectMapping, writes: readonly SalesforceWrite[], signal: AbortSignal): Promise<SalesforceResult[]>;
  /** All records, 2,000 a call; `from` null begins. Modified before `until_ms` when given. */
  scan(mapping: ObjectMapping, from: string | null, signal: AbortSignal): Promise<SidePage>;
  /** Changes after a position (null: from `now`). Overlaps on purpose; what comes twice is harmless. */
  poll(mapping: ObjectMapping, position: string | null, signal: AbortSignal): Promise<PollPage>;
  /** Calls that are left today, as last heard; null before the first answer. */
  budget(): { readonly used: number; readonly max: number } | null;
}

/** The customer's table. */
export interface PostgresSide {
  /** Rows as they are now, in the order of the keys. `ambiguous`: several rows whose keys are one in Salesforce. */
  readKeys(mapping: ObjectMapping, keys: readonly string[]): Promise<Found[]>;
  /** All rows in key order, 2,000 a call. */
  scan(mapping: ObjectMapping, from: string | null): Promise<SidePage>;
}
