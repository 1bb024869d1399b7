import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { canonicalKey, readExternalId } from './canonical-key.ts';
import { fullSalesforceId } from './salesforce-id.ts';

const folding = { salesforce: { external_id: 'Ext__c', case_sensitive: false } };
const exact = { salesforce: { external_id: 'Ext__c', case_sensitive: true } };

it.each([
  ['ABC-1', 'abc-1'],
  [' ABC ', ' abc '],
  ['ÉCOLE', 'école'],
  ['ΟΔΟΣ', 'οδοσ'],
  ['οδος', 'οδος'],
  ['/?#% ', '/?#% '],
  ['😀A', '😀a'],
])('folds %s to %s where Salesforce does, and leaves it where it does not', (id, key) => {
  expect(canonicalKey(folding, id)).toBe(key);
  expect(canonicalKey(exact, id)).toBe(id);
});

it('gives one key to two spellings, however often it is folded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (id) => {
      const key = canonicalKey(folding, id);
      expect(canonicalKey(folding, key)).toBe(key);
    }),
  );
});

it('takes both forms of a Salesforce id for one key, and does not fold it', () => {
  const ids = { salesforce: { external_id: 'Id', case_sensitive: false } };
  expect(canonicalKey(ids, '001D000000IRFma')).toBe('001D000000IRFmaIAH');
  expect(canonicalKey(ids, '001D000000IRFmaIAH')).toBe('001D000000IRFmaIAH');
});

test.each([
  ['001D000000IRFma', '001D000000IRFmaIAH'],
  ['000000000000000', '000000000000000AAA'],
  ['AAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAA555'],
  ['001', null],
  ['001D000000IRFm!', null],
])('the long form of id %s is %s', (id, full) => {
  expect(fullSalesforceId(id)).toBe(full);
});

test.each([
  ['a', 'a'],
  ['', null],
  [null, null],
  [undefined, null],
  [12, '12'],
  [1e21, '1000000000000000000000'],
  [12n, '12'],
  [true, null],
])('an external id told as %s is %s', (told, id) => {
  expect(readExternalId(told)).toBe(id);
});
