/** Every replicated row in one shape: kind, key and the state that is joined. */
import type { Stamp } from '../clock/stamp.ts';
import { canonicalJson, memberName, type JsonObject } from '../json.ts';
import type { RowKind } from '../operation.ts';
import { joinFloor, type FloorState } from './floor.ts';
import { joinLink, type LinkState } from './link.ts';
import { joinMemory, type MemoryState } from './memory.ts';
import { joinNamespace, type NamespaceState } from './namespace.ts';
import { define, type Register } from './register.ts';
import { joinPending, type PendingState } from './pending.ts';

export interface States {
  memory: MemoryState;
  link: LinkState;
  pending: PendingState;
  namespace: NamespaceState;
  floor: FloorState;
}

export type Row = { [K in RowKind]: { row: K; key: string; state: States[K] } }[RowKind];

const JOINS: { [K in RowKind]: (a: States[K], b: States[K]) => States[K] } = {
  memory: joinMemory,
  link: joinLink,
  pending: joinPending,
  namespace: joinNamespace,
  floor: joinFloor,
};

/** Joins two states of one row. */
export function joinStates<K extends RowKind>(row: K, a: States[K], b: States[K]): States[K] {
  return JOINS[row](a, b);
}

/** The key of a link's row: its three names, which may hold any character. */
export function linkKey(source_id: string, target_id: string, relation: string): string {
  return JSON.stringify([source_id, target_id, relation]);
}

/** Names of a link's row; null when the key is of another form. */
export function linkOf(key: string): { source_id: string; target_id: string; relation: string } | null {
  try {
    const parts = JSON.parse(key) as unknown;
    if (!Array.isArray(parts) || parts.length !== 3 || !parts.every((part) => typeof part === 'string')) return null;
    const [source_id, target_id, relation] = parts as [string, string, string];
    return linkKey(source_id, target_id, relation) === key ? { source_id, target_id, relation } : null;
  } catch {
    return null;
  }
}

export const FLOOR_KEY = 'floor';

/**
 * The text that is kept, hashed, exported and sent. A register as old as its life is `[value]`, a later one
 * `[value, stamp]`: most fields are never changed, and the stamp would be most of the row.
 */
export function stateText<K extends RowKind>(row: K, state: States[K]): string {
  if (row !== 'memory') return canonicalJson(state as unknown as JsonObject);
  const text = memoryText(state as MemoryState);
  last = { text, state: state as MemoryState };
  return text;
}

/** The last text that was written or read: a write reads what it changes, joins it, and shows what came of it. */
let last: { text: string; state: MemoryState } | null = null;

/** As `canonicalJson` of a `PackedMemory`, without making one: every write of a memory writes this text. */
function memoryText({ dead, life, stored, registers }: MemoryState): string {
  let members = '';
  for (const name of Object.keys(registers).sort()) {
    const register = registers[name];
    if (!register) continue;
    const stamp = register.stamp === life ? '' : `,${JSON.stringify(register.stamp)}`;
    members += `${members === '' ? '' : ','}${memberName(name)}[${canonicalJson(register.value)}${stamp}]`;
  }
  return `{"dead":${JSON.stringify(dead)},"life":${JSON.stringify(life)},"registers":{${members}},"stored":${stored}}`;
}

/** Of text of our own: nothing is checked. `parseState` checks what others sent. */
export function readMemoryState(text: string): MemoryState {
  if (last?.text !== text) last = { text, state: unpacked(JSON.parse(text) as PackedMemory) };
  return last.state;
}

export interface PackedMemory {
  dead: Stamp;
  life: Stamp;
  stored: boolean;
  registers: Record<string, [value: JsonObject[string], stamp?: Stamp]>;
}

export function unpacked({ dead, life, stored, registers: packed }: PackedMemory): MemoryState {
  const registers: Record<string, Register> = {};
  for (const name of Object.keys(packed)) {
    const register = packed[name];
    if (register) define(registers, name, { stamp: register[1] ?? life, value: register[0] });
  }
  return { dead, life, stored, registers };
}
