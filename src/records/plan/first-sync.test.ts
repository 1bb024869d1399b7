import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { mappingOf } from '../model/generated.contract.ts';
import type { Document, Side } from '../model/value.ts';
import { FirstSyncMatcher, naturalKey } from './first-sync.ts';

const mapping = mappingOf([], { natural_keys: [['email'], ['name', 'city']] });

type Given = [Side, string, string | null, Document?];

function match(records: readonly Given[]) {
  const matcher = new FirstSyncMatcher(mapping);
  for (const [side, id, key, document = {}] of records) matcher.add(side, { id, key, document });
  return matcher.result();
}

describe('matching two filled sides', () => {
  it('pairs by external id, whatever else differs', () => {
    const { pairs } = match([
      ['salesforce', 's1', 'k1', { email: 'a@x' }],
      ['postgres', 'p1', 'k1', { email: 'b@x' }],
    ]);
    expect(pairs).toEqual([{ salesforce: 's1', postgres: 'p1', key: 'k1', by: 'external_id', key_missing_on: null }]);
  });

  it('pairs by natural keys in their order what has no common external id', () => {
    const { pairs, unmatched } = match([
      ['salesforce', 's1', null, { email: ' A@X.com ', name: 'n', city: 'c' }],
      ['postgres', 'p1', 'k1', { email: 'a@x.com' }],
      ['salesforce', 's2', 'k2', { email: null, name: 'José  Núñez', city: 'Köln' }],
      ['postgres', 'p2', null, { name: 'jose\u0301 nu\u0301n\u0303ez', city: 'KÖLN' }],
      ['postgres', 'p3', 'k3', { name: 'n', city: 'c' }],
    ]);
    expect(pairs).toEqual([
      { salesforce: 's1', postgres: 'p1', key: 'k1', by: ['email'], key_missing_on: 'salesforce' },
      { salesforce: 's2', postgres: 'p2', key: 'k2', by: ['name', 'city'], key_missing_on: 'postgres' },
    ]);
    expect(unmatched).toEqual({ salesforce: [], postgres: [{ id: 'p3', key: 'k3' }] });
  });

  test.each<[string, Given[], string]>([
    [
      'two records with one external id',
      [
        ['salesforce', 's1', 'k'],
        ['salesforce', 's2', 'k'],
        ['postgres', 'p1', 'k'],
      ],
      'duplicate external_id s1,s2 p1',
    ],
    [
      '… also when the other side has none',
      [
        ['postgres', 'p1', 'k'],
        ['postgres', 'p2', 'k'],
      ],
      'duplicate external_id  p1,p2',
    ],
    [
      'two that fit one',
      [
        ['salesforce', 's1', null, { email: 'a' }],
        ['salesforce', 's2', null, { email: 'A' }],
        ['postgres', 'p1', 'k', { email: 'a' }],
      ],
      'ambiguous email s1,s2 p1',
    ],
    [
      'two with external ids of their own',
      [
        ['salesforce', 's1', 'k1', { email: 'a' }],
        ['postgres', 'p1', 'k2', { email: 'a' }],
      ],
      'other_external_id email s1 p1',
    ],
    [
      'two without any',
      [
        ['salesforce', 's1', null, { email: 'a' }],
        ['postgres', 'p1', null, { email: 'a' }],
      ],
      'no_external_id email s1 p1',
    ],
  ])('leaves alone %s', (_, records, expected) => {
    const { pairs, left_alone, unmatched } = match(records);
    const [found] = left_alone.map(
      ({ reason, by, salesforce, postgres }) => `${reason} ${String(by)} ${salesforce.join()} ${postgres.join()}`,
    );
    expect([pairs, found, left_alone.length, unmatched]).toEqual([[], expected, 1, { salesforce: [], postgres: [] }]);
  });

  it('lets several of one side alone fit by another key', () => {
    const { pairs } = match([
      ['salesforce', 's1', null, { email: 'a', name: 'n', city: '1' }],
      ['salesforce', 's2', null, { email: 'a', name: 'n', city: '2' }],
      ['postgres', 'p1', 'k', { email: 'b', name: 'n', city: '2' }],
    ]);
    expect(pairs.map(({ salesforce, postgres }) => [salesforce, postgres])).toEqual([['s2', 'p1']]);
  });

  it('an empty field is no key', () => {
    expect(naturalKey(['a', 'b'], { a: 'x', b: null })).toBeNull();
    expect(naturalKey(['a', 'b'], { a: 'x' })).toBeNull();
    expect(naturalKey(['a'], { a: ' \u00a0 ' })).toBeNull();
    expect(naturalKey(['a', 'b'], { a: 'x y', b: true })).not.toBe(naturalKey(['a', 'b'], { a: 'xy', b: true }));
  });

  it('uses every record once, and finds the same in any order', () => {
    const record = fc.record({
      side: fc.constantFrom<Side>('salesforce', 'postgres'),
      key: fc.constantFrom(null, 'k1', 'k2', 'k3'),
      document: fc.record({
        email: fc.constantFrom(null, 'a', 'A', 'b'),
        name: fc.constantFrom('n', 'm'),
        city: fc.constant('c'),
      }),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), (records) => {
        const given = records.map(({ side, key, document }, index): Given => [side, `${side}${index}`, key, document]);
        const found = match(given);
        expect(match([...given].reverse())).toEqual(found);
        const used = [
          ...found.pairs.flatMap(({ salesforce, postgres }) => [salesforce, postgres]),
          ...found.left_alone.flatMap(({ salesforce, postgres }) => [...salesforce, ...postgres]),
          ...[...found.unmatched.salesforce, ...found.unmatched.postgres].map(({ id }) => id),
        ];
        expect(used.sort()).toEqual(given.map(([, id]) => id).sort());
      }),
    );
  });
});
