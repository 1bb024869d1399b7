import { expect, test } from 'vitest';
import { bytesText, compactText, countText, durationText, itemsText, moneyText, percentText } from './figures.ts';

test.each([
  [countText(1_204_000), '1,204,000'],
  [compactText(840), '840'],
  [compactText(1_204_000), '1.2M'],
  [itemsText(1, 'session'), '1 session'],
  [itemsText(1204, 'session'), '1,204 sessions'],
  [moneyText(4.305), '$4.31'],
  [moneyText(1204), '$1,204.00'],
  [moneyText(0), '$0.00'],
  [bytesText(999), '999 B'],
  [bytesText(999_700), '1 MB'],
  [bytesText(1_210_000_000), '1.2 GB'],
  [durationText(41_900), '41 s'],
  [durationText(3 * 3_600_000), '3 h'],
  [durationText(47 * 3_600_000), '47 h'],
  [durationText(49 * 3_600_000), '2 d'],
])('%s', (shown, expected) => {
  expect(shown).toBe(expected);
});

test('a cost that would round to nothing does not claim to be nothing', () => {
  expect(moneyText(0.0004)).toBe('<$0.01');
});

test('neither the beginning nor the end is claimed too early', () => {
  expect([percentText(0, 1000), percentText(1, 1000), percentText(999, 1000), percentText(1000, 1000)]).toEqual([
    '0%',
    '1%',
    '99%',
    '100%',
  ]);
});
