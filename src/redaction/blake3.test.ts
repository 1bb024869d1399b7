import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blake3Hex } from './blake3.ts';
import { loadHashing } from './hashing.ts';

const hashing = await loadHashing();

it.each([0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3072, 3073, 5000, 16_384, 31_744, 102_400])(
  'agrees with hash-wasm on %i bytes',
  (length) => {
    const input = Uint8Array.from({ length }, (_, i) => i % 251);
    expect(blake3Hex(input)).toBe(hashing.digestHex(input));
  },
);

it('agrees with hash-wasm on any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (input) => {
      expect(blake3Hex(input)).toBe(hashing.digestHex(input));
    }),
  );
});
