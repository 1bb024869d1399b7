import type { EngineStore, NewEntry } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { MappedTables, OutboxNotice, OutboxPage, OutboxProblem, OutboxReader } from '../postgres/outbox-reader.ts';
import type { FlowDatabase } from './flow-database.ts';
import { pauseObject } from './mapping-states.ts';
import type { RecordStream } from './streams.ts';

/** The outbox is one for all objects. */
const SOURCE_STREAM = 'records';
const SOURCE = 'postgres outbox';
/** Rows stay this long after they were taken, for a person who looks. */
const KEEP_MS = 3_600_000;

export interface OutboxCaptureOptions {
  store: EngineStore;
  database: FlowDatabase;
  reader: OutboxReader;
  tables: MappedTables;
  /** By object. */
  streams: ReadonlyMap<string, RecordStream>;
  clock: Clock;
  /** A row that could not be carried over whole; its key goes on. */
  onProblem: (problem: OutboxProblem) => void;
}

export interface OutboxRound {
  appended: number;
  /** How old the oldest change is that a running transaction holds back; null: none is. */
  hole_age_ms: number | null;
  more: boolean;
}

/** Moves one page of the outbox into the journal; the checkpoint moves with it. Throws as the store does. */
export async function captureOutbox(options: OutboxCaptureOptions): Promise<OutboxRound> {
  const { store, reader, tables, clock } = options;
  const source = await store.openSource(SOURCE_STREAM, SOURCE, clock.now_ms());
  const page = await reader.read(tables, source.checkpoint);
  await pauseForNotices(options, page.notices);
  for (const problem of page.problems) options.onProblem(problem);
  const hole_age_ms = page.hole?.age_ms ?? null;
  if (page.checkpoint === source.checkpoint) return { appended: 0, hole_age_ms, more: page.more };
  const { appended } = await store.append({
    source_id: source.source_id,
    entries: entriesOf(options, page),
    checkpoint: page.checkpoint,
    now_ms: clock.now_ms(),
  });
  await reader.trim(page.checkpoint, clock.now_ms() - KEEP_MS);
  return { appended, hole_age_ms, more: page.more };
}

/** What waits in the outbox now, and the age of what is held back. */
export async function outboxBacklog(
  store: EngineStore,
  reader: OutboxReader,
  now_ms: number,
): Promise<{ waiting: number; oldest_ms: number | null; hole_age_ms: number | null }> {
  const { checkpoint } = await store.openSource(SOURCE_STREAM, SOURCE, now_ms);
  const [backlog, hole] = await Promise.all([reader.backlog(checkpoint), reader.oldestHole(checkpoint)]);
  return { ...backlog, hole_age_ms: hole?.age_ms ?? null };
}

/** What we wrote ourselves was settled with it: it is no news. */
function entriesOf({ streams, clock }: OutboxCaptureOptions, { changes }: OutboxPage): NewEntry[] {
  const observed_ms = clock.now_ms();
  return changes.flatMap(({ object, key, cursor, change }) => {
    const stream = streams.get(object);
    if (stream === undefined || change.ours) return [];
    const { partition_id } = stream.postgres;
    return [{ partition_id, key, cursor, subject: null, observed_ms, payload: JSON.stringify(change) }];
  });
}

/** Before anything of the page is taken: a table that was emptied deletes nothing in Salesforce until a person says so. */
async function pauseForNotices(
  { database, streams, clock }: OutboxCaptureOptions,
  notices: readonly OutboxNotice[],
): Promise<void> {
  for (const { object, kind } of notices) {
    const stream = streams.get(object);
    if (stream === undefined) continue;
    const message =
      kind === 'truncated'
        ? `The table of ${object} was emptied with TRUNCATE`
        : `A mapped column of ${object} was renamed or dropped, and rows changed since`;
    const reason = kind === 'truncated' ? ('truncated' as const) : ('unreadable' as const);
    await pauseObject(database, stream.stream, { reason, message, side: 'postgres', at_ms: clock.now_ms() });
  }
}
