import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { signBytes, signingKey, verifyBytes } from './ed25519.ts';
import { encodeLink, isLinkSignedBy, signLink } from './link-signature.ts';
import { isSignedBy, readSignature, signatureHeader, type Signed } from './signature.ts';

const key = signingKey(new Uint8Array(32).fill(7));
const nonce = '00000000-0000-4000-8000-000000000001';

describe('the vectors of the wire (§3.5)', () => {
  test('the key', () => {
    expect(Buffer.from(key.public_key).toString('hex')).toBe(
      'ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c',
    );
  });

  test('a link', () => {
    const link = {
      src_id: 'm-1',
      dst_id: 'm-2',
      relation: 'derived_from',
      observed_by: 'alice',
      valid_from: '2026-01-01T00:00:00+00:00',
      valid_until: null,
    };
    expect(encodeLink(link).toString('hex')).toBe(
      'a6666473745f6964636d2d326b6f627365727665645f627965616c6963656872656c6174696f6e6c646572697665645f66726f6d667372635f6964636d2d316a76616c69645f66726f6d7819323032362d30312d30315430303a30303a30302b30303a30306b76616c69645f756e74696cf6',
    );
    expect(signLink(key, link).toString('hex')).toBe(
      '7dbbff87596c1bd039906eacac5f6239fa6202333f21eb597b7c1a0bbad04969bfde3414b236c0fccd960822fb5a511932f9c6ba1a450c5edb68860270d0a507',
    );
  });

  test('a body', () => {
    const body = Buffer.from('{"sender_agent_id":"n1","memories":[],"dry_run":false}');
    expect(signatureHeader(key, { body }, nonce)).toBe(
      'ed25519=h42+k3QjORS4IALExHMkomXuksQ45zpX6qmCImXSKBZ1IBdS0p2Ag7Mx70zOjUt7cKGU3K0opLrnCYpc0t9QDA==',
    );
  });

  test('a pull', () => {
    expect(signatureHeader(key, { path: '/api/v1/sync/since', query: 'peer=n1' }, nonce)).toBe(
      'ed25519=43dFgsige9wMPaxk2snyj5C2EKisuXJAlQP78MYmnWPIhVyAX8gasBG1FfE9lgkOA77LXSF2weIwkhDT1ymEBA==',
    );
  });
});

test('a signature fits its body, nonce and key, and no other', () => {
  const bodies = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bodies, fc.option(fc.uuid()), fc.nat(), (body, used, at) => {
      const read = readSignature(signatureHeader(key, { body }, used));
      if (!('signature' in read)) throw new Error(read.refused);
      const fits = (signed: Signed, given: string | null): boolean =>
        isSignedBy(key.public_key, read.signature, signed, given);
      expect(fits({ body }, used)).toBe(true);
      expect(fits({ body }, used === null ? nonce : null)).toBe(false);
      expect(fits({ body: Buffer.concat([body, Buffer.of(1)]) }, used)).toBe(false);
      const flipped = Buffer.from(read.signature);
      flipped[at % 64]! ^= 1 << (at % 8);
      expect(isSignedBy(key.public_key, flipped, { body }, used)).toBe(false);
      expect(isSignedBy(signingKey(new Uint8Array(32).fill(8)).public_key, read.signature, { body }, used)).toBe(false);
    }),
    { numRuns: 50 },
  );
});

describe('the header', () => {
  const whole = signatureHeader(key, { body: Buffer.from('x') }, null);
  const text = whole.slice('ed25519='.length);

  it.each([`${whole};v=1`, `${whole} ; whatever`, ` ed25519=${text} `])('%j holds a signature', (header) => {
    expect(readSignature(header)).toEqual({ signature: Buffer.from(text, 'base64') });
  });

  it.each([
    ['', 'x_memory_sig_malformed'],
    [text.replaceAll('=', ''), 'x_memory_sig_malformed'],
    ['ed25519=', 'x_memory_sig_malformed'],
    [`ed25519=${text.slice(0, -2)}`, 'x_memory_sig_malformed'],
    [`ed25519=${text.slice(0, 8)}`, 'x_memory_sig_malformed'],
    [`ed25519=!${text}`, 'x_memory_sig_malformed'],
    [`ed448=${text}`, 'x_memory_sig_unknown_algorithm'],
    [`hmac-sha256=${text}`, 'x_memory_sig_unknown_algorithm'],
  ])('%j is %s', (header, refused) => expect(readSignature(header)).toEqual({ refused }));
});

describe('strict verification', () => {
  const message = Buffer.from('message');
  const signature = signBytes(key, message);

  test('S + L, which lax verifiers take for the same signature, is refused', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const malleated = Buffer.from(signature);
    Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse().copy(malleated, 32);
    expect(verifyBytes(key.public_key, message, signature)).toBe(true);
    expect(verifyBytes(key.public_key, message, malleated)).toBe(false);
  });

  test('a key of small order signs nothing: R = A = identity and S = 0 would fit every message', () => {
    const identity = Buffer.alloc(32);
    identity[0] = 1;
    expect(verifyBytes(identity, message, Buffer.concat([identity, Buffer.alloc(32)]))).toBe(false);
  });

  test('bytes that are no point, and other lengths, are refused without a throw', () => {
    expect(verifyBytes(new Uint8Array(32).fill(2), message, signature)).toBe(false);
    expect(verifyBytes(key.public_key.subarray(1), message, signature)).toBe(false);
    expect(verifyBytes(key.public_key, message, signature.subarray(1))).toBe(false);
  });
});

describe('a signed link', () => {
  const link = {
    src_id: 'a',
    dst_id: 'b',
    relation: 'supersedes',
    observed_by: 'bob',
    valid_from: null,
    valid_until: null,
  };
  const signature = signLink(key, link);

  it.each(['src_id', 'dst_id', 'relation', 'observed_by', 'valid_from', 'valid_until'] as const)(
    'no longer fits when %s changes',
    (field) => {
      expect(isLinkSignedBy(key.public_key, link, signature)).toBe(true);
      expect(isLinkSignedBy(key.public_key, { ...link, [field]: 'other' }, signature)).toBe(false);
    },
  );

  it.each([
    [23, '77'],
    [24, '7818'],
    [255, '78ff'],
    [256, '790100'],
    [65_536, '7a00010000'],
  ])('text of %i bytes has the shortest head', (length, head) => {
    expect(
      encodeLink({ ...link, dst_id: 'x'.repeat(length) })
        .subarray(8, 8 + head.length / 2)
        .toString('hex'),
    ).toBe(head);
  });
});
