import { describe, expect, it } from 'vitest';
import { fieldOf, mappingOf } from '../model/generated.contract.ts';
import type { Document } from '../model/value.ts';
import { isNothing, planRecord } from './plan-record.ts';
import { planRevert, type HistoryRow } from './revert.ts';

const mapping = mappingOf([
  fieldOf('text', { name: 'name' }),
  fieldOf('text', { name: 'phone' }),
  fieldOf('text', { name: 'since', direction: 'salesforce_to_postgres' }),
]);

const update = (
  order: number,
  before: Document,
  after: Document,
  side: HistoryRow['side'] = 'salesforce',
): HistoryRow => ({
  order,
  side,
  operation: 'update',
  before,
  after,
});
const both = (document: Document) => ({ salesforce: document, postgres: document });
const NONE = { salesforce: null, postgres: null };

describe('planRevert', () => {
  it('wants what the fields were before the first of the writes', () => {
    const rows = [
      update(2, { name: 'B' }, { name: 'C' }),
      update(1, { name: 'A', phone: null }, { name: 'B', phone: '1' }),
    ];
    expect(planRevert(mapping, rows, both({ name: 'C', phone: '1', since: 'x' }))).toEqual({
      wanted: { name: 'A', phone: null },
      restore: false,
      skipped: [],
    });
  });

  it('leaves what somebody changed since', () => {
    const rows = [update(1, { name: 'A', phone: '0' }, { name: 'B', phone: '1' })];
    const now = { salesforce: { name: 'B', phone: '1' }, postgres: { name: 'Z', phone: '1' } };
    expect(planRevert(mapping, rows, now)).toEqual({
      wanted: { phone: '0' },
      restore: false,
      skipped: [{ field: 'name', reason: 'changed_since' }],
    });
    expect(planRevert(mapping, rows, { salesforce: null, postgres: { name: 'B' } }).skipped).toEqual([
      { field: null, reason: 'changed_since' },
    ]);
  });

  it('names what it cannot take back', () => {
    const rows = [
      update(1, { since: '1', old: '1', name: 'S' }, { since: '2', old: '2', name: 'R' }),
      update(2, { name: 'P' }, { name: 'R' }, 'postgres'),
    ];
    expect(planRevert(mapping, rows, both({ since: '2', old: '2', name: 'R' })).skipped).toEqual([
      { field: 'name', reason: 'differed' },
      { field: 'old', reason: 'not_mapped' },
      { field: 'since', reason: 'one_way' },
    ]);
    const created: HistoryRow = { order: 1, side: 'postgres', operation: 'create', before: {}, after: { name: 'A' } };
    expect(planRevert(mapping, [created], both({ name: 'A' })).skipped).toEqual([{ field: null, reason: 'created' }]);
    expect(planRevert(mapping, [], NONE)).toEqual({ wanted: {}, restore: false, skipped: [] });
  });

  it('makes a deleted record again, as a normal plan', () => {
    const deleted: HistoryRow = {
      order: 2,
      side: 'postgres',
      operation: 'delete',
      before: { name: 'B', phone: '1', since: 'x' },
      after: {},
    };
    const revert = planRevert(mapping, [update(1, { name: 'A' }, { name: 'B' }), deleted], NONE);
    expect(revert).toEqual({
      wanted: { name: 'A', phone: '1' },
      restore: true,
      skipped: [{ field: 'since', reason: 'one_way' }],
    });
    const gone = { presence: 'absent', modified_ms: null } as const;
    const plan = planRecord({ mapping, link: null, salesforce: gone, postgres: gone, ...revert });
    expect(plan.salesforce).toEqual({ operation: 'upsert', fields: { name: 'A', phone: '1' }, before: {} });
    expect(plan.postgres).toEqual({ operation: 'insert', fields: { name: 'A', phone: '1' }, before: {} });
    expect(plan.next).toEqual({
      base: { name: 'A', phone: '1' },
      had: { salesforce: 'present', postgres: 'present' },
    });
    expect(planRevert(mapping, [deleted], { salesforce: {}, postgres: null }).skipped[0]?.reason).toBe('changed_since');
    const one_way = { ...mapping, direction: 'salesforce_to_postgres' } as const;
    expect(planRevert(one_way, [deleted], NONE).skipped).toEqual([{ field: null, reason: 'one_way' }]);
    const refused = planRecord({ mapping: one_way, link: null, salesforce: gone, postgres: gone, ...revert });
    expect([isNothing(refused), refused.skipped[0]?.reason]).toEqual([true, 'no_revert']);
  });

  it('is a plan that both sides carry out', () => {
    const rows = [update(1, { name: 'A' }, { name: 'B' })];
    const now = { name: 'B', phone: '1', since: 'x' };
    const present = { presence: 'present', document: now, modified_ms: null } as const;
    const link = { base: now, had: { salesforce: 'present', postgres: 'present' } } as const;
    const { wanted } = planRevert(mapping, rows, both(now));
    const plan = planRecord({ mapping, link, salesforce: present, postgres: present, wanted });
    expect([plan.salesforce?.fields, plan.postgres?.fields]).toEqual([{ name: 'A' }, { name: 'A' }]);
  });
});
