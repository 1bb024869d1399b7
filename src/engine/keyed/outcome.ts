import { StaleError, SynclineError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import { classify, wait_ms, type Verdict } from '../ordered/classifier.ts';
import { backoff_ms, type RetryPolicy } from '../retry.ts';
import type { Refusal } from '../transaction.ts';
import type { KeyedFailure, KeyedOutcome } from './destination.ts';
import type { Task, TaskSettlement } from './store.ts';

/**
 * What an outcome means and whom it concerns; the scopes of design §5 rule 6, for a key. `suspicious`: it may be the
 * key's own fault (a request that crashes the destination); it `counts` unless that is itself unwell. `group` in `key`: while no neighbour passes, its whole group
 * may be refused.
 */
export type KeyedVerdict =
  | { scope: 'settled'; sent: boolean; bytes: number }
  | { scope: 'later'; until_ms: number }
  | { scope: 'destination'; wait_ms: number | null; suspicious: boolean; counts: boolean; refusal: Refusal }
  | { scope: 'group'; refusal: Refusal }
  | { scope: 'key'; refusal: Refusal; group: boolean; suspicious: boolean }
  | { scope: 'key_for_good'; refusal: Refusal };

/** Judges one outcome. Pure. */
export function judge(outcome: KeyedOutcome, now_ms: number, policy: RetryPolicy): KeyedVerdict {
  switch (outcome.kind) {
    case 'done':
      return { scope: 'settled', sent: true, bytes: outcome.bytes ?? 0 };
    case 'nothing':
      return { scope: 'settled', sent: false, bytes: 0 };
    case 'later':
      return { scope: 'later', until_ms: outcome.until_ms };
    case 'failed':
      return ofFailure(outcome.failure);
    case 'replied': {
      const { reply } = outcome;
      // For a batch 409 means "I have it"; for a key, that the other side stands elsewhere than the link says.
      if (reply.status === 409 || reply.status === 412)
        return conflict(reply.code ?? `http_${reply.status}`, reply.message ?? 'The other side has another base');
      return ofReply(classify(reply, now_ms, policy));
    }
  }
}

function ofFailure({ scope, wait_ms: wait, ...refusal }: KeyedFailure): KeyedVerdict {
  switch (scope) {
    case 'destination':
      return { scope, wait_ms: wait ?? null, suspicious: false, counts: false, refusal };
    case 'group':
      return { scope, refusal };
    case 'key':
      return { scope, refusal, group: true, suspicious: false };
    case 'key_for_good':
      return { scope, refusal };
  }
}

function ofReply(verdict: Verdict): KeyedVerdict {
  switch (verdict.scope) {
    case 'accepted':
      return { scope: 'settled', sent: true, bytes: 0 };
    case 'destination': {
      const { class: reason, code, message, suspicious } = verdict;
      const refusal = { class: reason, code, message };
      return { scope: 'destination', wait_ms: verdict.wait_ms, suspicious, counts: suspicious, refusal };
    }
    case 'partition':
      return { scope: 'group', refusal: { class: verdict.class, code: verdict.code, message: verdict.message } };
    case 'items': {
      const item = verdict.items[0];
      const { code, message, field } = item ? { field: undefined, ...item } : { ...verdict, field: undefined };
      return { scope: 'key', refusal: { class: 'refused', code, message, field }, group: true, suspicious: false };
    }
    case 'batch':
    case 'key': {
      const { code, message } = verdict;
      return { scope: 'key', refusal: { class: 'refused', code, message }, group: true, suspicious: false };
    }
    case 'size':
      return { scope: 'key_for_good', refusal: { class: 'size', code: verdict.code, message: verdict.message } };
  }
}

/** The other side, or the link, moved since it was read: the key is read again. */
export function conflict(code: string, message: string): KeyedVerdict {
  return { scope: 'key', refusal: { class: 'conflict', code, message }, group: false, suspicious: false };
}

/** What a sender threw, as an attempt at the key; the text of a stranger's error may hold a path, and is left out. */
export function thrown(error: unknown): KeyedVerdict {
  if (error instanceof StaleError) return conflict(error.code, error.message);
  const known = error instanceof SynclineError;
  const code = known ? error.code : 'exception';
  const message = known
    ? error.message
    : `The attempt ended with ${error instanceof Error ? error.name : typeof error}`;
  return { scope: 'key', refusal: { class: 'failed', code, message }, group: false, suspicious: false };
}

export interface SettlementContext {
  now_ms: number;
  retry: RetryPolicy;
  random: Random;
  /** Failures of the destination since it last answered. */
  circuit_failures: number;
  /** Refusals after which a key is refused for good, if its neighbours pass. */
  most_attempts: number;
}

/**
 * A key that crashes the destination needs more than one that is refused in words: at a destination that answers every
 * third request with a 503, five in a row would condemn one good key in 250, eight one in several thousand.
 */
export const FAILURES_OF_A_KEY = 8;

type Ending = TaskSettlement extends infer S
  ? S extends TaskSettlement
    ? Omit<S, 'destination_id' | 'key' | 'fence'>
    : never
  : never;

/** The settlement of a verdict, with its times from the one retry policy. */
export function endingOf(verdict: KeyedVerdict, task: Task, context: SettlementContext): Ending {
  const { now_ms, retry, random } = context;
  switch (verdict.scope) {
    case 'settled':
      return { kind: 'done', now_ms, sent: verdict.sent, bytes: verdict.bytes };
    case 'later':
      return { kind: 'later', now_ms, due_ms: verdict.until_ms };
    case 'destination': {
      const until_ms = now_ms + wait_ms(verdict.wait_ms, context.circuit_failures + 1, retry, random);
      // A suspicious key waits longer than the circuit, so that another one makes the next try.
      const due_ms = verdict.suspicious ? until_ms + backoff_ms(retry, task.failures + 1, random) : until_ms;
      return { kind: 'deferred', now_ms, until_ms, due_ms, suspicious: verdict.counts, refusal: verdict.refusal };
    }
    case 'group':
      return { kind: 'group_held', now_ms, until_ms: heldUntil(task, context), refusal: verdict.refusal };
    case 'key':
      return {
        kind: 'refused',
        now_ms,
        due_ms: now_ms + backoff_ms(retry, task.attempts + task.failures + 1, random),
        group_until_ms: verdict.group ? heldUntil(task, context) : null,
        most_attempts: verdict.suspicious ? FAILURES_OF_A_KEY : context.most_attempts,
        suspicious: verdict.suspicious,
        refusal: verdict.refusal,
      };
    case 'key_for_good':
      return { kind: 'dead_letter', now_ms, refusal: verdict.refusal };
  }
}

function heldUntil({ holds }: Task, { now_ms, retry, random }: SettlementContext): number {
  return now_ms + backoff_ms(retry, holds + 1, random);
}
