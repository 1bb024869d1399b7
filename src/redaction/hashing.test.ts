import { describe, expect, it } from 'vitest';
import { loadHashing, parseSalt } from './hashing.ts';
import { smallHashing } from './small-hashing.ts';

const implementations = [
  ['hash-wasm', await loadHashing()],
  ['TypeScript', smallHashing()],
] as const;
const salt = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe.each(implementations)('hashing in %s (telemetry specification §3.1)', (_name, hashing) => {
  it.each([
    [0x00, '', '2ada83c1819a5372dae1238fc1ded123c8104fdaa15862aaee69428a1820fcda'],
    [0x00, 'sess-1', 'b535eb6c39dc5874edc0afa97056a83dfecbf24e85cb1e03a7fe3898c55bf9cd'],
    [0xab, 'sess-1', 'e4a0b0d31b856f6cfd62be82039b6cecabb4785e0c2085a326208dbd6d55cb81'],
    [0x00, 'v1:6:sess-1:call-1', 'c5005d1075d4e1394cadef9e56353f93f19746b1f76e69d2f3b2f155b5b58070'],
  ])('salt of %i over %j', (byte, material, hex) => {
    expect(hashing.hashWithSalt(salt(byte), material)).toBe(`blake3:${hex}`);
    expect(hashing.hashWithSalt(salt(byte), new TextEncoder().encode(material))).toBe(`blake3:${hex}`);
  });

  it.each([
    ['workspaceHash', 0x00, '/tmp/ws', '70365801c9fa8a76fc7fd78930db19b4d42b1b92beb5ecf903106aab0a42a12b'],
    ['workspaceHash', 0x07, '/tmp/ws', '9eca3874e4ac7225390a3fa8226ce3b2f5e945b934c02b3f8bef6c0bcbab8eaf'],
    ['pathHash', 0x00, 'src/main.rs', '6ac9f506b2e0264edf78771a0e108ee7b1b97aa7f48304a32d59487ac5df76c0'],
    ['slugHash', 0x00, 'tdd', '8600f95193ee9e30dd65e8bdd236ffad26be15c1d125d5d94b41d773a9784f48'],
    ['ruleHash', 0x00, 'agent-parity', '9c16b62f5cc09b5fc69b2c7e56408b2333d7f4b0ead41c2ca966dccffb2b0010'],
    ['commitHash', 0x00, 'abc123', '7d79e82728a685c152723c6e15fc1ac147208dc15f4d2a59fd69984c7aa9fbd1'],
    ['graphHash', 0x00, 'src/main.rs', 'd8276dfff7e8ba5fc73803a91f4840e734d2dc4fe3e7bfcf22cd0b4b4bb5a05f'],
  ] as const)('%s with salt %i over %j', (name, byte, material, hex) => {
    expect(hashing[name](salt(byte), material)).toBe(`blake3:${hex}`);
  });

  it('takes 52 bits as a safe integer', () => {
    const first13 = hashing.digestHex('event').slice(0, 13);
    expect(hashing.hash52('event')).toBe(Number(`0x${first13}`));
    expect(Number.isSafeInteger(hashing.hash52('event'))).toBe(true);
    expect(hashing.hash52('event')).not.toBe(hashing.hash52('event2'));
  });

  it('refuses a salt of another length', () => {
    expect(() => hashing.hashWithSalt(new Uint8Array(31), 'x')).toThrow(/32 bytes/);
  });
});

describe('parseSalt', () => {
  it('reads 64 hex digits with blanks around', () => {
    expect(parseSalt(` ${'aB'.repeat(32)}\n`)).toEqual(salt(0xab));
  });
  it.each(['', 'ab', 'zz'.repeat(32), 'ab'.repeat(33)])('refuses %j', (text) => {
    expect(parseSalt(text)).toBeNull();
  });
});
