import { describe, expect, it } from 'vitest';
import { cli, NOW_MS, PLACES } from '../../../test/support/cli-host.ts';
import { SynclineError } from '../../platform/errors.ts';
import type { Report, ReportQuery, SessionDetail, SessionRow } from '../../runtime/operator.ts';

const WEB = {
  sessions: 12,
  tokens_in: 1_203_304,
  tokens_out: 203_384,
  cache_read_tokens: 120_333_444,
  cache_write_tokens: 1_000,
  cost_usd: 4.31,
  tool_calls: 1_212,
  tool_failures: 9,
};
const CURSOR = {
  ...WEB,
  tokens_in: null,
  tokens_out: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  cost_usd: null,
};
const REPORT: Report = {
  by: 'project',
  rows: [
    { key: 'web', ...WEB },
    { key: '=cmd', ...CURSOR },
  ],
  total: { ...WEB, sessions: 24 },
  price_date: '2026-11-01',
  unpriced_responses: 3,
};

function reporting(result: Report = REPORT) {
  const queries: ReportQuery[] = [];
  return { queries, report: async (query: ReportQuery) => (queries.push(query), result) };
}

describe('telemetry report', () => {
  it('is a table that says what its figures are', async () => {
    const { exit, stdout, stderr } = await cli(['telemetry', 'report', '--by', 'project'], { operator: reporting() });
    expect(exit).toBe(0);
    expect(stdout).toBe(
      `project  sessions         in      out       cached   cost  calls  failed
web            12  1,203,304  203,384  120,333,444  $4.31  1,212       9
=cmd           12          –        –            –      –  1,212       9
total          24  1,203,304  203,384  120,333,444  $4.31  1,212       9
`,
    );
    expect(stderr).toBe(
      `
in, out, cached: tokens. cost: list price, prices of 2026-11-01.
3 responses of a model without a list price are not in the cost.
– is not known: Cursor records no token counts, and some models have no list price.
`,
    );
  });

  it('has the grouping key under its own name in JSON, and null where a figure is not known', async () => {
    const { stdout } = await cli(['telemetry', 'report', '--by', 'project', '--json'], { operator: reporting() });
    const { key: _, ...figures } = REPORT.rows[1]!;
    expect(JSON.parse(stdout)).toEqual({
      schema: 'syncline.report/1',
      by: 'project',
      rows: [
        { project: 'web', ...WEB },
        { project: '=cmd', ...figures },
      ],
      total: REPORT.total,
      price_date: '2026-11-01',
      unpriced_responses: 3,
    });
    expect(Object.keys((JSON.parse(stdout) as { rows: object[] }).rows[0]!)).toEqual([
      'project',
      'sessions',
      'tokens_in',
      'tokens_out',
      'cost_usd',
      'tool_calls',
      'tool_failures',
      'cache_read_tokens',
      'cache_write_tokens',
    ]);
  });

  it('is CSV on demand', async () => {
    const { stdout } = await cli(['telemetry', 'report', '--by', 'project', '--csv'], { operator: reporting() });
    expect(stdout).toBe(
      'project,sessions,tokens_in,tokens_out,cost_usd,tool_calls,tool_failures,cache_read_tokens,cache_write_tokens\r\n' +
        "web,12,1203304,203384,4.31,1212,9,120333444,1000\r\n'=cmd,12,,,,1212,9,,\r\n",
    );
    expect((await cli(['telemetry', 'report', '--csv', '--json'])).exit).toBe(2);
  });

  it('is by day over seven days unless told otherwise', async () => {
    const world = reporting();
    await cli(['telemetry', 'report'], { operator: world });
    await cli(
      [
        'telemetry',
        'report',
        '--by=model',
        '--since=2026-11-01',
        '--until=1d',
        '--project=web*',
        '--agent=codex',
        '--limit=5',
      ],
      { operator: world },
    );
    const DAY = 86_400_000;
    expect(world.queries).toEqual([
      { by: 'day', since_ms: NOW_MS - 7 * DAY, until_ms: null, project: null, agent: null, limit: null },
      {
        by: 'model',
        since_ms: Date.UTC(2026, 10, 1),
        until_ms: NOW_MS - DAY,
        project: 'web*',
        agent: 'codex',
        limit: 5,
      },
    ]);
  });

  it.each([
    [['--since', 'yesterday'], '--since does not understand "yesterday"'],
    [['--until', '9d'], '--until lies before --since'],
    [['--by', 'week'], "argument 'week' is invalid"],
    [['--agent', 'gemini'], "argument 'gemini' is invalid"],
  ])('refuses %j', async (argv, message) => {
    const { exit, stderr } = await cli(['telemetry', 'report', ...argv]);
    expect(exit).toBe(2);
    expect(stderr).toContain(message);
  });

  it('explains the dashes of tools as what they are', async () => {
    const operator = reporting({ ...REPORT, by: 'tool', unpriced_responses: 0 });
    expect((await cli(['telemetry', 'report', '--by', 'tool'], { operator })).stderr).toMatch(
      /\n–: tokens and cost belong to a response of the model, not to a tool call\.\n$/,
    );
  });

  it('writes sessions in short', async () => {
    const rows = [{ key: SESSION.session, ...WEB }];
    const operator = reporting({ ...REPORT, by: 'session', rows });
    expect((await cli(['telemetry', 'report', '--by', 'session'], { operator })).stdout).toContain('\n8b1cdd1a77aa  ');
  });

  it('says when there is nothing', async () => {
    const { stdout, stderr } = await cli(['telemetry', 'report'], { operator: reporting({ ...REPORT, rows: [] }) });
    expect([stdout, stderr]).toEqual([
      '',
      'There is nothing in this time. Look further back with --since, or see: syncline status\n',
    ]);
  });
});

const SESSION: SessionRow = {
  session: `blake3:8b1cdd1a77aa${'0'.repeat(52)}`,
  agent: 'claude',
  project: 'web',
  model: 'claude-opus-4-5',
  started_ms: NOW_MS - 3_600_000,
  last_ms: NOW_MS - 60_000,
  status: 'open',
  tool_calls: 12,
  tool_failures: 1,
  tokens_in: 100,
  tokens_out: 12_345,
  cost_usd: 1.2,
};

describe('telemetry list and show', () => {
  it('lists the latest sessions', async () => {
    const queries: unknown[] = [];
    const sessions = async (query: unknown) => (queries.push(query), [SESSION]);
    const { stdout } = await cli(['telemetry', 'list', '--since', '1d'], { operator: { sessions } });
    expect(stdout).toContain('8b1cdd1a77aa  14:31  claude  web      claude-opus-4-5  12,345  $1.20     12       1\n');
    expect(queries).toEqual([{ since_ms: NOW_MS - 86_400_000, project: null, agent: null, limit: 20 }]);
    expect((await cli(['telemetry', 'list'], { operator: { sessions: async () => [] } })).stderr).toBe(
      'There are no sessions that match.\n',
    );
  });

  it('fits 80 columns and keeps the id', async () => {
    const host = { is_tty: { stdin: false, stdout: true, stderr: false }, columns: () => 80 };
    const { stdout } = await cli(['telemetry', 'list', '--color', 'never'], {
      operator: { sessions: async () => [SESSION] },
      host,
    });
    expect(stdout).toContain('8b1cdd1a77aa');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('shows one with its events', async () => {
    const detail: SessionDetail = {
      ...SESSION,
      cost_usd: null,
      events: [{ at_ms: NOW_MS, kind: 'tool_call', tool: 'Bash', outcome: 'failed', tokens_out: null, cost_usd: null }],
      subagents: [{ subagent: 'explore', tokens_in: 1, tokens_out: 2, cost_usd: 0.001 }],
    };
    const { stdout } = await cli(['telemetry', 'show', SESSION.session], { operator: { session: async () => detail } });
    expect(stdout).toContain('cost      – (not known)\n');
    expect(stdout).toContain('explore    1    2  <$0.01\n');
    expect(stdout).toMatch(/2026-11-21 14:32 {2}tool_call {2}Bash {2}failed\n$/);
  });

  it('hands the id on as written, and says when there is none such', async () => {
    const asked: string[] = [];
    const session = async (id: string): Promise<never> => {
      asked.push(id);
      throw new SynclineError('session.unknown', 'No session has this id', { hint: 'See: syncline telemetry list' });
    };
    const { exit, stderr } = await cli(['telemetry', 'show', '8b1cdd'], { operator: { session } });
    expect([exit, stderr]).toEqual([1, 'syncline: No session has this id\n  → See: syncline telemetry list\n']);
    expect(asked).toEqual(['8b1cdd']);
  });
});

describe('telemetry import', () => {
  const imported = { files: 2, sessions: 1, new_entries: 1, skipped: { copy: 5, malformed: 3 } };

  it('reads the places of every agent that this version knows, or one path of one agent', async () => {
    const queries: unknown[] = [];
    const importTranscripts = async (query: unknown) => (queries.push(query), imported);
    const runtime = { agentPlaces: async () => [...PLACES, ...PLACES] };
    const { stderr } = await cli(['telemetry', 'import'], { operator: { importTranscripts }, runtime });
    expect(stderr).toContain(
      'Claude Code: 2 files, 1 session, 1 new entry.\n  copies of earlier turns: 5\n  skipped lines: malformed 3\n',
    );
    await cli(['telemetry', 'import', 'backup', '--agent', 'codex'], { operator: { importTranscripts } });
    expect(queries).toEqual([
      { path: null, agent: 'claude' },
      { path: null, agent: 'codex' },
      { path: '/project/backup', agent: 'codex' },
    ]);
  });

  it('asks whose files a path holds', async () => {
    const { exit, stderr } = await cli(['telemetry', 'import', 'backup']);
    expect([exit, stderr]).toEqual([
      2,
      'syncline: Whose transcripts are these? Each agent writes its own format.\n  → Add --agent claude | codex | cursor.\n',
    ]);
  });
});

it('telemetry schema describes every body that is sent', async () => {
  const { stdout } = await cli(['telemetry', 'schema']);
  const { bodies } = JSON.parse(stdout) as { bodies: { kind: string; path: string; body: { required: string[] } }[] };
  expect(bodies.map(({ kind, path }) => [kind, path])).toEqual([
    ['events', '/v1/events'],
    ['tool_spans', '/v1/tool-spans'],
    ['sessions', '/v1/sessions'],
  ]);
  for (const { body } of bodies) expect(body.required).toContain('workspace_hash');
});

it('telemetry hook prints nothing and exits 0, whatever it is given', async () => {
  expect(await cli(['telemetry', 'hook', '--agent', 'claude'])).toEqual({ exit: 0, stdout: '', stderr: '' });
});
