import type { Stamp } from '../clock/stamp.ts';
import { canonicalJson, type Json } from '../json.ts';

/** A value that the last writer wins. */
export interface Register {
  readonly stamp: Stamp;
  readonly value: Json;
}

export type Registers = Readonly<Record<string, Register>>;

/** The later of two. Equal stamps are one write; should their values differ all the same, the choice is the same everywhere. */
export function joinRegister(a: Register, b: Register): Register {
  if (a.stamp !== b.stamp) return a.stamp > b.stamp ? a : b;
  return a.value === b.value || canonicalJson(a.value) >= canonicalJson(b.value) ? a : b;
}

/** Name by name. Returns `a` itself when `b` adds nothing. */
export function joinRegisters(a: Registers, b: Registers): Registers {
  let joined: Record<string, Register> | null = null;
  for (const [name, theirs] of Object.entries(b)) {
    const ours = Object.hasOwn(a, name) ? a[name] : undefined;
    const register = ours ? joinRegister(ours, theirs) : theirs;
    if (register === ours) continue;
    joined ??= { ...a };
    define(joined, name, register);
  }
  return joined ?? a;
}

/** Sets an own member, also one named `__proto__`. */
export function define<T>(object: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  else object[name] = value;
}

/** Null stands for "not there". The smaller of two stamped values, by stamp, then by text. */
export function earlierOf<T extends { stamp: Stamp }>(a: T | null, b: T | null, text: (value: T) => string): T | null {
  if (!a || !b) return a ?? b;
  if (a.stamp !== b.stamp) return a.stamp < b.stamp ? a : b;
  return text(a) <= text(b) ? a : b;
}
