import type { Clock } from '../../platform/clock.ts';
import { PRIORITY } from '../../engine/keyed/store.ts';
import type { EngineStore, NewEntry } from '../../engine/store.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { captureChanges, type CaptureStep, type PoisonedEvent } from '../salesforce/pubsub/capture.ts';
import { replayIdFromText, type ReplayId } from '../salesforce/pubsub/replay-id.ts';
import type { Subscription } from '../salesforce/pubsub/subscription.ts';
import type { SalesforceSide } from '../sides.ts';
import type { FlowDatabase } from './flow-database.ts';
import { keysOfIds } from './ids.ts';
import type { RecordStream } from './streams.ts';

const SOURCE_STREAM = 'records';

export interface EventCaptureOptions {
  store: EngineStore;
  database: FlowDatabase;
  salesforce: SalesforceSide;
  /** Of this topic's objects, by object. */
  streams: ReadonlyMap<string, RecordStream>;
  mappings: readonly ObjectMapping[];
  /** `/data/AccountChangeEvent` */
  topic: string;
  subscribe: (replay: ReplayId | 'earliest' | 'latest') => Subscription;
  clock: Clock;
  /** Told after each step that brought something. */
  appended: (entries: number) => void;
  onPoisoned: (event: PoisonedEvent) => void;
}

/**
 * Reads change events of one topic into the journal until `signal` aborts; the checkpoint moves with them. Resolves with
 * `hole` when events are missing: the caller has the objects compared, and calls again, which begins at the earliest event.
 */
export async function captureEvents(options: EventCaptureOptions, signal: AbortSignal): Promise<'ended' | 'hole'> {
  const { store, salesforce, mappings, topic, clock } = options;
  const source = await store.openSource(SOURCE_STREAM, topic, clock.now_ms());
  const { client } = await salesforce.identity(signal);
  const subscription = options.subscribe(placeOf(source.checkpoint));
  const lookups = {
    resolve: (mapping: ObjectMapping, ids: readonly string[]) =>
      keysOfIds(options.database, options.streams.get(mapping.name)?.stream ?? '', ids),
    readIds: salesforce.readIds.bind(salesforce),
  };
  for await (const step of captureChanges(subscription, { ...lookups, mappings, client, signal })) {
    if (step.kind === 'hole') {
      // What comes next begins a source of its own: its cursors are not those of before.
      const next = await store.nextEpoch(source.source_id, clock.now_ms());
      await store.append({ source_id: next.source_id, entries: [], checkpoint: EARLIEST, now_ms: clock.now_ms() });
      return 'hole';
    }
    await keepStep(options, source.source_id, step);
  }
  return 'ended';
}

/** Stands for the earliest event that Salesforce still has. */
const EARLIEST = 'earliest';

function placeOf(checkpoint: string | null): ReplayId | 'earliest' | 'latest' {
  if (checkpoint === null) return 'latest';
  return checkpoint === EARLIEST ? EARLIEST : replayIdFromText(checkpoint);
}

async function keepStep(options: EventCaptureOptions, source_id: number, step: CaptureStep): Promise<void> {
  const { store, streams, clock } = options;
  const now_ms = clock.now_ms();
  for (const event of step.poisoned) options.onPoisoned(event);
  for (const mapping of step.reread) await touchKnown(options, mapping);
  const entries = step.changes.flatMap(({ mapping, key, cursor, change }): NewEntry[] => {
    const stream = streams.get(mapping.name);
    if (stream === undefined) return [];
    const { partition_id } = stream.salesforce;
    return [{ partition_id, key, cursor, subject: null, observed_ms: now_ms, payload: JSON.stringify(change) }];
  });
  const { unkeyed, poisoned } = step;
  const counters = [
    ...(unkeyed.length > 0 ? [{ name: 'records_unkeyed', label: options.topic, by: unkeyed.length }] : []),
    ...(poisoned.length > 0 ? [{ name: 'records_poisoned', label: options.topic, by: poisoned.length }] : []),
  ];
  if (entries.length === 0 && step.checkpoint === null && counters.length === 0) return;
  const { appended } = await store.append({ source_id, entries, checkpoint: step.checkpoint, counters, now_ms });
  if (appended > 0) options.appended(appended);
}

const STEP = 1000;

/** Too much happened at once to be told: every key that is known is looked at; records that are not are found by the next drift. */
async function touchKnown(
  { store, database, streams, clock }: EventCaptureOptions,
  mapping: ObjectMapping,
): Promise<void> {
  const stream = streams.get(mapping.name);
  if (stream === undefined) return;
  for (let after = ''; ;) {
    const rows = await database.query<{ key: string }>(
      `WITH page AS (SELECT key FROM syncline.link WHERE stream = $1 AND key > $2 ORDER BY key LIMIT ${STEP}),
       unsure AS (
         UPDATE syncline.link l SET salesforce_presence = 'unknown', version = version + 1 FROM page
          WHERE l.stream = $1 AND l.key = page.key)
       SELECT key FROM page ORDER BY key`,
      [stream.stream, after],
    );
    const { partition_id } = stream.salesforce;
    const touches = rows.map(({ key }) => ({ partition_id, key, priority: PRIORITY.backfill }));
    if (touches.length > 0) await store.keyed.touch(touches, clock.now_ms());
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.key;
  }
}
