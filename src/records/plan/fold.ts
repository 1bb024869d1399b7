/**
 * What is known of a record in Salesforce, from the entries about it and from fetches. Entries of one partition come in
 * Salesforce's own order; a fetch or another partition may be ahead of them, which the times tell.
 */
import type { RecordChange } from '../change.ts';
import { fingerprint } from '../model/fingerprint.ts';
import type { Document } from '../model/value.ts';
import type { Found } from '../sides.ts';

export interface SalesforceState {
  /** `unknown`: only a fetch can tell; nothing may be planned. */
  readonly presence: 'present' | 'absent' | 'unknown';
  readonly id: string | null;
  readonly document: Document;
  /** The document has every mapped field, except those that cannot be read. If not: fetch. */
  readonly whole: boolean;
  /** When somebody else than we last changed it, by Salesforce's clock; what `newest_wins` compares. */
  readonly modified_ms: number | null;
  /** The document was read as a whole when this was its last modification: what was committed by then is in it. */
  readonly as_of_ms: number | null;
  /** Partition id → last offset that is in here. */
  readonly folded: FoldedOffsets;
}

export type FoldedOffsets = Readonly<Record<string, number>>;

export interface FoldEntry {
  readonly partition_id: number;
  readonly offset: number;
  readonly change: RecordChange;
}

/** Nothing was ever heard of it. */
export const UNHEARD: SalesforceState = {
  presence: 'unknown',
  id: null,
  document: {},
  whole: false,
  modified_ms: null,
  as_of_ms: null,
  folded: {},
};

/**
 * The state after these entries, in whatever order and however often they are given. Entries of PostgreSQL and those that
 * are folded already change nothing. `sent`: what our retained intents of this key wrote to Salesforce, so that an
 * entry of ours is told from what a trigger or flow there changed along with it; without it an entry of ours changes nothing.
 */
export function fold(
  state: SalesforceState,
  entries: readonly FoldEntry[],
  sent: readonly Document[] | null = null,
): SalesforceState {
  const fresh = entries
    .filter(({ partition_id, offset }) => offset > (state.folded[partition_id] ?? 0))
    .sort((a, b) => a.partition_id - b.partition_id || a.offset - b.offset);
  const folded: Record<string, number> = { ...state.folded };
  let next = state;
  for (const { partition_id, offset, change } of fresh) {
    if (offset <= (folded[partition_id] ?? 0)) continue;
    folded[partition_id] = offset;
    if (change.side === 'salesforce') next = change.ours ? foldOurs(next, change, sent) : foldForeign(next, change);
  }
  return { ...next, folded };
}

/**
 * The state that a fetch found. The time that it tells is that of our own last write when nothing differs from what was
 * known before (`previous`), and then nobody's change.
 */
export function fetched(found: Found, folded: FoldedOffsets, previous: SalesforceState | null): SalesforceState {
  if (found.kind === 'ambiguous') return { ...UNHEARD, folded };
  if (found.kind === 'missing') return { ...UNHEARD, presence: 'absent', whole: true, folded };
  const { id, document, modified_ms: as_of_ms } = found.record;
  const is_known = previous?.presence === 'present' && fingerprint(previous.document) === fingerprint(document);
  const modified_ms = is_known ? previous.modified_ms : as_of_ms;
  return { presence: 'present', id, document, whole: true, modified_ms, as_of_ms, folded };
}

function foldForeign(state: SalesforceState, change: RecordChange): SalesforceState {
  if (isContained(state, change)) return state;
  const modified_ms = later(state.modified_ms, change.committed_ms);
  if (isAnother(state, change)) return { ...state, presence: 'unknown', modified_ms };
  const id = change.salesforce_id ?? state.id;
  switch (change.operation) {
    case 'touched':
      return { ...state, presence: 'unknown', id, modified_ms };
    case 'deleted':
      return { ...state, presence: 'absent', id, document: {}, whole: true, modified_ms, as_of_ms: null };
    case 'undeleted':
    case 'changed':
      if (change.whole) return foldWhole(state, change, id, modified_ms);
      // A part of a record that was not there: an event is missing, or came late.
      if (change.operation === 'undeleted' || state.presence !== 'present')
        return { ...state, presence: 'unknown', id, modified_ms };
      return { ...state, id, document: { ...state.document, ...change.fields }, modified_ms };
  }
}

function foldWhole(
  state: SalesforceState,
  change: RecordChange,
  id: string | null,
  modified_ms: number | null,
): SalesforceState {
  const { committed_ms, fields } = change;
  if (mayBeLate(state, committed_ms)) return { ...state, presence: 'unknown', id, modified_ms };
  return { ...state, presence: 'present', id, document: fields, whole: true, modified_ms, as_of_ms: committed_ms };
}

/**
 * Whether something that is known already may be newer than this reading: which of the two holds, only a fetch tells. A
 * record known to be gone comes back only by what surely happened later, or a late event would revive it.
 */
function mayBeLate({ presence, modified_ms }: SalesforceState, committed_ms: number | null): boolean {
  if (committed_ms === null || modified_ms === null) return presence === 'absent';
  return presence === 'absent' ? committed_ms <= modified_ms : committed_ms < modified_ms;
}

/**
 * What we wrote was put into the document when it was settled, and may have been written again since. Anything else in
 * the same event was Salesforce's own doing: a field that we never sent counts as a foreign change, another value
 * than any that we sent needs a fetch.
 */
function foldOurs(state: SalesforceState, change: RecordChange, sent: readonly Document[] | null): SalesforceState {
  if (change.operation === 'deleted') return state.presence === 'present' ? { ...state, presence: 'unknown' } : state;
  if (sent === null || state.presence !== 'present' || isContained(state, change)) return state;
  const foreign: Record<string, Document[string]> = {};
  for (const [field, value] of Object.entries(change.fields)) {
    const values = sent.flatMap((document) => (document[field] === undefined ? [] : [document[field]]));
    if (values.length === 0) foreign[field] = value;
    else if (!values.includes(value)) return { ...state, presence: 'unknown' };
  }
  return { ...state, document: { ...state.document, ...foreign }, whole: state.whole || change.whole };
}

/** Committed before the state was read as a whole, so it is in there. */
function isContained({ as_of_ms, presence }: SalesforceState, { committed_ms, operation }: RecordChange): boolean {
  if (presence !== 'present' || as_of_ms === null || committed_ms === null || operation === 'touched') return false;
  return committed_ms <= as_of_ms;
}

/** The external id belongs to another record than the one that is known: moved, or not unique. */
function isAnother({ presence, id }: SalesforceState, { salesforce_id }: RecordChange): boolean {
  return presence === 'present' && id !== null && salesforce_id !== null && id !== salesforce_id;
}

function later(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
