import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fingerprint } from './fingerprint.ts';

const document = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean(), fc.constant(null)));

it('is 16 hexadecimal digits, the same in whatever order the fields come', () => {
  fc.assert(
    fc.property(document, (fields) => {
      const reversed = Object.fromEntries(Object.entries(fields).reverse());
      expect(fingerprint(fields)).toMatch(/^[0-9a-f]{16}$/);
      expect(fingerprint(reversed)).toBe(fingerprint(fields));
    }),
  );
});

it('tells documents apart by any name or value', () => {
  fc.assert(
    fc.property(document, document, (one, other) => {
      const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
      expect(fingerprint(one) === fingerprint(other)).toBe(same);
    }),
  );
  const alike = [
    {},
    { a: null },
    { a: '' },
    { a: 'null' },
    { a: false },
    { a: 'false' },
    { a: 'b', c: 'd' },
    { a: 'b","c":"d' },
  ];
  expect(new Set(alike.map(fingerprint)).size).toBe(alike.length);
});

function sorted(fields: object): [string, unknown][] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}
