import type { OpenObject } from '../../records/sync/open-records.ts';
import { columnTypes } from '../../records/postgres/columns.ts';
import { captureOutbox } from '../../records/sync/capture-outbox.ts';
import { pollObject } from '../../records/sync/capture-poll.ts';
import { conflictGroups } from '../../records/sync/conflicts.ts';
import { writable } from '../../records/sync/mapping-states.ts';
import type { RecordsDirectory } from './open-records-directory.ts';
import { deliveryOf } from './records-loops.ts';

/** What remains of an object after a flush. */
export interface FlushedObject {
  object: string;
  /** `held`: not applied, or paused; nothing was written. */
  state: 'applied' | 'held';
  waiting: number;
  conflicts: number;
}

/** Between two looks at what could not go yet. */
const LOOK_MS = 200;

/**
 * Reads both sources and delivers until nothing waits or the time is over; may run beside workers. Salesforce is asked once, at
 * the beginning: asking again would tell of what was just written there, page by page.
 */
export async function flushRecords(
  directory: RecordsDirectory,
  objects: readonly OpenObject[],
  timeout_ms: number,
  stop: AbortSignal,
): Promise<FlushedObject[]> {
  const { clock, timers } = directory.inputs;
  const late = new AbortController();
  const ended = new AbortController();
  void timers.sleep(timeout_ms, ended.signal).then(() => late.abort('timeout'));
  const signal = AbortSignal.any([stop, late.signal]);
  const until_ms = clock.monotonic_ms() + timeout_ms;
  try {
    const deliveries = objects.map((object) => ({ object, delivery: deliveryOf(directory, object) }));
    await pollOnce(directory, objects, signal);
    for (;;) {
      const read = await readOutbox(directory, signal);
      for (const { delivery } of deliveries) while ((await delivery.pass(signal)).idle === null && !signal.aborted);
      const left = await remaining(directory, objects);
      const is_done = read === 0 && left.every(({ state, waiting }) => state === 'held' || waiting === 0);
      if (is_done || signal.aborted || clock.monotonic_ms() >= until_ms) return left;
      await timers.sleep(LOOK_MS, signal);
    }
  } finally {
    ended.abort();
  }
}

async function readOutbox({ records, outbox, inputs }: RecordsDirectory, signal: AbortSignal): Promise<number> {
  const { store, database, tables } = records;
  const { clock, report } = inputs;
  const mapped = new Map(
    await Promise.all(
      [...records.objects.values()].map(async ({ mapping }) => {
        return [mapping.name, { mapping, types: columnTypes(await tables.table(mapping)) }] as const;
      }),
    ),
  );
  const streams = new Map([...records.objects].map(([name, { stream }]) => [name, stream]));
  let read = 0;
  for (let more = true; more && !signal.aborted;) {
    const round = await captureOutbox({
      ...{ store, database, reader: outbox, tables: mapped, streams, clock },
      onProblem: ({ object }) => report('a row could not be read whole', { object }),
    });
    read += round.appended;
    more = round.more;
  }
  return read;
}

async function pollOnce(
  { records, salesforce, inputs }: RecordsDirectory,
  objects: readonly OpenObject[],
  signal: AbortSignal,
): Promise<void> {
  const { store, database } = records;
  const { clock } = inputs;
  const streams = objects.map(({ stream }) => stream.stream);
  const may = await writable(database, streams);
  for (const { mapping, stream } of objects)
    if (may.has(stream.stream) && !signal.aborted)
      await pollObject({ store, database, salesforce, clock }, mapping, stream, signal);
}

async function remaining({ records }: RecordsDirectory, objects: readonly OpenObject[]): Promise<FlushedObject[]> {
  const { store, database } = records;
  const progress = await store.keyed.progress();
  const groups = await conflictGroups(database);
  const may = await writable(database, objects.map(({ stream }) => stream.stream)); // prettier-ignore
  return objects.map(({ mapping, stream }) => ({
    object: mapping.name,
    state: may.get(stream.stream) === mapping.version ? 'applied' : 'held',
    waiting: progress.find(({ destination_id }) => destination_id === stream.stream)?.waiting ?? 0,
    conflicts: groups.filter((group) => group.stream === stream.stream).reduce((sum, one) => sum + one.conflicts, 0),
  }));
}
