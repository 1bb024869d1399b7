/**
 * The state machines of ordered delivery as tables: a missing cell does not compile, an illegal step throws.
 *
 * Invariants, each with the beginning of the name of the test that enforces it. Those of I1 to I5 stand in
 * engine/contract/batches.contract.ts, which every back-end passes; I1, I2 and more are also checked by
 * `EngineStore.verify` after each step of walk.contract.ts, each cut of crash.contract.ts and in test/simulation.
 *  I1  Batches of one (destination, partition) that are open or suspect never overlap.       `batches never overlap`
 *  I2  acked_offset + 1 is the lowest offset of an open or suspect batch that is no retry,
 *      else planned + 1.                                                                     `acked follows the lowest open batch`
 *  I3  A dead letter of class `refused` needs something of the same partition accepted that
 *      was sent after the item was first refused.                                            `a kind refused whole is held`
 *  I4  Only the holder of a batch's newest fence settles it.                                 `a stale fence settles nothing`
 *  I5  A batch whose body no longer has its stored hash is never sent under its key.         `an erased entry renews the batch`
 *  I6  A circuit that is not closed lets at most one request through.                        delivery.test.ts `half-open sends one`
 *  I7  Every offset up to acked_offset was accepted, dead-lettered, erased or counted as
 *      dropped.                                                                              test/simulation `nothing is lost`
 *  I8  Nothing is sent once `pause` has returned.                                            delivery.test.ts `after pause returned`
 */
import { invariant } from '../../platform/errors.ts';

export type BatchState = 'open' | 'suspect' | 'settled' | 'split' | 'abandoned';
export type BatchEvent = 'accept' | 'split' | 'suspect' | 'reopen' | 'dead_letter' | 'renew' | 'drop';

/** `null` = cannot happen: the step throws. */
const batchTable: Record<BatchState, Record<BatchEvent, BatchState | null>> = {
  open: {
    accept: 'settled',
    split: 'split',
    suspect: 'suspect',
    reopen: 'open',
    dead_letter: 'settled',
    renew: 'abandoned',
    drop: 'abandoned',
  },
  // A single item that was refused while nothing else was accepted: it waits for a neighbour's verdict.
  suspect: {
    accept: 'settled',
    split: null,
    suspect: 'suspect',
    reopen: 'open',
    dead_letter: 'settled',
    renew: 'abandoned',
    drop: 'abandoned',
  },
  settled: { accept: null, split: null, suspect: null, reopen: null, dead_letter: null, renew: null, drop: null },
  split: { accept: null, split: null, suspect: null, reopen: null, dead_letter: null, renew: null, drop: null },
  abandoned: { accept: null, split: null, suspect: null, reopen: null, dead_letter: null, renew: null, drop: null },
};

export type CircuitState = 'closed' | 'open' | 'half_open';
export type CircuitEvent = 'succeeded' | 'failed' | 'waited';

const circuitTable: Record<CircuitState, Record<CircuitEvent, CircuitState>> = {
  closed: { succeeded: 'closed', failed: 'open', waited: 'closed' },
  open: { succeeded: 'closed', failed: 'open', waited: 'half_open' },
  half_open: { succeeded: 'closed', failed: 'open', waited: 'half_open' },
};

export type DestinationState = 'active' | 'paused' | 'draining' | 'removed';
export type DestinationEvent = 'pause' | 'resume' | 'drain' | 'remove' | 'configure';

const destinationTable: Record<DestinationState, Record<DestinationEvent, DestinationState>> = {
  active: { pause: 'paused', resume: 'active', drain: 'draining', remove: 'removed', configure: 'active' },
  paused: { pause: 'paused', resume: 'active', drain: 'draining', remove: 'removed', configure: 'paused' },
  draining: { pause: 'paused', resume: 'draining', drain: 'draining', remove: 'removed', configure: 'active' },
  removed: { pause: 'removed', resume: 'removed', drain: 'removed', remove: 'removed', configure: 'active' },
};

/** @throws InvariantError for a step the table does not know. */
export function nextBatchState(state: BatchState, event: BatchEvent): BatchState {
  const next = batchTable[state][event];
  invariant(next !== null, `batch: ${event} in state ${state}`);
  return next;
}

export function nextCircuitState(state: CircuitState, event: CircuitEvent): CircuitState {
  return circuitTable[state][event];
}

export function nextDestinationState(state: DestinationState, event: DestinationEvent): DestinationState {
  return destinationTable[state][event];
}
