/** Approving and rejecting. What an approval does is ordinary operations in the same transaction. */
import { hash } from 'node:crypto';
import { checkId } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import type { Decided } from '../memories.ts';
import type { PendingAction } from '../memory.ts';
import type { PendingState } from '../merge/pending.ts';
import { SynclineError } from '../../platform/errors.ts';
import { liveMemory } from '../store/reads.ts';
import { promoted } from '../writes/combine-memories.ts';
import { writeDelete } from '../writes/remove-memory.ts';
import { Denied, NotFound } from '../writes/refusals.ts';
import type { Draft } from '../writes/request.ts';
import { write, type WriteScope } from '../writes/scope.ts';
import { begin } from '../writes/store-memory.ts';
import { titled } from '../writes/titles.ts';
import { writeChange } from '../writes/update-memory.ts';
import { isRegistered, readApprover, type Approver } from './policy.ts';
import { approverOf, pendingActionOf, pendingStateOf } from './pending-view.ts';

interface Open {
  action: PendingAction;
  state: PendingState;
  approver: Approver;
}

/** @throws NotFound, Denied, SynclineError `memory.decided` */
export function approve(scope: WriteScope, id: string): Decided {
  const open = openAction(scope, id);
  const { approver } = open;
  if (typeof approver === 'object' && 'consensus' in approver) return vote(scope, open, approver.consensus);
  requireApprover(scope, approver);
  return carriedOut(scope, open, { votes: 1, votes_needed: 1 });
}

/** @throws as `approve` */
export function reject(scope: WriteScope, id: string): Decided {
  const { action, state, approver } = openAction(scope, id);
  requireApprover(scope, approver);
  write(scope, { kind: 'decide', id, approved: false, decider: scope.caller.agent_id });
  const votes = Object.keys(state.votes).length;
  return {
    ...result(scope, action.id),
    decided: true,
    votes,
    votes_needed: neededOf(approver),
    executed: false,
    memory_id: null,
  };
}

const MOST_SETTLED = 100;

/** Actions that got their votes on different members. */
export function settleVotes(
  scope: WriteScope,
  undecided: readonly PendingAction[],
): { decided: number; more: boolean } {
  const ready = undecided.filter(({ id }) => {
    const state = pendingStateOf(scope.db, id);
    const approver = state && readApprover(approverOf(state));
    if (!state || typeof approver !== 'object' || approver === null || !('consensus' in approver)) return false;
    return Object.keys(state.votes).length >= approver.consensus;
  });
  for (const { id } of ready.slice(0, MOST_SETTLED)) {
    const open = openAction(scope, id);
    carriedOut(scope, open, { votes: 0, votes_needed: 0 });
  }
  return { decided: Math.min(ready.length, MOST_SETTLED), more: ready.length > MOST_SETTLED };
}

function openAction(scope: WriteScope, given: string): Open {
  const id = checkId('id', given);
  const parts = { ...scope, pending_timeout_ms: scope.settings.pending_timeout_ms };
  const action = pendingActionOf(parts, id);
  const state = pendingStateOf(scope.db, id);
  if (!action || !state) throw new NotFound('pending action');
  if (action.status !== 'pending')
    throw new SynclineError('memory.decided', `The action is ${action.status} already`, { field: 'id' });
  return { action, state, approver: readApprover(approverOf(state)) ?? 'human' };
}

function requireApprover(scope: WriteScope, approver: Approver): void {
  const { agent_id } = scope.caller;
  if (approver === 'human') return;
  const allowed = 'agent' in approver ? approver.agent === agent_id : isRegistered(scope.db, agent_id);
  if (!allowed) throw new Denied('The policy lets others decide this', 'Ask the approver that the policy names.');
}

/** Votes are counted by agent, without case; an agent that is not registered has none. */
function vote(scope: WriteScope, open: Open, needed: number): Decided {
  const { agent_id } = scope.caller;
  requireApprover(scope, { consensus: needed });
  const { id } = open.action;
  if (!Object.hasOwn(open.state.votes, agent_id.toLowerCase())) write(scope, { kind: 'vote', id, agent_id });
  const votes = Object.keys(pendingStateOf(scope.db, id)?.votes ?? {}).length;
  const counted = { votes, votes_needed: needed };
  if (votes >= needed) return carriedOut(scope, open, counted);
  return { ...result(scope, id), ...counted, decided: false, executed: false, memory_id: null };
}

function carriedOut(
  scope: WriteScope,
  { action, state }: Open,
  counted: { votes: number; votes_needed: number },
): Decided {
  const { id } = action;
  write(scope, { kind: 'decide', id, approved: true, decider: scope.caller.agent_id });
  const memory_id = execute(scope, action, state.asked?.value ?? {});
  return { ...result(scope, id), ...counted, decided: true, executed: memory_id !== null, memory_id };
}

/** Null: what it was about is gone. The same id whoever executes it, so that two make one memory (T13). */
function execute(scope: WriteScope, action: PendingAction, asked: JsonObject): string | null {
  const requester = typeof asked['requested_by'] === 'string' ? asked['requested_by'] : scope.caller.agent_id;
  const as = { ...scope, caller: { agent_id: requester } };
  if (action.action_type === 'store') return executeStore(as, action);
  const memory = action.memory_id === null ? null : liveMemory(scope, action.memory_id);
  if (!memory) return null;
  if (action.action_type === 'delete') {
    writeDelete(as, memory.id);
    return memory.id;
  }
  if (action.action_type !== 'promote') return null;
  const target = action.payload['to_namespace'];
  return promoted(as, memory, typeof target === 'string' ? target : null, idMadeOf(action.id)).id;
}

function executeStore(scope: WriteScope, { id, payload }: PendingAction): string {
  const draft = payload as unknown as Draft & { id: string | null; on_conflict: string };
  const given = draft.id === null ? null : liveMemory(scope, draft.id);
  const existing =
    given ?? (draft.on_conflict === 'merge' ? titled(scope, draft.fields.namespace, draft.fields.title) : null);
  const { fields, metadata } = draft;
  if (!existing) return begin(scope, draft.id ?? idMadeOf(id), { fields, metadata }).id;
  writeChange(scope, existing, fields, { ...metadata, agent_id: existing.metadata['agent_id'] ?? null });
  return existing.id;
}

/** A UUID (version 8) made of another id. */
export function idMadeOf(id: string): string {
  const hex = hash('sha256', `memory of ${id}`, 'hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function neededOf(approver: Approver): number {
  return typeof approver === 'object' && 'consensus' in approver ? approver.consensus : 1;
}

function result(scope: WriteScope, id: string): { pending: PendingAction } {
  const pending = pendingActionOf({ ...scope, pending_timeout_ms: scope.settings.pending_timeout_ms }, id);
  if (!pending) throw new NotFound('pending action');
  return { pending };
}
