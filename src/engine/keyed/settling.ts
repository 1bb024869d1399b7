import { SynclineError } from '../../platform/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EngineStore } from '../store.ts';
import type { KeyedDestination } from './destination.ts';
import { endingOf, thrown, type KeyedVerdict, type SettlementContext } from './outcome.ts';
import type { Task, TaskSettlement, TaskSettlementResult } from './store.ts';

export interface SettlingContext extends Omit<SettlementContext, 'now_ms'> {
  store: EngineStore;
  destination: KeyedDestination;
  clock: Clock;
}

/** A key, the verdict on its attempt, and what the flow commits with it. */
export interface Weighed extends Pick<TaskSettlement, 'writes' | 'rows' | 'counters'> {
  task: Task;
  verdict: KeyedVerdict;
}

/** How a key was settled: not as it was weighed when the database refused its rows. */
export interface Settled {
  one: Weighed;
  result: TaskSettlementResult;
}

/**
 * Settles keys in one transaction; one answer for each, in their order. Where the database refuses a row of the flow's (a
 * constraint of the customer's table), the keys at fault are refused, without their rows, and the others settled.
 */
export async function settleWeighed(weighed: readonly Weighed[], context: SettlingContext): Promise<Settled[]> {
  try {
    return await settleTogether(weighed, context);
  } catch (error) {
    const { destination } = context;
    if (destination.refusedRows === undefined || !isAboutRows(error)) throw error;
    const judged = await withRefusedRows(weighed, destination.refusedRows.bind(destination));
    if (judged.some((one, i) => one !== weighed[i])) return settleWeighed(judged, context);
    return settleInParts(weighed, error, context);
  }
}

async function settleTogether(weighed: readonly Weighed[], context: SettlingContext): Promise<Settled[]> {
  const results = await context.store.keyed.settle(weighed.map((one) => settlementOf(one, context)));
  return weighed.map((one, i) => ({ one, result: results[i] ?? { outcome: 'void', dead_letter: false } }));
}

/** A statement that failed for what it was to write; not the connection, a lock, or space. */
function isAboutRows(error: unknown): boolean {
  return error instanceof SynclineError && (error.code === 'storage.statement' || error.code === 'storage.forbidden');
}

/** The keys at fault, with what the database has against their rows. */
async function withRefusedRows(
  weighed: readonly Weighed[],
  refusedRows: NonNullable<KeyedDestination['refusedRows']>,
): Promise<Weighed[]> {
  const refusals = await refusedRows(weighed.flatMap(({ rows = [] }) => rows));
  let next = 0;
  return weighed.map((one) => {
    const { length } = one.rows ?? [];
    const refusal = refusals.slice(next, (next += length)).find((found) => found !== null);
    if (refusal === undefined) return one;
    return { task: one.task, verdict: { scope: 'key', refusal, group: false, suspicious: false } };
  });
}

/** Each row would pass by itself: two of them exclude each other, so that one of them has to come later. */
async function settleInParts(
  weighed: readonly Weighed[],
  error: unknown,
  context: SettlingContext,
): Promise<Settled[]> {
  const [one] = weighed;
  if (one === undefined) return [];
  if (weighed.length === 1) {
    // Nothing of it is left that could be refused: the statement is at fault.
    if (one.rows === undefined) throw error;
    return settleTogether([{ task: one.task, verdict: thrown(error) }], context);
  }
  const half = Math.ceil(weighed.length / 2);
  const first = await settleWeighed(weighed.slice(0, half), context);
  return [...first, ...(await settleWeighed(weighed.slice(half), context))];
}

function settlementOf({ task, verdict, writes, rows, counters }: Weighed, context: SettlingContext): TaskSettlement {
  const { destination_id, key, fence } = task;
  const ending = endingOf(verdict, task, { ...context, now_ms: context.clock.now_ms() });
  const carried = { ...(writes && { writes }), ...(rows && { rows }), ...(counters && { counters }) };
  return { destination_id, key, fence, ...ending, ...carried };
}
