import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checksumOf, keyPrefixOf, makeRecordId, parseRecordId } from './record-id.ts';

const id15 = fc.stringMatching(/^[A-Za-z0-9]{15}$/);

// Pairs that Salesforce's own manual prints.
test.each(['001D000000IRFmaIAH', '00530000009M943AAC'])('%s has the right checksum', (id) => {
  expect(checksumOf(id.slice(0, 15))).toBe(id.slice(15));
});

test('an id of 18 characters says which of its letters are capitals, whatever became of their case', () => {
  fc.assert(
    fc.property(id15, (id) => {
      const whole = parseRecordId(id);
      expect(whole).toHaveLength(18);
      expect(parseRecordId(whole!)).toBe(whole);
      const swapped = [...id].map((char) => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()));
      if (swapped.join('') !== id) expect(parseRecordId(swapped.join('') + whole!.slice(15))).toBeNull();
    }),
  );
});

test('ids differ from each other, also without case, and keep their prefix', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 2 }), (numbers) => {
      const ids = numbers.map((n) => makeRecordId('001', 'Ab0', n));
      expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(numbers.length);
      expect(ids.every((id) => keyPrefixOf(id) === '001' && parseRecordId(id) === id)).toBe(true);
    }),
  );
});

test.each(['', 'abc', '001900K0001pPuOAA', '001900K0001pPu-', '001900K0001pPuOaau'])('%j is no id', (text) => {
  expect(parseRecordId(text)).toBeNull();
});
