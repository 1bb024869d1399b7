import { PRIORITY, type KeyTouch } from '../../engine/keyed/store.ts';
import type { EngineStore } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import { StaleError } from '../../platform/errors.ts';
import { fingerprint } from '../model/fingerprint.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { Document, Side } from '../model/value.ts';
import type { OutboxReader } from '../postgres/outbox-reader.ts';
import type { PostgresTables } from '../postgres/table.ts';
import type { PollPage, SalesforceSide } from '../sides.ts';
import { allowMore, type SideCounts } from './brake-counts.ts';
import { POLL_SOURCE } from './capture-poll.ts';
import type { FlowDatabase } from './flow-database.ts';
import { markApplied } from './mapping-states.ts';
import type { RecordStream } from './streams.ts';
import { readWalk, type Walk } from './walk.ts';

export interface ApplyOptions {
  store: EngineStore;
  database: FlowDatabase;
  mapping: ObjectMapping;
  stream: RecordStream;
  salesforce: SalesforceSide;
  postgres: Pick<PostgresTables, 'scan'>;
  outbox: OutboxReader;
  clock: Clock;
}

/** What a person said yes to. */
export interface PlanToApply {
  walk_id: string;
  version: string;
  /** Changes that the brakes are lifted for: as many as the plan showed. */
  changes: Readonly<Record<Side, SideCounts>>;
  /** Changes since the plan, on both sides together, up to which it still counts. */
  most_moved: number;
}

const STEP = 1000;

/**
 * Begins to keep an object in step: every key that the plan knew is brought to the same state on both sides, by the same road as any
 * later change. Twice is the same as once.
 * @throws StaleError `records.mapping_changed`, `records.not_planned`, `records.moved` when it is not what was shown any more
 */
export async function applyPlan(
  plan: PlanToApply,
  options: ApplyOptions,
  actor: string,
  signal: AbortSignal,
): Promise<{ keys: number }> {
  const { database, mapping, stream, store, clock } = options;
  if (plan.version !== mapping.version)
    throw new StaleError('records.mapping_changed', `The mapping of ${mapping.name} changed since the plan`, {
      hint: 'Run `syncline records plan` again and look at what the new mapping would do.',
    });
  const walk = await readWalk(database, plan.walk_id);
  await refuseWhenMoved(plan, walk, options, signal);
  await seedLinks(walk, options, signal);
  await beginPolling(walk, options);
  await allowMore(database, stream.stream, plan.changes);
  await markApplied(database, stream.stream, mapping.version, actor);
  await store.changeDestination(stream.stream, 'resume', null);
  const keys = await touchAll(walk, options, signal);
  await store.keyed.enqueueAll({
    destination_id: stream.stream,
    touches: [],
    from: await walkPlace(store, stream.stream),
    to: null,
    now_ms: clock.now_ms(),
  });
  return { keys };
}

async function walkPlace(store: EngineStore, destination_id: string): Promise<string> {
  const row = (await store.destinations()).find((one) => one.destination_id === destination_id);
  return row?.backfill ?? '';
}

/** Counts what is not as the plan saw it any more. Polling looks back: what it tells again as it was has not moved. */
async function refuseWhenMoved(
  { most_moved }: PlanToApply,
  walk: Walk,
  { database, mapping, salesforce, outbox }: ApplyOptions,
  signal: AbortSignal,
): Promise<void> {
  const { waiting } = await outbox.backlog(walk.outbox_place);
  let moved = waiting;
  for (let place = walk.poll_place; moved <= most_moved;) {
    const page = await salesforce.poll(mapping, place, signal);
    moved += await movedSince(walk, page, database);
    if (!page.more) break;
    place = page.position;
  }
  if (moved <= most_moved) return;
  throw new StaleError('records.moved', `More than ${most_moved} records of ${mapping.name} changed since the plan`, {
    hint: 'Run `syncline records plan` again; what it showed is not what would happen now.',
  });
}

async function movedSince({ walk_id }: Walk, { changed, deleted }: PollPage, database: FlowDatabase): Promise<number> {
  const seen = await database.query<{ salesforce_id: string; document: Document }>(
    `SELECT salesforce_id, document FROM syncline.snapshot
      WHERE walk_id = $1 AND (has_key AND key = ANY($2) OR salesforce_id = ANY($3))`,
    [walk_id, changed.map(({ key }) => key), deleted.map(({ id }) => id)],
  );
  const before = new Map(seen.map(({ salesforce_id, document }) => [salesforce_id, fingerprint(document)]));
  const differs = changed.filter(({ key, id, document }) => key !== '' && before.get(id) !== fingerprint(document));
  return differs.length + deleted.filter(({ id }) => before.has(id)).length;
}

/** What the walk read is what is known of Salesforce, so that no record is fetched again. Links of this version stay. */
async function seedLinks(walk: Walk, { database, stream, mapping }: ApplyOptions, signal: AbortSignal): Promise<void> {
  for (let after = ''; ;) {
    signal.throwIfAborted();
    const [step] = await database.query<{ last: string | null }>(
      `WITH page AS (
         SELECT key, salesforce_id, document, modified_ms, copies FROM syncline.snapshot
          WHERE walk_id = $1 AND has_key AND key > $5 ORDER BY key LIMIT 5000),
       seeded AS (
         INSERT INTO syncline.link AS l (stream, key, salesforce_id, salesforce_presence, salesforce, salesforce_whole,
                salesforce_modified_ms, salesforce_as_of_ms, salesforce_offset, postgres_offset, mapping_version, version)
         SELECT $2, key, salesforce_id, 'present', document, true, modified_ms, modified_ms, $3, 0, $4, 1
           FROM page WHERE copies = 1
         ON CONFLICT (stream, key) DO UPDATE
            SET salesforce_id = excluded.salesforce_id, salesforce_presence = 'present',
                salesforce = excluded.salesforce, salesforce_whole = true,
                salesforce_modified_ms = excluded.salesforce_modified_ms,
                salesforce_as_of_ms = excluded.salesforce_as_of_ms, mapping_version = excluded.mapping_version,
                version = l.version + 1
          WHERE l.mapping_version <> excluded.mapping_version AND l.salesforce_offset <= excluded.salesforce_offset)
       SELECT max(key) AS last FROM page`,
      [walk.walk_id, stream.stream, walk.entry_offset, mapping.version, after],
    );
    if (step === undefined || step.last === null) return;
    after = step.last;
  }
}

/** Polling goes on from before the walk's first page, unless it runs already. */
async function beginPolling(walk: Walk, { store, stream, clock }: ApplyOptions): Promise<void> {
  const now_ms = clock.now_ms();
  const { source_id, checkpoint } = await store.openSource(stream.stream, POLL_SOURCE, now_ms);
  if (checkpoint === null) await store.append({ source_id, entries: [], checkpoint: walk.poll_place, now_ms });
}

async function touchAll(
  walk: Walk,
  { store, database, stream, mapping, postgres, clock }: ApplyOptions,
  signal: AbortSignal,
): Promise<number> {
  let keys = 0;
  const touch = async (partition_id: number, found: readonly string[]): Promise<void> => {
    const touches = found.map((key): KeyTouch => ({ partition_id, key, priority: PRIORITY.backfill }));
    if (touches.length > 0) await store.keyed.touch(touches, clock.now_ms());
    keys += touches.length;
  };
  for (let after = ''; ;) {
    signal.throwIfAborted();
    const rows = await database.query<{ key: string }>(
      `SELECT key FROM syncline.snapshot WHERE walk_id = $1 AND has_key AND key > $2 ORDER BY key LIMIT ${STEP}`,
      [walk.walk_id, after],
    );
    await touch(
      stream.salesforce.partition_id,
      rows.map(({ key }) => key),
    );
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.key;
  }
  for (let from: string | null = null; ;) {
    signal.throwIfAborted();
    const page = await postgres.scan(mapping, from);
    const found = [...new Set(page.records.map(({ key }) => key))];
    for (let i = 0; i < found.length; i += STEP) await touch(stream.postgres.partition_id, found.slice(i, i + STEP));
    if (page.next === null) return keys;
    from = page.next;
  }
}
