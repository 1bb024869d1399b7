import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import type { RetryPolicy } from '../retry.ts';
import type { EngineStore } from '../store.ts';
import type { KeyedDestination, KeyedOutcome, SendContext } from './destination.ts';
import { FAILURES_OF_A_KEY, conflict, judge, thrown, type KeyedVerdict } from './outcome.ts';
import { settleWeighed, type Weighed } from './settling.ts';
import type { Task } from './store.ts';

export interface AttemptContext {
  store: EngineStore;
  destination: KeyedDestination;
  clock: Clock;
  random: Random;
  timers: Timers;
  retry: RetryPolicy;
  timeout_ms: number;
  most_attempts: number;
  /** Failures of the destination since it last answered. */
  circuit_failures: number;
  report: (error: unknown) => void;
  signal: AbortSignal;
}

export interface AttemptResult {
  accepted_items: number;
  dead_letters: number;
  /** The destination's circuit opened. */
  tripped: boolean;
}

/** One attempt at claimed keys: send, judge, settle; each key by itself. */
export async function attempt(tasks: readonly Task[], context: AttemptContext): Promise<AttemptResult> {
  const judged = await sent(tasks, context);
  const weighed: Weighed[] = [];
  for (const one of judged) weighed.push({ ...one, verdict: await weigh(one, context) });
  const settled = await settleWeighed(weighed, context);
  // What was sent is there; that the link moved meanwhile shows in the next attempt, which reads it anew.
  const stale = settled.filter(({ result }) => result.outcome === 'stale');
  const again = await settleWeighed(
    stale.map(({ one }) => ({ task: one.task, verdict: LINK_MOVED })),
    context,
  );
  const accepted = settled.filter(({ one, result }) => one.verdict.scope === 'settled' && result.outcome === 'settled');
  return {
    accepted_items: accepted.length,
    dead_letters: [...settled, ...again].filter(({ result }) => result.dead_letter).length,
    tripped: weighed.some(({ verdict }) => verdict.scope === 'destination'),
  };
}

const LINK_MOVED = conflict('stale', 'What the other side has was changed by somebody else meanwhile');

/** Sends within the time that the lease leaves, and judges every answer. */
async function sent(tasks: readonly Task[], context: AttemptContext): Promise<Weighed[]> {
  const { timers, timeout_ms, signal, store } = context;
  const ended = new AbortController();
  const late = new AbortController();
  void timers.sleep(timeout_ms, ended.signal).then(() => ended.signal.aborted || late.abort('timeout'));
  const either = AbortSignal.any([signal, late.signal]);
  const proceed: SendContext['proceed'] = async (task, writes) =>
    !either.aborted && (await store.keyed.proceed(task, writes));
  const proceedAll: SendContext['proceedAll'] = async (some, rows) =>
    either.aborted ? some.map(() => false) : store.keyed.proceedAll(some, rows);
  try {
    const answers = await send(tasks, context.destination, { signal: either, timeout_ms, proceed, proceedAll });
    return tasks.map((task, i) => {
      const answer = answers[i] ?? { outcome: UNANSWERED };
      if ('error' in answer) return { task, verdict: ofThrown(answer.error, late.signal, context) };
      const { writes = [], rows = [], counters = [], ...outcome } = answer.outcome;
      return { task, writes, rows, counters, verdict: verdictOf(outcome, late.signal, context) };
    });
  } finally {
    ended.abort();
  }
}

/** What the sender returned for a key, or threw. */
type Answer = { outcome: KeyedOutcome } | { error: unknown };

/** A sender that forgets a key has a defect. */
const UNANSWERED: KeyedOutcome = {
  kind: 'failed',
  failure: { scope: 'key', class: 'failed', code: 'no_outcome', message: 'The sender said nothing about the key' },
};

/** Answers in the order of the keys. What one of them throws concerns that one, unless all are sent with one call. */
async function send(
  tasks: readonly Task[],
  destination: KeyedDestination,
  context: SendContext,
): Promise<readonly Answer[]> {
  if (!destination.sendMany) return Promise.all(tasks.map((task) => sendOne(task, destination, context)));
  try {
    return (await destination.sendMany(tasks, context)).map((outcome) => ({ outcome }));
  } catch (error) {
    return tasks.map(() => ({ error }));
  }
}

async function sendOne(task: Task, destination: KeyedDestination, context: SendContext): Promise<Answer> {
  try {
    return { outcome: await destination.send(task, context) };
  } catch (error) {
    return { error };
  }
}

function verdictOf(outcome: KeyedOutcome, late: AbortSignal, context: AttemptContext): KeyedVerdict {
  const now_ms = context.clock.now_ms();
  const aborted = outcome.kind === 'replied' && outcome.reply.status === null && outcome.reply.reason === 'aborted';
  if (!aborted) return judge(outcome, now_ms, context.retry);
  return late.aborted ? TOO_LATE : { scope: 'later', until_ms: now_ms };
}

function ofThrown(error: unknown, late: AbortSignal, context: AttemptContext): KeyedVerdict {
  if (late.aborted) return TOO_LATE;
  // A stop in the middle: the next run begins anew.
  if (context.signal.aborted) return { scope: 'later', until_ms: context.clock.now_ms() };
  context.report(error);
  return thrown(error);
}

const TOO_LATE: KeyedVerdict = {
  scope: 'destination',
  wait_ms: null,
  suspicious: true,
  counts: true,
  refusal: { class: 'unreachable', code: 'timeout', message: 'The attempt took longer than its lease allows' },
};

/**
 * A key that keeps failing while the destination is otherwise well is itself the suspect (a request that crashes the
 * server), and then refused. After the first, a failure counts only when the destination accepted something since the
 * last one, or answers its probe: an outage never counts.
 */
async function weigh({ task, verdict }: Weighed, context: AttemptContext): Promise<KeyedVerdict> {
  if (verdict.scope !== 'destination' || !verdict.suspicious || task.failures === 0) return verdict;
  if (!task.destination_accepted_since && !(await isWell(context))) return { ...verdict, counts: false };
  if (task.failures + 1 < FAILURES_OF_A_KEY) return verdict;
  return { scope: 'key', refusal: { ...verdict.refusal, class: 'refused' }, group: true, suspicious: true };
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
