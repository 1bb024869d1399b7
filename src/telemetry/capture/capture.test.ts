import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import type { AgentEvent, AgentSession } from '../../agents/event.ts';
import { openSqliteStore } from '../../engine/sqlite/store.ts';
import type { EngineStore, Partition } from '../../engine/store.ts';
import { systemRandom } from '../../platform/random.ts';
import { loadHashing, type Hashing } from '../../redaction/hashing.ts';
import { Database } from '../../storage/sqlite/database.ts';
import type { SpoolRecord } from '../hooks/record.ts';
import { saltTag } from '../hooks/build-record.ts';
import { Labels } from '../labels.ts';
import { Salts, saltOf } from '../salts.ts';
import { Capture, type CaptureResult, type CaptureUnit } from './capture.ts';
import { MAX_PAYLOAD_CHARS, type ContentPolicy } from './event-item.ts';
import { migrateFlowTables } from './flow-tables.ts';
import { HookCapture } from './hook-capture.ts';
import type { Workspace } from './workspace-context.ts';

const NOON = Date.UTC(2026, 10, 20, 12);
const machine = saltOf(new Uint8Array(32).fill(7));
const team = saltOf(new Uint8Array(32).fill(9));

let scratch: ReturnType<typeof scratchDirectory>;
let hashing: Hashing;
let db: Database;
let store: EngineStore;
let labels: Labels;
let excluded: string[];
let sources: number;
const clock = { now_ms: () => NOON, monotonic_ms: () => 0 };

beforeEach(async () => {
  scratch = scratchDirectory();
  hashing = await loadHashing();
  db = new Database(join(scratch.path, 'engine.db'));
  store = openSqliteStore(db, { clock, random: systemRandom, cap_bytes: 2 ** 30 });
  migrateFlowTables(db, NOON);
  labels = new Labels(join(scratch.path, 'labels.db'), NOON);
  excluded = [];
  sources = 0;
});
afterEach(() => {
  labels.close();
  db.close();
  scratch.remove();
});

const workspaceOf = (cwd: string | null): Workspace => {
  const name = cwd?.split('/').at(-1) ?? 'unknown';
  return { identity: `github.com/acme/${name}`, kind: 'remote', name, root: null };
};
const allowed = ({ identity }: Workspace): boolean => !excluded.includes(identity);

interface Setup {
  content?: ContentPolicy;
  salts?: Salts;
}

function capture({ content = 'none', salts = new Salts(db, machine, null, NOON) }: Setup = {}): Capture {
  return new Capture({ store, db, hashing, salts, labels, clock, content, tags: true, workspaceOf, allowed });
}

function hookCapture({ content = 'none', salts = new Salts(db, machine, null, NOON) }: Setup = {}): HookCapture {
  return new HookCapture({ store, db, hashing, salts, labels, clock, content, allowed });
}

function event(own: Partial<AgentEvent> = {}): AgentEvent {
  return {
    agent: 'claude',
    kind: 'message',
    source: 'tail',
    identity: 'claude:message:msg_1',
    session_id: 'session-1',
    subagent_id: null,
    owner_rank: 'b',
    ts_ms: NOON,
    ts_exact: true,
    cwd: '/home/ada/web',
    git_branch: 'main',
    agent_version: '2.1.0',
    model: 'claude-opus-4-5',
    tool: null,
    tool_call_id: null,
    usage: null,
    outcome: null,
    paths: [],
    facts: { role: 'assistant' },
    content: 'what was said',
    ...own,
  };
}

const used = (output: number): Pick<AgentEvent, 'usage'> => ({
  usage: {
    input: 1,
    output,
    reasoning: null,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    web_searches: 0,
    speed: null,
  },
});
const call = (own: Partial<AgentEvent> = {}): AgentEvent =>
  event({ kind: 'tool_call', identity: 'claude:call:toolu_1', tool: 'Bash', tool_call_id: 'toolu_1', ...own });
const result = (own: Partial<AgentEvent> = {}): AgentEvent =>
  call({ kind: 'tool_result', identity: 'claude:result:toolu_1', outcome: 'ok', ts_ms: NOON + 2_000, ...own });

const session = (own: Partial<AgentSession> = {}): AgentSession => ({
  agent: 'claude',
  session_id: 'session-1',
  parent_session_id: null,
  cwd: '/home/ada/web',
  git_branch: 'main',
  agent_version: '2.1.0',
  model: 'claude-opus-4-5',
  title: 'a title',
  started_at_ms: NOON,
  last_at_ms: NOON,
  ...own,
});

/** Gives the events to capture as one unit of a source of its own. */
async function take(
  to: Capture,
  events: readonly AgentEvent[],
  told: AgentSession | null = null,
): Promise<CaptureResult> {
  const { source_id } = await store.openSource('telemetry', `source ${sources++}`, NOON);
  const positioned = events.map((one, i) => ({ cursor: String(i), event: one }));
  return to.take({ source_id, events: positioned, session: told, checkpoint: 'end', skipped: {} });
}

type Item = Record<string, unknown>;

async function items(kind: string, of: (partition: Partition) => boolean = () => true): Promise<Item[]> {
  const found: Item[] = [];
  for (const partition of await store.partitions())
    if (partition.header['kind'] === kind && of(partition))
      for (const { payload } of await store.read(partition.partition_id, 1, partition.last_offset))
        found.push(JSON.parse(payload ?? 'null') as Item);
  return found;
}

const saltOfPartition = ({ header }: Partition): unknown => header['salt_id'];
const hashed = (id: string, salt = machine): string => hashing.hashWithSalt(salt.bytes, id);

test('a copy adds nothing, whichever file is read first; an older owner and a greater usage are told', async () => {
  const original = event({ owner_rank: 'a', ...used(20) });
  const copy = event({ owner_rank: 'b', session_id: 'fork', ...used(20) });
  const to = capture();
  expect(await take(to, [original])).toMatchObject({ appended: 1, copies: 0 });
  expect(await take(to, [copy])).toMatchObject({ appended: 0, copies: 1 });
  expect(await take(to, [event({ owner_rank: 'a', ...used(80) })])).toMatchObject({ appended: 1, copies: 0 });

  const other = { identity: 'claude:message:msg_2' };
  expect(await take(to, [{ ...copy, ...other }])).toMatchObject({ appended: 1 });
  expect(await take(to, [{ ...original, ...other }])).toMatchObject({ appended: 1 });
  const rows = await items('events');
  expect(rows.map((row) => [row['session_id_hash'], row['owner_rank'], row['tokens_out']])).toEqual([
    [hashed('session-1'), 'a', 20],
    [hashed('session-1'), 'a', 80],
    [hashed('fork'), 'b', 20],
    [hashed('session-1'), 'a', 20],
  ]);
  expect((await store.counters())['skipped']).toEqual({ copy: 1 });
});

test('files taken together come to what they come to one by one, with one commit', async () => {
  const files: [AgentEvent[], AgentSession | null][] = [
    [[event(), call()], session({ title: null })],
    // A subagent may work in another folder; its session stays where it was, which the file before has told.
    [
      [event({ identity: 'claude:message:msg_2', subagent_id: 'a1', cwd: '/home/ada/api' })],
      session({ cwd: null, started_at_ms: null, last_at_ms: NOON + 60_000 }),
    ],
    // A fork copies the message and has the call's result.
    [
      [event({ session_id: 'fork', owner_rank: 'c' }), result()],
      session({ cwd: null, model: null, last_at_ms: NOON + 120_000 }),
    ],
  ];
  const units: CaptureUnit[] = [];
  for (const [events, told] of files) {
    const { source_id } = await store.openSource('telemetry', `source ${sources++}`, NOON);
    const positioned = events.map((one, i) => ({ cursor: String(i), event: one }));
    units.push({
      source_id,
      events: positioned,
      session: told,
      checkpoint: `end of ${source_id}`,
      skipped: { bad: 1 },
    });
  }
  const commits = vi.spyOn(store, 'appendTogether');
  const { model } = event();
  const to = capture();
  const prepared = await Promise.all(units.map((unit) => to.prepare(unit)));
  expect(await to.takeTogether(prepared)).toEqual({ appended: 8, copies: 1, excluded: 0 });
  expect(commits).toHaveBeenCalledOnce();
  expect((await store.sources('telemetry')).map(({ checkpoint }) => checkpoint)).toEqual(
    units.map(({ checkpoint }) => checkpoint),
  );
  expect(await items('events')).toHaveLength(4);
  expect(await items('tool_spans')).toMatchObject([{ status: 'done', lead_time_ms: 2_000, outcome: 'ok' }]);
  const sessions = await items('sessions', ({ header }) => header['project_name'] === 'web');
  expect(sessions).toMatchObject([0, 60_000, 120_000].map((after_ms) => ({ model, last_at_ms: NOON + after_ms })));
  expect((await store.counters())['skipped']).toEqual({ bad: 3, copy: 1 });
});

test('a copy of an event keeps its number, so that a database made anew adds nothing at a destination', async () => {
  await take(capture(), [event(), event({ session_id: 'fork', owner_rank: 'a' })]);
  const numbers = (await items('events')).map((row) => row['event_seq']);
  expect(numbers).toEqual([hashing.hash52('claude:message:msg_1'), hashing.hash52('claude:message:msg_1')]);
});

test('nothing of an excluded workspace is kept: no item, no session, no name', async () => {
  excluded = ['github.com/acme/payroll'];
  const cwd = '/home/ada/payroll';
  const taken = await take(capture(), [event({ cwd }), call({ cwd })], session({ cwd }));
  expect(taken).toEqual({ appended: 0, copies: 0, excluded: 2 });
  expect(await store.partitions()).toEqual([]);
  expect([labels.all('workspace'), labels.all('session')]).toEqual([[], []]);
  expect((await store.counters())['skipped']).toEqual({ excluded: 2 });
});

test('content none keeps facts alone; redacted keeps the words without their secrets', async () => {
  const secret = 'AKIAIOSFODNN7EXAMPLE';
  const said = event({ content: `key ${secret}`, facts: { role: 'user', prompt_id: 'prompt-1' } });
  await take(capture(), [said]);
  await take(capture({ content: 'redacted' }), [{ ...said, identity: 'claude:message:msg_2' }]);
  const [none, redacted] = (await items('events')).map((row) => row['payload']);
  expect(none).toEqual({ role: 'user', prompt_id_hash: hashed('prompt-1') });
  expect(redacted).toEqual({
    role: 'user',
    prompt_id_hash: hashed('prompt-1'),
    content: expect.stringMatching(/^key \[REDACTED:/) as string,
  });
  expect(JSON.stringify(await items('events'))).not.toContain(secret);
  expect(Object.keys((await store.counters())['removed'] ?? {})).toHaveLength(1);
});

test('content beyond the cap is cut with a marker and counted', async () => {
  await take(capture({ content: 'redacted' }), [
    event({ content: ['word '.repeat(MAX_PAYLOAD_CHARS / 10), 'more '.repeat(MAX_PAYLOAD_CHARS / 8)] }),
  ]);
  const [item] = await items('events');
  expect(item?.['payload']).toEqual({
    role: 'assistant',
    content: expect.stringMatching(/^\[TRUNCATED chars=\d+\]$/) as string,
  });
  expect((await store.counters())['removed']).toEqual({ 'content-too-long': 1 });
});

test('long content in a script of three bytes a character fits the transactions of the journal', async () => {
  const words = Array.from({ length: 12 }, (_, i) =>
    event({ identity: `claude:message:msg_${i}`, content: '語'.repeat(MAX_PAYLOAD_CHARS - 100) }),
  );
  expect(await take(capture({ content: 'redacted' }), words)).toMatchObject({ appended: 12 });
});

test('a call and its result are one span; a hook of the same call gives it exact times, in either order', async () => {
  const hooks = hookCapture();
  const to = capture();
  await take(to, [call()], session());
  await takeHooks(hooks, [['PreToolUse', NOON + 100]]);
  await take(to, [result()]);
  await takeHooks(hooks, [['PostToolUse', NOON + 1_900]]);
  const spans = await items('tool_spans');
  expect(
    spans.map((span) => [span['status'], span['started_at_ms'], span['ended_at_ms'], span['lead_time_ms']]),
  ).toEqual([
    ['done', NOON + 100, NOON + 2_000, 2_000],
    ['done', NOON + 100, NOON + 1_900, 1_800],
  ]);
  expect(new Set(spans.map((span) => span['span_id_hash'])).size).toBe(1);
  expect(spans[0]).toMatchObject({ tool: 'Bash', outcome: 'ok', tokens_in: null, cost_usd_e6: null });
});

test('a transcript and a hook that are taken at the same time both leave their part in the span', async () => {
  const own = { db, hashing, salts: new Salts(db, machine, null, NOON), labels, clock, allowed };
  const hooks = hookCapture();
  await take(capture(), [event()], session());
  // Between what a unit has read and what it writes there is time for the other.
  let hooked: Promise<void> | undefined;
  const appendTogether: EngineStore['appendTogether'] = async (requests) => {
    hooked ??= takeHooks(hooks, [
      ['PreToolUse', NOON + 100],
      ['PostToolUse', NOON + 1_900],
    ]);
    await setImmediate();
    return store.appendTogether(requests);
  };
  const remote = new Capture({ ...own, store: { ...store, appendTogether }, content: 'none', tags: true, workspaceOf });
  await take(remote, [call(), result()]);
  await hooked;
  await take(remote, [result({ ts_ms: NOON + 3_000, identity: 'claude:result:toolu_1:again' })]);
  expect((await items('tool_spans')).at(-1)).toMatchObject({ started_at_ms: NOON + 100, ended_at_ms: NOON + 1_900 });
});

test('a call without a result is told as orphaned after its time, and as done when the result comes', async () => {
  const to = capture();
  await take(to, [call()]);
  expect(await items('tool_spans')).toEqual([]);
  const { source_id } = await store.openSource('telemetry', 'orphaned spans', NOON);
  expect(await to.closeOrphans(source_id, NOON)).toBe(0);
  expect(await to.closeOrphans(source_id, NOON + 1)).toBe(1);
  expect(await to.closeOrphans(source_id, NOON + 1)).toBe(0);
  await take(to, [result()]);
  expect((await items('tool_spans')).map((span) => span['status'])).toEqual(['orphaned', 'done']);
});

test('a history that is read today is not old today: retention counts from when it was seen', async () => {
  const year_ms = 365 * 86_400_000;
  const long_ago = { ts_ms: NOON - year_ms };
  const started = session({ started_at_ms: NOON - year_ms, last_at_ms: NOON - year_ms });
  await take(capture(), [event(long_ago), call(long_ago), result({ ts_ms: NOON - year_ms + 1 })], started);
  await takeHooks(hookCapture(), [['Stop', NOON - year_ms]]);
  await take(capture(), [call({ ...long_ago, identity: 'other', tool_call_id: 'toolu_2' })]);
  const { source_id } = await store.openSource('telemetry', 'orphaned spans', NOON);
  expect(await capture().closeOrphans(source_id, NOON)).toBe(1);

  const retainAt = async (now_ms: number): Promise<number> => {
    const limits = { now_ms, before_ms: now_ms - year_ms / 2, target_bytes: 2 ** 30 };
    const { removed, more } = await store.retain(limits);
    return more ? removed + (await retainAt(now_ms)) : removed;
  };
  expect(await retainAt(NOON + year_ms / 4)).toBe(0);
  expect(await retainAt(NOON + year_ms)).toBe(8);
});

test('a session is told once a minute at most, its title and branch only with content', async () => {
  const to = capture();
  await take(to, [event()], session());
  await take(to, [event({ identity: '2' })], session({ last_at_ms: NOON + 59_000 }));
  await take(to, [event({ identity: '3' })], session({ last_at_ms: NOON + 60_000 }));
  const told = await items('sessions');
  expect(told.map((item) => item['last_at_ms'])).toEqual([NOON, NOON + 60_000]);
  expect(told[0]).toMatchObject({ session_id_hash: hashed('session-1'), status: 'running', started_at_ms: NOON });
  expect(told[0]).not.toHaveProperty('title');
  expect(told[0]).not.toHaveProperty('branch');

  await take(capture({ content: 'redacted' }), [event({ identity: '4' })], session({ session_id: 'session-2' }));
  expect((await items('sessions')).at(-1)).toMatchObject({ title: 'a title', branch: 'main' });
});

const ends = (told: Item[]): unknown[] => told.map((item) => [item['status'], item['ended_at_ms']]);

test('SessionEnd ends a session at once; lines from before it, read afterwards, do not undo that; later ones do', async () => {
  const to = capture();
  const hooks = hookCapture();
  await take(to, [event()], session());
  await takeHooks(hooks, [['SessionEnd', NOON + 90_000]]);
  // Written before the end, read after the hook was.
  await take(to, [event({ identity: '2' })], session({ last_at_ms: NOON + 61_000 }));
  await take(to, [event({ identity: '3' })], session({ last_at_ms: NOON + 90_000 }));
  expect(ends(await items('sessions'))).toEqual([
    ['running', null],
    ['done', NOON + 90_000],
    ['done', NOON + 90_000],
  ]);

  // Resumed within the minute of its end: exact, so that a receiver sees the later account.
  await take(to, [event({ identity: '4' })], session({ last_at_ms: NOON + 100_000 }));
  expect((await items('sessions')).at(-1)).toMatchObject({
    status: 'running',
    ended_at_ms: null,
    last_at_ms: NOON + 100_000,
  });
  await takeHooks(hooks, [['SessionEnd', NOON + 95_000]]);
  expect((await items('sessions')).at(-1)).toMatchObject({ status: 'running' });
  await takeHooks(hooks, [['SessionEnd', NOON + 110_000]]);
  expect((await items('sessions')).at(-1)).toMatchObject({ status: 'done', ended_at_ms: NOON + 110_000 });
});

test('a session that a hook ended keeps its parent, and its title and branch where content is kept', async () => {
  const setup = { content: 'redacted' } as const;
  await take(capture(setup), [event()], session({ parent_session_id: 'parent' }));
  await takeHooks(hookCapture(setup), [['SessionEnd', NOON + 1_000]]);
  const [running, done] = await items('sessions');
  expect(done).toEqual({ ...running, status: 'done', ended_at_ms: NOON + 1_000 });
  expect(done).toMatchObject({ title: 'a title', branch: 'main', parent_session_id_hash: hashed('parent') });
});

test('the end of a subagent is not the end of its session', async () => {
  await take(capture(), [event()], session());
  await takeHooks(hookCapture(), [['SessionEnd', NOON + 1_000]], { subagent: hashed('agent-1') });
  expect(ends(await items('sessions'))).toEqual([['running', null]]);
});

test("a session that began before the team's salt ends by a hook that names it under the team's", async () => {
  const salts = new Salts(db, machine, team, NOON + 1_000);
  const later = event({ identity: '2', ts_ms: NOON + 2_000 });
  await take(capture({ salts }), [event(), later], session({ last_at_ms: NOON + 2_000 }));
  await takeHooks(hookCapture({ salts }), [['SessionEnd', NOON + 3_000]], {
    salt_tag: saltTag(hashing, team.bytes),
    session: hashed('session-1', team),
    workspace: hashing.workspaceHash(team.bytes, 'github.com/acme/web'),
  });
  const told = await items('sessions');
  expect(ends(told)).toEqual([
    ['running', null],
    ['done', NOON + 3_000],
  ]);
  expect(new Set(told.map((item) => item['session_id_hash']))).toEqual(new Set([hashed('session-1')]));
});

test("what happened before the team's salt came into force stays under the machine's, in partitions of its own", async () => {
  const salts = new Salts(db, machine, team, NOON);
  const later = new Salts(db, machine, team, NOON + 86_400_000);
  for (const [i, at] of [salts, later].entries())
    await take(capture({ salts: at }), [
      event({ identity: `before ${i}`, ts_ms: NOON - 1 }),
      event({ identity: `after ${i}`, ts_ms: NOON }),
    ]);
  const sessions = async (salt_id: string): Promise<unknown[]> =>
    (await items('events', (partition) => saltOfPartition(partition) === salt_id)).map((row) => row['session_id_hash']);
  expect(await sessions(machine.salt_id)).toEqual([hashed('session-1'), hashed('session-1')]);
  expect(await sessions(team.salt_id)).toEqual([hashed('session-1', team), hashed('session-1', team)]);
});

test('who leaves a team and comes back begins anew: what happened in between was not asked for', () => {
  new Salts(db, machine, team, NOON);
  new Salts(db, machine, null, NOON + 1_000);
  const back = new Salts(db, machine, team, NOON + 2_000);
  expect(back.at(NOON + 1_500)).toBe(machine);
  expect(back.at(NOON + 2_000)).toBe(team);
});

test('a new rule set opens a partition that follows the old one', async () => {
  const header = { kind: 'events', workspace_hash: 'w', project_name: 'web', schema: 1, rule_set: 'r0', salt_id: 's' };
  const place = `events/${hashing.workspaceHash(machine.bytes, 'github.com/acme/web').slice(7, 23)}/${machine.salt_id}`;
  const old = await store.openPartition({ stream: 'telemetry', name: `${place}/v1/r0`, header });
  await take(capture(), [event()]);
  const [, opened] = await store.partitions();
  expect(opened?.name.startsWith(`${place}/v1/r1-`)).toBe(true);
  const predecessor = db.value<number | null>(
    'SELECT predecessor FROM partition WHERE partition_id = ?',
    opened?.partition_id ?? 0,
  );
  expect(predecessor).toBe(old.partition_id);
});

test('names stay at home: the label file knows them, the journal knows hashes alone', async () => {
  await take(capture(), [call({ paths: ['/home/ada/web/secret.ts'], git_branch: 'secret-branch' })], session());
  expect(labels.all('workspace')).toMatchObject([{ name: 'web', detail: 'github.com/acme/web' }]);
  expect(labels.all('session')).toMatchObject([{ hash: hashed('session-1'), name: 'session-1' }]);
  const everything = JSON.stringify(await Promise.all(['events', 'tool_spans', 'sessions'].map((kind) => items(kind))));
  for (const raw of ['session-1', 'toolu_1', '/home/ada', 'secret', 'what was said'])
    expect(everything).not.toContain(raw);
});

test('a unit that is given again after a crash adds nothing', async () => {
  const unit = async (to: Capture): Promise<CaptureResult> => {
    const { source_id } = await store.openSource('telemetry', 'one', NOON);
    return to.take({
      source_id,
      events: [
        { cursor: '0', event: call() },
        { cursor: '1', event: result() },
      ],
      session: session(),
      checkpoint: 'end',
      skipped: {},
    });
  };
  expect((await unit(capture())).appended).toBe(4);
  expect((await unit(capture())).appended).toBe(0);
});

async function takeHooks(
  hooks: HookCapture,
  events: readonly [name: string, ts_ms: number][],
  own: Partial<SpoolRecord> = {},
): Promise<void> {
  const { source_id } = await store.openSource('telemetry', `spool ${sources++}`, NOON);
  const records = events.map(([name, ts_ms], i) => ({ cursor: String(i), record: { ...record(name, ts_ms), ...own } }));
  await hooks.take({ source_id, records, checkpoint: String(events.length), skipped: {} });
}

function record(name: string, ts_ms: number): SpoolRecord {
  return {
    v: 1,
    ts_ms,
    agent: 'claude',
    event: name,
    salt_tag: saltTag(hashing, machine.bytes),
    session: hashed('session-1'),
    subagent: null,
    tool: 'Bash',
    tool_call_id: 'toolu_1',
    workspace: hashing.workspaceHash(machine.bytes, 'github.com/acme/web'),
    workspace_kind: 'remote',
    private: false,
    payload_bytes: 100,
    truncated: false,
    facts: {},
    content: null,
    rule_set: 'r1',
    removed: {},
  };
}
