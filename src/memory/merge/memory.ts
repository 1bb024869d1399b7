/**
 * The state of one memory id (README "Rows are lattices"). Invariants: `dead < life` or there is no life; without a life
 * there are no registers.
 */
import { NO_STAMP, laterStamp, type Stamp } from '../clock/stamp.ts';
import type { Json, JsonObject } from '../json.ts';
import { define, joinRegisters, type Register, type Registers } from './register.ts';

export interface MemoryState {
  /** The greatest delete; '' = none. */
  readonly dead: Stamp;
  /** The greatest life that is not dead; '' = none. */
  readonly life: Stamp;
  /** Whether the `store` that began the life is here. Until then nobody sees it. */
  readonly stored: boolean;
  /**
   * Fields by name, members of metadata as `metadata.NAME`, and ours: `archived`, `embedding`, `born` (author of the life),
   * `by` (author of the last change).
   */
  readonly registers: Registers;
}

export const NO_MEMORY: MemoryState = { dead: NO_STAMP, life: NO_STAMP, stored: false, registers: {} };

/** Commutative, associative, idempotent. Returns `a` itself when `b` adds nothing. */
export function joinMemory(a: MemoryState, b: MemoryState): MemoryState {
  const dead = laterStamp(a.dead, b.dead);
  const life = laterStamp(a.life, b.life);
  if (dead !== NO_STAMP && dead >= life) return a.dead === dead && a.life === NO_STAMP ? a : { ...NO_MEMORY, dead };
  if (a.life !== b.life) return withDead(a.life === life ? a : b, dead);
  const registers = joinRegisters(a.registers, b.registers);
  const stored = a.stored || b.stored;
  if (registers === a.registers && stored === a.stored) return withDead(a, dead);
  return { dead, life, stored, registers };
}

function withDead(state: MemoryState, dead: Stamp): MemoryState {
  return state.dead === dead ? state : { ...state, dead };
}

/** What a delete knows. */
export function deadAt(stamp: Stamp): MemoryState {
  return { ...NO_MEMORY, dead: stamp };
}

/** What the beginning of a life knows: all registers are as old as the life. */
export function lifeFrom(stamp: Stamp, values: JsonObject): MemoryState {
  return { dead: NO_STAMP, life: stamp, stored: true, registers: registersAt(stamp, values) };
}

/** What a change of a life knows. */
export function changeOfLife(life: Stamp, stamp: Stamp, values: JsonObject): MemoryState {
  return { dead: NO_STAMP, life, stored: false, registers: registersAt(stamp, values) };
}

function registersAt(stamp: Stamp, values: JsonObject): Registers {
  const registers: Record<string, Register> = {};
  for (const [name, value] of Object.entries(values)) define(registers, name, { stamp, value });
  return registers;
}

export const METADATA_PREFIX = 'metadata.';

/** Members of metadata as registers; null removes one. */
export function metadataRegisters(metadata: JsonObject): Record<string, Json> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [METADATA_PREFIX + name, value]));
}
