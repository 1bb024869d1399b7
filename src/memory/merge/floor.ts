import { laterStamp, type Stamp } from '../clock/stamp.ts';

/** How far purges have gone: tombstones and absent links older than `before` are no longer kept. */
export interface FloorState {
  readonly before: Stamp;
}

/** Commutative, associative, idempotent. */
export function joinFloor(a: FloorState, b: FloorState): FloorState {
  return laterStamp(a.before, b.before) === a.before ? a : b;
}
