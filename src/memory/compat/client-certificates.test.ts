import { expect, it, test } from 'vitest';
import { readClientCertificates } from './client-certificates.ts';

const digits = '0123456789abcdef'.repeat(4);
const pairs = digits.match(/../g)!;

it.each([
  [digits],
  [digits.toUpperCase()],
  [`sha256:${digits}`],
  [`SHA256:${pairs.join(':')}`],
  [`  ${pairs.join(':').toUpperCase()}  # node a\r`],
  [`# comment\n\n   \n${digits}# trailing`],
])('%j admits one certificate', (text) => expect([...readClientCertificates(text)]).toEqual([digits]));

test('several lines, some of them the same', () => {
  const other = 'f'.repeat(64);
  expect([...readClientCertificates(`${digits}\n${other}\nsha256:${digits}\n`)]).toEqual([digits, other]);
});

it.each([
  [`${digits}\n${digits.slice(1)}`, 2],
  [`# x\n\n${digits}0`, 3],
  [`sha1:${digits}`, 1],
  [`${digits.slice(0, 32)} ${digits.slice(32)}`, 1],
  [digits.replace('0', 'g'), 1],
  [`${digits}, ${digits}`, 1],
])('%j names its line', (text, line) => {
  expect(() => readClientCertificates(text)).toThrow(`Line ${line} `);
});

it.each(['', '\n\n', '# nobody\n'])('%j is empty and does not start', (text) => {
  expect(() => readClientCertificates(text)).toThrow(/nobody could connect/);
});
