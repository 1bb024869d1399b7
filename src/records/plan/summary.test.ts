import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, test } from 'vitest';
import { fieldOf, mappingOf } from '../model/generated.contract.ts';
import type { Document } from '../model/value.ts';
import { estimateCalls } from './estimate-calls.ts';
import type { SideState } from './pair.ts';
import { planRecord } from './plan-record.ts';
import { hasChanges, PlanSummariser } from './summary.ts';

const mapping = mappingOf([
  fieldOf('text', { name: 'name', length: 5 }),
  fieldOf('text', { name: 'phone' }),
  fieldOf('text', { name: 'since', direction: 'salesforce_to_postgres' }),
]);
const base: Document = { name: 'A', phone: '1', since: '2020' };
const has = (document: Document = base): SideState => ({ presence: 'present', document, modified_ms: null });
const gone: SideState = { presence: 'absent', modified_ms: null };
const link = { base, had: { salesforce: 'present', postgres: 'present' } } as const;

function summarise(): PlanSummariser {
  const summariser = new PlanSummariser(mapping);
  const add = (key: string, salesforce: SideState, postgres: SideState, known = true) =>
    summariser.add(key, planRecord({ mapping, link: known ? link : null, salesforce, postgres }));
  add('same', has(), has());
  add('update', has({ ...base, name: 'B' }), has({ ...base, phone: '2' }));
  add('put back', has(), has({ ...base, since: '2021' }));
  add('conflict', has({ ...base, name: 'B' }), has({ ...base, name: 'C' }));
  add('deleted', gone, has());
  add('deleted and changed', gone, has({ ...base, phone: '2' }));
  add('created', has(), gone, false);
  add('too long', has(), has({ ...base, name: 'abcdef' }));
  add('unknown', { presence: 'unknown' }, has());
  return summariser;
}

it('counts by side, field and reason', () => {
  const { samples, ...summary } = summarise().finish(2_001);
  expect(summary).toEqual({
    object: 'accounts',
    version: '0123456789abcdef',
    records: 9,
    in_step: 1,
    salesforce: { creates: 0, updates: 1, deletes: 0, updates_by_field: { phone: 1 }, put_back: 0 },
    postgres: { creates: 1, updates: 2, deletes: 1, updates_by_field: { name: 1, since: 1 }, put_back: 1 },
    conflicts: { records: 2, by_field: { name: 1 }, deleted_on: { salesforce: 1, postgres: 0 } },
    unmatched: { salesforce: 0, postgres: 0 },
    left_alone: { duplicate: 0, ambiguous: 0, other_external_id: 0, no_external_id: 0 },
    skipped: [
      { field: 'name', reason: 'unwritable', code: 'too_long', count: 1 },
      { field: null, reason: 'unknown', code: null, count: 1 },
    ],
    api_calls: { read: 2, rest: 1, collections: 0, bulk: 0, total: 3 },
  });
  expect(samples).toContainEqual({
    key: 'update',
    side: 'salesforce',
    operation: 'update',
    changes: [{ field: 'phone', before: '1', after: '2' }],
  });
  expect(samples).toContainEqual({
    key: 'deleted',
    side: 'postgres',
    operation: 'delete',
    changes: [
      { field: 'name', before: 'A', after: null },
      { field: 'phone', before: '1', after: null },
      { field: 'since', before: '2020', after: null },
    ],
  });
});

it('shows ten rows at most, and each kind before a second of one', () => {
  const summariser = summarise();
  for (let index = 0; index < 1000; index++)
    summariser.add(
      `many ${index}`,
      planRecord({ mapping, link, salesforce: has({ ...base, name: 'B' }), postgres: has() }),
    );
  const { samples } = summariser.finish();
  expect(samples).toHaveLength(10);
  expect(new Set(samples.map(({ side, operation }) => `${side} ${operation}`))).toEqual(
    new Set(['salesforce update', 'postgres update', 'null conflict', 'postgres delete', 'postgres insert']),
  );
});

it('counts what only the target has, and what the first matching left alone', () => {
  const one_way = { ...mapping, direction: 'salesforce_to_postgres' } as const;
  const summariser = new PlanSummariser(one_way);
  summariser.add('k', planRecord({ mapping: one_way, link: null, salesforce: gone, postgres: has() }), 'postgres');
  summariser.addLeftAlone({ reason: 'ambiguous', by: ['name'], salesforce: ['1', '2'], postgres: ['3'] });
  const summary = summariser.finish();
  expect(summary.unmatched.postgres).toBe(1);
  expect(summary.left_alone.ambiguous).toBe(3);
  expect(hasChanges(summary)).toBe(false);
});

it('has changes when something would be written or decided', () => {
  expect(hasChanges(summarise().finish())).toBe(true);
  const conflict = new PlanSummariser(mapping);
  conflict.add('k', planRecord({ mapping, link, salesforce: gone, postgres: has({ ...base, name: 'B' }) }));
  expect(hasChanges(conflict.finish())).toBe(true);
  expect(hasChanges(new PlanSummariser(mapping).finish())).toBe(false);
});

test.each([
  [[0, 0, 0], 0, { read: 0, rest: 0, collections: 0, bulk: 0, total: 0 }],
  [[1, 0, 0], 1, { read: 1, rest: 1, collections: 0, bulk: 0, total: 2 }],
  [[201, 200, 1], 0, { read: 0, rest: 1, collections: 3, bulk: 0, total: 4 }],
  [[100_000, 1999, 0], 100_000, { read: 50, rest: 0, collections: 10, bulk: 20, total: 80 }],
])('estimates the calls of %j writes and %i reads', (writes, reads, calls) => {
  expect(estimateCalls(writes, reads)).toEqual(calls);
});

it('keeps no more of two thousand records than of ten', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const summariser = new PlanSummariser(mapping);
  const plan = planRecord({ mapping, link: null, salesforce: has(), postgres: gone });
  const before = held();
  for (let index = 0; index < 2_000; index++)
    summariser.add(`${index}${Buffer.alloc(50_000, 'k').toString('latin1')}`, plan);
  expect(held() - before).toBeLessThan(20_000_000);
  expect(summariser.finish().records).toBe(2_000);
});
