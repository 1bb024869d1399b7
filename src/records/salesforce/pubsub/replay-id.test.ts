import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replayIdFromText, replayIdToText } from './replay-id.ts';

test('any bytes come back as they were: zeros in front, any length, also inside a greater buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(5), (bytes, offset) => {
      const greater = new Uint8Array(bytes.length + offset + 3);
      greater.set(bytes, offset);
      expect(replayIdFromText(replayIdToText(greater.subarray(offset, offset + bytes.length)))).toEqual(bytes);
    }),
  );
  const zeros = Uint8Array.from([0, 0, 0, 0, 0, 0xa1, 0xb2, 0xc3]);
  expect(replayIdFromText(replayIdToText(zeros))).toEqual(zeros);
});

test.each(['', '12345', 'AAAA=', '????', 'AAA AAAA'])('a damaged one is refused and never guessed: %j', (text) => {
  expect(() => replayIdFromText(text)).toThrow(expect.objectContaining({ code: 'salesforce.replay_id' }));
});
