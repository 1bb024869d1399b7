/** The loops of records: both captures, one delivery for each object, upkeep. */
import { KeyedDelivery } from '../../engine/keyed/delivery.ts';
import { defaultRetryPolicy } from '../../engine/retry.ts';
import type { Supervisor } from '../../engine/supervisor.ts';
import { Wakeup } from '../../engine/wakeup.ts';
import { invariant, messageOf } from '../../platform/errors.ts';
import type { ObjectMapping } from '../../records/model/mapping.ts';
import { columnTypes } from '../../records/postgres/columns.ts';
import { OUTBOX_CHANNEL } from '../../records/postgres/setup-sql.ts';
import type { MappedTables } from '../../records/postgres/outbox-reader.ts';
import { subscribe } from '../../records/salesforce/pubsub/subscription.ts';
import { captureEvents } from '../../records/sync/capture-events.ts';
import { captureOutbox } from '../../records/sync/capture-outbox.ts';
import { pollObject } from '../../records/sync/capture-poll.ts';
import { findDrift } from '../../records/sync/drift.ts';
import { trimHistory, trimIntents } from '../../records/sync/history.ts';
import { writable } from '../../records/sync/mapping-states.ts';
import type { OpenObject } from '../../records/sync/open-records.ts';
import { RecordPair } from '../../records/sync/record-pair.ts';
import { listenToChannel } from '../../storage/postgres/notifications.ts';
import type { RecordsDirectory } from './open-records-directory.ts';
import { databaseUrl } from './records-inputs.ts';
import { besideConfig } from './salesforce-sign-in.ts';

/** The outbox tells of itself; this is for when its hint was missed. */
const LOOK_MS = 5_000;
const IDLE_MS = 5_000;
const CONCURRENCY = 2;
const UPKEEP_MS = 3_600_000;
const SIGN_IN_AGAIN_MS = 10 * 60_000;
const HISTORY_MS = 30 * 86_400_000;
/** As long as Salesforce keeps change events. */
const INTENTS_MS = 72 * 3_600_000;

/** How one attempt at up to 1,000 keys is bounded: a bulk job may take minutes. */
const ATTEMPT_MS = 15 * 60_000;

/** The delivery of one object; also for `flush`. */
export function deliveryOf(directory: RecordsDirectory, object: OpenObject): KeyedDelivery {
  const { records, salesforce, inputs } = directory;
  const { clock, random, timers, report } = inputs;
  const { store, database, tables } = records;
  const pair = new RecordPair({
    ...{ ...object, database, salesforce, postgres: tables, clock, random },
    paused: (stream) => report('an object of records paused: it would pass a limit', { stream }),
  });
  return new KeyedDelivery({
    ...{ store, destination: pair, clock, random, timers, retry: defaultRetryPolicy },
    ...{ concurrency: CONCURRENCY, idle_ms: IDLE_MS, timeout_ms: ATTEMPT_MS },
    report: (error) => report('an attempt at records failed', { error: messageOf(error) }),
  });
}

/** Starts everything that keeps the configured objects in step. Returns what wakes them. */
export function startRecordLoops(supervisor: Supervisor, directory: RecordsDirectory): () => void {
  const { objects } = directory.records;
  const deliveries = [...objects.values()].map((object) => ({ object, wakeup: new Wakeup() }));
  const outbox = new Wakeup();
  const wake = (): void => {
    outbox.notify();
    for (const { wakeup } of deliveries) wakeup.notify();
  };
  const noticed = (): void => deliveries.forEach(({ wakeup }) => wakeup.notify());
  for (const { object, wakeup } of deliveries)
    supervisor.start({
      name: `keep records ${object.mapping.name} in step`,
      run: (signal) => deliveryOf(directory, object).run(signal, wakeup),
    });
  supervisor.start({
    name: 'read the outbox of records',
    run: (signal) => readOutbox(directory, outbox, noticed, signal),
  });
  supervisor.start({ name: 'hear of the outbox of records', run: (signal) => listen(directory, outbox, signal) });
  for (const [topic, mappings] of topicsOf(directory))
    supervisor.start({
      name: `change events ${topic}`,
      run: (signal) => readEvents(directory, topic, mappings, noticed, signal),
    });
  supervisor.start({ name: 'poll Salesforce for records', run: (signal) => poll(directory, noticed, signal) });
  supervisor.start({ name: 'upkeep of records', run: (signal) => keepUp(directory, signal) });
  return wake;
}

async function readOutbox(
  { records, outbox, inputs }: RecordsDirectory,
  wakeup: Wakeup,
  noticed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { store, database, tables, objects } = records;
  const mapped = new Map<string, { mapping: ObjectMapping; types: ReturnType<typeof columnTypes> }>();
  for (const { mapping } of objects.values())
    mapped.set(mapping.name, { mapping, types: columnTypes(await tables.table(mapping)) });
  const streams = new Map([...objects].map(([name, { stream }]) => [name, stream]));
  while (!signal.aborted) {
    const round = await captureOutbox({
      ...{ store, database, reader: outbox, tables: mapped satisfies MappedTables, streams, clock: inputs.clock },
      onProblem: ({ object, problems }) =>
        inputs.report('a row could not be read whole', { object, problem: problems[0]?.code ?? 'no_key' }),
    });
    if (round.appended > 0) noticed();
    if (!round.more) await wakeup.wait(LOOK_MS, inputs.timers, signal);
  }
}

function listen({ inputs }: RecordsDirectory, wakeup: Wakeup, signal: AbortSignal): Promise<void> {
  const { timers } = inputs;
  const onHint = (): void => wakeup.notify();
  return listenToChannel({ url: databaseUrl(inputs), channel: OUTBOX_CHANNEL, timers, onHint }, signal);
}

/** One topic for each object of Salesforce; none when change events are switched off. */
function topicsOf({ inputs, records }: RecordsDirectory): Map<string, ObjectMapping[]> {
  const topics = new Map<string, ObjectMapping[]>();
  if (inputs.config.salesforce?.pubsub === 'off') return topics;
  for (const { mapping } of records.objects.values()) {
    const topic = topicOf(mapping.salesforce.object);
    topics.set(topic, [...(topics.get(topic) ?? []), mapping]);
  }
  return topics;
}

/** records.md §12.9 */
function topicOf(object: string): string {
  return object.endsWith('__c') ? `/data/${object.slice(0, -3)}__ChangeEvent` : `/data/${object}ChangeEvent`;
}

async function readEvents(
  directory: RecordsDirectory,
  topic: string,
  mappings: readonly ObjectMapping[],
  noticed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { inputs, records, salesforce } = directory;
  const { clock, timers, random, report, config } = inputs;
  const { salesforce: configured } = config;
  invariant(configured !== undefined, 'records are opened only when Salesforce is configured');
  const { certificate_authority } = configured;
  const channel = {
    endpoint: configured.pubsub,
    ...(certificate_authority !== undefined && {
      ca_file: besideConfig(certificate_authority, inputs.config_file),
    }),
  };
  const streams = new Map([...records.objects].map(([name, { stream }]) => [name, stream]));
  const { store, database } = records;
  while (!signal.aborted) {
    const ended = await captureEvents(
      {
        ...{ store, database, salesforce, streams, mappings, topic, clock },
        subscribe: (replay) =>
          subscribe({ ...channel, topic, replay, session: salesforce.session, signal, clock, timers, random }),
        appended: noticed,
        onPoisoned: ({ code }) =>
          report('a change event could not be read; a comparison finds what it told', { topic, code }),
      },
      signal,
    );
    if (ended === 'hole') {
      report('change events are missing; the objects are compared', { topic });
      for (const { name } of mappings) await compare(directory, name, signal);
      noticed();
    }
  }
}

async function compare(
  { records, salesforce, outbox, inputs }: RecordsDirectory,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const object = records.objects.get(name);
  if (object === undefined) return;
  const { store, database, tables } = records;
  const { clock, random } = inputs;
  const outboxPlace = (): Promise<string> => outbox.position();
  await findDrift(
    { ...object, store, database, salesforce, postgres: tables, outboxPlace, clock, random, repair: true },
    signal,
  );
}

/** All objects in turn: also those with change events, as these may be selected for fewer objects than are mapped. */
async function poll(directory: RecordsDirectory, noticed: () => void, signal: AbortSignal): Promise<void> {
  const { records, salesforce, inputs } = directory;
  const { store, database, objects } = records;
  const { clock, timers, config } = inputs;
  for (let next_try_ms = 0; !signal.aborted;) {
    // A refused sign-in is not repeated at once; what an administrator mended is found out all the same.
    if (clock.monotonic_ms() >= next_try_ms) {
      salesforce.session.forgetRefusal();
      next_try_ms = clock.monotonic_ms() + SIGN_IN_AGAIN_MS;
    }
    const streams = [...objects.values()].map(({ stream }) => stream.stream);
    const may = await writable(database, streams);
    for (const { mapping, stream } of objects.values()) {
      if (!may.has(stream.stream)) continue;
      const { appended } = await pollObject({ store, database, salesforce, clock }, mapping, stream, signal);
      if (appended > 0) noticed();
    }
    await timers.sleep(config.poll_every, signal);
  }
}

async function keepUp({ records, inputs }: RecordsDirectory, signal: AbortSignal): Promise<void> {
  const { clock, timers } = inputs;
  const { database, store } = records;
  while (!signal.aborted) {
    while (!signal.aborted && (await trimHistory(database, clock.now_ms() - HISTORY_MS)));
    while (!signal.aborted && (await trimIntents(database, clock.now_ms() - INTENTS_MS)));
    await store.retain({ before_ms: clock.now_ms() - HISTORY_MS, target_bytes: null, now_ms: clock.now_ms() });
    await timers.sleep(UPKEEP_MS, signal);
  }
}
