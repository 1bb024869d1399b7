import type { Clock } from '../../platform/clock.ts';
import type { EngineStore, NewEntry, Source } from '../../engine/store.ts';
import type { RecordChange } from '../change.ts';
import { fingerprint } from '../model/fingerprint.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { PollPage, SalesforceSide } from '../sides.ts';
import type { FlowDatabase } from './flow-database.ts';
import { keysOfIds } from './ids.ts';
import type { RecordStream } from './streams.ts';

export interface PollCaptureOptions {
  store: EngineStore;
  database: FlowDatabase;
  salesforce: SalesforceSide;
  clock: Clock;
}

/** What a round of polling brought. */
export interface PollRound {
  appended: number;
  /** Deleted there, and never known here. */
  unknown_deletions: number;
  /** Records without an external id. */
  unkeyed: number;
}

/** Pages of one round; then other objects have their turn. */
const PAGES = 50;
/** Its checkpoint is where polling of an object stands. */
export const POLL_SOURCE = 'salesforce poll';

/**
 * Reads what changed in Salesforce since the last round and appends it. Rounds overlap on purpose: a record that comes
 * twice as it was has the same cursor and is taken once.
 */
export async function pollObject(
  options: PollCaptureOptions,
  mapping: ObjectMapping,
  { stream, salesforce: partition }: RecordStream,
  signal: AbortSignal,
): Promise<PollRound> {
  const { store, salesforce, clock } = options;
  const round = { appended: 0, unknown_deletions: 0, unkeyed: 0 };
  const source = await store.openSource(stream, POLL_SOURCE, clock.now_ms());
  let position = source.checkpoint;
  for (let page = 0; page < PAGES && !signal.aborted; page++) {
    const found = await salesforce.poll(mapping, position, signal);
    // A record without an external id is paired with nothing; it comes again when it gets one.
    const changed = found.changed.filter(({ key }) => key !== '');
    const entries = await entriesOf(options, { ...found, changed }, partition.partition_id, stream);
    round.appended += await append(options, source, entries, found.position);
    round.unkeyed += found.changed.length - changed.length;
    round.unknown_deletions += found.deleted.length + changed.length - entries.length;
    position = found.position;
    if (!found.more) break;
  }
  return round;
}

async function append(
  { store, clock }: PollCaptureOptions,
  { source_id }: Source,
  entries: NewEntry[],
  checkpoint: string,
): Promise<number> {
  const { appended } = await store.append({ source_id, entries, checkpoint, now_ms: clock.now_ms() });
  return appended;
}

async function entriesOf(
  { database, clock }: PollCaptureOptions,
  { changed, deleted }: PollPage,
  partition_id: number,
  stream: string,
): Promise<NewEntry[]> {
  const observed_ms = clock.now_ms();
  const keys = await keysOfIds(
    database,
    stream,
    deleted.map(({ id }) => id),
  );
  const entry = (key: string, cursor: string, change: RecordChange): NewEntry => ({
    partition_id,
    key,
    cursor,
    subject: null,
    observed_ms,
    payload: JSON.stringify(change),
  });
  const changes = changed.map(({ key, id, document, modified_ms, changed_by }) =>
    entry(key, `${id}:${modified_ms}:${fingerprint(document)}`, {
      side: 'salesforce',
      operation: 'changed',
      fields: document,
      whole: true,
      salesforce_id: id,
      committed_ms: modified_ms,
      // Polling does not tell the client; an intent with these values does.
      ours: false,
      actor: changed_by,
      session: null,
    }),
  );
  const deletions = deleted.flatMap(({ id, deleted_ms }) => {
    const key = keys.get(id);
    if (key === undefined) return [];
    const change: RecordChange = {
      side: 'salesforce',
      operation: 'deleted',
      fields: {},
      whole: false,
      salesforce_id: id,
      committed_ms: deleted_ms,
      ours: false,
      actor: null,
      session: null,
    };
    return [entry(key, `${id}:deleted:${deleted_ms}`, change)];
  });
  return [...changes, ...deletions];
}
