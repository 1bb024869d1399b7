import { expect, it, test } from 'vitest';
import { fieldOf } from '../model/generated.contract.ts';
import type { Value } from '../model/value.ts';
import { chosenValue, holdingResolutions, readChosenValue, type Choice } from './resolution.ts';

const seen = { field: 'name', base: 'A', salesforce: 'S', postgres: 'P' };

function holds(choice: Choice, salesforce: Value, postgres: Value): Value {
  const now = { salesforce: { name: salesforce }, postgres: { name: postgres } };
  const { fields, reopened } = holdingResolutions([{ choice, seen }], now);
  expect(reopened.length).toBe(fields['name'] === undefined ? 1 : 0);
  return fields['name'] ?? 'reopened';
}

test.each<[string, Choice, Value, Value, Value]>([
  ['as seen', { take: 'salesforce' }, 'S', 'P', 'S'],
  ['the winner moved on', { take: 'salesforce' }, 'S2', 'P', 'S2'],
  ['the loser was changed, unseen', { take: 'salesforce' }, 'S', 'P2', 'reopened'],
  ['the loser has it already', { take: 'salesforce' }, 'S', 'S', 'S'],
  ['as seen, the other way', { take: 'postgres' }, 'S', 'P', 'P'],
  ['a value of their own', { value: 'V' }, 'S', 'P', 'V'],
  ['written on one side already', { value: 'V' }, 'V', 'P', 'V'],
  ['a side was changed, unseen', { value: 'V' }, 'S2', 'P', 'reopened'],
])('%s', (_, choice, salesforce, postgres, expected) => {
  expect(holds(choice, salesforce, postgres)).toBe(expected);
});

it('a record whose side is not known any more is decided anew', () => {
  const resolution = { choice: { take: 'salesforce' }, seen } as const;
  expect(holdingResolutions([resolution], { salesforce: {}, postgres: { name: 'P' } })).toEqual({
    fields: {},
    reopened: ['name'],
  });
});

it('shows what a choice means', () => {
  expect(chosenValue({ choice: { take: 'postgres' }, seen })).toEqual({ ok: true, value: 'P' });
  expect(chosenValue({ choice: { value: null }, seen })).toEqual({ ok: true, value: null });
});

it('reads what was typed as the field has it', () => {
  const read = (kind: Parameters<typeof fieldOf>[0], typed: string | null, length: number | null = null) => {
    const read_value = readChosenValue(fieldOf(kind, { length }), typed, new Map());
    return read_value.ok ? read_value.value : read_value.problem.code;
  };
  expect(read('decimal', '12.50')).toBe('12.5');
  expect(read('decimal', 'much')).toBe('not_number');
  expect(read('text', 'abc', 2)).toBe('too_long');
  expect(read('text', null)).toBeNull();
  expect(read('boolean', null)).toBe('not_boolean');
  expect(read('datetime', '2024-01-01 10:00:00+02')).toBe('2024-01-01T08:00:00.000Z');
});
