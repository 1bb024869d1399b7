import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatStamp, type Stamp } from '../clock/stamp.ts';
import type { RowKind } from '../operation.ts';
import { deltaOf } from './delta.ts';
import { parseStateText } from './parse-state.ts';
import { joinStates, stateText, type Row, type States } from './row.ts';
import { authored, operations, storeOf, updateOf } from '../../../test/support/memory-operations.ts';

/** The rows that operations make when they arrive in this order, as text. */
function fold(rows: readonly Row[]): Map<string, string> {
  const states = new Map<string, { row: RowKind; state: States[RowKind] }>();
  for (const { row, key, state } of rows) {
    const place = `${row} ${key}`;
    const known = states.get(place);
    states.set(place, { row, state: known ? joinStates(row, known.state, state) : state });
  }
  const texts = [...states].map(([place, { row, state }]): [string, string] => [place, stateText(row, state)]);
  return new Map(texts.sort());
}

function shuffled<T>(items: readonly T[], order: readonly number[]): T[] {
  return items
    .map((item, i) => ({ item, at: order[i % order.length]! + i * 1e-9 }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe('rows are lattices (T11)', () => {
  test('any order, any repetition: the same rows', () => {
    fc.assert(
      fc.property(
        operations(),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 }),
        (list, order) => {
          const rows = list.map(deltaOf);
          expect(fold(shuffled([...rows, ...rows], order))).toEqual(fold(rows));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('joined in groups, by twos, or one by one: the same rows', () => {
    fc.assert(
      fc.property(operations(), fc.nat(30), fc.nat(30), (list, first, second) => {
        const rows = list.map(deltaOf);
        const [a, b] = [Math.min(first, second), Math.max(first, second)];
        const parts = [rows.slice(0, a), rows.slice(a, b), rows.slice(b)].map((part) => [...statesOf(fold(part))]);
        expect(fold([...parts[2]!, ...parts[0]!, ...parts[1]!])).toEqual(fold(rows));
        expect(fold([...parts[0]!, ...parts[0]!, ...parts[2]!, ...parts[1]!])).toEqual(fold(rows));
      }),
      { numRuns: 300 },
    );
  });

  test('a state says the same after it travelled as text', () => {
    fc.assert(
      fc.property(operations(), (list) => {
        const rows = fold(list.map(deltaOf));
        expect(fold([...statesOf(rows)])).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });
});

function* statesOf(rows: ReadonlyMap<string, string>): Generator<Row> {
  for (const [place, text] of rows) {
    const [row, ...key] = place.split(' ');
    yield parseStateText(row as RowKind, key.join(' '), text);
  }
}

const at = (ms: number, origin = 'a.1', counter = 0): Stamp => formatStamp({ ms, counter, origin });
const memory = (...list: Parameters<typeof authored>[0][]): States['memory'] => {
  const rows = list.map((body) => deltaOf(authored(body)));
  return rows.map(({ state }) => state as States['memory']).reduce((a, b) => joinStates('memory', a, b));
};
const value = (state: States['memory'], name: string): unknown => state.registers[name]?.value;

describe('memory', () => {
  const store = storeOf('m', at(10));

  test('a delete ends every life up to it, in any order; only a later store begins another (T1, M4)', () => {
    const orders = [
      [store, updateOf('m', at(10), at(30), { title: 'late' }), { kind: 'delete', id: 'm', stamp: at(20) }],
      [{ kind: 'delete', id: 'm', stamp: at(20) }, updateOf('m', at(10), at(30), { title: 'late' }), store],
    ] as const;
    for (const order of orders)
      expect(memory(...order)).toMatchObject({ dead: at(20), life: '', stored: false, registers: {} });
    const again = memory(...orders[1], storeOf('m', at(25)));
    expect(again).toMatchObject({ life: at(25), stored: true });
    expect(memory(storeOf('m', at(25)), ...orders[0])).toEqual(again);
    expect(memory(storeOf('m', at(19)), ...orders[0]).life).toBe('');
    expect(memory(storeOf('m', at(20)), ...orders[0]).life).toBe('');
  });

  test('an update waits unseen for the store of its life, and never makes one (M4)', () => {
    const early = memory(updateOf('m', at(10), at(30), { title: 'new' }));
    expect(early.stored).toBe(false);
    const both = memory(updateOf('m', at(10), at(30), { title: 'new' }), store);
    expect([both.stored, value(both, 'title'), value(both, 'content')]).toEqual([true, 'new', 'content of m']);
  });

  test('fields are apart: a rename and a move of two members both stay (T3)', () => {
    const merged = memory(
      store,
      updateOf('m', at(10), at(20, 'b.1'), { namespace: 'team' }),
      updateOf('m', at(10), at(19), { title: 'renamed' }),
    );
    expect([value(merged, 'namespace'), value(merged, 'title')]).toEqual(['team', 'renamed']);
  });

  test('priority goes down, expiry is cleared, a tag is removed (T4, D6)', () => {
    const merged = memory(updateOf('m', at(10), at(20), { priority: 1, expires_at: null, tags: ['a'] }), store);
    expect([value(merged, 'priority'), value(merged, 'expires_at'), value(merged, 'tags')]).toEqual([1, null, ['a']]);
  });

  test('the later stamp wins whatever the wall clocks say; equal times are told apart by origin (T5)', () => {
    const a = updateOf('m', at(10), at(20, 'a.1'), { title: 'a' });
    const b = updateOf('m', at(10), at(20, 'b.1'), { title: 'b' });
    expect([value(memory(store, a, b), 'title'), value(memory(store, b, a), 'title')]).toEqual(['b', 'b']);
    expect(value(memory(store, updateOf('m', at(10), at(20, 'a.1', 1), { title: 'a' }), b), 'title')).toBe('a');
  });

  test('archive, restore and delete in all orders (T12)', () => {
    const archive = { kind: 'archive', id: 'm', life: at(10), reason: 'r', stamp: at(20) } as const;
    const restore = { kind: 'restore', id: 'm', life: at(10), stamp: at(30) } as const;
    const remove = { kind: 'delete', id: 'm', stamp: at(25) } as const;
    for (const order of permutations([archive, restore])) expect(value(memory(...order, store), 'archived')).toBeNull();
    const results = permutations([archive, restore, remove]).map((order) => memory(store, ...order));
    for (const result of results) expect(result).toEqual(results[0]);
    expect(results[0]).toMatchObject({ dead: at(25), life: '' });
  });

  test('metadata is merged member by member', () => {
    const change = { kind: 'update', id: 'm', life: at(10), fields: {}, stamp: at(20), metadata: { b: 2 } } as const;
    const other = {
      kind: 'update',
      id: 'm',
      life: at(10),
      fields: {},
      stamp: at(21, 'b.1'),
      metadata: { c: null, scope: 'team' },
    } as const;
    const merged = memory(store, change, other);
    expect([value(merged, 'metadata.b'), value(merged, 'metadata.scope'), value(merged, 'metadata.c')]).toEqual([
      2,
      'team',
      null,
    ]);
  });
});

test('links: the last word counts, in any order; a link may come before its ends', () => {
  const ends = { source_id: 'a', target_id: 'b', relation: 'related_to' } as const;
  const link = deltaOf(authored({ kind: 'link', ...ends, detail: {}, stamp: at(10) })).state as States['link'];
  const unlink = deltaOf(authored({ kind: 'unlink', ...ends, stamp: at(20) })).state as States['link'];
  expect(joinStates('link', link, unlink).value).toBeNull();
  expect(joinStates('link', unlink, link).value).toBeNull();
});

test('decision, vote and request in all orders; approved goes before rejected; nothing re-opens it (T13)', () => {
  const pending = {
    action_type: 'store',
    memory_id: null,
    namespace: 'n',
    payload: {},
    requested_by: 'x',
    approver: 'human',
  };
  const bodies = [
    { kind: 'pending', id: 'p', pending, stamp: at(10) },
    { kind: 'vote', id: 'p', agent_id: 'Bob', stamp: at(20) },
    { kind: 'vote', id: 'p', agent_id: 'bob', stamp: at(15) },
    { kind: 'decide', id: 'p', approved: false, decider: 'eve', stamp: at(30) },
    { kind: 'decide', id: 'p', approved: true, decider: 'bob', stamp: at(31) },
    { kind: 'pending', id: 'p', pending: { ...pending, requested_by: 'late' }, stamp: at(40) },
  ] as const;
  for (const order of permutations(bodies)) {
    const rows = order.map((body) => deltaOf(authored(body)).state as States['pending']);
    const state = rows.reduce((a, b) => joinStates('pending', a, b));
    expect(state.asked?.value).toMatchObject({ requested_by: 'x' });
    expect(state.votes).toEqual({ bob: { stamp: at(15), agent_id: 'bob' } });
    expect(state.decision).toMatchObject({ approved: true, decider: 'bob' });
  }
});

test('an erased pending action holds nothing, in whatever order it comes', () => {
  const pending = { action_type: 'store', memory_id: null, namespace: 'n', payload: { said: 'much' } };
  const bodies = [
    { kind: 'pending', id: 'p', pending: { ...pending, requested_by: 'x', approver: 'human' }, stamp: at(40) },
    { kind: 'pending_clear', id: 'p', stamp: at(30) },
    { kind: 'pending_clear', id: 'p', stamp: at(35) },
    { kind: 'vote', id: 'p', agent_id: 'bob', stamp: at(41) },
    { kind: 'decide', id: 'p', approved: true, decider: 'bob', stamp: at(42) },
  ] as const;
  for (const order of permutations(bodies)) {
    const rows = order.map((body) => deltaOf(authored(body)).state as States['pending']);
    const state = rows.reduce((a, b) => joinStates('pending', a, b));
    expect(state).toEqual({ asked: null, votes: {}, decision: null, cleared: at(35) });
  }
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
