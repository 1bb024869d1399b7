import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../engine/sqlite/store.ts';
import type { EngineStore } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import { systemRandom } from '../../platform/random.ts';
import { loadHashing, type Hashing } from '../../redaction/hashing.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { saltTag } from '../hooks/build-record.ts';
import type { SpoolRecord } from '../hooks/record.ts';
import { Labels } from '../labels.ts';
import { saltOf, Salts } from '../salts.ts';
import { migrateFlowTables } from './flow-tables.ts';
import { HookCapture } from './hook-capture.ts';
import { HookSweep } from './hook-sweep.ts';

const HOUR = Date.UTC(2026, 10, 20, 10);
const salt = saltOf(new Uint8Array(32).fill(7));
const signal = new AbortController().signal;

let folder: string;
let now_ms: number;
let hashing: Hashing;
let db: Database;
let store: EngineStore;
let labels: Labels;
let excluded: string[];
let sweep: HookSweep;

const clock: Clock = { now_ms: () => now_ms, monotonic_ms: () => now_ms };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hook-sweep-'));
  mkdirSync(join(folder, 'spool'));
  now_ms = HOUR + 60_000;
  hashing = await loadHashing();
  db = new Database(join(folder, 'engine.db'));
  store = openSqliteStore(db, { clock, random: systemRandom, cap_bytes: 2 ** 30 });
  migrateFlowTables(db, now_ms);
  labels = new Labels(join(folder, 'labels.db'), now_ms);
  excluded = [];
  const salts = new Salts(db, salt, null, now_ms);
  const allowed = ({ identity }: { identity: string }): boolean => !excluded.includes(identity);
  const capture = new HookCapture({ store, db, hashing, salts, labels, clock, content: 'none', allowed });
  sweep = new HookSweep({ capture, store, clock, spool_dir: join(folder, 'spool') });
});
afterEach(() => {
  labels.close();
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

const workspace = (): string => hashing.workspaceHash(salt.bytes, 'github.com/acme/web');
const session = (id = 'session-1'): string => hashing.hashWithSalt(salt.bytes, id);
/** What capture remembers once it has kept an event of the session. */
const knowTranscript = (): Promise<void> =>
  labels.remember([
    { hash: workspace(), kind: 'workspace', name: 'web', detail: 'github.com/acme/web' },
    { hash: session(), kind: 'session', name: 'session-1', detail: workspace() },
  ]);

function record(own: Partial<SpoolRecord>): SpoolRecord {
  return {
    v: 1,
    ts_ms: now_ms,
    agent: 'claude',
    event: 'PreToolUse',
    salt_tag: saltTag(hashing, salt.bytes),
    session: session(),
    subagent: null,
    tool: 'Bash',
    tool_call_id: 'toolu_1',
    workspace: workspace(),
    workspace_kind: 'remote',
    private: false,
    payload_bytes: 300,
    truncated: false,
    facts: { permission_mode: 'default' },
    content: null,
    rule_set: 'r1',
    removed: { 'aws-key': 2 },
    ...own,
  };
}

const spool = (...lines: (SpoolRecord | string)[]): void =>
  writeFileSync(
    join(folder, 'spool', 'hook-2026112010.jsonl'),
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
    { flag: 'a' },
  );

async function events(): Promise<Record<string, unknown>[]> {
  const partition = (await store.partitions()).find(({ header }) => header['kind'] === 'events');
  if (!partition) return [];
  const entries = await store.read(partition.partition_id, 1, partition.last_offset);
  return entries.map(({ payload }) => JSON.parse(payload ?? 'null') as Record<string, unknown>);
}

test('a hook is journaled once, with its facts, and counts what it removed', async () => {
  await knowTranscript();
  spool(record({}), 'not a record', record({ event: 'PostToolUse', ts_ms: now_ms + 5 }));
  expect(await sweep.sweep(signal)).toEqual({ appended: 2, waiting: false });
  expect(await sweep.sweep(signal)).toEqual({ appended: 0, waiting: false });

  expect(await events()).toMatchObject([
    { kind: 'hook', source: 'hook', tool: 'Bash', payload: { event: 'PreToolUse', permission_mode: 'default' } },
    { kind: 'hook', source: 'hook', tool: 'Bash', payload: { event: 'PostToolUse' } },
  ]);
  const counters = await store.counters();
  expect(counters['removed']).toEqual({ 'aws-key': 4 });
  expect(counters['skipped']).toMatchObject({ hook_malformed: 1 });
});

test('a new line is taken from where reading stopped', async () => {
  await knowTranscript();
  spool(record({}));
  await sweep.sweep(signal);
  spool(record({ event: 'Stop', tool: null, tool_call_id: null }));
  expect((await sweep.sweep(signal)).appended).toBe(1);
  expect(await events()).toHaveLength(2);
});

test('a hook of an unknown session waits for its transcript, and is dropped and counted after a minute', async () => {
  spool(record({}));
  expect(await sweep.sweep(signal)).toEqual({ appended: 0, waiting: true });
  await knowTranscript();
  expect(await sweep.sweep(signal)).toEqual({ appended: 1, waiting: false });

  spool(record({ workspace: hashing.workspaceHash(salt.bytes, '/never/seen') }));
  expect((await sweep.sweep(signal)).waiting).toBe(true);
  now_ms += 61_000;
  expect(await sweep.sweep(signal)).toEqual({ appended: 0, waiting: false });
  expect((await store.counters())['skipped']).toMatchObject({ hook_without_transcript: 1 });
});

test('nothing is kept of a private session, an excluded workspace or another salt', async () => {
  await knowTranscript();
  excluded = ['github.com/acme/web'];
  spool(record({ private: true }), record({}), record({ salt_tag: '00000000' }));
  expect((await sweep.sweep(signal)).appended).toBe(0);
  expect((await store.counters())['skipped']).toMatchObject({
    hook_private: 1,
    excluded: 1,
    hook_without_transcript: 1,
  });
});

test('a session of an excluded folder is not kept though its repository is known from another checkout', async () => {
  await knowTranscript();
  spool(record({ session: session('session in ~/private') }));
  expect(await sweep.sweep(signal)).toEqual({ appended: 0, waiting: true });
  now_ms += 61_000;
  expect(await sweep.sweep(signal)).toEqual({ appended: 0, waiting: false });
  expect((await store.counters())['skipped']).toEqual({ hook_without_transcript: 1 });
});

test('a file is removed once its hour is over and it was read whole, not before', async () => {
  await knowTranscript();
  spool(record({}));
  await sweep.sweep(signal);
  expect(readdirSync(join(folder, 'spool'))).toEqual(['hook-2026112010.jsonl']);
  now_ms = HOUR + 62 * 60_000;
  await sweep.sweep(signal);
  expect(readdirSync(join(folder, 'spool'))).toEqual([]);
  expect(await events()).toHaveLength(1);
});

test('a span that only hooks have told is not sent before the transcript has its call', async () => {
  await knowTranscript();
  spool(record({}), record({ event: 'PostToolUse', ts_ms: now_ms + 5 }));
  await sweep.sweep(signal);
  const spans = (await store.partitions()).find(({ header }) => header['kind'] === 'tool_spans');
  expect(spans?.last_offset).toBe(0);
  expect(db.value<number>('SELECT count(*) FROM telemetry_span WHERE open_since_ms IS NOT NULL')).toBe(1);
});
