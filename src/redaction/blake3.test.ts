import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blake3Hex, shortBlake3 } from './blake3.ts';
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

it('agrees with hash-wasm on any short text, with and without a salt', () => {
  const salt = new Uint8Array(32).fill(0xab);
  const text = fc.oneof(fc.string({ maxLength: 1100 }), fc.string({ unit: 'binary', maxLength: 1100 }));
  fc.assert(
    fc.property(text, fc.constantFrom(0, 300, 900, 992, 1023, 1024), (any, more) => {
      const material = any + 'x'.repeat(more);
      const bytes = Buffer.from(material);
      const plain = shortBlake3(null, material);
      if (plain !== null || bytes.length === material.length)
        expect(plain ?? 'too long').toBe(bytes.length <= 1024 ? hashing.digestHex(bytes) : 'too long');
      const salted = shortBlake3(salt, material);
      if (salted !== null) expect(salted).toBe(hashing.hashWithSalt(salt, bytes));
    }),
  );
});
