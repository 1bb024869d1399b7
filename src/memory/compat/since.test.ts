import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import { formatInstant, instantOfMilliseconds, parseInstant, type Instant } from './instant.ts';
import { ServedOrder } from './served-order.ts';
import { formatSincePage, readSinceQuery } from './since.ts';

const at = (second: number): Instant => instantOfMilliseconds(1_778_148_000_000 + second * 1000);
const far = at(1_000_000);

describe('the query (§3.2)', () => {
  const read = (text: string): ReturnType<typeof readSinceQuery> => readSinceQuery(new URLSearchParams(text));
  it.each([
    ['', { since: null, limit: 500, peer: null }],
    ['since=&limit=&peer=', { since: null, limit: 500, peer: null }],
    ['since=2026-05-07T10:00:00%2B00:00&limit=7&peer=host:a', { since: at(0), limit: 7, peer: 'host:a' }],
    ['since=2026-05-07T10:00:00+00:00', { since: at(0), limit: 500, peer: null }],
    ['since=2026-05-07T10:00:00Z&limit=0', { since: at(0), limit: 1, peer: null }],
    ['limit=99999&peer=a%20b', { since: null, limit: 10_000, peer: null }],
  ])('%s', (text, query) => expect(read(text)).toEqual(query));

  it.each(['since=yesterday', 'since=2026-05-07', 'limit=-1', 'limit=1e3', 'limit=many'])('%s is refused', (text) => {
    expect(() => read(text)).toThrow(/^invalid (since|limit)/);
  });
});

test('an empty page echoes what was asked', () => {
  const query = readSinceQuery(new URLSearchParams('since=2026-05-07T12:00:00%2B02:00'));
  const page = formatSincePage({
    query,
    memories: [],
    scope_status: 'no_allowlist_default_deny',
    excluded_for_scope: 3,
    excluded_for_scope_private: 0,
    examined: null,
  });
  expect(JSON.parse(page)).toEqual({
    count: 0,
    limit: 500,
    updated_since: '2026-05-07T10:00:00.000000000+00:00',
    earliest_updated_at: null,
    latest_updated_at: null,
    excluded_for_scope: 3,
    excluded_for_scope_private: 0,
    scope_status: 'no_allowlist_default_deny',
    next_since: '2026-05-07T10:00:00.000000000+00:00',
    memories: [],
  });
});

function withOrder<T>(work: (order: ServedOrder) => T): T {
  const scratch = scratchDirectory();
  const db = new Database(join(scratch.path, 'compat.db'));
  try {
    migrate(db, new URL('./migrations/', import.meta.url), 0, 'memory-compat');
    return work(new ServedOrder(db));
  } finally {
    db.close();
    scratch.remove();
  }
}

/** A baseline peer: remembers the greatest `updated_at` as text, asks for what is greater. */
function pull(order: ServedOrder, mark: string, limit: number): { ids: string[]; mark: string } {
  const page = order.after(mark === '' ? null : parseInstant(mark), limit);
  const times = page.map(({ served_at }) => formatInstant(served_at));
  return { ids: page.map(({ id }) => id), mark: [mark, ...times].sort().at(-1) ?? mark };
}

test('10,000 rows of one time, in pages of 500: none is missing (T6, D10)', () => {
  withOrder((order) => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ id: `m-${i}`, updated_at: at(0) }));
    order.arrived(rows, far, {});
    const seen: string[] = [];
    let mark = '';
    for (;;) {
      const page = pull(order, mark, 500);
      if (page.ids.length === 0) break;
      seen.push(...page.ids);
      ({ mark } = page);
    }
    expect(seen).toEqual(rows.map(({ id }) => id));
  });
});

test('a row that comes late with an old time is served after what was served before (T7, D11)', () => {
  withOrder((order) => {
    order.arrived([{ id: 'new', updated_at: at(60) }], far, { 'a.1': 1 });
    const first = pull(order, '', 500);
    order.arrived([{ id: 'late', updated_at: at(1) }], far, { 'b.1': 1 });
    expect(pull(order, first.mark, 500).ids).toEqual(['late']);
    expect(order.through()).toEqual({ 'a.1': 1, 'b.1': 1 });
  });
});

test('in quiet order the served times are the true ones; a time beyond our clock is not handed on', () => {
  withOrder((order) => {
    order.arrived(
      [
        { id: 'a', updated_at: at(1) },
        { id: 'b', updated_at: at(2) },
        { id: 'c', updated_at: far },
      ],
      at(3),
      {},
    );
    expect(order.after(null, 10).map(({ served_at }) => served_at)).toEqual([at(1), at(2), at(3)]);
  });
});

test('the mark of a peer stands behind everything to come, also when what it came from is gone', () => {
  withOrder((order) => {
    order.arrived([{ id: 'a', updated_at: at(60) }], far, {});
    const { mark } = pull(order, '', 10);
    order.forget(['a']);
    order.arrived([{ id: 'b', updated_at: at(1) }], far, {});
    expect(pull(order, mark, 10).ids).toEqual(['b']);
  });
});

test('whatever arrives in whatever order, a peer that asks now and then gets the last arrival of each', () => {
  const arrival = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), second: fc.nat(5), gone: fc.boolean() });
  const steps = fc.array(fc.oneof(fc.array(arrival, { maxLength: 6 }), fc.constant('pull' as const)), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 3 }), (script, limit) =>
      withOrder((order) => {
        const waits = new Set<string>();
        let mark = '';
        const ask = (): boolean => {
          const page = pull(order, mark, limit);
          for (const id of page.ids) waits.delete(id);
          ({ mark } = page);
          return page.ids.length > 0;
        };
        for (const step of script) {
          if (step === 'pull') ask();
          else {
            order.arrived(
              step.map(({ id, second }) => ({ id, updated_at: at(second) })),
              at(3),
              {},
            );
            for (const { id } of step) waits.add(id);
            const gone = step.filter((one) => one.gone).map(({ id }) => id);
            order.forget(gone);
            for (const id of gone) waits.delete(id);
          }
        }
        while (ask());
        expect([...waits]).toEqual([]);
      }),
    ),
    { numRuns: 60 },
  );
});
