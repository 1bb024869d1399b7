/** Checks the state of a row that another member sent. */
import { InvalidInputError } from '../../platform/errors.ts';
import { NO_STAMP, parseStamp, type Stamp } from '../clock/stamp.ts';
import { FIELD_CHECKS, checkId, checkNamespaceOrAll, checkObject, invalid } from '../fields.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { RowKind } from '../operation.ts';
import type { MemoryState } from './memory.ts';
import { clearedAt, type PendingState, type Vote } from './pending.ts';
import { define, type Register } from './register.ts';
import { FLOOR_KEY, linkOf, type Row } from './row.ts';

/** @throws InvalidInputError `memory.invalid` (names the field), `memory.json` */
export function parseStateText(row: RowKind, key: string, text: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidInputError('memory.json', 'The state of a row is not JSON');
  }
  return parseState(row, key, checkObject('state', value));
}

/** @throws InvalidInputError `memory.invalid` */
export function parseState(row: RowKind, key: string, state: JsonObject): Row {
  switch (row) {
    case 'memory':
      return { row, key: checkId('key', key), state: memory(state) };
    case 'link':
      if (!linkOf(key)) throw invalid('key', 'is not that of a link');
      return { row, key, state: register(state) };
    case 'namespace':
      return { row, key: checkNamespaceOrAll('key', key), state: register(state) };
    case 'pending':
      return { row, key: checkId('key', key), state: pending(state) };
    case 'floor':
      if (key !== FLOOR_KEY) throw invalid('key', 'is not that of the floor');
      return { row, key, state: { before: stamp('state.before', state['before'] ?? null) } };
  }
}

function memory(state: JsonObject): MemoryState {
  const dead = stampOrNone('state.dead', state['dead'] ?? null);
  const life = stampOrNone('state.life', state['life'] ?? null);
  const packed = checkObject('state.registers', state['registers']);
  if (dead !== NO_STAMP && life !== NO_STAMP && dead >= life) throw invalid('state.life', 'is dead');
  if (life === NO_STAMP && Object.keys(packed).length > 0) throw invalid('state.registers', 'are of no life');
  const registers: Record<string, Register> = {};
  for (const [name, value] of Object.entries(packed)) define(registers, name, memoryRegister(name, value, life));
  const stored = state['stored'] === true && life !== NO_STAMP;
  if (stored)
    for (const name of [...Object.keys(FIELD_CHECKS), 'by', 'born'])
      if (!Object.hasOwn(registers, name)) throw invalid(`state.registers.${name}`, 'is missing');
  return { dead, life, stored, registers };
}

function memoryRegister(name: string, packed: Json, life: Stamp): Register {
  if (!isList(packed) || packed.length < 1 || packed.length > 2)
    throw invalid('state.registers', 'has one that is none');
  const value = packed[0] ?? null;
  FIELD_CHECKS[name]?.(`state.registers.${name}`, value, 4);
  if ((name === 'by' || name === 'born') && !isObject(value))
    throw invalid(`state.registers.${name}`, 'is not an author');
  return { stamp: packed.length === 1 ? life : stamp('state.registers', packed[1] ?? null), value };
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function register(state: JsonObject): { stamp: Stamp; value: JsonObject | null } {
  const value = state['value'] ?? null;
  return {
    stamp: stamp('state.stamp', state['stamp'] ?? null),
    value: value === null ? null : checkObject('state.value', value),
  };
}

function pending(state: JsonObject): PendingState {
  const asked = state['asked'] ?? null;
  const decision = state['decision'] ?? null;
  if (state['cleared'] !== undefined) return clearedAt(stamp('state.cleared', state['cleared']));
  const votes: Record<string, Vote> = {};
  for (const [voter, vote] of Object.entries(checkObject('state.votes', state['votes'])))
    define(votes, voter, {
      stamp: stamp('state.votes', member(vote, 'stamp')),
      agent_id: text('state.votes', member(vote, 'agent_id')),
    });
  return {
    asked:
      asked === null
        ? null
        : {
            stamp: stamp('state.asked', member(asked, 'stamp')),
            value: checkObject('state.asked', member(asked, 'value')),
          },
    votes,
    decision:
      decision === null
        ? null
        : {
            stamp: stamp('state.decision', member(decision, 'stamp')),
            approved: member(decision, 'approved') === true,
            decider: text('state.decision', member(decision, 'decider')),
          },
  };
}

function member(value: Json, name: string): Json {
  return isObject(value) ? (value[name] ?? null) : null;
}

function text(field: string, value: Json): string {
  if (typeof value !== 'string') throw invalid(field, 'is not a text');
  return value;
}

function stamp(field: string, value: Json): Stamp {
  if (!parseStamp(value)) throw invalid(field, 'is not a stamp');
  return value as Stamp;
}

function stampOrNone(field: string, value: Json): Stamp {
  return value === NO_STAMP ? NO_STAMP : stamp(field, value);
}
