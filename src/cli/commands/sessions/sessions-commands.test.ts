import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, TERMINAL, type CliResult } from '../../../../test/support/cli-host.ts';
import {
  fakeConversation,
  fakeConversations,
  fakeDetail,
  fakeHit,
  fakeKey,
  fakeLink,
  fakeMessage,
  fakeMessages,
  fakeToolCall,
} from '../../../../test/support/fake-conversations.ts';
import { InvalidInputError, SynclineError } from '../../../platform/errors.ts';
import type { Operator } from '../../../runtime/operator.ts';

const HOSTILE = '\u001b]0;taken\u0007\u001b[2J<script>x</script>\u202e';
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

/** No line is wider than the terminal of a test. */
function expectNarrow({ stdout }: CliResult): void {
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
}

function json(result: CliResult): Record<string, unknown> {
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

const unknown = async (): Promise<never> => {
  throw new SynclineError('session.unknown', 'There is no conversation with this id', { hint: 'List them.' });
};

describe('sessions list', () => {
  const sessions = fakeConversations(3);
  const conversations = async () => ({ sessions, total: 312, next: 'opaque' });

  test('is a table of 80 columns, with what sets a session apart in words, and says how many there are', async () => {
    const result = await cli(['sessions', 'list', '--color', 'never'], {
      operator: { conversations },
      host: TERMINAL,
    });
    expect(result.exit).toBe(0);
    expectNarrow(result);
    const [titles = '', first = '', second = '', third = ''] = result.stdout.split('\n');
    expect(titles).toMatch(/^session\s+last\s+agent\s+project\s+title$/);
    expect(first).toMatch(/^00000001c0ff {2}.*claude {2}.*★ Fix the race/);
    expect(second).toContain('[kept: sourc');
    expect(third).toContain('[fork]');
    expect(result.stderr).toBe('3 of 312 conversations; more with --limit.\n');
  });

  test('has everything in JSON', async () => {
    const result = await cli(['sessions', 'list', '--json'], { operator: { conversations } });
    expect(json(result)).toEqual({ schema: 'syncline.conversations/1', sessions, total: 312, next: 'opaque' });
  });

  test('asks for what is selected', async () => {
    const asked: unknown[] = [];
    const narrowed = async (query: unknown) => (asked.push(query), { sessions: [], total: 0, next: null });
    const selection = ['--project', 'github.com/acme/*', '--agent', 'codex', '--since', '2026-11-01', '--subagents'];
    const result = await cli(['sessions', 'list', ...selection, '--starred', '--limit', '7', '--after', 'opaque'], {
      operator: { conversations: narrowed },
    });
    expect(asked).toEqual([
      {
        filter: {
          project: 'github.com/acme/*',
          agent: 'codex',
          since_ms: Date.UTC(2026, 10, 1),
          until_ms: undefined,
          subagents: true,
          automated: false,
          trashed: false,
          starred: true,
        },
        page: { limit: 7, after: 'opaque' },
      },
    ]);
    expect(result).toMatchObject({ exit: 0, stdout: '', stderr: 'There are no conversations that match.\n' });
  });

  test.each([
    ['--since', 'yesterday'],
    ['--limit', 'many'],
  ])('refuses %s %s and does nothing', async (option, value) => {
    const result = await cli(['sessions', 'list', option, value]);
    expect(result.exit).toBe(2);
    expect(result.stderr).toContain(option);
  });

  test('refuses a cursor of another list', async () => {
    const refuses = async () =>
      Promise.reject(new InvalidInputError('sessions.cursor', 'The cursor is not one of ours'));
    const result = await cli(['sessions', 'list', '--after', 'x', '--json'], { operator: { conversations: refuses } });
    expect(result.exit).not.toBe(0);
    expect(result.stderr).toContain('sessions.cursor');
  });
});

describe('sessions search', () => {
  const searchConversations = async () => ({ hits: [fakeHit({ copies: 6 }), fakeHit()], total: 41, next: 'opaque' });

  test('shows where it was found, and marks what was looked for at a terminal only', async () => {
    const plain = await cli(['sessions', 'search', 'race', 'condition'], { operator: { searchConversations } });
    expect(plain.exit).toBe(0);
    expect(plain.stdout).toMatch(/^00000001c0ff #2 github\.com\/acme\/web {2}Fix the race/);
    expect(plain.stdout).toContain('assistant, also in 6 copies: … the race condition is in unlock');
    expect(plain.stderr).toBe('2 of 41 results.\n');
    const colours = ['sessions', 'search', 'race', '--color', 'always'];
    const coloured = await cli(colours, { operator: { searchConversations }, host: TERMINAL });
    expect(coloured.stdout).toContain('the \u001b[1mrace condition\u001b[22m is in unlock');
  });

  test('passes on what is looked for, whole, and where', async () => {
    const asked: unknown[] = [];
    const nothing = async (query: unknown) => (asked.push(query), { hits: [], total: 0, next: null });
    const words = ['"lock file"', '--in', 'tool_output', '--in', 'title', '--project', 'web'];
    await cli(['sessions', 'search', ...words], { operator: { searchConversations: nothing } });
    expect(asked).toMatchObject([
      { search: { text: '"lock file"', scopes: ['tool_output', 'title'], project: 'web' }, page: { limit: 20 } },
    ]);
  });

  test('exits with 1 when nothing was found, also in JSON', async () => {
    const nothing = async () => ({ hits: [], total: 0, next: null });
    const operator = { searchConversations: nothing };
    expect(await cli(['sessions', 'search', 'x'], { operator })).toMatchObject({
      exit: 1,
      stdout: '',
      stderr: 'Nothing was found.\n',
    });
    const result = await cli(['sessions', 'search', 'x', '--json'], { operator });
    expect(result.exit).toBe(1);
    expect(json(result)).toEqual({ schema: 'syncline.search/1', hits: [], total: 0, next: null });
  });

  test('needs a text, and a scope that there is', async () => {
    expect((await cli(['sessions', 'search'])).exit).toBe(2);
    expect((await cli(['sessions', 'search', 'x', '--in', 'everywhere'])).exit).toBe(2);
  });
});

describe('sessions show', () => {
  const detail = fakeDetail();
  const operator = readable(detail, fakeMessages());

  test('shows head, links, tree and messages; of a call one line', async () => {
    const result = await cli(['sessions', 'show', '00000001c0ff'], { operator });
    expect(result.exit).toBe(0);
    const { stdout } = result;
    expect(stdout).toContain('Fix the race between lock and unlock\n');
    expect(stdout).toMatch(/removed\s+3 secrets and personal details before it was stored/);
    expect(stdout).toMatch(/commit\s+1f3a9c2b5d6e.* \(high, message 2\)/);
    expect(stdout).toMatch(/shared\s+team: shared/);
    expect(stdout).toMatch(/00000009c0ff {2}subagent: Search for callers/);
    expect(stdout).toContain('← this one');
    expect(stdout).toMatch(/#2 Assistant/);
    expect(stdout).toContain('  → Edit src/lock.ts\n');
    expect(stdout).toContain('  → Bash  failed\n');
    expect(stdout).toContain('  → Bash  no result yet\n');
    expect(stdout).not.toContain('14 passed');
    expect(stdout).not.toContain('That is the window.');
  });

  test('--tools adds what went in and came out, --full everything', async () => {
    const tools = await cli(['sessions', 'show', 'x', '--tools'], { operator });
    expect(tools.stdout).toContain('14 passed');
    expect(tools.stdout).not.toContain('That is the window.');
    const full = await cli(['sessions', 'show', 'x', '--full'], { operator });
    expect(full.stdout).toContain('That is the window.');
  });

  test('cuts a long text and says how to see it', async () => {
    const content = Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n');
    const long = readable(detail, [fakeMessage(0, { content })]);
    const cut = await cli(['sessions', 'show', 'x'], { operator: long });
    expect(cut.stdout).toContain('… 60 more lines; --full shows all');
    expect((await cli(['sessions', 'show', 'x', '--full'], { operator: long })).stdout).toContain('line 99');
  });

  test('reads on page by page, from where it is told and as far', async () => {
    const many = readable(
      detail,
      Array.from({ length: 500 }, (_, ordinal) => fakeMessage(ordinal)),
    );
    const all = await cli(['sessions', 'show', 'x'], { operator: many });
    expect(all.stdout.match(/^#\d+ /gm)).toHaveLength(500);
    const some = await cli(['sessions', 'show', 'x', '--from', '40', '--limit', '2'], { operator: many });
    expect(some.stdout.match(/^#\d+ /gm)).toEqual(['#40 ', '#41 ']);
  });

  test('has everything in JSON', async () => {
    const result = await cli(['sessions', 'show', 'x', '--json'], { operator });
    expect(json(result)).toEqual({ schema: 'syncline.conversation/1', ...detail, messages: fakeMessages() });
  });

  test('of an unknown id fails with its code', async () => {
    const result = await cli(['sessions', 'show', 'x'], { operator: { conversation: unknown } });
    expect(result.exit).toBe(1);
    expect(result.stderr).toContain('There is no conversation with this id');
  });
});

describe('sessions for', () => {
  const linked = [{ link: fakeLink(), session: fakeConversation() }];

  test('shows who led to a commit, in 80 columns and in JSON', async () => {
    const asked: unknown[] = [];
    const operator = { conversationsFor: async (query: unknown) => (asked.push(query), linked) };
    const result = await cli(['sessions', 'for', '1F3A9C2', '--color', 'never'], { operator, host: TERMINAL });
    expect(result.exit).toBe(0);
    expectNarrow(result);
    expect(result.stdout).toMatch(/00000001c0ff\s+#2\s+commit\s+high/);
    const request = fakeLink({ kind: 'pull_request', sha: null, url: 'https://github.com/acme/web/pull/12' });
    const conversationsFor = async () => [{ link: request, session: fakeConversation() }];
    expectNarrow(
      await cli(['sessions', 'for', '1f3a9c2', '--color', 'never'], { operator: { conversationsFor }, host: TERMINAL }),
    );
    const repository = ['--repository', 'github.com/acme/web'];
    const told = await cli(['sessions', 'for', '1f3a9c2', ...repository, '--json'], { operator });
    expect(json(told)).toEqual({ schema: 'syncline.linked/1', sessions: linked });
    expect(asked).toEqual([
      { link: { sha: '1f3a9c2' }, limit: 20 },
      { link: { sha: '1f3a9c2', repository: 'github.com/acme/web' }, limit: 20 },
    ]);
  });

  test.each(['https://github.com/acme/web/pull/12', 'acme/web#12'])('takes %s', async (url) => {
    const asked: unknown[] = [];
    const operator = { conversationsFor: async (query: unknown) => (asked.push(query), []) };
    const result = await cli(['sessions', 'for', url], { operator });
    expect(result.exit).toBe(1);
    expect(result.stdout).toBe('');
    expect(asked).toEqual([{ link: { url }, limit: 20 }]);
  });

  test('refuses what is neither a commit nor a request', async () => {
    const result = await cli(['sessions', 'for', 'abc']);
    expect(result.exit).toBe(2);
    expect(result.stderr).toContain('7 or more digits');
  });
});

describe('sessions export', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'syncline-export-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const operator = readable(fakeDetail(), fakeMessages());
  const inFolder = () => ({ cwd: folder });

  test('writes Markdown to stdout, with or without what tools got and gave', async () => {
    const whole = await cli(['sessions', 'export', 'x'], { operator });
    expect(whole.exit).toBe(0);
    expect(whole.stdout).toMatch(/^# Fix the race between lock and unlock\n/);
    expect(whole.stdout).toContain('14 passed');
    expect(whole.stdout).not.toContain('That is the window.');
    const short = await cli(['sessions', 'export', 'x', '--without-tools', '--thinking'], { operator });
    expect(short.stdout).not.toContain('14 passed');
    expect(short.stdout).toContain('> Where is the file removed?');
  });

  test.each([['--json'], ['--format', 'json']])('writes JSON that parses with %s', async (...option) => {
    const result = await cli(['sessions', 'export', 'x', ...option], { operator });
    expect(json(result)).toEqual({ schema: 'syncline.conversation/1', ...fakeDetail(), messages: fakeMessages() });
  });

  test('writes a page in which no text becomes markup', async () => {
    const hostile = readable(
      fakeDetail({ session: fakeConversation({ title: HOSTILE, project: HOSTILE, git_branch: HOSTILE }) }),
      [
        fakeMessage(0, {
          content: HOSTILE,
          role: HOSTILE,
          thinking: HOSTILE,
          tool_calls: [fakeToolCall({ tool_name: HOSTILE, input_json: HOSTILE, result: HOSTILE, file_path: HOSTILE })],
        }),
      ],
    );
    const argv = ['sessions', 'export', 'x', '--format', 'html', '--thinking'];
    const { stdout } = await cli(argv, { operator: hostile });
    expect(stdout).toContain('&lt;script&gt;x&lt;/script&gt;');
    expect(stdout).not.toMatch(/<script/i);
    expect(stdout).not.toMatch(CONTROL);
    expect(stdout).toContain(`content="default-src 'none'`);
  });

  test('writes a new file that only its owner reads, and never over one that is there', async () => {
    const world = { operator, host: inFolder() };
    const first = await cli(['sessions', 'export', 'x', '--output', 'talk.md'], world);
    expect(first).toMatchObject({ exit: 0, stdout: '' });
    const file = join(folder, 'talk.md');
    const written = readFileSync(file, 'utf8');
    expect(written).toMatch(/^# Fix the race/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, 'mine');
    const second = await cli(['sessions', 'export', 'x', '--output', 'talk.md'], world);
    expect(second.exit).toBe(2);
    expect(second.stderr).toContain('The file is there already');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('into a folder that is not there fails, and an unknown session leaves no file behind', async () => {
    const away = await cli(['sessions', 'export', 'x', '--output', 'no/talk.md'], { operator, host: inFolder() });
    expect(away.exit).toBe(2);
    const argv = ['sessions', 'export', 'x', '--output', 'none.md'];
    const none = await cli(argv, { operator: { conversation: unknown }, host: inFolder() });
    expect(none.exit).toBe(1);
    expect(() => statSync(join(folder, 'none.md'))).toThrow('ENOENT');
  });

  test('refuses a form that there is not', async () => {
    expect((await cli(['sessions', 'export', 'x', '--format', 'pdf'])).exit).toBe(2);
  });
});

describe('sessions share and unshare', () => {
  const key = fakeKey(0);

  function sharing(): { operator: Partial<Operator>; asked: unknown[] } {
    const asked: unknown[] = [];
    const shareConversations = async (query: { ids: string[]; share: boolean }) => {
      asked.push(query);
      return { changed: [key], unchanged: [] };
    };
    return { operator: { shareConversations, conversation: async () => fakeDetail() }, asked };
  }

  test('share asks nothing, and tells what decides from now on', async () => {
    const { operator, asked } = sharing();
    const result = await cli(['sessions', 'share', 'a', 'b'], { operator });
    expect(result.exit).toBe(0);
    expect(asked).toEqual([{ ids: ['a', 'b'], share: true }]);
    expect(result.stderr).toContain('They leave only for the projects that [sessions] names');
  });

  test('unshare without a terminal and without --yes does nothing', async () => {
    const { operator, asked } = sharing();
    const result = await cli(['sessions', 'unshare', 'a'], { operator });
    expect(result.exit).toBe(6);
    expect(result.stderr).toContain('--yes');
    expect(asked).toEqual([]);
  });

  test('unshare at a terminal asks, and a no is a no', async () => {
    const { operator, asked } = sharing();
    const answer = (yes: boolean) => ({ operator, host: TERMINAL, prompts: { confirm: async () => yes } });
    const no = await cli(['sessions', 'unshare', 'a'], answer(false));
    expect(no).toMatchObject({ exit: 1, stderr: 'Nothing was changed.\n' });
    expect(asked).toEqual([]);
    expect((await cli(['sessions', 'unshare', 'a'], answer(true))).exit).toBe(0);
    expect(asked).toEqual([{ ids: ['a'], share: false }]);
  });

  test('unshare --yes answers in JSON', async () => {
    const { operator } = sharing();
    const result = await cli(['sessions', 'unshare', 'a', '--yes', '--json'], { operator });
    expect(json(result)).toEqual({ schema: 'syncline.share/1', changed: [key], unchanged: [] });
  });

  test('unshare --dry-run says what would be removed, and changes nothing', async () => {
    const { operator, asked } = sharing();
    const result = await cli(['sessions', 'unshare', 'a', '--dry-run'], { operator });
    expect(result.exit).toBe(0);
    expect(result.stderr).toContain("1 is at a team's store");
    expect(result.stderr).toContain('Nothing was done.');
    expect(asked).toEqual([]);
  });
});

describe('blame', () => {
  let tree: string;

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'syncline-blame-'));
    const git = (...argv: string[]): void => void execFileSync('git', ['-C', tree, ...argv], { stdio: 'pipe' });
    git('init', '-q');
    writeFileSync(join(tree, 'lock.ts'), `held.delete(path); // ${HOSTILE}\n`);
    git('add', '.');
    git('-c', 'user.name=Ada', '-c', 'user.email=ada@acme.dev', 'commit', '-qm', 'Take the file away first');
  });

  afterAll(() => rmSync(tree, { recursive: true }));

  const session = fakeConversation({ title: HOSTILE });
  const found: Partial<Operator> = {
    conversationsFor: async () => [{ link: fakeLink(), session }],
    conversation: async () => fakeDetail({ session }),
    conversationsEditing: async () => [],
  };

  test('shows the line, its commit and the conversation, safely and in 80 columns', async () => {
    const argv = ['blame', 'lock.ts:1', '--color', 'never'];
    const result = await cli(argv, { operator: found, host: { ...TERMINAL, cwd: tree } });
    expect(result.exit).toBe(0);
    expect(result.stdout).toMatch(/^[0-9a-f]{12} {2}.*Take the file away first\nlock\.ts:1 {2}held\.delete\(path\)/);
    expect(result.stdout).not.toMatch(CONTROL);
    const [head = '', ...rows] = result.stdout.split('\n\n');
    expect(head).toContain('taken');
    expect(rows.join()).toMatch(/00000001c0ff\s+#2\s+commit/);
    expectNarrow({ ...result, stdout: rows.join() });
  });

  test('answers in JSON, and exits with 1 where nothing led to the line', async () => {
    const none = { ...found, conversationsFor: async () => [] };
    const result = await cli(['blame', 'lock.ts:1', '--json'], { operator: none, host: { cwd: tree } });
    expect(result.exit).toBe(1);
    expect(json(result)).toMatchObject({
      schema: 'syncline.blame/1',
      sessions: [],
      line: { path: 'lock.ts', line: 1 },
    });
  });

  test('of what is no line of a file is a usage error', async () => {
    const result = await cli(['blame', 'src/index.ts']);
    expect(result.exit).toBe(2);
    expect(result.stderr).toContain('src/index.ts');
  });
});

describe('replay', () => {
  test('reads everything again', async () => {
    const asked: unknown[] = [];
    const operator = { replaySessions: async (query: unknown) => (asked.push(query), { sessions: 312 }) };
    const result = await cli(['replay', 'sessions', '--from-source'], { operator });
    expect(result).toMatchObject({ exit: 0, stderr: '312 conversations will be read and compared again.\n' });
    const told = await cli(['replay', 'sessions', '--from-source', '--vanished', '--json'], { operator });
    expect(json(told)).toEqual({ schema: 'syncline.replay/1', stream: 'sessions', sessions: 312 });
    expect(asked).toEqual([{ confirm_vanished: false }, { confirm_vanished: true }]);
  });

  test.each([[['replay']], [['replay', 'sessions']], [['replay', 'telemetry', '--from-source']], [['replay', 'x']]])(
    '%j is a usage error',
    async (argv) => {
      expect((await cli(argv)).exit).toBe(2);
    },
  );
});

describe('whatever an agent wrote', () => {
  const session = fakeConversation({ title: HOSTILE, project: HOSTILE, agent: HOSTILE, git_branch: HOSTILE });
  const message = fakeMessage(0, {
    content: HOSTILE,
    thinking: HOSTILE,
    role: HOSTILE,
    tool_calls: [fakeToolCall({ tool_name: HOSTILE, input_json: HOSTILE, result: HOSTILE, file_path: HOSTILE })],
  });
  const operator: Partial<Operator> = {
    ...readable(
      fakeDetail({
        session,
        links: [fakeLink({ url: HOSTILE })],
        shared: [{ destination: HOSTILE, state: 'refused', reason: HOSTILE, until_ms: null }],
        tree: { session, children: [{ session, children: [] }] },
      }),
      [message],
    ),
    conversations: async () => ({ sessions: [session], total: 1, next: null }),
    searchConversations: async () => ({
      hits: [fakeHit({ session, snippet: HOSTILE, highlights: [{ start: 0, end: 3 }], role: HOSTILE })],
      total: 1,
      next: null,
    }),
    conversationsFor: async () => [{ link: fakeLink(), session }],
  };

  test.each([
    [['sessions', 'list']],
    [['sessions', 'search', 'x']],
    [['sessions', 'show', 'x', '--full']],
    [['sessions', 'for', '1f3a9c2']],
  ])('%j sends no control character to the terminal', async (argv) => {
    const { stdout, stderr } = await cli(argv, { operator });
    expect(stdout).toContain('taken');
    expect(stdout + stderr).not.toMatch(CONTROL);
  });
});

test.each([
  [['sessions']],
  ...['list', 'show', 'search', 'for', 'export', 'share', 'unshare'].map((verb) => [['sessions', verb]]),
  [['blame']],
  [['replay']],
])('%j --help fits 80 columns and has an example', async (argv) => {
  const result = await cli([...argv, '--help'], { host: TERMINAL });
  expect(result.exit).toBe(0);
  expectNarrow(result);
  expect(result.stdout).toContain(`syncline ${argv.join(' ')}`);
});

/** Answers for one conversation, its messages page by page. */
function readable(
  detail: ReturnType<typeof fakeDetail>,
  messages: ReturnType<typeof fakeMessages>,
): Pick<Operator, 'conversation' | 'conversationMessages'> {
  return {
    conversation: async () => detail,
    conversationMessages: async ({ from, limit }) => messages.filter(({ ordinal }) => ordinal >= from).slice(0, limit),
  };
}
