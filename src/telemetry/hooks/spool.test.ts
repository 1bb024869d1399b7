import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpoolRecord } from './record.ts';
import { appendRecord, countDrop, spoolFileName } from './spool-writer.ts';
import { droppedEvents, isFinished, listSpool, readSpool, removeSpoolFile, type SpoolFile } from './spool.ts';

const NOON = Date.UTC(2026, 10, 21, 12, 30);
const HOUR_MS = 3_600_000;
let spool: string;

beforeEach(() => {
  spool = join(mkdtempSync(join(tmpdir(), 'syncline-spool-')), 'spool');
});
afterEach(() => rmSync(join(spool, '..'), { recursive: true, force: true }));

const hash = `blake3:${'0'.repeat(64)}`;
const record = (n: number, ts_ms = NOON): SpoolRecord => ({
  v: 1,
  ts_ms,
  agent: 'claude',
  event: 'PreToolUse',
  salt_tag: '00000000',
  session: hash,
  subagent: null,
  tool: 'Bash',
  tool_call_id: `toolu_${n}`,
  workspace: hash,
  workspace_kind: 'path',
  private: false,
  payload_bytes: 10,
  truncated: false,
  facts: { n },
  content: null,
  rule_set: 'r1-test',
  removed: {},
});
const only = async (): Promise<SpoolFile> => {
  const files = await listSpool(spool);
  expect(files).toHaveLength(1);
  return files[0]!;
};
const ids = (step: { records: { record: SpoolRecord }[] }): number[] =>
  step.records.map((r) => Number(r.record.facts['n']));

describe('writing', () => {
  it('makes a private folder and files of one hour each', () => {
    expect(appendRecord(spool, record(1))).toBe(true);
    expect(appendRecord(spool, record(2, NOON + HOUR_MS))).toBe(true);
    expect(readdirSync(spool)).toEqual(['hook-2026112112.jsonl', 'hook-2026112113.jsonl']);
    expect(statSync(spool).mode & 0o777).toBe(0o700);
    expect(statSync(join(spool, 'hook-2026112112.jsonl')).mode & 0o777).toBe(0o600);
  });
  it('takes nothing beyond its cap, over all files, and drops are counted', async () => {
    appendRecord(spool, record(1));
    const bytes = statSync(join(spool, spoolFileName(NOON))).size;
    expect(appendRecord(spool, record(2, NOON + HOUR_MS), 2 * bytes)).toBe(true);
    expect(appendRecord(spool, record(3, NOON + HOUR_MS), 2 * bytes)).toBe(false);
    expect(await droppedEvents(spool)).toBe(0);
    countDrop(spool);
    countDrop(spool);
    expect(await droppedEvents(spool)).toBe(2);
    expect(statSync(join(spool, 'dropped')).mode & 0o777).toBe(0o600);
  });
});

describe('reading', () => {
  it('finds nothing where there is no spool', async () => {
    expect(await listSpool(spool)).toEqual([]);
    expect(await droppedEvents(spool)).toBe(0);
  });
  it('lists oldest first and leaves other files alone', async () => {
    appendRecord(spool, record(2, NOON + 24 * HOUR_MS));
    appendRecord(spool, record(1));
    countDrop(spool);
    writeFileSync(join(spool, 'notes.txt'), 'x');
    const files = await listSpool(spool);
    expect(files.map((file) => file.name)).toEqual(['hook-2026112112.jsonl', 'hook-2026112212.jsonl']);
    expect(files[0]?.hour_end_ms).toBe(Date.UTC(2026, 10, 21, 13));
  });
  it('goes on from an offset in steps of bounded size, every record once', async () => {
    for (let n = 0; n < 20; n++) appendRecord(spool, record(n));
    const file = await only();
    const seen: number[] = [];
    let offset = 0;
    let steps = 0;
    for (let more = true; more; steps++) {
      const step = await readSpool(file, offset, NOON, 1_500);
      seen.push(...ids(step));
      for (const { offset: at, record: found } of step.records) {
        const line = readFileSync(file.path).subarray(at).toString().split('\n')[0];
        expect(JSON.parse(line!)).toEqual(found);
      }
      ({ next_offset: offset, more } = step);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(steps).toBeGreaterThan(5);
    appendRecord(spool, record(20));
    expect(ids(await readSpool(await only(), offset, NOON))).toEqual([20]);
  });
  it('passes over what is no record, counted, and keeps its neighbours', async () => {
    appendRecord(spool, record(1));
    const file = await only();
    appendFileSync(file.path, `{"torn":`);
    appendRecord(spool, record(2));
    appendFileSync(
      file.path,
      `not json\n${JSON.stringify({ ...record(3), v: 2 })}\n${JSON.stringify({ ...record(3), prompt: 'x' })}\n`,
    );
    appendRecord(spool, record(4));
    const step = await readSpool(file, 0, NOON);
    expect(ids(step)).toEqual([1, 2, 4]);
    expect(step.malformed).toBe(4);
  });
  it('waits for the end of a last line while a hook may be writing it, and then gives it up', async () => {
    appendRecord(spool, record(1));
    const file = await only();
    appendFileSync(file.path, '{"half');
    const first = await readSpool(file, 0, NOON);
    expect([ids(first), first.malformed, first.more]).toEqual([[1], 0, false]);
    const waiting = await readSpool(file, first.next_offset, NOON);
    expect([waiting.next_offset, waiting.malformed]).toEqual([first.next_offset, 0]);
    const given_up = await readSpool(file, first.next_offset, NOON + HOUR_MS);
    expect([given_up.next_offset, given_up.malformed]).toEqual([statSync(file.path).size, 1]);
  });
  it('passes over a line longer than its memory', async () => {
    mkdirSync(spool);
    const path = join(spool, spoolFileName(NOON));
    writeFileSync(path, `${'x'.repeat(300_000)}\n`);
    appendRecord(spool, record(1));
    const skipped = await readSpool(await only(), 0, NOON, 10_000);
    expect([skipped.malformed, skipped.more]).toEqual([1, true]);
    expect(ids(await readSpool(await only(), skipped.next_offset, NOON, 10_000))).toEqual([1]);
  });
  it('says when a file may go: read to its end and its hour over', async () => {
    appendRecord(spool, record(1));
    const file = await only();
    const { next_offset } = await readSpool(file, 0, NOON);
    expect(isFinished(file, next_offset, NOON)).toBe(false);
    expect(isFinished(file, next_offset, file.hour_end_ms + 30_000)).toBe(false);
    expect(isFinished(file, next_offset, file.hour_end_ms + 60_000)).toBe(true);
    expect(isFinished(file, next_offset - 1, file.hour_end_ms + 60_000)).toBe(false);
    await removeSpoolFile(file);
    expect(existsSync(file.path)).toBe(false);
  });
});
