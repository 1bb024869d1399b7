import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expandBitmaps } from './bitmap.ts';
import type { EventField } from './event-schema.ts';

const field = (name: string, children: readonly string[] | null = null): EventField => ({ name, children });

/** 30 fields; every fifth a compound of three. */
const FIELDS = Array.from({ length: 30 }, (_, at) => field(`F${at}`, at % 5 === 4 ? ['A', 'B', 'C'] : null));

const hex = (bits: readonly number[]): string =>
  `0x${bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n).toString(16)}`;

test('the bitmaps of the documentation name Industry and LastModifiedDate, and Description', () => {
  const account = Array.from({ length: 24 }, (_, at) => field(`F${at}`));
  expect(expandBitmaps(['0x400800'], account).map((path) => path.field)).toEqual(['F11', 'F22']);
  expect(expandBitmaps(['0x010000'], account).map((path) => path.field)).toEqual(['F16']);
});

test('any set of fields and of parts of compounds comes back as it was', () => {
  const subset = fc.uniqueArray(fc.integer({ min: 0, max: FIELDS.length - 1 }));
  const parts = fc.dictionary(
    fc.constantFrom('4', '9', '14', '29'),
    fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { minLength: 1 }),
  );
  fc.assert(
    fc.property(subset, parts, fc.boolean(), (bits, of_compound, upper) => {
      const bitmaps = [
        ...(bits.length > 0 ? [hex(bits)] : []),
        ...Object.entries(of_compound).map(([at, set]) => `${at}-${hex(set)}`),
      ];
      const written = upper ? bitmaps.map((bitmap) => bitmap.toUpperCase().replace('0X', '0x')) : bitmaps;
      const named = expandBitmaps(written, FIELDS).map(({ field, child }) =>
        child === null ? field : `${field}.${child}`,
      );
      const expected = [
        ...bits.map((bit) => `F${bit}`),
        ...Object.entries(of_compound).flatMap(([at, set]) => set.map((bit) => `F${at}.${'ABC'.charAt(bit)}`)),
      ];
      expect(named.sort()).toEqual(expected.sort());
    }),
  );
});

test.each(['', '0x', '400800', '0xZZ', '-0x1', '4-', '4-4-0x1', '0x40000000', '4-0x8', '3-0x1', '99-0x1'])(
  'what is no bitmap of the schema is refused: %j',
  (bitmap) => {
    expect(() => expandBitmaps([bitmap], FIELDS)).toThrow(expect.objectContaining({ code: 'salesforce.bitmap' }));
  },
);
