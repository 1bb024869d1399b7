import { describe, expect, it } from 'vitest';
import { loadHashing } from '../../redaction/hashing.ts';
import { rememberedHashing } from './remembered-hashing.ts';

const plain = await loadHashing();
const salt = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe('remembered hashing', () => {
  it('gives the hashes it remembers, also after it forgot them, and never those of another salt', () => {
    const remembered = rememberedHashing(plain);
    const [one, other] = [salt(1), salt(2)];
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < 10_000; i++) {
        expect(remembered.hashWithSalt(one, `id ${i}`)).toBe(plain.hashWithSalt(one, `id ${i}`));
        expect(remembered.hashWithSalt(other, `id ${i}`)).toBe(plain.hashWithSalt(other, `id ${i}`));
        expect(remembered.hash52(`id ${i}`)).toBe(plain.hash52(`id ${i}`));
      }
  });

  it('computes a repeated hash once', () => {
    let computed = 0;
    const counting = rememberedHashing({
      ...plain,
      digestHex: (material) => {
        computed++;
        return plain.digestHex(material);
      },
    });
    for (let i = 0; i < 5; i++) expect(counting.hash52('event')).toBe(plain.hash52('event'));
    expect(counting.digestHex('event')).toBe(plain.digestHex('event'));
    expect(computed).toBe(1);
  });
});
