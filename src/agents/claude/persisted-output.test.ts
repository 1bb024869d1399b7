import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TranscriptFolder } from '../../../test/support/claude-transcripts.ts';
import { MAX_PERSISTED_OUTPUT_BYTES, readPersistedOutput } from './persisted-output.ts';

let folder: TranscriptFolder;
beforeEach(() => {
  folder = new TranscriptFolder();
  folder.write('p/S1.jsonl', '');
  folder.write('p/S1/tool-results/1.txt', 'the whole output');
  folder.write('p/S2/tool-results/1.txt', 'another session’s');
  folder.write('secret.txt', 'secret');
});
afterEach(() => folder.remove());

const at = (name: string): string => join(folder.path, name);
const read = (path: string, max_bytes?: number) => readPersistedOutput(folder.file('p/S1.jsonl'), path, max_bytes);

it('pitfall 21: reads what lies in this session’s tool-results, and nothing else', async () => {
  expect(await read(at('p/S1/tool-results/1.txt'))).toEqual({
    ok: true,
    text: 'the whole output',
    truncated: false,
    bytes: 16,
  });
  expect(await read('/etc/passwd')).toEqual({ ok: false, reason: 'outside' });
  expect(await read(`${at('p/S1/tool-results')}/../../../secret.txt`)).toEqual({ ok: false, reason: 'outside' });
  expect(await read(at('p/S2/tool-results/1.txt'))).toEqual({ ok: false, reason: 'outside' });
  expect(await read('p/S1/tool-results/1.txt')).toEqual({ ok: false, reason: 'not_absolute' });
  expect(await read(at('p/S1/tool-results'))).toEqual({ ok: false, reason: 'outside' });
  expect(await read(at('p/S1/tool-results/none.txt'))).toEqual({ ok: false, reason: 'missing' });
});

it('resolves links before it decides, also a folder whose name begins alike', async () => {
  symlinkSync(at('secret.txt'), at('p/S1/tool-results/link.txt'));
  expect(await read(at('p/S1/tool-results/link.txt'))).toEqual({ ok: false, reason: 'outside' });
  folder.write('p/S1/tool-results-of-mine/1.txt', 'no');
  expect(await read(at('p/S1/tool-results-of-mine/1.txt'))).toEqual({ ok: false, reason: 'outside' });
  mkdirSync(at('p/S1/tool-results/folder'));
  expect(await read(at('p/S1/tool-results/folder'))).toEqual({ ok: false, reason: 'not_a_file' });
});

it('caps what it reads', async () => {
  expect(await read(at('p/S1/tool-results/1.txt'), 9)).toEqual({
    ok: true,
    text: 'the whole',
    truncated: true,
    bytes: 16,
  });
  expect(MAX_PERSISTED_OUTPUT_BYTES).toBe(16 * 1024 * 1024);
});

it('gives a subagent its parent’s folder, and no folder to an id that is a path', async () => {
  folder.write('p/S1/subagents/workflows/w/agent-a.jsonl', '');
  const child = folder.file('p/S1/subagents/workflows/w/agent-a.jsonl', { session_id: 'S1', subagent_id: 'a' });
  expect(await readPersistedOutput(child, at('p/S1/tool-results/1.txt'))).toMatchObject({ ok: true });
  folder.write('tool-results/secret.txt', 'secret');
  const planted = folder.file('p/S1.jsonl', { session_id: '..', subagent_id: 'a' });
  expect(await readPersistedOutput(planted, at('tool-results/secret.txt'))).toEqual({ ok: false, reason: 'outside' });
});
