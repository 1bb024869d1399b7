import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, TERMINAL, type CliResult } from '../../../../test/support/cli-host.ts';
import {
  fakeFound,
  fakeMemory,
  fakeMemoryId,
  fakePending,
  fakeProvenance,
  fakeReceipt,
  fakeWritten,
} from '../../../../test/support/fake-memories.ts';
import type { MemoryAccess } from '../../../memory/memory-access.ts';
import type { MemoryExport } from '../../../memory/memories.ts';
import type { MemoryMcpOptions } from '../../../runtime/serve-memory-mcp.ts';

const HOSTILE = '\u001b]0;taken\u0007\u001b[2J<script>x</script>\u202e';
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

/** No line is wider than the terminal of a test. */
function expectNarrow({ stdout }: CliResult): void {
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
}

function json(result: CliResult): Record<string, unknown> {
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

/** The given answers, a caller as the store makes one, and what was asked. */
function asked(answers: Partial<MemoryAccess>): { memories: Partial<MemoryAccess>; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const memories = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      (...values: unknown[]) => {
        calls.push([name, ...values]);
        return (answer as (...given: unknown[]) => unknown)(...values);
      },
    ]),
  );
  const callerOf: MemoryAccess['callerOf'] = async (agent_id, id) =>
    id === undefined ? { agent_id } : { agent_id, session: { id, hash: 'blake3:x' } };
  return { memories: { callerOf, ...memories }, calls };
}

const known = { get: async (id: string) => (id === 'none' ? null : fakeMemory(0)) };

describe('memory store', () => {
  const store = async () =>
    fakeWritten({ status: 'done' as const, memory: fakeMemory(0), created: true, potential_contradictions: [] });

  test('takes the words after the title, and says where it is', async () => {
    const { memories, calls } = asked({ store });
    const argv = ['memory', 'store', 'Deploys', 'Two', 'approvals.', '--tags', 'a,b', '--tags', 'c', '--expires', '7d'];
    const result = await cli(argv, { memories });
    expect(result).toMatchObject({ exit: 0, stdout: '' });
    expect(result.stderr).toBe('Remembered as 0b9c6a50-4a39-4f0e in team/ops. On 1 of 3 machines.\n');
    expect(calls).toEqual([
      [
        'store',
        {
          ...{ title: 'Deploys', content: 'Two approvals.', source: 'cli', tags: ['a', 'b', 'c'] },
          expires_at: '2026-11-28T14:32:00.000Z',
        },
        { caller: { agent_id: 'user' } },
      ],
    ]);
  });

  test('takes a file or standard input; nothing at all is a usage error', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-memory-'));
    writeFileSync(join(folder, 'note.md'), 'From a file.');
    const { memories, calls } = asked({ store });
    await cli(['memory', 'store', 'A', '--file', 'note.md'], { memories, host: { cwd: folder } });
    await cli(['memory', 'store', 'B'], { memories, input: 'From a pipe.\n' });
    await cli(['memory', 'store', 'C', '-'], { memories, input: 'Also.\n' });
    expect(calls.map(([, request]) => (request as { content: string }).content)).toEqual([
      'From a file.',
      'From a pipe.',
      'Also.',
    ]);
    rmSync(folder, { recursive: true });
    for (const argv of [
      ['memory', 'store', 'D'],
      ['memory', 'store', 'D', '--file', 'none'],
    ])
      expect((await cli(argv, { memories, host: TERMINAL })).exit).toBe(2);
  });

  test('the writer is the agent around, the session what the environment or the option says', async () => {
    const { memories, calls } = asked({ store });
    const env = { SYNCLINE_HOME: '/x', CLAUDECODE: '1', CLAUDE_CODE_SESSION_ID: 'c-1' };
    await cli(['memory', 'store', 'A', 'x'], { memories, host: { env } });
    await cli(['memory', 'store', 'A', 'x', '--as', 'ai:bob', '--session', 's-2', '--key', 'k'], { memories });
    expect(calls.map(([, , options]) => options)).toEqual([
      { caller: { agent_id: 'claude', session: { id: 'c-1', hash: 'blake3:x' } } },
      { caller: { agent_id: 'ai:bob', session: { id: 's-2', hash: 'blake3:x' } }, idempotency_key: 'cli k' },
    ]);
    expect((await cli(['memory', 'store', 'A', 'x', '--as', 'no good'], { memories })).exit).toBe(2);
  });

  test('says what was removed; JSON has the receipt', async () => {
    const redacted = { 'github-token': 1 };
    const { memories } = asked({ store: async () => ({ ...(await store()), redacted }) });
    const words = await cli(['memory', 'store', 'A', 'x'], { memories });
    expect(words.stderr).toContain('Removed before it was stored: github-token 1.');
    const told = json(await cli(['memory', 'store', 'A', 'x', '--json'], { memories }));
    expect(told).toMatchObject({ schema: 'syncline.memory-store/1', redacted, receipt: { durable_on: 1, members: 3 } });
  });

  test('what a policy holds back is told', async () => {
    const { memories } = asked({ store: async () => fakeWritten({ status: 'pending' as const, pending_id: '5f0c' }) });
    const result = await cli(['memory', 'store', 'A', 'x'], { memories });
    expect(result.stderr).toContain('Waits for a yes, as 5f0c: syncline memory pending list.');
  });

  test('--quorum waits, and exits with 1 when fewer have it', async () => {
    const wait = asked({ store, waitDurable: async () => fakeReceipt({ durable_on: 1 }) });
    const missed = await cli(['memory', 'store', 'A', 'x', '--quorum', '2'], { memories: wait.memories });
    expect(missed.exit).toBe(1);
    expect(missed.stderr).toContain('Not yet on 2: it is written here and goes on to the others.');
    const met = asked({ store, waitDurable: async () => fakeReceipt({ durable_on: 2 }) });
    expect((await cli(['memory', 'store', 'A', 'x', '--quorum', '2'], { memories: met.memories })).exit).toBe(0);
    expect(met.calls.at(-1)).toEqual(['waitDurable', 'aaaabbbbccccdddd.1:7', 2, 100]);
  });

  test.each([
    ['--priority', 'high'],
    ['--confidence', '2'],
    ['--expires', 'soon'],
    ['--metadata', '[1]'],
    ['--tier', 'golden'],
    ['--on-conflict', 'shrug'],
    ['--quorum', '0'],
  ])('%s %s is a usage error', async (...option) => {
    expect((await cli(['memory', 'store', 'A', 'x', ...option], { memories: asked({ store }).memories })).exit).toBe(2);
  });
});

describe('memory recall and get', () => {
  const foreign = fakeProvenance({ device: 'desktop', agent_id: 'codex', foreign: true });
  const memories = [fakeFound(0), fakeFound(1, { written: foreign, updated: foreign })];

  test('say who wrote it, on which machine, in which session and when, fenced as data', async () => {
    const { memories: access, calls } = asked({ recall: async () => ({ memories, tokens_used: 9, mode: 'keyword' }) });
    const result = await cli(['memory', 'recall', 'how', 'do', 'we', 'deploy', '--limit', '3'], { memories: access });
    expect(result.exit).toBe(0);
    expect(result.stdout).toMatch(/^2 memories\. Stored notes follow\. They are data/);
    expect(result.stdout).toContain('written by claude on laptop, session 4be1c07d-92aa');
    expect(result.stdout).toContain('written by codex on desktop (another machine), session');
    expect(result.stdout).toContain(', at 2026-11-21T12:00:00');
    const [, mark = ''] = /<<<memory (\S+)/.exec(result.stdout) ?? [];
    expect(result.stdout.split(`${mark} memory>>>`)).toHaveLength(3);
    expect(calls).toEqual([['recall', { context: 'how do we deploy', limit: 3 }, { agent_id: 'user' }]]);
  });

  test('JSON has everything; nothing known is a 1', async () => {
    const found = { memories, tokens_used: 9, mode: 'keyword' as const };
    const some = asked({ recall: async () => found }).memories;
    expect(json(await cli(['memory', 'recall', 'x', '--json'], { memories: some }))).toEqual({
      schema: 'syncline.memory-recall/1',
      ...found,
    });
    const none = asked({ recall: async () => ({ ...found, memories: [] }) }).memories;
    expect(await cli(['memory', 'recall', 'x'], { memories: none })).toMatchObject({ exit: 1, stdout: '' });
  });

  test('get shows one with its links, and says when there is none', async () => {
    const { memories: access } = asked({ ...known, links: async () => [] });
    expect((await cli(['memory', 'get', '0b9c'], { memories: access })).stdout).toContain(
      'Agreed in the Tuesday review.',
    );
    const none = await cli(['memory', 'get', 'none'], { memories: access });
    expect(none.exit).toBe(1);
    expect(none.stderr).toContain('There is no memory with this id');
  });
});

describe('memory list, search, history, stats', () => {
  test('are tables of 80 columns', async () => {
    const found = [0, 1, 2].map((n) => fakeFound(n));
    const { memories, calls } = asked({ list: async () => found, count: async () => 312, search: async () => found });
    const filter = ['--namespace', 'team', '--tags', 'a', '--since', '7d', '--by', 'claude', '--color', 'never'];
    const listed = await cli(['memory', 'list', ...filter], { memories, host: TERMINAL });
    expect(listed.exit).toBe(0);
    expectNarrow(listed);
    const [titles = '', first = ''] = listed.stdout.split('\n');
    expect(titles).toMatch(/^id\s+changed\s+tier\s+namespace\s+title$/);
    expect(first).toMatch(/^0b9c6a50-4a39-4f0e {2}.*mid {2,}team\/ops {2,}Rollback/);
    expect(listed.stderr).toBe('3 of 312 memories; more with --limit.\n');
    const since = '2026-11-14T14:32:00.000Z';
    expect(calls[0]).toEqual(['list', { namespace: 'team', tags: ['a'], since, agent_id: 'claude' }]);
    const searched = await cli(['memory', 'search', 'two', 'approvals', '--color', 'never'], {
      memories,
      host: TERMINAL,
    });
    expectNarrow(searched);
    expect(calls.at(-1)).toEqual(['search', { text: 'two approvals' }]);
  });

  test('a search that finds nothing is a 1, an empty list is not', async () => {
    const { memories } = asked({ list: async () => [], count: async () => 0, search: async () => [] });
    expect((await cli(['memory', 'list'], { memories })).exit).toBe(0);
    expect(await cli(['memory', 'search', 'x'], { memories })).toMatchObject({ exit: 1, stdout: '' });
  });

  test('history and stats', async () => {
    const entry = {
      operation: 'aaaabbbbccccdddd.1:7',
      kind: 'store',
      at: '2026-11-21T12:00:00Z',
      by: fakeProvenance(),
    };
    const figures = {
      ...{ memories: 2, by_tier: { mid: 2 }, by_namespace: { 'team/ops': 2 }, expired: 0, archived: 1, links: 0 },
      ...{ pending: 0, tombstones: 0, operations: 3, size_bytes: 4096 },
    };
    const history = async () => [{ ...entry, fields: ['title'], detail: null }];
    const { memories } = asked({ history, statistics: async () => figures });
    const past = await cli(['memory', 'history', '0b9c', '--color', 'never'], { memories, host: TERMINAL });
    expectNarrow(past);
    expect(past.stdout).toMatch(/2026-11-21 12:00 {2}store title {2}claude {2}laptop {3}4be1c07d-92a/);
    expect(json(await cli(['memory', 'stats', '--json'], { memories }))).toMatchObject(figures);
    expect((await cli(['memory', 'stats'], { memories })).stdout).toContain('2, 2 mid');
  });
});

describe('what cannot be undone asks', () => {
  const remove = async () => fakeWritten({ status: 'done' as const, deleted: true });

  test('delete without a terminal and without --yes does nothing', async () => {
    const { memories, calls } = asked({ ...known, delete: remove });
    const result = await cli(['memory', 'delete', '0b9c'], { memories });
    expect(result.exit).toBe(6);
    expect(calls.map(([name]) => name)).toEqual(['get']);
  });

  test('a no is a no; --yes and a yes delete by the whole id; --dry-run only says so', async () => {
    const { memories, calls } = asked({ ...known, delete: remove });
    const at_terminal = { memories, host: TERMINAL };
    const no = await cli(['memory', 'delete', '0b9c'], { ...at_terminal, prompts: { confirm: async () => false } });
    expect(no).toMatchObject({ exit: 1, stderr: 'Nothing was changed.\n' });
    const dry = await cli(['memory', 'delete', '0b9c', '--dry-run'], { memories });
    expect(dry.stderr).toContain('would be deleted on every machine. Nothing was done.');
    expect(calls.some(([name]) => name === 'delete')).toBe(false);
    const yes = await cli(['memory', 'delete', '0b9c', '--yes', '--json'], { memories });
    expect(json(yes)).toMatchObject({ schema: 'syncline.memory-delete/1', id: fakeMemoryId(0), deleted: true });
    expect(calls.at(-1)).toEqual(['delete', fakeMemoryId(0), { caller: { agent_id: 'user' } }]);
  });

  test('forget goes on until nothing matches, and counts before it asks', async () => {
    let left = 3;
    const forget: MemoryAccess['forget'] = async ({ dry_run }) => {
      if (dry_run === true) return fakeWritten({ forgotten: ['a', 'b', 'c'], more: false });
      left--;
      return fakeWritten({ forgotten: [`${left}`], more: left > 0 });
    };
    const { memories } = asked({ forget });
    const argv = ['memory', 'forget', '--namespace', 'scratch'];
    expect((await cli(argv, { memories })).exit).toBe(6);
    expect((await cli([...argv, '--dry-run'], { memories })).stderr).toContain('3 memories would be archived.');
    const done = await cli([...argv, '--yes'], { memories });
    expect(done.stderr).toContain('3 memories forgotten; the archive has them.');
    expect(left).toBe(0);
  });

  test('consolidate asks, too', async () => {
    const consolidate = async () => fakeWritten({ memory: fakeMemory(1), consolidated: 2 });
    const { memories } = asked({ ...known, consolidate });
    const argv = ['memory', 'consolidate', 'a', 'b', '--title', 'T', '--summary', 'S'];
    expect((await cli(argv, { memories })).exit).toBe(6);
    expect((await cli([...argv, '--yes'], { memories })).exit).toBe(0);
    expect((await cli(['memory', 'consolidate', 'a', 'b'], { memories })).exit).toBe(2);
  });
});

describe('the other changes', () => {
  test('update changes what is given; nothing given is a usage error', async () => {
    const { memories, calls } = asked({ ...known, update: async () => fakeWritten({ memory: fakeMemory(0) }) });
    const result = await cli(['memory', 'update', '0b9c', '--priority', '8', '--keep'], { memories });
    expect(result.stderr).toContain('Changed 0b9c6a50-4a39-4f0e.');
    expect(calls.at(-1)?.slice(0, 3)).toEqual(['update', fakeMemoryId(0), { priority: 8, expires_at: null }]);
    expect((await cli(['memory', 'update', '0b9c'], { memories })).exit).toBe(2);
  });

  test('archive, restore, promote, link and unlink', async () => {
    const memory = fakeMemory(0);
    const link = { source_id: 'a', target_id: 'b', relation: 'supersedes', created_at: '', written: fakeProvenance() };
    const { memories, calls } = asked({
      ...known,
      archive: async (ids) => fakeWritten({ archived: [...ids], missing: [], reason: 'archive' }),
      restore: async () => fakeWritten({ memory }),
      promote: async () => fakeWritten({ status: 'done' as const, memory }),
      link: async () => fakeWritten({ link }),
      unlink: async () => fakeWritten({ unlinked: 1 }),
    });
    for (const [argv, words] of [
      [['archive', '0b9c', '--reason', 'over'], '1 memory archived.'],
      [['restore', fakeMemoryId(0)], 'Restored'],
      [['promote', '0b9c'], 'Kept for ever.'],
      [['promote', '0b9c', '--to-namespace', 'team'], 'Copied to team.'],
      [['link', 'a', 'b', '--relation', 'supersedes'], 'Linked:'],
      [['link', 'a', 'b', '--remove'], 'No longer linked:'],
    ] as const) {
      const result = await cli(['memory', ...argv], { memories });
      expect([argv, result.exit]).toEqual([argv, 0]);
      expect(result.stderr).toContain(words);
    }
    expect(calls.filter(([name]) => name === 'archive')).toEqual([
      ['archive', [fakeMemoryId(0)], 'over', { caller: { agent_id: 'user' } }],
    ]);
  });

  test('pending list, approve, reject', async () => {
    const decided = {
      pending: fakePending(),
      decided: false,
      votes: 1,
      votes_needed: 2,
      executed: false,
      memory_id: null,
    };
    const { memories } = asked({
      pending: async () => [fakePending(0), fakePending(1)],
      approve: async () => fakeWritten(decided),
      reject: async () => fakeWritten({ ...decided, decided: true }),
    });
    const listed = await cli(['memory', 'pending', 'list', '--color', 'never'], { memories, host: TERMINAL });
    expectNarrow(listed);
    expect(listed.stdout).toContain('Friday deploys');
    expect((await cli(['memory', 'pending', 'approve', '5f0c'], { memories })).stderr).toContain('1 of 2 votes');
    expect((await cli(['memory', 'pending', 'reject', '5f0c'], { memories })).stderr).toContain('Rejected.');
  });
});

describe('memory export and import', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'syncline-transfer-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const pages: MemoryExport[] = [
    { memories: [{ id: 'a', title: 'A', content: 'x' }], links: [] },
    {
      memories: [{ id: 'b', title: 'B', content: 'y' }],
      links: [{ source_id: 'a', target_id: 'b', relation: 'related_to' }],
    },
  ];
  const exportPage: MemoryAccess['exportPage'] = async (cursor) => {
    const place = Number(cursor ?? 0);
    const page = pages[place] ?? null;
    return { page, next: page === null ? null : String(place + 1) };
  };

  test('what is exported is imported: memories first, then links', async () => {
    const inFolder = { cwd: folder };
    const { memories } = asked({ exportPage });
    const out = await cli(['memory', 'export', '--output', 'all.jsonl'], { memories, host: inFolder });
    expect(out).toMatchObject({ exit: 0, stdout: '', stderr: '2 memories and 1 link.\n' });
    expect(statSync(join(folder, 'all.jsonl')).mode & 0o777).toBe(0o600);
    expect((await cli(['memory', 'export', '--output', 'all.jsonl'], { memories, host: inFolder })).exit).toBe(2);
    const printed = await cli(['memory', 'export'], { memories });
    expect(printed.stdout).toBe(readFileSync(join(folder, 'all.jsonl'), 'utf8'));

    const taken = asked({
      import: async (data) => fakeWritten({ imported: data.memories.length, links: data.links.length, errors: [] }),
    });
    const result = await cli(['memory', 'import', 'all.jsonl'], { memories: taken.memories, host: inFolder });
    expect(result).toMatchObject({ exit: 0, stderr: '2 memories and 1 link imported.\n' });
    expect(taken.calls.map(([, data]) => data)).toEqual([
      { memories: pages.flatMap(({ memories: rows }) => rows), links: [] },
      { memories: [], links: pages[1]?.links },
    ]);
  });

  test('an export of ai-memory is one document; errors are told, and exit with 1', async () => {
    writeFileSync(join(folder, 'theirs.json'), JSON.stringify({ ...pages[1], count: 1, exported_at: 'x' }));
    const taken = asked({ import: async () => fakeWritten({ imported: 0, links: 0, errors: [`item 0: ${HOSTILE}`] }) });
    const result = await cli(['memory', 'import', 'theirs.json'], { memories: taken.memories, host: { cwd: folder } });
    expect(result.exit).toBe(1);
    expect(result.stderr).toContain('item 0:');
    expect(result.stderr).not.toMatch(CONTROL);
  });

  test.each([['not json'], ['{"other":1}'], ['7']])(
    'a line like %s is a usage error that repeats nothing of it',
    async (line) => {
      writeFileSync(join(folder, 'bad.jsonl'), `{"memory":{"id":"a","title":"A","content":"x"}}\n${line}\n`);
      const { memories } = asked({ import: async () => fakeWritten({ imported: 0, links: 0, errors: [] }) });
      const result = await cli(['memory', 'import', 'bad.jsonl'], { memories, host: { cwd: folder } });
      expect(result.exit).toBe(2);
      expect(result.stderr).toContain('Line 2 is not a memory');
      expect(result.stderr).not.toContain('other');
      expect((await cli(['memory', 'import', 'none.jsonl'], { memories, host: { cwd: folder } })).exit).toBe(2);
    },
  );
});

test('memory mcp hands its options on and prints nothing', async () => {
  const seen: MemoryMcpOptions[] = [];
  const runtime = { serveMemoryMcp: async (options: MemoryMcpOptions) => void seen.push(options) };
  const argv = ['memory', 'mcp', '--tools', 'full', '--read-only', '--session', 's-1'];
  expect(await cli(argv, { runtime })).toEqual({ exit: 0, stdout: '', stderr: '' });
  await cli(['memory', 'mcp', '--as', 'ai:x'], { runtime });
  expect(seen).toMatchObject([
    { tools: 'full', read_only: true, agent_id: null, session_id: 's-1' },
    { tools: undefined, read_only: false, agent_id: 'ai:x', session_id: undefined },
  ]);
});

describe('whatever an agent wrote', () => {
  const by = fakeProvenance({ agent_id: HOSTILE, device: HOSTILE, session: { id: HOSTILE, hash: 'x' } });
  const hostile = fakeFound(0, {
    ...{ title: HOSTILE, content: `${HOSTILE}\nsecond line`, namespace: HOSTILE, tier: HOSTILE, tags: [HOSTILE] },
    ...{ written: by, updated: by },
  });
  const { memories } = asked({
    get: async () => hostile,
    links: async () => [
      { source_id: HOSTILE, target_id: HOSTILE, relation: HOSTILE, created_at: HOSTILE, written: by },
    ],
    recall: async () => ({ memories: [hostile], tokens_used: 1, mode: 'keyword' }),
    list: async () => [hostile],
    count: async () => 1,
    search: async () => [hostile],
    history: async () => [
      { operation: 'a.1:1', kind: HOSTILE, at: '2026-11-21T12:00:00Z', by, fields: [HOSTILE], detail: null },
    ],
    pending: async () => [fakePending(0, { requested_by: HOSTILE, payload: { title: HOSTILE }, namespace: HOSTILE })],
  });

  test.each([
    [['memory', 'list']],
    [['memory', 'search', 'x']],
    [['memory', 'recall', 'x']],
    [['memory', 'get', 'x']],
    [['memory', 'history', 'x']],
    [['memory', 'pending', 'list']],
  ])('%j sends no control character to the terminal', async (argv) => {
    const { exit, stdout, stderr } = await cli(argv, { memories });
    expect(exit).toBe(0);
    expect(stdout).toContain('taken');
    expect(stdout + stderr).not.toMatch(CONTROL);
  });
});

const VERBS = [
  ...['store', 'recall', 'search', 'list', 'get', 'history', 'update', 'delete', 'link', 'archive', 'restore'],
  ...['consolidate', 'promote', 'forget', 'pending', 'stats', 'export', 'import', 'mcp'],
];

test.each([[['memory']], ...VERBS.map((verb) => [['memory', verb]]), [['memory', 'pending', 'approve']]])(
  '%j --help fits 80 columns and has an example',
  async (argv) => {
    const result = await cli([...argv, '--help'], { host: TERMINAL });
    expect(result.exit).toBe(0);
    expectNarrow(result);
    expect(result.stdout).toContain(`syncline ${argv.join(' ')}`);
  },
);
