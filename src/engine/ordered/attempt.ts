import { messageOf } from '../../platform/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { backoff_ms, type RetryPolicy } from '../retry.ts';
import type { Batch, BatchPart, EngineStore, Entry, Partition, Refusal, Settlement } from '../store.ts';
import { classify, wait_ms, type Verdict } from './classifier.ts';
import type { BatchLimits, ItemError, OrderedDestination, Reply } from './destination.ts';

export interface AttemptContext {
  store: EngineStore;
  destination: OrderedDestination;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
  partition: Partition;
  batch: Batch;
  /** How often the partition was held since something was last accepted. */
  holds: number;
  /** Failures of the destination since it last answered. */
  circuit_failures: number;
  /** False when the budget of refused requests is used up: then the partition is held instead of split further. */
  may_bisect: boolean;
  newBatchId: () => string;
  sha256: (body: string) => string;
  signal: AbortSignal;
}

export interface AttemptResult {
  /** `more`: the partition may go on now. `stop`: not before `retry_at_ms`. */
  next: 'more' | 'stop';
  /** False when nothing was sent: the batch was renewed, gone, paused or empty. */
  attempted: boolean;
  accepted_items: number;
  dead_letters: number;
  /** The destination's circuit opened. */
  tripped: boolean;
  retry_at_ms: number | null;
  learned: Partial<BatchLimits> | null;
}

/**
 * Failures (5xx, reset), the destination being well in between, after which a batch itself is at fault. Splitting loses
 * nothing, so a batch of several is bisected when the failure repeats; its parts inherit the count, so that a bisect
 * costs no repeats of its own. A single item becomes a dead letter, so it needs more: at a destination that answers
 * every third request with a 503, two in a row would condemn one good item in ten, eight one in ten thousand.
 */
const FAILURES_OF_A_BATCH = 2;
const FAILURES_OF_AN_ITEM = 8;
/** Holds of a batch refused item by item as a whole before its items are told apart. */
const HOLDS_BEFORE_TELLING_APART = 3;

/** One attempt at one batch: read, join, claim, send, classify, settle. */
export async function attempt(context: AttemptContext): Promise<AttemptResult> {
  const { store, clock, batch } = context;
  const { body, present } = await read(context);
  const fence = await store.claim(batch.batch_id, context.sha256(body), context.newBatchId(), clock.now_ms());
  if (fence === null) return more();
  if (present.length === 0) {
    await store.settle({ kind: 'empty', batch_id: batch.batch_id, fence, now_ms: clock.now_ms() });
    return more();
  }
  const reply = await sent(context, present.length, body);
  // A stop in the middle leaves the batch open; the next run sends it again under the same key.
  if (reply.status === null && reply.reason === 'aborted') return { ...more(), attempted: true, next: 'stop' };
  const { verdict, counts } = await suspect(context, classify(reply, clock.now_ms(), context.retry));
  return { ...(await settleVerdict(context, verdict, counts, fence, present)), attempted: true };
}

/** An entry of the batch that was not erased. */
type PresentEntry = Pick<Entry, 'offset'>;

/**
 * The body of the batch, and where its items stand. Not their texts: a dozen batches wait for the disk and their answers at
 * the same time.
 */
async function read(context: AttemptContext): Promise<{ body: string; present: PresentEntry[] }> {
  const { store, destination, partition, batch } = context;
  const present: PresentEntry[] = [];
  const payloads: string[] = [];
  for (const { offset, payload } of await store.readBatch(batch.batch_id)) {
    if (payload === null) continue;
    present.push({ offset });
    payloads.push(payload);
  }
  return { body: destination.encode(partition.header, payloads), present };
}

/**
 * A destination that throws has a defect; to the batch it is an unanswered request like any other. The body is its own from
 * here on.
 */
async function sent(
  { destination, partition, batch, signal }: AttemptContext,
  items: number,
  body: string,
): Promise<Reply> {
  const { stream, header } = partition;
  try {
    return await destination.send({ batch_id: batch.batch_id, stream, header, items, body }, signal);
  } catch (error) {
    return { status: null, reason: 'unknown', message: messageOf(error) };
  }
}

/**
 * A batch that keeps failing while the destination is otherwise well is itself the suspect (a body that crashes the
 * server): then it is treated as refused, and bisected. After the first, a failure `counts` against the batch only when
 * the destination accepted something since the last one, or answers its probe: an outage never counts.
 */
async function suspect(context: AttemptContext, verdict: Verdict): Promise<{ verdict: Verdict; counts: boolean }> {
  const { batch } = context;
  if (verdict.scope !== 'destination' || !verdict.suspicious) return { verdict, counts: false };
  if (batch.failures === 0) return { verdict, counts: true };
  if (!batch.destination_accepted_since && !(await isWell(context))) return { verdict, counts: false };
  const enough = batch.items === 1 ? FAILURES_OF_AN_ITEM : FAILURES_OF_A_BATCH;
  if (batch.failures + 1 < enough) return { verdict, counts: true };
  return { verdict: { scope: 'batch', code: verdict.code, message: verdict.message }, counts: true };
}

/** A probe that throws shows nothing. */
async function isWell({ destination, signal }: AttemptContext): Promise<boolean> {
  if (!destination.probe) return false;
  try {
    return await destination.probe(signal);
  } catch {
    return false;
  }
}

async function settleVerdict(
  context: AttemptContext,
  verdict: Verdict,
  counts: boolean,
  fence: number,
  present: readonly PresentEntry[],
): Promise<AttemptResult> {
  const { store, batch, clock } = context;
  const base = { batch_id: batch.batch_id, fence, now_ms: clock.now_ms() };
  const step = stepFor(context, verdict, counts, base, present);
  const { settled, dead_letters } = await store.settle(step.settlement);
  // Somebody else has taken the batch since, or it is gone: look at the partition anew.
  if (!settled) return { ...more(), next: 'stop', retry_at_ms: base.now_ms };
  const accepted_items = step.settlement.kind === 'accepted' ? present.length : 0;
  return { ...step.result, accepted_items, dead_letters };
}

type Base = Pick<Settlement, 'batch_id' | 'fence' | 'now_ms'>;
interface Step {
  settlement: Settlement;
  result: AttemptResult;
}

function stepFor(
  context: AttemptContext,
  verdict: Verdict,
  counts: boolean,
  base: Base,
  present: readonly PresentEntry[],
): Step {
  switch (verdict.scope) {
    case 'accepted': {
      const { received, deduped } = verdict;
      return { settlement: { ...base, kind: 'accepted', items: present.length, received, deduped }, result: more() };
    }
    case 'destination':
      return deferred(context, verdict, counts, base);
    case 'partition':
      return held(context, base, { class: verdict.class, code: verdict.code, message: verdict.message });
    case 'items':
      return refusedItems(context, base, refusal(verdict), verdict.items, present);
    case 'batch':
      return refusedBatch(context, base, refusal(verdict), counts, present);
    case 'size':
      return tooLarge(context, verdict, base, present);
    case 'key':
      return { settlement: { ...base, kind: 'renewed', new_batch_id: context.newBatchId() }, result: more() };
  }
}

function deferred(
  context: AttemptContext,
  verdict: Extract<Verdict, { scope: 'destination' }>,
  suspicious: boolean,
  base: Base,
): Step {
  const { retry, random, batch } = context;
  const until_ms = base.now_ms + wait_ms(verdict.wait_ms, context.circuit_failures + 1, retry, random);
  // A suspicious batch waits longer than the circuit, so that another one makes the next try.
  const batch_due_ms = verdict.suspicious ? until_ms + backoff_ms(retry, batch.failures + 1, random) : until_ms;
  const settlement: Settlement = {
    ...base,
    kind: 'deferred',
    until_ms,
    batch_due_ms,
    suspicious,
    refusal: { class: verdict.class, code: verdict.code, message: verdict.message },
  };
  return { settlement, result: { ...more(), next: 'stop', tripped: true, retry_at_ms: until_ms } };
}

function held(context: AttemptContext, base: Base, reason: Refusal): Step {
  const until_ms = holdUntil(context, base.now_ms);
  return {
    settlement: { ...base, kind: 'held', until_ms, refusal: reason },
    result: { ...more(), next: 'stop', retry_at_ms: until_ms },
  };
}

/** The destination named the bad items: the good runs between them go again, the bad ones wait for a verdict. */
function refusedItems(
  context: AttemptContext,
  base: Base,
  reason: Refusal,
  items: readonly ItemError[],
  present: readonly PresentEntry[],
): Step {
  const known = new Map(items.filter(({ index }) => present[index]).map((item) => [item.index, item]));
  if (known.size === 0 || context.batch.items === 1)
    return refusedBatch(context, base, itemRefusal(reason, items[0]), false, present);
  const allBad = known.size === present.length;
  if (allBad && context.holds < HOLDS_BEFORE_TELLING_APART) return held(context, base, reason);
  const hold_until_ms = allBad ? holdUntil(context, base.now_ms) : null;
  const parts = partsAround(context, present, known);
  const settlement: Settlement = {
    ...base,
    kind: 'split',
    parts,
    refusal: reason,
    counts_as_refusal: true,
    suspicious: false,
    hold_until_ms,
  };
  return { settlement, result: allBad ? { ...more(), next: 'stop', retry_at_ms: hold_until_ms } : more() };
}

function refusedBatch(
  context: AttemptContext,
  base: Base,
  reason: Refusal,
  suspicious: boolean,
  present: readonly PresentEntry[],
): Step {
  const { batch } = context;
  if (batch.items === 1) {
    const hold_until_ms = holdUntil(context, base.now_ms);
    const settlement: Settlement = { ...base, kind: 'refused_item', refusal: reason, suspicious, hold_until_ms };
    return {
      settlement,
      result: { ...more(), next: context.may_bisect ? 'more' : 'stop', retry_at_ms: hold_until_ms },
    };
  }
  if (!context.may_bisect) return held(context, base, reason);
  return splitInHalf(context, base, reason, { counts_as_refusal: true, suspicious }, present);
}

function tooLarge(
  context: AttemptContext,
  verdict: Extract<Verdict, { scope: 'size' }>,
  base: Base,
  present: readonly PresentEntry[],
): Step {
  const reason: Refusal = { class: 'size', code: verdict.code, message: verdict.message };
  if (context.batch.items === 1)
    return { settlement: { ...base, kind: 'dead_letter', refusal: reason }, result: more() };
  const step = splitInHalf(context, base, reason, { counts_as_refusal: false, suspicious: false }, present);
  return { ...step, result: { ...step.result, learned: verdict.limits } };
}

function splitInHalf(
  context: AttemptContext,
  base: Base,
  reason: Refusal,
  evidence: { counts_as_refusal: boolean; suspicious: boolean },
  present: readonly PresentEntry[],
): Step {
  const parts = halves(context, present);
  return {
    settlement: { ...base, kind: 'split', parts, refusal: reason, ...evidence, hold_until_ms: null },
    result: more(),
  };
}

function refusal(verdict: { code: string; message: string }): Refusal {
  return { class: 'refused', code: verdict.code, message: verdict.message };
}

function itemRefusal(reason: Refusal, item: ItemError | undefined): Refusal {
  return item ? { ...reason, code: item.code, message: item.message, field: item.field } : reason;
}

function holdUntil({ retry, random, holds }: AttemptContext, now_ms: number): number {
  return now_ms + backoff_ms(retry, holds + 1, random);
}

/** Two parts of the batch's range, split between its present items (at an erased one nothing is gained). */
function halves(context: AttemptContext, present: readonly PresentEntry[]): BatchPart[] {
  const { batch, newBatchId } = context;
  const middle = present[Math.floor(present.length / 2)]?.offset ?? batch.first_offset;
  // With one item left among erased entries, cut the erased ones off.
  const at = middle > batch.first_offset ? middle : Math.min(batch.last_offset, middle + 1);
  return [
    { batch_id: newBatchId(), first_offset: batch.first_offset, last_offset: at - 1, suspect: null },
    { batch_id: newBatchId(), first_offset: at, last_offset: batch.last_offset, suspect: null },
  ];
}

/** The batch's range cut so that each bad item stands alone. */
function partsAround(
  context: AttemptContext,
  present: readonly PresentEntry[],
  bad: ReadonlyMap<number, ItemError>,
): BatchPart[] {
  const { batch, newBatchId } = context;
  const parts: BatchPart[] = [];
  let from = batch.first_offset;
  for (const [index, entry] of present.entries()) {
    const item = bad.get(index);
    if (!item) continue;
    if (entry.offset > from)
      parts.push({ batch_id: newBatchId(), first_offset: from, last_offset: entry.offset - 1, suspect: null });
    parts.push({ batch_id: newBatchId(), first_offset: entry.offset, last_offset: entry.offset, suspect: item });
    from = entry.offset + 1;
  }
  if (from <= batch.last_offset)
    parts.push({ batch_id: newBatchId(), first_offset: from, last_offset: batch.last_offset, suspect: null });
  return parts;
}

function more(): AttemptResult {
  return {
    next: 'more',
    attempted: false,
    accepted_items: 0,
    dead_letters: 0,
    tripped: false,
    retry_at_ms: null,
    learned: null,
  };
}
