import type { Task } from '../../engine/keyed/store.ts';
import type { SalesforceState } from '../plan/fold.ts';
import type { OverwrittenEdit, SideState } from '../plan/pair.ts';
import type { PostgresFound, PostgresRecord } from '../postgres/table.ts';
import type { FieldProblem } from '../sides.ts';
import type { KeyChanges } from './key-entries.ts';
import type { KeyState } from './key-states.ts';

/** All that is known of a claimed key. */
export interface KeyView {
  readonly task: Task;
  readonly state: KeyState;
  readonly changes: KeyChanges;
  readonly postgres: SideState;
  /** As it was read: what a write of it compares. */
  readonly postgres_record: PostgresRecord | null;
  readonly salesforce: SalesforceState;
  readonly salesforce_problems: readonly FieldProblem[];
  /** The external id in Salesforce's spelling, once a fetch told it. */
  readonly salesforce_external_id: string | null;
  /** Salesforce has to be asked: what was told is not enough, or may be older than what is known. */
  readonly needs_fetch: boolean;
  /** A complete answer came in this attempt. */
  readonly fetched: boolean;
  /** Intents whose echo was among the entries: they arrived. */
  readonly echoed: ReadonlySet<string>;
  /** Intents that the entries, or a fetch, settled one way or the other. */
  readonly seen: ReadonlySet<string>;
  readonly overwritten: Readonly<Record<string, OverwrittenEdit>>;
  /** Several records have this key there. */
  readonly ambiguous: 'salesforce' | 'postgres' | null;
}

/**
 * PostgreSQL's side: the row as it is now. A row that is missing counts as deleted only when an entry says so: a table
 * that somebody emptied, restored or hid behind a policy deletes nothing (R28).
 */
export function postgresState(found: PostgresFound | undefined, { link }: KeyState, changes: KeyChanges): SideState {
  if (found?.kind === 'record') {
    const { document, modified_ms, problems } = found.record;
    return { presence: 'present', document, modified_ms, problems };
  }
  if (found?.kind !== 'missing') return { presence: 'unknown' };
  const last = changes.postgres.at(-1);
  const was_there = link.agreed?.had.postgres === 'present';
  if (was_there && last?.operation !== 'deleted') return { presence: 'unknown' };
  return { presence: 'absent', modified_ms: last?.committed_ms ?? null };
}

/**
 * Whether Salesforce surely lost a record that a complete answer did not have: told so, deleted by us, or never there. Else it
 * was hidden from us or purged unseen, which is for a person to say.
 */
export function isSurelyAbsent({ link, intents }: KeyState, changes: KeyChanges): boolean {
  if (link.agreed?.had.salesforce !== 'present') return true;
  return changes.salesforce.at(-1)?.operation === 'deleted' || intents.at(-1)?.operation === 'delete';
}
