import { describe, expect, test } from 'vitest';
import {
  fakeDeadLetter,
  fakeDestination,
  fakeOperator,
  fakeRow,
  fakeSessions,
  fakeSource,
  fakeStatus,
  NOW_MS,
  type FakeAnswers,
} from '../../test/browser/fake-operator.ts';
import { UnreachableError } from '../platform/errors.ts';
import type { ConsolePage } from './page.ts';
import { consolePages } from './pages.ts';

const HOUR_MS = 3_600_000;
const clock = { now_ms: () => NOW_MS, monotonic_ms: () => performance.now() };

async function open(address: string, answers: FakeAnswers = {}, sample = false): Promise<ConsolePage> {
  const { pathname, searchParams } = new URL(address, 'http://localhost');
  const pages = consolePages(fakeOperator(answers), { sample, clock, time_zone: 'UTC' });
  const page = await pages({ path: pathname, query: searchParams });
  if (!page) throw new Error(`no page ${address}`);
  return page;
}

/** The words of a page, as one reads them. */
function words(page: ConsolePage): string {
  return page.body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
}

/** The words of one table. */
function table(page: ConsolePage, id: string): string {
  return words({ ...page, body: markupOf(page, id) });
}

function rowsOf(page: ConsolePage, id: string): number {
  return markupOf(page, id).split('scope="row"').length - 1;
}

function markupOf({ body }: ConsolePage, id: string): string {
  const from = body.indexOf(`id="${id}"`);
  return body.slice(from, body.indexOf('</table>', from));
}

describe('the overview', () => {
  test('leads to the conversations, and says how many are kept', async () => {
    const conversations = { sources: [], sessions: 312, messages: 48_112, removed: {}, last_stored_ms: null };
    const page = await open('/', { status: { conversations } });
    expect(words(page)).toContain('312 conversations kept here, 48,112 messages to search.');
    expect(page.body).toContain('<a href="/conversations">312 conversations</a>');
    expect(words(await open('/'))).not.toContain('kept here');
  });

  test('shows today and the last seven days, each with its own figures', async () => {
    const text = words(await open('/'));
    expect(text).toMatch(/Today \$6\.00 list price Sessions 5 Tool calls 173 Failed 9/);
    expect(text).toMatch(/Last 7 days \$23\.99 list price Sessions 11 Tool calls 690 Failed 32/);
  });

  test('has the figures of each project, agent and model, today beside the whole time', async () => {
    const page = await open('/');
    expect(table(page, 'by-project')).toMatch(/web \$14\.31 \$3\.58 6 412 19 1\.2M 341K 48\.2M 2\.9M/);
    expect(table(page, 'by-agent')).toMatch(/Claude Code \$14\.31/);
    expect(table(page, 'by-model')).toMatch(/claude-opus-5-5 \$14\.31/);
  });

  test('shows an unknown figure as a dash with its reason, never as 0', async () => {
    const page = await open('/');
    expect(table(page, 'by-agent')).toMatch(/Cursor – unknown: Cursor records no token counts .* 1 46 2 –/);
    expect(table(page, 'by-model')).toMatch(/experimental-model – unknown: the price table has no price for the model/);
    expect(words(page)).toContain('A dash stands where Cursor records no token counts.');
    expect(table(page, 'by-agent')).not.toContain('$0.00');
  });

  test('says that money is list price, of which date, and what is not in it', async () => {
    const text = words(await open('/', { unpriced_responses: 12 }));
    expect(text).toContain('Money is list price, by the price table of 2026-11-01');
    expect(text).toContain('12 responses of models without a known price are not in it.');
  });

  test('lists the latest sessions with a link to each, and offers more', async () => {
    const page = await open('/');
    expect(rowsOf(page, 'sessions')).toBe(15);
    expect(page.body).toContain(`href="/sessions/${fakeSessions()[0]?.session.slice('blake3:'.length)}"`);
    expect(page.body).toContain('href="/?rows=all#sessions"');
    expect(rowsOf(await open('/?rows=all'), 'sessions')).toBe(24);
  });

  test('narrows every figure by the filter of the address', async () => {
    const operator = fakeOperator();
    const pages = consolePages(operator, { sample: false, clock, time_zone: 'UTC' });
    await pages({ path: '/', query: new URLSearchParams('since=30d&project=web&agent=claude') });
    const asked = operator.asked.filter(([verb]) => verb === 'report' || verb === 'sessions');
    expect(asked).toHaveLength(9);
    for (const [, query] of asked) expect(query).toMatchObject({ project: 'web', agent: 'claude' });
  });

  test('puts a column for every day until today, also for those without anything', async () => {
    const page = await open('/');
    expect(page.body.match(/class="column"/g)).toHaveLength(8);
    expect(page.body).toMatch(/<title>Fri, Nov 13: no cost known<\/title>/);
  });

  test('shows all of 100 projects when asked for all, else the first and how many more', async () => {
    const rows = Array.from({ length: 100 }, (_, index) => fakeRow(`project-${index}`, 1 / (index + 1)));
    const answers = { rows: () => rows };
    expect((await open('/?rows=all', answers)).body).toContain('project-99');
    expect((await open('/', answers)).body).toContain('Show 88 more projects');
  });
});

describe('states', () => {
  test('nothing leaves', async () => {
    expect(words(await open('/'))).toContain('Nothing leaves this machine: no team joined, no destination set.');
    expect(words(await open('/', { status: { nothing_leaves: false } }))).not.toContain('Nothing leaves');
  });

  test('nothing captured yet: what is read, and what to do', async () => {
    const page = await open('/', { rows: () => [], sessions: [] });
    expect(words(page)).toContain('Nothing captured yet');
    expect(words(page)).toContain('syncline doctor');
    expect(table(page, 'sources')).toContain('/home/ada/.claude/projects');
    expect(page.body).not.toContain('id="by-project"');
  });

  test('nothing in the time asked for is another thing than nothing at all', async () => {
    const page = await open('/?since=1m', { rows: () => [] });
    expect(words(page)).not.toContain('Nothing captured yet');
    expect(table(page, 'by-project')).toContain('Nothing in this time.');
  });

  test('copies and what is excluded have their own names', async () => {
    const source = fakeSource({ skipped: { copy: 2, excluded: 1, malformed: 3 } });
    expect(table(await open('/', { status: { sources: [source] } }), 'sources')).toContain(
      '2 copies, 1 excluded, 3 lines skipped',
    );
  });

  test('reading goes on', async () => {
    const page = await open('/', { status: { sources: [fakeSource({ bytes: 1000, read_bytes: 999 })] } });
    expect(words(page)).toMatch(/Reading 1 kB of transcripts, read-only 99%/);
    expect(words(await open('/'))).not.toContain('Reading');
  });

  test('offline is a state: since when, what waits, and that nothing is lost', async () => {
    const offline = fakeDestination({
      destination: 'team',
      offline_since_ms: NOW_MS - HOUR_MS,
      waiting: 1204,
      oldest_waiting_ms: NOW_MS - 3 * HOUR_MS,
    });
    const page = await open('/', { status: { destinations: [fakeDestination(), offline] } });
    expect(table(page, 'delivery')).toMatch(/This machine up to date/);
    expect(table(page, 'delivery')).toMatch(/team offline since 14:30 Nothing is lost; .* 1,204 oldest 3 h/);
    expect(words(page)).not.toContain('Look at this');
  });

  test('dead letters and held partitions are in sight, with the command that shows them', async () => {
    const held = [{ partition: 'events/7', class: 'partition', since_ms: NOW_MS - HOUR_MS, message: 'HTTP 404' }];
    const text = words(
      await open('/', {
        dead_letters: [fakeDeadLetter(), fakeDeadLetter({ destination: null })],
        status: { destinations: [fakeDestination({ destination: 'otlp', held })] },
      }),
    );
    expect(text).toMatch(
      /2 items were set aside as dead letters\. syncline dead-letters list team: The server refused/,
    );
    expect(text).toContain('at capture: The server refused');
    expect(text).toMatch(/otlp holds one partition back since 14:30 \(partition\): HTTP 404\. The others go on/);
  });

  test('secrets removed are counted', async () => {
    expect(words(await open('/'))).toContain(
      '1,381 secrets removed before anything was stored (assignment 1,366, aws-access-key 12, private-key 3).',
    );
  });

  test('sample data says so in the title and on the page, also when it fails', async () => {
    const failure = new UnreachableError('store.busy', 'The store did not answer');
    for (const page of [
      await open('/', {}, true),
      await open('/sessions/x', {}, true),
      await open('/', { failure }, true),
    ]) {
      expect(page.body).toContain('<title>SAMPLE DATA · ');
      expect(words(page)).toContain('None of these figures are yours');
    }
    expect((await open('/')).body).not.toContain('SAMPLE');
  });

  test('a failing store: what failed, what to do, status 503', async () => {
    const failure = new UnreachableError('store.busy', 'The store did not answer', { hint: 'Run `syncline doctor`.' });
    const page = await open('/', { failure });
    expect(page.status).toBe(503);
    expect(words(page)).toContain('The store did not answer.');
    expect(page.body).toContain('Run <code>syncline doctor</code>.');
    expect(words(page)).toContain('store.busy');
  });

  test('a defect shows nothing of its text', async () => {
    const page = await open('/', { failure: new TypeError('token hunter2 of /home/ada') });
    expect(page.status).toBe(503);
    expect(page.body).not.toMatch(/hunter2|ada/);
  });

  test('a time that is none is refused with the forms that are', async () => {
    const page = await open('/?since=yesterday');
    expect(page.status).toBe(400);
    expect(words(page)).toContain('Write today, 7d, 12h, 2026-11-01 or all.');
  });
});

describe('a session', () => {
  const [row] = fakeSessions();
  const session = {
    ...row!,
    events: [
      { at_ms: NOW_MS - 25 * HOUR_MS, kind: 'message', tool: null, outcome: null, tokens_out: null, cost_usd: null },
      { at_ms: NOW_MS - HOUR_MS, kind: 'message', tool: null, outcome: null, tokens_out: 901, cost_usd: 0.02 },
      {
        at_ms: NOW_MS - HOUR_MS,
        kind: 'tool_result',
        tool: 'Bash',
        outcome: 'failed',
        tokens_out: null,
        cost_usd: null,
      },
    ],
    subagents: [{ subagent: 'blake3:abcdef0123456789', tokens_in: 4000, tokens_out: 200, cost_usd: null }],
  };

  test('shows its figures, its subagents and each step, with the day when it changes', async () => {
    const page = await open('/sessions/0123456789ab', { session });
    expect(page.status).toBe(200);
    expect(words(page)).toMatch(/\$1\.20 list price Agent Claude Code Model claude-opus-5-5/);
    expect(table(page, 'subagents')).toMatch(
      /abcdef012345 – unknown: the price table has no price for the model 4K 200/,
    );
    expect(table(page, 'events')).toMatch(
      /Sat, Nov 14 14:30:00 message Sun, Nov 15 14:30:00 response 901 \$0\.02 14:30:00 tool result Bash failed/,
    );
  });

  test('is asked for by what stands in the path', async () => {
    const operator = fakeOperator({ session });
    const pages = consolePages(operator, { sample: false, clock });
    await pages({ path: '/sessions/blake3%3Aabc', query: new URLSearchParams() });
    expect(operator.asked).toEqual([['session', 'blake3:abc']]);
  });

  test('that is unknown is not found, with the way back', async () => {
    const page = await open('/sessions/ffff');
    expect(page.status).toBe(404);
    expect(page.body).toContain('href="/"');
  });
});

describe('every page', () => {
  test.each(['/nothing', '/sessions', '/sessions/', '/sessions/a/b', '/sessions/%', '/sessions/%ff', '/index.html'])(
    'there is none at %s',
    async (path) => {
      const pages = consolePages(fakeOperator(), { sample: false });
      expect(await pages({ path, query: new URLSearchParams() })).toBeNull();
    },
  );

  test('runs no script, posts nowhere and links nowhere else', async () => {
    for (const address of ['/', '/sessions/000000000001', '/?since=bad']) {
      const page = await open(address);
      expect(page.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'self'; img-src data:; form-action 'none'/,
      );
      expect(page.body).not.toMatch(/<script|<form|<iframe|\son\w+=|style=|javascript:/i);
      for (const [, href] of page.body.matchAll(/(?:href|src)="([^"]*)"/g))
        expect(href).toMatch(/^(\/|#|data:image\/svg)/);
    }
  });

  test('names its style by what is in it, so that a browser may keep it', async () => {
    const [, href = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec((await open('/')).body) ?? [];
    expect(href).toMatch(/^\/style\.css\?v=[0-9a-f]{12}$/);
    const style = await open(href);
    expect(style).toMatchObject({ status: 200, content_type: 'text/css; charset=utf-8' });
    expect(style.headers['cache-control']).toContain('immutable');
  });

  test('shows names that are markup as the text that they are', async () => {
    const evil = `"><script>alert('x')</script><img src=x onerror=alert(1)>`;
    const answers: FakeAnswers = {
      rows: ({ by }) => [fakeRow(by === 'day' ? '2026-11-15' : evil)],
      sessions: [{ ...row(), session: evil, project: evil, agent: evil, model: evil, status: evil }],
      session: {
        ...row(),
        session: evil,
        project: evil,
        agent: evil,
        model: evil,
        status: evil,
        events: [{ at_ms: NOW_MS, kind: evil, tool: evil, outcome: evil, tokens_out: 1, cost_usd: 1 }],
        subagents: [{ subagent: evil, tokens_in: 1, tokens_out: 1, cost_usd: 1 }],
      },
      dead_letters: [fakeDeadLetter({ destination: evil, message: evil, code: evil })],
      status: fakeStatus({
        version: evil,
        nothing_leaves: false,
        sources: [fakeSource({ agent: evil, path: evil, note: evil })],
        destinations: [
          fakeDestination({
            destination: evil,
            offline_since_ms: NOW_MS,
            last_error: { at_ms: 0, code: evil, message: evil },
            held: [{ partition: evil, class: evil, since_ms: NOW_MS, message: evil }],
          }),
        ],
        loops: [{ name: evil, state: evil, last_error: evil, since_ms: NOW_MS }],
        removed: { [evil]: 1 },
        warnings: [evil],
      }),
    };
    const address = `/?project=${encodeURIComponent(evil)}&agent=${encodeURIComponent(evil)}&rows=all`;
    for (const page of [await open(address, answers), await open('/sessions/x', answers)]) {
      expect(page.body).toContain('&lt;script&gt;');
      expect(page.body).not.toMatch(/<script|<img/);
    }
  });
});

function row(): ReturnType<typeof fakeSessions>[number] {
  return fakeSessions()[0]!;
}
