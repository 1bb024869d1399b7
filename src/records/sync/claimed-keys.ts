import type { Task } from '../../engine/keyed/store.ts';
import { SynclineError, invariant } from '../../platform/errors.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { fetched } from '../plan/fold.ts';
import type { PostgresFound, PostgresTables } from '../postgres/table.ts';
import type { Found, SalesforceSide } from '../sides.ts';
import type { FlowDatabase } from './flow-database.ts';
import { readKeyChanges, type KeyChanges } from './key-entries.ts';
import { readKeyStates, type KeyState } from './key-states.ts';
import { readTold } from './salesforce-view.ts';
import type { RecordStream } from './streams.ts';
import { postgresState, type KeyView } from './view.ts';

export interface ReadingOptions {
  database: FlowDatabase;
  stream: RecordStream;
  mapping: ObjectMapping;
  salesforce: SalesforceSide;
  postgres: Pick<PostgresTables, 'readKeys'>;
}

/** Views of the keys that could be read, and why the others could not. */
export interface Claimed {
  views: KeyView[];
  failure: SynclineError | null;
}

/**
 * Reads what is known of claimed keys: three queries, and one look at Salesforce for those of which too little was told. When
 * that look fails, those that need none are told all the same. Throws what PostgreSQL throws.
 */
export async function readClaimed(
  tasks: readonly Task[],
  options: ReadingOptions,
  signal: AbortSignal,
): Promise<Claimed> {
  const { database, stream, mapping, postgres } = options;
  const keys = tasks.map(({ key }) => key);
  const states = await readKeyStates(database, stream, keys);
  const links = states.map(({ link }) => link);
  const [changes, rows] = await Promise.all([
    readKeyChanges(database, stream, links),
    postgres.readKeys(mapping, keys),
  ]);
  const views = tasks.map((task, i) => {
    const [state, told] = [states[i], changes[i]];
    invariant(state && told, 'each key has a state and a list of changes');
    const view = viewOf(task, state, told, rows[i], stream.salesforce.partition_id);
    return { ...view, needs_fetch: view.needs_fetch || lacksSpelling(view, mapping) };
  });
  try {
    return { views: await withFetches(views, options, signal), failure: null };
  } catch (error) {
    if (!(error instanceof SynclineError) || signal.aborted) throw error;
    return { views: views.filter(({ needs_fetch }) => !needs_fetch), failure: error };
  }
}

function viewOf(
  task: Task,
  state: KeyState,
  changes: KeyChanges,
  row: PostgresFound | undefined,
  partition_id: number,
): KeyView {
  const { state: salesforce, needs_fetch, seen, overwritten } = readTold(state, changes.salesforce, partition_id);
  return {
    task,
    state,
    changes,
    postgres: postgresState(row, state, changes),
    postgres_record: row?.kind === 'record' ? row.record : null,
    salesforce,
    salesforce_problems: [],
    salesforce_external_id: null,
    needs_fetch,
    fetched: false,
    seen,
    echoed: seen,
    overwritten,
    ambiguous: row?.kind === 'ambiguous' ? 'postgres' : null,
  };
}

/** A row that is to be made gets the external id as Salesforce writes it, which a folded key does not tell. */
function lacksSpelling({ task, state, postgres, salesforce }: KeyView, mapping: ObjectMapping): boolean {
  const { case_sensitive, external_id } = mapping.salesforce;
  if (case_sensitive || external_id === 'Id' || task.key.toUpperCase() === task.key) return false;
  if (postgres.presence !== 'absent' || salesforce.presence !== 'present') return false;
  // A row that was there is made anew only where a deletion does not go the other way.
  return state.link.agreed?.had.postgres !== 'present' || mapping.direction === 'salesforce_to_postgres';
}

/** One call for all that need it: by id where there is one, else by external id. */
async function withFetches(
  views: readonly KeyView[],
  { mapping, salesforce }: ReadingOptions,
  signal: AbortSignal,
): Promise<KeyView[]> {
  const wanting = views.filter(({ needs_fetch }) => needs_fetch);
  if (wanting.length === 0) return [...views];
  const by_key = wanting.filter((view) => view.salesforce.id === null);
  const by_id = wanting.filter((view) => view.salesforce.id !== null);
  const keys = by_key.map(({ task }) => task.key);
  const ids = by_id.map((view) => view.salesforce.id ?? '');
  const [of_keys, of_ids] = await Promise.all([
    keys.length === 0 ? [] : salesforce.readKeys(mapping, keys, signal),
    ids.length === 0 ? [] : salesforce.readIds(mapping, ids, signal),
  ]);
  const found = new Map<KeyView, Found | undefined>([
    ...by_key.map((view, i) => [view, of_keys[i]] as const),
    ...by_id.map((view, i) => [view, of_ids[i]] as const),
  ]);
  return views.map((view) => (view.needs_fetch ? withFetched(view, found.get(view)) : view));
}

/** What was asked for settles what was told: of a write whose answer never came, and of one that a poll showed. */
function withFetched(view: KeyView, found: Found | undefined): KeyView {
  const { state, changes, task } = view;
  invariant(found !== undefined, 'a fetch answers for each record');
  // The id leads to a record whose external id is another one now: this key has none there.
  const is_other = found.kind === 'record' && found.record.key !== task.key;
  const answer: Found = is_other ? { kind: 'missing' } : found;
  const polled = changes.salesforce.some(({ whole, ours }) => whole && !ours);
  const settled = state.intents.filter((intent) => polled || intent.state !== 'settled');
  return {
    ...view,
    salesforce: fetched(answer, view.salesforce.folded, state.link.salesforce),
    salesforce_problems: answer.kind === 'record' ? answer.record.problems : [],
    salesforce_external_id: (answer.kind === 'record' && answer.record.external_id) || null,
    fetched: true,
    seen: new Set([...view.seen, ...settled.map(({ intent_id }) => intent_id)]),
    ambiguous: answer.kind === 'ambiguous' ? 'salesforce' : view.ambiguous,
  };
}
