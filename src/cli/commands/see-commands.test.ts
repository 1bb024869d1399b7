import { describe, expect, it } from 'vitest';
import { ALL_READ, cli, notRunning, STATUS, TERMINAL } from '../../../test/support/cli-host.ts';
import { SynclineError, UnreachableError } from '../../platform/errors.ts';
import type { DestinationStatus } from '../../runtime/operator.ts';
import type { PreviewedSession, SessionsPreview } from '../../runtime/session-verbs.ts';

describe('status', () => {
  it('prints text, and the report itself as JSON', async () => {
    const operator = { status: async () => STATUS };
    const text = await cli(['status'], { operator });
    expect([text.exit, text.stderr]).toEqual([0, '']);
    expect(text.stdout).toMatch(/^Running {3}yes since 13:32/);
    const json = await cli(['status', '--json'], { operator });
    expect(JSON.parse(json.stdout)).toEqual(STATUS);
  });

  it('narrows to a stream and refuses one that there is not', async () => {
    const destinations = [
      { destination: 'team', stream: 'telemetry' },
      { destination: 'peer', stream: 'memory' },
    ] as DestinationStatus[];
    const operator = { status: async () => ({ ...STATUS, destinations }) };
    const { stdout } = await cli(['status', 'telemetry', '--json'], { operator });
    expect(JSON.parse(stdout)).toMatchObject({ destinations: [{ destination: 'team' }] });
    const refused = await cli(['status', 'recipes'], { operator });
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain('There is no stream "recipes" in this version.');
  });

  it('of records says that none are configured, and how they are', async () => {
    const { exit, stderr } = await cli(['status', 'records'], {});
    expect(exit).toBe(2);
    expect(stderr).toContain('No PostgreSQL or no Salesforce is configured for records');
    expect(stderr).toContain('syncline records init');
  });

  it('watches until Ctrl-C, and exits 0', async () => {
    const interruption = new AbortController();
    let reports = 0;
    const status = async () => ({ ...ALL_READ, pid: ++reports });
    const timers = { sleep: async () => (reports === 3 ? interruption.abort(130) : undefined) };
    const { exit, stdout } = await cli(['status', '--watch'], {
      operator: { status },
      host: { ...TERMINAL, timers, signal: interruption.signal },
    });
    expect(exit).toBe(0);
    expect(stdout.split('\u001b[0J')).toHaveLength(4);
  });

  it('prints one JSON document a line while watching', async () => {
    const interruption = new AbortController();
    const timers = { sleep: async () => interruption.abort(130) };
    const { stdout } = await cli(['status', '-w', '--json'], {
      operator: { status: async () => STATUS },
      host: { timers, signal: interruption.signal },
    });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { schema: string }).schema),
    ).toEqual(['syncline.status/1']);
  });

  it('reports a daemon that does not answer with exit 3', async () => {
    const connectOperator = async (): Promise<never> => {
      throw new UnreachableError('daemon.unreachable', 'The running Syncline does not answer', {
        hint: 'See `syncline doctor`.',
      });
    };
    const text = await cli(['status'], { runtime: { connectOperator } });
    expect([text.exit, text.stderr]).toEqual([
      3,
      'syncline: The running Syncline does not answer\n  → See `syncline doctor`.\n',
    ]);
    const json = await cli(['--json', 'status'], { runtime: { connectOperator } });
    expect(json.stdout).toBe('');
    expect(JSON.parse(json.stderr)).toEqual({
      schema: 'syncline.error/1',
      code: 'daemon.unreachable',
      message: 'The running Syncline does not answer',
      hint: 'See `syncline doctor`.',
      field: null,
      exit: 3,
    });
  });
});

describe('open', () => {
  const url = 'http://127.0.0.1:4777/sessions?key=x8Yz';
  const operator = {
    openLink: async (page: string | null) => ({ url: `http://127.0.0.1:4777/${page ?? ''}?key=x8Yz` }),
  };

  it('prints the link, and opens a browser only at a terminal', async () => {
    const opened: string[] = [];
    const openBrowser = async (link: string) => opened.push(link) > 0;
    const piped = await cli(['open', 'sessions'], { operator, host: { openBrowser } });
    expect([piped.exit, piped.stdout, opened]).toEqual([0, `${url}\n`, []]);
    await cli(['open', 'sessions', '--print'], { operator, host: { ...TERMINAL, openBrowser } });
    expect(opened).toEqual([]);
    await cli(['open', 'sessions'], { operator, host: { ...TERMINAL, openBrowser } });
    expect(opened).toEqual([url]);
  });

  it('says so where there is no browser, and needs a running Syncline', async () => {
    expect((await cli(['open'], { operator, host: TERMINAL })).stderr).toBe(
      'No browser here; open the link yourself. It works once.\n',
    );
    expect((await cli(['open'], { runtime: { connectOperator: notRunning } })).exit).toBe(3);
    expect(JSON.parse((await cli(['open', '--json'], { operator })).stdout)).toEqual({
      schema: 'syncline.open/1',
      url: 'http://127.0.0.1:4777/?key=x8Yz',
    });
  });
});

describe('preview', () => {
  const batch = {
    stream: 'telemetry' as const,
    destination: 'team',
    path: '/v1/events',
    items: 2,
    bytes: 1500,
    body: '{"events":[]}',
  };
  const none = async (): Promise<null> => null;

  it('prints the bodies byte for byte, and what they are as words', async () => {
    const queries: unknown[] = [];
    const preview = async (query: unknown) => (queries.push(query), [batch]);
    const { exit, stdout, stderr } = await cli(
      ['preview', 'telemetry', '--project', 'web', '--session', 's', '--limit', '3'],
      { operator: { preview } },
    );
    expect([exit, stdout]).toEqual([0, '{"events":[]}\n']);
    expect(stderr).toBe('→ team  POST /v1/events  2 items, 1.5 kB\n1 request would leave. Nothing was sent.\n');
    expect(queries).toEqual([{ stream: 'telemetry', project: 'web', session: 's', limit: 3 }]);
  });

  it('does not call what stays at home leaving', async () => {
    const local = { ...batch, destination: 'local' };
    const { stderr } = await cli(['preview', 'telemetry'], { operator: { preview: async () => [local] } });
    expect(stderr).toBe('→ local  stays on this machine  2 items, 1.5 kB\nNothing would leave.\n');
  });

  it('says when nothing would leave', async () => {
    const operator = { preview: async () => [], previewSessions: none };
    expect((await cli(['preview'], { operator })).stderr).toBe('Nothing would leave.\n');
    const json = await cli(['preview', '--json'], { operator: { ...operator, preview: async () => [batch] } });
    expect(JSON.parse(json.stdout)).toEqual({ schema: 'syncline.preview/1', batches: [batch], conversations: null });
    expect((await cli(['preview', 'sessions'], { operator })).stderr).toBe(
      'Conversations are not kept on this machine.\nNothing would leave.\n',
    );
  });

  it('refuses a limit that is no number', async () => {
    expect((await cli(['preview', '--limit', 'x'])).stderr).toContain('--limit must be a whole number from 1.');
  });

  const session: PreviewedSession = {
    key: '4be1c07d92aa'.padEnd(32, '0'),
    destination: 'team',
    project: 'github.com/acme/web',
    requests: [
      { kind: 'put', method: 'PUT', path: '/v1/transcripts/4be', messages: 12, bytes: 8100, body: '{"head":{}}' },
    ],
    is_cut: false,
    stays: null,
    problem: null,
    held_until_ms: null,
    removed: { email: 2, 'aws-key': 1 },
  };
  const shown = (sessions: PreviewedSession[]): SessionsPreview => ({
    sessions,
    staying: [{ destination: 'team', reason: 'project', sessions: 812 }],
    is_cut: false,
  });

  it('shows conversations: the bodies, what was removed, what is on hold, what stays', async () => {
    const HELD_UNTIL = new Date(2026, 10, 15, 14, 2).getTime();
    const held = { ...session, requests: [], held_until_ms: HELD_UNTIL, removed: {} };
    const kept = { ...held, held_until_ms: null, stays: 'history' as const };
    const queries: unknown[] = [];
    const previewSessions = async (query: unknown) => (queries.push(query), shown([session, held, kept]));
    const { stdout, stderr } = await cli(['preview', 'sessions', '--session', '4be1'], {
      operator: { previewSessions },
    });
    expect(stdout).toBe('{"head":{}}\n');
    expect(stderr).toMatch(
      new RegExp(
        [
          '^→ team  4be1c07d92aa  github.com/acme/web  PUT /v1/transcripts/4be  12 messages, 8.1 kB',
          '    removed in all of it: email 2, aws-key 1',
          '· team  4be1c07d92aa  github.com/acme/web  on hold until (2026-11-15 )?14:02: all that is new of it',
          '· team  4be1c07d92aa  github.com/acme/web  not sent: it began before you joined',
          '· team  812 conversations not sent: its project is not named',
          '1 request would leave. Nothing was sent.\n$',
        ].join('\n'),
      ),
    );
    expect(queries).toEqual([{ project: null, session: '4be1', limit: 10 }]);
  });

  it('is readable in a terminal: facts and messages a line each, and nothing that moves the cursor', async () => {
    const call = { tool_name: 'Bash', input_json: '{"command":"ls"}', result: 'a.ts\nb.ts', file_path: null };
    const message = { ordinal: 0, role: 'user', content: 'first line\nsecond \u001b[31mline', thinking: 'a thought' };
    const rest = { timestamp_ms: null, is_system: false, tool_calls: [call] };
    const head = { key: 'k', title: 'Fix it', cwd: null, models: ['opus'], redactions: {} };
    const body = JSON.stringify({
      team_id: 'acme',
      head,
      segments: [{ index: 0, messages: [{ ...message, ...rest }] }],
    });
    const put = { ...session, requests: session.requests.map((request) => ({ ...request, body })) };
    const operator = { previewSessions: async () => shown([put]), preview: async () => [batch] };
    const { stdout, stderr } = await cli(['preview'], { operator, host: TERMINAL });
    const plain = stdout.replace(/\u001b\[\d+m/g, '');
    expect(plain.split('\n')).toEqual([
      ...['{', '  "events": []', '}'],
      ...['  key     k', '  title   Fix it', '  models  ["opus"]', ''],
      ...['#1 User', '    a thought', '    first line', '    second \ufffd[31mline'],
      ...['  → Bash', '    {"command":"ls"}', '    a.ts', '    b.ts', '', ''],
    ]);
    expect(stderr).toContain('The exact bytes: --json, or through a pipe.');
    expect((await cli(['preview', 'sessions'], { operator })).stdout).toBe(`${body}\n`);
  });

  it('without a stream shows both; a session that only telemetry knows is no error', async () => {
    const preview = async () => [batch];
    const both = await cli(['preview'], { operator: { preview, previewSessions: async () => shown([session]) } });
    expect(both.stdout).toBe('{"events":[]}\n{"head":{}}\n');
    expect(both.stderr).toContain('2 requests would leave. Nothing was sent.');
    const previewSessions = async () => {
      throw new SynclineError('session.unknown', 'There is no conversation with this id');
    };
    expect((await cli(['preview', '--session', 'x'], { operator: { preview, previewSessions } })).exit).toBe(0);
    expect((await cli(['preview', 'sessions', '--session', 'x'], { operator: { previewSessions } })).exit).toBe(1);
  });
});
