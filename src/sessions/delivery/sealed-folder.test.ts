import { expect, test } from 'vitest';
import { seededRandom } from '../../platform/random.ts';
import { openFolder, sealFolder } from './sealed-folder.ts';

const random = seededRandom(7);
const secret = new Uint8Array(32).fill(3);

test('a folder comes back with the secret it was sealed with, and with no other; nothing of it shows', () => {
  const folder = '/home/ada/src/größe';
  const sealed = sealFolder(secret, folder, random);
  expect(openFolder(secret, sealed)).toBe(folder);
  expect(Buffer.from(sealed).includes('ada')).toBe(false);
  expect(sealFolder(secret, folder, random)).not.toEqual(sealed);
  expect(openFolder(new Uint8Array(32).fill(4), sealed)).toBeNull();
  expect(openFolder(secret, sealed.slice(0, 20))).toBeNull();
  sealed[sealed.length - 1]! ^= 1;
  expect(openFolder(secret, sealed)).toBeNull();
});
