/**
 * What Salesforce has of a key, from the link and what was told since: which entries are echoes of our own writes, which
 * tell of an edit that a write of ours replaced, and whether all that is enough (README: Fetch, Echo). Pure.
 */
import { fold, type SalesforceState } from '../plan/fold.ts';
import type { OverwrittenEdit } from '../plan/pair.ts';
import type { PlacedChange } from './key-entries.ts';
import type { KeyState } from './key-states.ts';
import type { Intent } from './rows.ts';

export interface Told {
  state: SalesforceState;
  /** Too little was told, or what was told may be older than what is known. */
  needs_fetch: boolean;
  /** Intents whose echo was among the entries. */
  seen: ReadonlySet<string>;
  overwritten: Readonly<Record<string, OverwrittenEdit>>;
}

export function readTold({ link, intents }: KeyState, changes: readonly PlacedChange[], partition_id: number): Told {
  const seen = new Set<string>();
  const overwritten: Record<string, OverwrittenEdit> = {};
  let maybe_older = false;
  const entries = changes.map((change) => {
    const waiting = intents.filter(({ intent_id }) => !seen.has(intent_id));
    const echo = echoOf(change, waiting);
    if (echo !== null) seen.add(echo.intent_id);
    else if (waiting.length > 0) maybe_older = true;
    if (echo === null && !change.ours) noteOverwritten(overwritten, waiting, change);
    return { partition_id, offset: change.offset, change: { ...change, ours: change.ours || echo !== null } };
  });
  const sent = intents.map(({ fields }) => fields);
  const state = fold(link.salesforce, entries, sent.length === 0 ? null : sent);
  const unanswered = intents.some((intent) => intent.state === 'sent' && !seen.has(intent.intent_id));
  const too_little = state.presence === 'unknown' || (state.presence === 'present' && !state.whole);
  return { state, needs_fetch: maybe_older || unanswered || too_little, seen, overwritten };
}

/** The write of ours that this tells of: our tag, or the very values of a write that was not seen yet; the oldest first. */
function echoOf(change: PlacedChange, waiting: readonly Intent[]): Intent | null {
  return waiting.find((intent) => matches(change, intent)) ?? (change.ours ? (waiting[0] ?? null) : null);
}

function matches({ operation, fields, whole }: PlacedChange, intent: Intent): boolean {
  if (intent.operation === 'delete') return operation === 'deleted';
  if (operation !== 'changed' && operation !== 'undeleted') return false;
  const written = Object.keys(intent.fields);
  if (!whole && Object.keys(fields).length !== written.length) return false;
  return written.length > 0 && written.every((field) => fields[field] === intent.fields[field]);
}

/**
 * Somebody else's value for a field that we wrote and have not seen arrive: change events come in the order of commits, so
 * theirs was before ours, and ours went over it unseen. The merge gets to see it. A polled record says nothing of the kind: it
 * is what is there now, before our write or after it.
 */
function noteOverwritten(
  noted: Record<string, OverwrittenEdit>,
  waiting: readonly Intent[],
  { operation, fields, whole }: PlacedChange,
): void {
  if (whole || operation !== 'changed') return;
  for (const { fields: ours, before } of waiting)
    for (const [field, value] of Object.entries(fields))
      if (field in ours && ours[field] !== value) noted[field] = { salesforce: value, base: before[field] };
}
