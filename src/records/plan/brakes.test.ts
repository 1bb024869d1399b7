import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldOf, mappingOf } from '../model/generated.contract.ts';
import { applyBrakes, formatTrippedBrake, NO_COUNTS, writesOf, type BrakeInput, type PlannedKey } from './brakes.ts';
import type { SideState } from './pair.ts';
import { planRecord } from './plan-record.ts';

const mapping = mappingOf([fieldOf('text', { name: 'a' })]);
const has = (a: string): SideState => ({ presence: 'present', document: { a }, modified_ms: null });
const gone: SideState = { presence: 'absent', modified_ms: null };
const link = { base: { a: 'x' }, had: { salesforce: 'present', postgres: 'present' } } as const;
const PLANS = {
  delete: planRecord({ mapping, link, salesforce: gone, postgres: has('x') }),
  create: planRecord({ mapping, link: null, salesforce: has('x'), postgres: gone }),
  change: planRecord({ mapping, link, salesforce: has('y'), postgres: has('x') }),
  both: planRecord({
    mapping,
    link,
    salesforce: has('y'),
    postgres: has('z'),
    resolutions: { fields: { a: 'r' }, record: null },
  }),
  nothing: planRecord({ mapping, link, salesforce: has('x'), postgres: has('x') }),
};

const keys = (plan: keyof typeof PLANS, count: number, from = 0): PlannedKey[] =>
  Array.from({ length: count }, (_, index) => ({ key: `${plan} ${from + index}`, plan: PLANS[plan] }));

function brake(given: Partial<BrakeInput>) {
  const brakes = { max_deletes: 3, max_creates: 5, max_changes_percent: 20 };
  return applyBrakes({ brakes, pairs: 1000, used: NO_COUNTS, planned: [], ...given });
}

describe('applyBrakes', () => {
  it('lets go what is within the limits', () => {
    const planned = [...keys('delete', 3), ...keys('create', 5), ...keys('change', 200), ...keys('nothing', 9)];
    const { go, held, tripped } = brake({ planned });
    expect([go, held, tripped]).toEqual([planned, [], []]);
  });

  it('sends nothing of the excess, and names the limit with a sample', () => {
    const { go, held, tripped, used } = brake({ planned: [...keys('delete', 20), ...keys('create', 2)] });
    expect(go.map(({ key }) => key)).toEqual(['delete 0', 'delete 1', 'delete 2', 'create 0', 'create 1']);
    expect(held).toHaveLength(17);
    expect(tripped).toEqual([
      {
        side: 'postgres',
        kind: 'deletes',
        limit: 3,
        used: 3,
        excess: 17,
        sample: Array.from({ length: 10 }, (_, index) => `delete ${index + 3}`),
      },
    ]);
    expect(used.postgres).toEqual({ creates: 2, changes: 0, deletes: 3 });
  });

  it('counts what was written this hour, and what an operator allowed', () => {
    const used = { ...NO_COUNTS, postgres: { creates: 0, changes: 0, deletes: 3 } };
    expect(brake({ used, planned: keys('delete', 1) }).go).toEqual([]);
    const allowed = { ...NO_COUNTS, postgres: { creates: 0, changes: 0, deletes: 2 } };
    expect(brake({ used, allowed, planned: keys('delete', 9) }).go).toHaveLength(2);
  });

  it('allows a share of the pairs to change, and always a hundred', () => {
    expect(brake({ planned: keys('change', 500) }).go).toHaveLength(200);
    expect(brake({ planned: keys('change', 500), pairs: 10 }).go).toHaveLength(100);
  });

  it('holds a key on both sides when one is beyond', () => {
    const used = { ...NO_COUNTS, salesforce: { creates: 0, changes: 200, deletes: 0 } };
    const { go, tripped } = brake({ used, planned: keys('both', 1) });
    expect([go, tripped.map(({ side }) => side)]).toEqual([[], ['salesforce']]);
  });

  it('says why without a value of a record', () => {
    const [tripped] = brake({ planned: keys('delete', 5) }).tripped;
    expect(formatTrippedBrake(tripped!, 'accounts')).toBe(
      '2 more deletes in PostgreSQL than the 3 of an hour (3 written). Look at them, then `syncline resume records/accounts --allow 2`.',
    );
  });

  it('never passes a limit, and loses no key', () => {
    const kinds = fc.constantFrom<keyof typeof PLANS>('delete', 'create', 'change', 'both', 'nothing');
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 60 }), fc.nat(8), fc.nat(8), (wanted, max_deletes, max_creates) => {
        const planned = wanted.map((kind, index) => ({ key: String(index), plan: PLANS[kind] }));
        const brakes = { max_deletes, max_creates, max_changes_percent: 0 };
        const { go, held, used, tripped } = brake({ brakes, planned });
        expect([...go, ...held].map(({ key }) => Number(key)).sort((a, b) => a - b)).toEqual(
          wanted.map((_, index) => index),
        );
        expect(used.postgres.deletes).toBeLessThanOrEqual(max_deletes);
        expect(used.postgres.creates).toBeLessThanOrEqual(max_creates);
        const written = go.flatMap(({ plan }) => writesOf(plan));
        expect(written.filter(({ kind }) => kind === 'deletes')).toHaveLength(used.postgres.deletes);
        expect(tripped.length > 0).toBe(held.length > 0);
      }),
    );
  });
});
