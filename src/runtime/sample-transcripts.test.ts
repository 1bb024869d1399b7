import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LATER_MS, TranscriptTail } from '../../test/support/claude-transcripts.ts';
import { claudeSource } from '../agents/claude/index.ts';
import type { AgentEvent } from '../agents/event.ts';
import { priceOf } from '../agents/pricing/price.ts';
import { loadHashing } from '../redaction/hashing.ts';
import { createRedactor } from '../redaction/redactor.ts';

const FOLDER = fileURLToPath(new URL('./sample-transcripts/', import.meta.url));
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.jsonl'));
const lines = files.flatMap((file) => readFileSync(join(FOLDER, file), 'utf8').trimEnd().split('\n'));

let home: string;
let events: AgentEvent[];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'syncline-sample-test-'));
  cpSync(FOLDER, join(home, 'projects'), { recursive: true });
  const found = await claudeSource.discover(claudeSource.places({ CLAUDE_CONFIG_DIR: home }));
  expect(found.problems).toEqual([]);
  events = (await Promise.all(found.files.map((file) => new TranscriptTail(() => file).toEnd(LATER_MS)))).flat();
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

test('is small enough to ship, and every line of it is read', () => {
  expect(lines.join('\n').length).toBeLessThan(200_000);
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('type');
});

test('holds nothing that would have to be removed, and no place that exists', async () => {
  const redactor = createRedactor({ hashing: await loadHashing(), salt: new Uint8Array(32), workspace: '/sample' });
  const said = events.flatMap(({ content }) => (content === null ? [] : [JSON.stringify(content)]));
  expect(said.length).toBeGreaterThan(100);
  for (const words of said) expect(redactor.redactText(words)).toBe(words);
  expect(new Set(events.map(({ cwd }) => cwd))).toEqual(new Set(['/sample/acme/web', '/sample/acme/payments']));
  for (const line of lines) expect(line).not.toMatch(/\/(home|root|Users|work|tmp)\/|\w@\w|https?:/);
});

test('shows what Syncline can tell: failures, a refusal, a subagent, a compaction, a fork', () => {
  const outcomes = Map.groupBy(events, ({ outcome }) => outcome);
  expect(outcomes.get('failed')?.length).toBeGreaterThan(5);
  expect(outcomes.get('rejected')).toHaveLength(1);
  expect(new Set(events.map(({ session_id }) => session_id)).size).toBe(6);
  expect(new Set(events.map(({ subagent_id }) => subagent_id).filter(Boolean)).size).toBe(1);
  expect(events.filter(({ facts }) => facts['type'] === 'compaction').length).toBeGreaterThan(0);
  const copies = [...Map.groupBy(events, ({ identity }) => identity).values()].filter(({ length }) => length > 1);
  expect(copies.length).toBeGreaterThan(20);
  const owners = copies.map((same) => same.toSorted((a, b) => (a.owner_rank < b.owner_rank ? -1 : 1))[0]?.session_id);
  // The copied turns belong to the session that had them first, in whichever order the files were born.
  expect([...new Set(owners)]).toEqual(['4fdc1db8-ceef-4064-a9b8-aa6f7c60cdc4']);
});

test('has a price for each response', () => {
  const responses = events.filter(({ usage }) => usage !== null);
  expect(responses.length).toBeGreaterThan(30);
  for (const { usage, model, ts_ms } of responses) expect(priceOf(usage, model, ts_ms).micro_usd).toBeGreaterThan(0);
});
