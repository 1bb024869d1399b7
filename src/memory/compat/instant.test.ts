import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { formatInstant, instantOfMilliseconds, millisecondsOf, normalizeTime, parseInstant } from './instant.ts';

/** The range that the fixed width can hold: the years 0 to 9999. */
const instants = fc.bigInt({ min: -62_167_219_200_000_000_000n, max: 253_402_300_799_999_999_999n });

describe('the order of times (§3.4): equal or before as instants, whatever the strings say', () => {
  it.each([
    ['2026-05-07T10:00:00Z', '2026-05-07T10:00:00.500Z', 'before'],
    ['2026-05-07T10:00:00+00:00', '2026-05-07T10:00:00.5+00:00', 'before'],
    ['2026-05-07T05:30:00+05:30', '2026-05-07T00:10:00+00:00', 'before'],
    ['2026-05-07T10:00:00Z', '2026-05-07T10:00:00+00:00', 'equal'],
  ])('%s and %s: %s', (a, b, order) => {
    expect(parseInstant(a)! < parseInstant(b)!).toBe(order === 'before');
    expect(normalizeTime(a)! < normalizeTime(b)!).toBe(order === 'before');
    expect(normalizeTime(a) === normalizeTime(b)).toBe(order === 'equal');
  });
});

it.each([
  ['2026-05-07T10:00:00Z', '2026-05-07T10:00:00.000000000+00:00'],
  ['2026-05-07T10:00:00.123Z', '2026-05-07T10:00:00.123000000+00:00'],
  ['2026-05-07T10:00:00.123456789+00:00', '2026-05-07T10:00:00.123456789+00:00'],
  ['2026-05-07T10:00:00.1234567899Z', '2026-05-07T10:00:00.123456789+00:00'],
  ['2026-05-07t10:00:00z', '2026-05-07T10:00:00.000000000+00:00'],
  ['2026-05-07T10:00:00-03:30', '2026-05-07T13:30:00.000000000+00:00'],
  ['2024-02-29T23:59:59.000000001+14:00', '2024-02-29T09:59:59.000000001+00:00'],
  ['1969-12-31T23:59:59.999999999Z', '1969-12-31T23:59:59.999999999+00:00'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000000000+00:00'],
  ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000000000+00:00'],
])('%s is sent as %s', (text, sent) => expect(normalizeTime(text)).toBe(sent));

it.each([
  '',
  'now',
  '2026-05-07',
  '2026-05-07T10:00:00',
  '2026-05-07T10:00Z',
  '2026-05-07T10:00:00.Z',
  '2026-02-30T10:00:00Z',
  '2023-02-29T10:00:00Z',
  '2026-13-01T10:00:00Z',
  '2026-05-07T24:00:00Z',
  '2026-05-07T10:00:61Z',
  '2026-05-07T10:00:00+24:00',
  '0000-01-01T00:00:00+00:01',
  '9999-12-31T23:59:59-00:01',
  ' 2026-05-07T10:00:00Z',
  '2026-05-07T10:00:00Z\n',
  `2026-05-07T10:00:00.${'1'.repeat(100)}Z`,
])('%j is no time', (text) => expect(parseInstant(text)).toBeNull());

test('what is sent is read as the same instant, has one width, and sorts as time does', () => {
  fc.assert(
    fc.property(instants, instants, (a, b) => {
      expect(parseInstant(formatInstant(a))).toBe(a);
      expect(formatInstant(a)).toHaveLength(35);
      expect(formatInstant(a) < formatInstant(b)).toBe(a < b);
    }),
  );
});

test('an offset and a shorter fraction are other spellings of one instant', () => {
  const offsets = fc.integer({ min: -23 * 60, max: 23 * 60 });
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
  fc.assert(
    fc.property(seconds, offsets, fc.stringMatching(/^\d{0,9}$/), (at_s, minutes, fraction) => {
      const local = new Date((at_s + minutes * 60) * 1000).toISOString().slice(0, 19);
      const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
        `${n}`.padStart(2, '0'),
      );
      const text = `${local}${fraction === '' ? '' : `.${fraction}`}${minutes < 0 ? '-' : '+'}${hour}:${minute}`;
      expect(parseInstant(text)).toBe(BigInt(at_s) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')));
    }),
  );
});

test('milliseconds go down, also before 1970', () => {
  expect(millisecondsOf(-1n)).toBe(-1);
  expect(millisecondsOf(1_999_999n)).toBe(1);
  expect(millisecondsOf(instantOfMilliseconds(1_778_148_000_123))).toBe(1_778_148_000_123);
});

test('any text is read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (text) => {
      const instant = parseInstant(text);
      if (instant !== null) expect(parseInstant(formatInstant(instant))).toBe(instant);
    }),
  );
});
