/**
 * From the events of a subscription to entries of the records streams: which record by its external id, what of it, and the
 * place from which a restart goes on.
 *
 * What an entry says is made of its event alone, never of what was read besides: the same event makes the same entry again.
 */
import { InvalidInputError } from '../../../platform/errors.ts';
import type { RecordChange } from '../../change.ts';
import { canonicalKey, readExternalId } from '../../model/canonical-key.ts';
import type { ObjectMapping } from '../../model/mapping.ts';
import { readSalesforceRecord } from '../../model/salesforce-value.ts';
import { readChangeEvent, type CapturedEvent } from './change-event.ts';
import {
  KeyResolver,
  type KeyLookups,
  type RecordEventOf,
  type ToldKey,
  type UnkeyedReason,
  type WantedKey,
} from './key-resolver.ts';
import { replayIdToText, type ReplayId } from './replay-id.ts';
import type { PoisonCode, ReceivedEvent, SubscriptionItem } from './subscription.ts';
import { TransactionBoundary } from './transaction-boundary.ts';

export interface CaptureOptions extends KeyLookups {
  /** Of the objects that the topic carries; events of others are counted and passed. Several may be of one object. */
  mappings: readonly ObjectMapping[];
  /** The tag that our own writes bear (`Sforce-Call-Options`). */
  client: string;
  signal: AbortSignal;
}

/** An entry for the stream of `mapping`. */
export interface CapturedChange {
  readonly mapping: ObjectMapping;
  readonly key: string;
  /** Unique among the entries of a topic and mapping version; the same when the event comes again. */
  readonly cursor: string;
  readonly change: RecordChange;
}

/** A change without a key: counted, and nothing to be done about it here. */
export interface UnkeyedChange {
  readonly mapping: ObjectMapping;
  readonly salesforce_id: string;
  readonly reason: UnkeyedReason;
}

/** An event that nobody can read. What it told is lost to capture; the reconciler of the topic's objects finds it. */
export interface PoisonedEvent {
  /** Base64. */
  readonly replay_id: string;
  readonly event_id: string;
  readonly schema_id: string;
  readonly code: PoisonCode | 'change_event';
}

/** All of a step goes into one transaction, checkpoint included. */
export interface CaptureStep {
  readonly kind: 'step';
  /** In the order of the channel. */
  readonly changes: readonly CapturedChange[];
  readonly unkeyed: readonly UnkeyedChange[];
  /** Everything of these objects may have changed: touch all known keys and scan for others, before the checkpoint is stored. */
  readonly reread: readonly ObjectMapping[];
  readonly poisoned: readonly PoisonedEvent[];
  /** Events of objects that are not mapped, and changes of fields that are not. */
  readonly passed: number;
  /**
   * Base64 of the replay id of the last event of a whole transaction; null: as before. The newest transaction counts as
   * whole when another begins or nothing more comes; what is told again after a restart has the same cursors.
   */
  readonly checkpoint: string | null;
}

/**
 * The last item: events are missing behind `replay_id`. Begin at `earliest`, and once the first step of that is there read every
 * object anew: what is read before it may change again unseen.
 */
export interface CaptureHole {
  readonly kind: 'hole';
  readonly replay_id: ReplayId | null;
  readonly code: string;
}

/**
 * One step for each item, when its reader asks; nothing is held in between but places and some keys.
 * @throws what the lookups throw: nothing of the item is lost, it comes again from the checkpoint
 */
export async function* captureChanges(
  items: AsyncIterable<SubscriptionItem>,
  options: CaptureOptions,
): AsyncGenerator<CaptureStep | CaptureHole, void, void> {
  const keys = new KeyResolver(options);
  const boundary = new TransactionBoundary();
  for await (const item of items) {
    if (item.kind === 'hole') return yield item;
    if (item.kind === 'idle') boundary.idle(item.replay_id);
    const collected = item.kind === 'events' ? await collect(item.events, options, keys, boundary) : NOTHING;
    const checkpoint = boundary.take();
    yield { kind: 'step', ...collected, checkpoint: checkpoint && replayIdToText(checkpoint) };
  }
}

/** The engine's source of a topic: replay ids and cursors mean something only within one channel of one organisation. */
export function captureSource(organization_id: string, topic: string): string {
  return `salesforce/${organization_id}${topic}`;
}

type Collected = Omit<CaptureStep, 'kind' | 'checkpoint'>;

const NOTHING: Collected = { changes: [], unkeyed: [], reread: [], poisoned: [], passed: 0 };

/** One record's event for one mapping. */
interface Found {
  readonly mapping: ObjectMapping;
  readonly event: RecordEventOf;
  readonly cursor: string;
}

async function collect(
  events: readonly ReceivedEvent[],
  options: CaptureOptions,
  keys: KeyResolver,
  boundary: TransactionBoundary,
): Promise<Collected> {
  const poisoned: PoisonedEvent[] = [];
  const reread = new Set<ObjectMapping>();
  const found = new Map<string, Found>();
  let passed = 0;
  for (const received of events) {
    const read = readEvent(received);
    boundary.event(received.replay_id, typeof read === 'string' ? null : (read[0]?.transaction_key ?? null));
    if (typeof read === 'string') {
      poisoned.push(poisonedEvent(received, read));
      continue;
    }
    for (const [index, event] of read.entries()) {
      const mappings = options.mappings.filter(({ salesforce }) => salesforce.object === event.entity);
      if (mappings.length === 0) passed++;
      for (const mapping of mappings) {
        if (event.salesforce_id === null) reread.add(mapping);
        else {
          const cursor = `${replayIdToText(received.replay_id)}.${index}.${mapping.version.slice(0, 8)}`;
          // The same event may come twice, also within one response.
          found.set(`${mapping.name} ${cursor}`, {
            mapping,
            event: { ...event, salesforce_id: event.salesforce_id },
            cursor,
          });
        }
      }
    }
  }
  const keyed = await keyAll([...found.values()], options.client, keys);
  return { ...keyed, reread: [...reread], poisoned, passed: passed + keyed.passed };
}

function readEvent(received: ReceivedEvent): CapturedEvent[] | PoisonedEvent['code'] {
  if (received.kind === 'poisoned') return received.code;
  try {
    return readChangeEvent(received.schema, received.value);
  } catch (error) {
    if (error instanceof InvalidInputError) return 'change_event';
    throw error;
  }
}

function poisonedEvent({ replay_id, event_id, schema_id }: ReceivedEvent, code: PoisonedEvent['code']): PoisonedEvent {
  return { replay_id: replayIdToText(replay_id), event_id, schema_id, code };
}

async function keyAll(
  found: readonly Found[],
  client: string,
  keys: KeyResolver,
): Promise<Pick<Collected, 'changes' | 'unkeyed' | 'passed'>> {
  const changes: CapturedChange[] = [];
  const unkeyed: UnkeyedChange[] = [];
  let passed = 0;
  const wanted = found.map((one) => ({ ...one, told: toldKey(one) }));
  await keys.prepare(wanted);
  for (const one of wanted) {
    const { mapping, event } = one;
    const former = keys.known(mapping, event.salesforce_id);
    const key = one.told ? one.told.key : former;
    const made = changesOf(one, former, key, changeOf(mapping, event, client));
    if (key === null) unkeyed.push({ mapping, salesforce_id: event.salesforce_id, reason: keys.reason(one) });
    else if (made.length === 0) passed++;
    changes.push(...made);
    keys.remember(mapping, event.salesforce_id, key);
  }
  return { changes, unkeyed, passed };
}

/**
 * The entry of an event; two when the record has another key than before; none when nothing mapped changed. Where its key
 * changed, neither key's record is what the event alone says.
 */
function changesOf(
  { mapping, cursor, event, told }: Found & WantedKey,
  former: string | null,
  key: string | null,
  change: RecordChange,
): CapturedChange[] {
  const looked_at = { ...change, operation: 'touched', fields: {}, whole: false } as const;
  const left =
    former !== null && former !== key ? [{ mapping, key: former, cursor: `${cursor}.former`, change: looked_at }] : [];
  if (key === null) return left;
  const got = former !== key && (left.length > 0 || (event.change === 'updated' && told?.changed === true));
  if (got) return [...left, { mapping, key, cursor, change: looked_at }];
  const is_empty = change.operation === 'changed' && Object.keys(change.fields).length === 0;
  return is_empty && event.change === 'updated' ? [] : [{ mapping, key, cursor, change }];
}

function toldKey({ mapping, event }: Found): ToldKey | null {
  const { external_id } = mapping.salesforce;
  if (external_id === 'Id') return { key: canonicalKey(mapping, event.salesforce_id), changed: false };
  const changed = Object.hasOwn(event.fields, external_id);
  const value = changed ? event.fields[external_id] : event.enriched[external_id];
  if (value === undefined) return null;
  const id = readExternalId(value);
  return { key: id === null ? null : canonicalKey(mapping, id), changed };
}

/** What the entry says. Whatever the event does not tell to the end is `touched`: only reading the record tells. */
function changeOf(mapping: ObjectMapping, event: CapturedEvent, client: string): RecordChange {
  const said: Omit<RecordChange, 'operation' | 'fields' | 'whole'> = {
    side: 'salesforce',
    salesforce_id: event.salesforce_id,
    committed_ms: event.commit_ms,
    ours: event.client !== null && event.client === client,
    actor: event.user === '' ? null : event.user,
    session: null,
  };
  if (event.change === 'deleted') return { ...said, operation: 'deleted', fields: {}, whole: false };
  const nothing = { ...said, operation: 'touched', fields: {}, whole: false } as const;
  if (event.change === 'gap' || event.change === 'overflow' || event.needs_fetch) return nothing;
  // References come as ids of Salesforce; which external ids those are may be told differently tomorrow, so they are read.
  const { document, problems } = readSalesforceRecord(mapping, event.fields, { parents: new Map() });
  if (problems.length > 0) return nothing;
  const whole = event.change !== 'updated' && mapping.fields.every(({ name }) => Object.hasOwn(document, name));
  return { ...said, operation: event.change === 'undeleted' ? 'undeleted' : 'changed', fields: document, whole };
}
