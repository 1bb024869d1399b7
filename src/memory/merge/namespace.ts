import type { Stamp } from '../clock/stamp.ts';
import type { JsonObject } from '../json.ts';
import { joinRegister } from './register.ts';

/** The standard of a namespace, set or cleared, whichever was said last. */
export interface NamespaceState {
  readonly stamp: Stamp;
  /** `standard_id`, `parent`, `by`; null = cleared. */
  readonly value: JsonObject | null;
}

/** Commutative, associative, idempotent. */
export function joinNamespace(a: NamespaceState, b: NamespaceState): NamespaceState {
  return joinRegister(a, b) as NamespaceState;
}
