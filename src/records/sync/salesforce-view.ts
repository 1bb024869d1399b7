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
  const tagged = changes.filter(({ ours }) => ours);
  const entries = changes.map((change) => {
    const waiting = intents.filter(({ intent_id }) => !seen.has(intent_id));
    const echo = echoOf(change, waiting, tagged);
    if (echo !== null) {
      seen.add(echo.intent_id);
      if (isOtherThanSent(change, echo)) maybe_older = true;
    }
    // Ours, and no write waits for it: what seemed its echo was somebody else's same value, or Salesforce wrote once more.
    else if (waiting.length > 0 || change.ours) maybe_older = true;
    if (echo === null && !change.ours) noteOverwritten(overwritten, waiting, change);
    return { partition_id, offset: change.offset, change: { ...change, ours: change.ours || echo !== null } };
  });
  const sent = intents.map(({ fields }) => fields);
  const state = fold(link.salesforce, entries, sent.length === 0 ? null : sent);
  // Also one whose echo came: what it wrote was never put into the document.
  const unanswered = intents.some((intent) => intent.state === 'sent');
  const too_little = state.presence === 'unknown' || (state.presence === 'present' && !state.whole);
  return { state, needs_fetch: maybe_older || unanswered || too_little, seen, overwritten };
}

/**
 * The write of ours that this tells of, the oldest first: by our tag; without it by the very values of a write that was not
 * seen yet, unless an entry with our tag tells them, too. Somebody may have made the same value before us.
 */
function echoOf(change: PlacedChange, waiting: readonly Intent[], tagged: readonly PlacedChange[]): Intent | null {
  if (change.ours) return waiting.find((intent) => matches(change, intent)) ?? waiting[0] ?? null;
  const untold = waiting.filter((intent) => !tagged.some((other) => matches(other, intent)));
  return untold.find((intent) => matches(change, intent)) ?? null;
}

/** Salesforce made something else of what we wrote (a trigger, a flow): only a fetch tells what it has. */
function isOtherThanSent({ fields }: PlacedChange, intent: Intent): boolean {
  return Object.entries(intent.fields).some(([field, value]) => fields[field] !== undefined && fields[field] !== value);
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
      if (ours[field] !== undefined && ours[field] !== value)
        noted[field] = { salesforce: value, base: before[field], ours: ours[field] };
}
