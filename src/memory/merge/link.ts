import type { Stamp } from '../clock/stamp.ts';
import type { JsonObject } from '../json.ts';
import { joinRegister } from './register.ts';

/** Present or absent, whichever was said last. */
export interface LinkState {
  readonly stamp: Stamp;
  /** Author and detail; null = absent. */
  readonly value: JsonObject | null;
}

/** Commutative, associative, idempotent. */
export function joinLink(a: LinkState, b: LinkState): LinkState {
  return joinRegister(a, b) as LinkState;
}
