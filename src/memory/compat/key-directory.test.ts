import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { KeyDirectory, formatPublicKey } from './key-directory.ts';

const seed = new Uint8Array(32).fill(7);
let scratch: ReturnType<typeof scratchDirectory>;
let keys: KeyDirectory;

beforeEach(() => {
  scratch = scratchDirectory();
  keys = new KeyDirectory(join(scratch.path, 'keys'));
});
afterEach(() => scratch.remove());

test('a pair is two raw files, of which others may read the public one', () => {
  const pair = keys.write('host:node-a', seed);
  const mode = (name: string): number => statSync(join(scratch.path, 'keys', name)).mode & 0o777;
  expect([mode('host:node-a.pub'), mode('host:node-a.priv')]).toEqual([0o644, 0o600]);
  expect(keys.signingKeyOf('host:node-a')?.public_key).toEqual(pair.public_key);
  expect(keys.publicKeyOf('host:node-b')).toBeNull();
});

it.each([
  ['team/alice', 'team%2Falice.pub'],
  ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd.pub'],
  ['.', '%2E.pub'],
  ['.hidden', '%2Ehidden.pub'],
  ['a.b-c_d:e@f', 'a.b-c_d:e@f.pub'],
])('the id %s is the file %s', (agent_id, file) => {
  keys.enroll(agent_id, formatPublicKey(new Uint8Array(32).fill(1)));
  expect(readdirSync(join(scratch.path, 'keys'))).toEqual([file]);
  expect(readdirSync(scratch.path)).toEqual(['keys']);
  expect(keys.publicKeyOf(agent_id)).not.toBeNull();
});

test('an id too long for a file name is kept under its hash', () => {
  const long = '/'.repeat(128);
  keys.enroll(long, formatPublicKey(new Uint8Array(32).fill(1)));
  expect(keys.publicKeyOf(long)).not.toBeNull();
  expect(keys.publicKeyOf('/'.repeat(127))).toBeNull();
});

it.each(['', 'a b', 'a\0', 'é', 'x'.repeat(129), 'a%2Fb', 'a\n'])(
  '%j is no id: it has no key and gets none',
  (agent_id) => {
    expect(keys.publicKeyOf(agent_id)).toBeNull();
    expect(() => keys.write(agent_id, seed)).toThrow(/agent id/);
  },
);

test('halves that do not belong together, a cut key and a key that others can read are refused', () => {
  keys.write('a', seed);
  keys.enroll('a', formatPublicKey(new Uint8Array(32).fill(1)));
  expect(() => keys.signingKeyOf('a')).toThrow(/do not belong together/);
  keys.write('b', seed);
  chmodSync(join(scratch.path, 'keys', 'b.priv'), 0o640);
  expect(() => keys.signingKeyOf('b')).toThrow(/Other users/);
  writeFileSync(join(scratch.path, 'keys', 'c.pub'), 'short');
  expect(() => keys.publicKeyOf('c')).toThrow(/5 bytes/);
});

it.each(['', 'AAAA', 'A'.repeat(44), `${'A'.repeat(42)}=`, `${'A'.repeat(42)}+`])('%j is no public key', (text) => {
  expect(() => keys.enroll('a', text)).toThrow(/43 characters/);
});
