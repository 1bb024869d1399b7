/**
 * The state machine of a keyed task as a table: a missing cell does not compile, an illegal step throws. Circuit and
 * destination are those of ordered delivery.
 *
 * Invariants, each with the beginning of the name of the test that enforces it; those without a file stand in
 * engine/contract/tasks.contract.ts. `EngineStore.verify` checks K2, K3 and K5 after each step of walk.contract.ts, each
 * cut of crash.contract.ts and in test/simulation/keyed.
 *  K1  A change after the claim makes the key ready again when the claim is settled.    `a hundred touches while claimed`
 *  K2  Only the holder of a task's newest fence settles it, or goes on.                 `a stale fence settles nothing`
 *  K3  A key is claimed once at a time.                                                 `a claimed key is not claimed again`
 *  K4  Only what concerns the key itself counts as an attempt at it.                    `pauses burn no attempts`
 *  K5  An open dead letter holds its key, and only that does: no claim until it is
 *      retried or discarded.                                                            `a dead letter holds its key`
 *  K6  A dead letter of class `refused` needs a key of the same group accepted that was
 *      claimed after the first refusal.                                                 `a group refused whole is held`
 *  K7  The flow's writes commit with the settlement or not at all.                      `a stale link write`
 *  K8  A circuit that is not closed lets at most one key through; nothing claimed after
 *      `pause` returned is sent.                                                        keyed/delivery.test.ts
 *  K9  An entry stays while its key has a task at a required destination.               retention.contract.ts `keyed`
 *  K10 A key's writes are serial, and the last carries its newest version (P5).         test/simulation/keyed
 */
import { invariant } from '../../platform/errors.ts';

/**
 * - `absent`: no row; the other side has the newest state.
 * - `ready`: may be claimed once it is due.
 * - `parked`: its group is refused whole; it becomes ready when the hold ends, or is the one key that tries it.
 * - `claimed`: somebody works on it.
 * - `held`: a dead letter holds it.
 */
export type TaskState = 'absent' | 'ready' | 'parked' | 'claimed' | 'held';

/**
 * - `touch`: the key changed. `claim`: taken for one attempt.
 * - `done`, `done_newer`: settled, with nothing or something newer since the claim.
 * - `again`: put back (refused, deferred, released, lease over).
 * - `dead_letter`: refused for good. `retry`: an operator marks it dirty.
 * - `discard`, `discard_newer`: the dead letter is given up, with nothing or something newer since.
 * - `park`, `unpark`: its group is held, or no more.
 * - `withdraw`: the destination takes its partition no more, or is removed.
 */
export type TaskEvent =
  | 'touch'
  | 'claim'
  | 'done'
  | 'done_newer'
  | 'again'
  | 'dead_letter'
  | 'retry'
  | 'discard'
  | 'discard_newer'
  | 'park'
  | 'unpark'
  | 'withdraw';

const NOTHING: Record<Exclude<TaskEvent, 'touch'>, null> = {
  claim: null,
  done: null,
  done_newer: null,
  again: null,
  dead_letter: null,
  retry: null,
  discard: null,
  discard_newer: null,
  park: null,
  unpark: null,
  withdraw: null,
};

/** `null` = cannot happen: the step throws. */
const taskTable: Record<TaskState, Record<TaskEvent, TaskState | null>> = {
  absent: { ...NOTHING, touch: 'ready' },
  ready: { ...NOTHING, touch: 'ready', claim: 'claimed', park: 'parked', withdraw: 'absent' },
  // Claimed from here: the one key that tries whether the group is taken again.
  parked: { ...NOTHING, touch: 'parked', claim: 'claimed', unpark: 'ready', withdraw: 'absent' },
  // Not withdrawn while somebody works on it: its settlement must find it.
  claimed: {
    ...NOTHING,
    touch: 'claimed',
    done: 'absent',
    done_newer: 'ready',
    again: 'ready',
    dead_letter: 'held',
  },
  // Not withdrawn either: its dead letter stays until somebody decides.
  held: {
    ...NOTHING,
    touch: 'held',
    retry: 'ready',
    discard: 'absent',
    discard_newer: 'ready',
  },
};

/** @throws InvariantError for a step the table does not know. */
export function nextTaskState(state: TaskState, event: TaskEvent): TaskState {
  const next = taskTable[state][event];
  invariant(next !== null, `task: ${event} in state ${state}`);
  return next;
}
