import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { promptLine, TranscriptFolder } from '../../../test/support/claude-transcripts.ts';
import { listTranscripts } from '../../agents/claude/conversations.ts';
import { systemTimers } from '../../platform/timers.ts';
import { ClaudeReadings } from './claude-readings.ts';

const OPEN_FILES = '/proc/self/fd';
let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

/** Files below the folder that this process holds open. */
function openFiles(): number {
  const targets = readdirSync(OPEN_FILES).map((fd) => {
    try {
      return readlinkSync(`${OPEN_FILES}/${fd}`);
    } catch {
      // The listing's own.
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(folder.path)).length;
}

test.skipIf(!existsSync(OPEN_FILES))('readings that end at the same time leave no file open', async () => {
  for (const id of ['S1', 'S2', 'S3'])
    folder.write(`-p/${id}.jsonl`, promptLine(`u-${id}`, 'hello', { sessionId: id }));
  const place = { agent: 'claude' as const, path: folder.path, because: 'default', exists: true };
  const { files } = await listTranscripts([place]);
  expect(files).toHaveLength(3);
  const readings = new ClaudeReadings(systemTimers);
  const { signal } = new AbortController();
  let all_read: () => void;
  const together = new Promise<void>((resolve) => (all_read = resolve));
  let reading = 0;
  const held = await Promise.all(
    files.map((file) =>
      readings.use({ native_id: file.session_id, files: [file], forked_from: null }, signal, async () => {
        if (++reading === files.length) all_read();
        await together;
        return openFiles();
      }),
    ),
  );
  expect(held).toEqual([3, 3, 3]);
  expect(openFiles()).toBe(1);
  await readings.close();
  expect(openFiles()).toBe(0);
});
