import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { decimalText, isExactDouble, isExactFloat, roundHalfEven } from './decimal.ts';

test.each([
  ['12.50', '12.5'],
  ['-0', '0'],
  ['-0.000', '0'],
  ['+007', '7'],
  ['.5', '0.5'],
  ['5.', '5'],
  ['1e3', '1000'],
  ['1.25E-3', '0.00125'],
  ['-12.345e1', '-123.45'],
  [1e21, '1000000000000000000000'],
  [5e-7, '0.0000005'],
  [0.1, '0.1'],
  [-0, '0'],
  [10n, '10'],
  ['', null],
  ['.', null],
  ['1e', null],
  ['1e9999', null],
  [' 1', null],
  ['1,5', null],
  ['0x10', null],
  [Number.NaN, null],
  [Infinity, null],
  ['NaN', null],
])('the decimal text of %s is %s', (value, text) => {
  expect(decimalText(value)).toBe(text);
});

it('keeps every double, and is its own text', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      const text = decimalText(number);
      expect(Number(text)).toBe(number === 0 ? 0 : number);
      expect(text).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
      expect(decimalText(text ?? '')).toBe(text);
    }),
  );
});

test.each([
  ['0.125', 2, '0.12'],
  ['0.135', 2, '0.14'],
  ['0.1251', 2, '0.13'],
  ['2.5', 0, '2'],
  ['3.5', 0, '4'],
  ['-2.5', 0, '-2'],
  ['-3.5', 0, '-4'],
  ['-0.4', 0, '0'],
  ['9.995', 2, '10'],
  ['0.30000000000000004', 2, '0.3'],
  ['0.05', 1, '0'],
  ['123456789012345678901234567890.5', 0, '123456789012345678901234567890'],
  ['1.5', 2, '1.5'],
])('%s rounded half to even to %i digits is %s', (text, scale, rounded) => {
  expect(roundHalfEven(text, scale)).toBe(rounded);
});

it('knows what an 8-byte and a 4-byte float keep', () => {
  expect(isExactDouble('123456789012345678')).toBe(false);
  expect(isExactDouble('0.1')).toBe(true);
  expect(isExactFloat('0.1')).toBe(true);
  expect(isExactFloat('16777216')).toBe(true);
  expect(isExactFloat('0.123456789')).toBe(false);
  expect(isExactFloat('1' + '0'.repeat(39))).toBe(false);
});
