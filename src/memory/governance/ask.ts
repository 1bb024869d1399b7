import { uuidv7 } from '../../platform/random.ts';
import type { JsonObject } from '../json.ts';
import type { Memory } from '../memory.ts';
import { Denied } from '../writes/refusals.ts';
import { write, type WriteScope } from '../writes/scope.ts';
import { judge, policyOf, type Act } from './policy.ts';

const ACTION_TYPES: Record<Act, string> = { write: 'store', promote: 'promote', delete: 'delete' };

export interface Asking {
  act: Act;
  namespace: string;
  memory: Memory | null;
  /** What an approval carries out. */
  payload: JsonObject;
}

/**
 * Null: it may be done now. Otherwise it was written down to be approved, and the id of that is returned.
 * @throws Denied
 */
export function askFor(scope: WriteScope, { act, namespace, memory, payload }: Asking): string | null {
  if (scope.settings.permissions === 'off') return null;
  const { caller, db, settings } = scope;
  const verdict = judge(db, policyOf(db, namespace), act, caller.agent_id, memory);
  if ('ask' in verdict) {
    const id = uuidv7(scope.work.now_ms, settings.random);
    write(scope, {
      kind: 'pending',
      id,
      pending: {
        action_type: ACTION_TYPES[act],
        memory_id: memory?.id ?? null,
        namespace,
        payload,
        requested_by: caller.agent_id,
        approver: verdict.ask,
      },
    });
    return id;
  }
  if (!verdict.allowed)
    throw new Denied(`The policy of the namespace does not let this agent ${act}`, 'Ask an owner of the namespace.');
  return null;
}

/** For acts that nobody can approve later: a policy that wants a yes says no. @throws Denied */
export function requireAllowed(scope: WriteScope, act: Act, namespace: string, memory: Memory): void {
  if (scope.settings.permissions === 'off') return;
  const { caller, db } = scope;
  const verdict = judge(db, policyOf(db, namespace), act, caller.agent_id, memory);
  const allowed = 'ask' in verdict ? memory.metadata['agent_id'] === caller.agent_id : verdict.allowed;
  if (!allowed) throw new Denied(`The policy of the namespace does not let this agent ${act}`);
}
