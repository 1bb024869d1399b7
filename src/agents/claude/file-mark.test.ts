import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TranscriptFolder } from '../../../test/support/claude-transcripts.ts';
import { isSameFile, markFile } from './file-mark.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

it('trusts an untouched file unread, but only when its last change is old enough to have a time of its own', async () => {
  const text = 'a line\n'.repeat(2000);
  const handle = await open(folder.write('file', text));
  try {
    const stat = await handle.stat({ bigint: true });
    const right = { offset: text.length, discarding: false, prefix_crc32: crc32(text) };
    const wrong = { ...right, prefix_crc32: 1 };
    const changed_ms = Number(stat.ctimeMs);
    const at_once = await markFile(handle, stat, text.length, changed_ms + 1);
    const later = await markFile(handle, stat, text.length, changed_ms + 60_000);
    expect(await isSameFile(handle, stat, at_once, right)).toBe(true);
    expect(await isSameFile(handle, stat, at_once, wrong)).toBe(false);
    expect(await isSameFile(handle, stat, later, wrong)).toBe(true);
    // A device's number may change with a restart of the machine; then the content decides.
    expect(await isSameFile(handle, stat, { ...later, device: 'other' }, right)).toBe(true);
    expect(await isSameFile(handle, stat, { ...later, device: 'other' }, wrong)).toBe(false);
  } finally {
    await handle.close();
  }
});
