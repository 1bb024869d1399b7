/** The hook as an agent runs it: the bundled program in a process of its own, judged by what is outside of it. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadHashing } from '../redaction/hashing.ts';
import type { SpoolRecord } from '../telemetry/hooks/record.ts';
import { spoolFileName } from '../telemetry/hooks/spool-writer.ts';
import { droppedEvents, listSpool, readSpool } from '../telemetry/hooks/spool.ts';

const repository = resolve(import.meta.dirname, '..', '..');
const bundle = join(repository, 'dist', 'hook.mjs');
const program = join(repository, 'bin', 'syncline');
const hashing = await loadHashing();
const salt = new Uint8Array(32).fill(0xab);
const token = `ghp_${'a1B2'.repeat(9)}`;

let folder: string;
let home: string;
let spool: string;

beforeAll(() => {
  expect(spawnSync(process.execPath, [join(repository, 'scripts', 'bundle-hook.mjs')]).status).toBe(0);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-hook-'));
  home = join(folder, 'state');
  spool = join(home, 'spool');
  mkdirSync(join(home, 'keys'), { recursive: true });
  writeFileSync(join(home, 'keys', 'salt'), 'ab'.repeat(32));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  env?: Record<string, string>;
  args?: string[];
  /** Leaves stdin open after the input. */
  open?: boolean;
}

/** Runs the hook and requires what every run owes the agent: silence and exit 0. */
async function hook(
  input: string | Buffer,
  { env = {}, args = ['--agent', 'claude'], open = false }: Run = {},
): Promise<void> {
  const child = spawn(process.execPath, [bundle, 'telemetry', 'hook', ...args], {
    env: { ...process.env, SYNCLINE_HOME: home, ...env },
  });
  let output = '';
  child.stdout.on('data', (text) => (output += String(text)));
  child.stderr.on('data', (text) => (output += String(text)));
  // The hook may leave before it has read everything.
  child.stdin.on('error', () => undefined);
  child.stdin.write(input);
  if (!open) child.stdin.end();
  const ended = await new Promise((done) => child.on('close', (code, signal) => done({ code, signal })));
  child.stdin.destroy();
  expect({ output, ended }).toEqual({ output: '', ended: { code: 0, signal: null } });
}

async function records(): Promise<SpoolRecord[]> {
  const found: SpoolRecord[] = [];
  for (const file of await listSpool(spool)) {
    const step = await readSpool(file, 0, 0, 64 * 1024 * 1024);
    expect(step.malformed).toBe(0);
    found.push(...step.records.map(({ record }) => record));
  }
  return found;
}
const recordOf = async (payload: object, run?: Run): Promise<SpoolRecord> => {
  await hook(JSON.stringify(payload), run);
  const found = await records();
  expect(found).toHaveLength(1);
  return found[0]!;
};
const spoolText = (): string =>
  readdirSync(spool)
    .map((name) => readFileSync(join(spool, name), 'utf8'))
    .join('');
const keepContent = (): void => writeFileSync(join(home, 'hook.json'), '{"content":"redacted"}');

const call = {
  session_id: 'sess-1',
  transcript_path: '/home/alice/.claude/projects/x/sess-1.jsonl',
  cwd: '/nowhere/project',
  hook_event_name: 'PreToolUse',
  permission_mode: 'acceptEdits',
  tool_name: 'Bash',
  tool_use_id: 'toolu_01AbCdEfGh',
  tool_input: { command: 'export DB_TOKEN=hunter2', description: `uses ${token}` },
};

describe('what is kept', () => {
  it('ids as hashes, names, facts and sizes, and nothing that was said', async () => {
    const before_ms = Date.now();
    const record = await recordOf(call);
    expect(record).toMatchObject({
      v: 1,
      agent: 'claude',
      event: 'PreToolUse',
      session: hashing.hashWithSalt(salt, 'sess-1'),
      subagent: null,
      tool: 'Bash',
      tool_call_id: 'toolu_01AbCdEfGh',
      workspace: hashing.workspaceHash(salt, '/nowhere/project'),
      workspace_kind: 'path',
      private: false,
      truncated: false,
      payload_bytes: JSON.stringify(call).length,
      facts: { permission_mode: 'acceptEdits', tool_input_bytes: JSON.stringify(call.tool_input).length },
      content: null,
    });
    expect(record.ts_ms).toBeGreaterThanOrEqual(before_ms);
    for (const secret of ['sess-1', 'alice', 'nowhere', 'hunter2', token, 'DB_TOKEN'])
      expect(spoolText()).not.toContain(secret);
  });
  it('content when the daemon says so, redacted', async () => {
    keepContent();
    const record = await recordOf(call);
    expect(record.content).toMatchObject({ tool_input: { command: 'export <REDACTED:arg>' } });
    expect(record.removed['github-token']).toBe(1);
    for (const secret of ['hunter2', token, 'alice']) expect(spoolText()).not.toContain(secret);
  });
  it.each(['{"content":"all"}', '{"content":', 'null', '[]'])(
    'no content when the settings are %j',
    async (settings) => {
      writeFileSync(join(home, 'hook.json'), settings);
      expect((await recordOf(call)).content).toBeNull();
    },
  );
  it('of an event that we do not know the name and the size', async () => {
    keepContent();
    const record = await recordOf({ ...call, hook_event_name: 'BrandNew', prompt: 'hunter2' });
    expect(record).toMatchObject({ event: 'BrandNew', facts: {}, content: null, tool: null, tool_call_id: null });
    expect(record.payload_bytes).toBeGreaterThan(100);
  });
  it('facts of enumerations only: prose under the same name is content', async () => {
    const record = await recordOf({ ...call, hook_event_name: 'PermissionDenied', reason: 'because alice said no' });
    expect(record.facts).toMatchObject({ reason_bytes: 21 });
    expect(record.facts).not.toHaveProperty('reason');
    rmSync(spool, { recursive: true });
    expect((await recordOf({ ...call, hook_event_name: 'SessionEnd', reason: 'logout' })).facts).toMatchObject({
      reason: 'logout',
    });
  });
  it('that a session is private, and then no content', async () => {
    keepContent();
    const record = await recordOf(call, { env: { SYNCLINE_PRIVATE: '1' } });
    expect(record).toMatchObject({ private: true, content: null });
  });
  it('the subagent of a call within one', async () => {
    expect((await recordOf({ ...call, agent_id: 'agent-7' })).subagent).toBe(hashing.hashWithSalt(salt, 'agent-7'));
  });
  it('the team’s salt once the daemon has left it', async () => {
    writeFileSync(join(home, 'keys', 'hook-salt'), `${'07'.repeat(32)}\n`);
    const record = await recordOf(call);
    expect(record.session).toBe(hashing.hashWithSalt(new Uint8Array(32).fill(7), 'sess-1'));
  });
  it('no secret that stands where a name should', async () => {
    const secrets = {
      tool_name: token,
      tool_use_id: token,
      hook_event_name: token,
      model: token,
      source: token,
      [token]: token,
    };
    await hook(JSON.stringify({ ...call, ...secrets }));
    await hook(JSON.stringify({ ...call, ...secrets, hook_event_name: 'SessionStart' }));
    expect(await records()).toHaveLength(2);
    expect(spoolText()).not.toContain(token);
  });
  it('one workspace for all clones of a repository', async () => {
    for (const name of ['one', 'two']) {
      mkdirSync(join(folder, name, '.git'), { recursive: true });
      writeFileSync(join(folder, name, '.git', 'config'), '[remote "origin"]\n\turl = git@github.com:acme/web.git\n');
    }
    await hook(JSON.stringify({ ...call, cwd: join(folder, 'one') }));
    await hook(JSON.stringify({ ...call, cwd: join(folder, 'two') }));
    const workspaces = (await records()).map(({ workspace }) => workspace);
    expect(workspaces).toEqual(Array(2).fill(hashing.workspaceHash(salt, 'github.com/acme/web')));
  });
  it.each(['x'.repeat(100_000), 'a\0b', '/dev/null/x'])(
    'a record without a crash for a strange working directory',
    async (cwd) => {
      expect((await recordOf({ ...call, cwd })).session).not.toBeNull();
    },
  );
});

describe('whose hook it is (pitfall 33)', () => {
  it.each<[string, object, string[], string]>([
    ['as installed', {}, ['--agent', 'codex'], 'codex'],
    ['Codex by its turn', { turn_id: 't' }, ['--agent', 'claude'], 'codex'],
    ['Codex by its files', { transcript_path: '/home/a/.codex/sessions/x.jsonl' }, ['--agent', 'claude'], 'codex'],
    ['Codex by its model', { model: 'gpt-6-sol' }, ['--agent', 'claude'], 'codex'],
    ['Cursor by its version', { cursor_version: '2.1' }, ['--agent', 'claude'], 'cursor'],
    ['Cursor by its files', { transcript_path: 'C:\\Users\\a\\.cursor\\x.jsonl' }, ['--agent', 'claude'], 'cursor'],
    ['nobody we know', {}, ['--agent', 'unheard-of'], 'claude'],
    ['no flag', {}, [], 'claude'],
  ])('%s', async (_name, members, args, agent) => {
    expect((await recordOf({ ...call, ...members }, { args })).agent).toBe(agent);
  });
  it('Cursor’s own names are understood', async () => {
    const record = await recordOf({
      conversation_id: 'c1',
      hook_event_name: 'stop',
      status: 'completed',
      input_tokens: 12,
      user_email: 'a@b.co',
      workspace_roots: ['/w'],
    });
    expect(record).toMatchObject({
      agent: 'cursor',
      event: 'stop',
      session: hashing.hashWithSalt(salt, 'c1'),
      facts: { status: 'completed', input_tokens: 12 },
    });
    expect(record.workspace).toBe(hashing.workspaceHash(salt, '/w'));
    expect(spoolText()).not.toContain('a@b.co');
  });
});

describe('any input', () => {
  it.each<[string, string | Buffer, number]>([
    ['nothing', '', 0],
    ['no JSON', 'hello', 1],
    ['half an object', '{"session_id":', 1],
    ['an array', '[1,2]', 1],
    ['a number', '42', 1],
    ['null', 'null', 1],
    ['bytes', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 37) % 256)), 1],
    ['closing brackets', '}}}}', 1],
    ['two megabytes of nothing', 'x'.repeat(2_000_000), 1],
    ['brackets without end', '['.repeat(1_500_000), 1],
  ])('%s: silence, exit 0, counted', async (_name, input, dropped) => {
    await hook(input);
    expect(await records()).toEqual([]);
    expect(await droppedEvents(spool)).toBe(dropped);
  });
  it('an object that is too long keeps the members at its beginning', async () => {
    const record = await recordOf({ ...call, tool_response: 'y'.repeat(3_000_000) });
    expect(record).toMatchObject({
      truncated: true,
      payload_bytes: 1024 * 1024,
      tool: 'Bash',
      session: hashing.hashWithSalt(salt, 'sess-1'),
    });
  });
  it('content that is too long for its time is replaced', async () => {
    keepContent();
    const record = await recordOf({ ...call, tool_response: 'y'.repeat(600_000) });
    expect(record.content).toMatchObject({ tool_response: '[REDACTED:unscanned bytes=600000]' });
  });
  it('an object after which the agent keeps stdin open (pitfall 31)', async () => {
    await hook(JSON.stringify(call), { open: true });
    expect(await records()).toHaveLength(1);
  });
  it('half an object, and then silence', async () => {
    await hook('{"session_id":"sess-1","hook_event_name":"Stop","prompt":"ab', { open: true });
    expect(await records()).toMatchObject([{ event: 'Stop', truncated: true }]);
  });
  it('silence from the beginning', async () => {
    await hook('', { open: true });
    expect(await records()).toEqual([]);
  });
});

describe('any state of the machine', () => {
  it('never set up: nothing is made', async () => {
    rmSync(home, { recursive: true });
    await hook(JSON.stringify(call));
    expect(existsSync(home)).toBe(false);
  });
  it('finds the state folder by XDG_DATA_HOME and HOME', async () => {
    await hook(JSON.stringify(call), { env: { SYNCLINE_HOME: '', XDG_DATA_HOME: join(folder, 'data') } });
    expect(existsSync(join(folder, 'data'))).toBe(false);
    mkdirSync(join(folder, 'h', '.local', 'share', 'syncline', 'keys'), { recursive: true });
    writeFileSync(join(folder, 'h', '.local', 'share', 'syncline', 'keys', 'salt'), 'ab'.repeat(32));
    await hook(JSON.stringify(call), {
      env: { SYNCLINE_HOME: '', XDG_DATA_HOME: 'relative', HOME: join(folder, 'h') },
    });
    spool = join(folder, 'h', '.local', 'share', 'syncline', 'spool');
    expect(await records()).toHaveLength(1);
  });
  it.each(['', 'zz', 'ab'.repeat(31)])('a salt of %j: counted, nothing kept', async (text) => {
    writeFileSync(join(home, 'keys', 'salt'), text);
    await hook(JSON.stringify(call));
    expect([await records(), await droppedEvents(spool)]).toEqual([[], 1]);
  });
  it('no salt at all', async () => {
    rmSync(join(home, 'keys'), { recursive: true });
    await hook(JSON.stringify(call));
    expect([await records(), await droppedEvents(spool)]).toEqual([[], 1]);
  });
  it('a spool at its cap: counted', async () => {
    mkdirSync(spool);
    writeFileSync(join(spool, 'hook-2026010100.jsonl'), '');
    truncateSync(join(spool, 'hook-2026010100.jsonl'), 64 * 1024 * 1024);
    await hook(JSON.stringify(call));
    expect(readdirSync(spool)).toEqual(['dropped', 'hook-2026010100.jsonl']);
    expect(await droppedEvents(spool)).toBe(1);
  });
  it('the cap is the configured one', async () => {
    mkdirSync(spool);
    writeFileSync(join(home, 'hook.json'), JSON.stringify({ content: 'none', spool_max_bytes: 1000 }));
    writeFileSync(join(spool, 'hook-2026010100.jsonl'), '\n'.repeat(900));
    await hook(JSON.stringify(call));
    expect(await droppedEvents(spool)).toBe(1);
  });
  it('a full disk: counted', async () => {
    mkdirSync(spool);
    for (const hour of [0, 1]) symlinkSync('/dev/full', join(spool, spoolFileName(Date.now() + hour * 3_600_000)));
    await hook(JSON.stringify(call));
    expect(await droppedEvents(spool)).toBe(1);
  });
  it('a home that is a file, a spool that is a file: silence', async () => {
    writeFileSync(spool, 'x');
    await hook(JSON.stringify(call));
    await hook(JSON.stringify(call), { env: { SYNCLINE_HOME: spool } });
    expect(readFileSync(spool, 'utf8')).toBe('x');
  });
  it('many hooks at once leave whole lines', async () => {
    await Promise.all(
      Array.from({ length: 12 }, (_, n) => hook(JSON.stringify({ ...call, tool_use_id: `toolu_${n}` }))),
    );
    const ids = (await records()).map((record) => record.tool_call_id);
    expect(ids.sort()).toEqual(Array.from({ length: 12 }, (_, n) => `toolu_${n}`).sort());
  });
});

describe('the line that agents connect installs (R9)', () => {
  const line = (path: string): string => `[ -x ${path} ] && ${path} telemetry hook --agent claude || true`;
  const run = (path: string, env: Record<string, string> = {}): ReturnType<typeof spawnSync> =>
    spawnSync('sh', ['-c', line(path)], {
      input: JSON.stringify(call),
      encoding: 'utf8',
      env: { ...process.env, SYNCLINE_HOME: home, ...env },
    });

  it('runs the program', async () => {
    expect(run(program)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(await records()).toHaveLength(1);
  });
  it('is silent when the program is gone', () => {
    expect(run(join(folder, 'deleted'))).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
  it('is silent and works when the agent’s environment debugs Node', async () => {
    expect(run(program, { NODE_OPTIONS: '--no-such-flag' })).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(await records()).toHaveLength(1);
  });
});
