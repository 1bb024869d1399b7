import { describe, expect, it } from 'vitest';
import { cli, NOW_MS, TERMINAL } from '../../../test/support/cli-host.ts';
import type { DeadLetterFilter, DeadLetterRow, FlushResult } from '../../runtime/operator.ts';

describe('flush', () => {
  const result = (remaining: number): FlushResult => ({
    delivered: 1200,
    remaining,
    unread: false,
    unreadable: 0,
    dead_letters: remaining === 0 ? 0 : 1,
    destinations: [
      { stream: 'telemetry', destination: 'eu', remaining: 0, reason: null, on_hold: null },
      { stream: 'telemetry', destination: 'team', remaining, reason: 'offline since 14:02', on_hold: null },
    ],
  });

  it('exits 1 and says so when a conversation could not be read', async () => {
    const { exit, stderr } = await cli(['flush'], {
      operator: { flush: async () => ({ ...result(0), unreadable: 2 }) },
    });
    expect(exit).toBe(1);
    expect(stderr).toContain('2 conversations could not be read');
  });

  it('exits 1 and says so when the time was over before everything was read', async () => {
    const operator = { flush: async () => ({ ...result(0), unread: true }) };
    const { exit, stderr } = await cli(['flush', '--timeout', '1s'], { operator });
    expect(exit).toBe(1);
    expect(stderr).toContain('Not everything new was read in this time   repeat it, or give it more: --timeout 5m');
  });

  it('exits 0 while conversations are on hold, and says until when', async () => {
    const until_ms = new Date(2026, 10, 15, 14, 17).getTime();
    const destinations = [
      { stream: 'sessions', destination: 'team', remaining: 0, reason: null, on_hold: { items: 3, until_ms } },
    ] as const;
    const operator = { flush: async () => ({ ...result(0), destinations: [...destinations] }) };
    const { exit, stderr } = await cli(['flush', 'sessions'], { operator });
    expect(exit).toBe(0);
    expect(stderr).toMatch(
      / {2}team {2}3 conversations on hold until (2026-11-15 )?14:17, so that they can be withdrawn\n$/,
    );
  });

  it('exits 0 when all is delivered', async () => {
    const seen: unknown[] = [];
    const flush = async (query: unknown) => (seen.push(query), result(0));
    const { exit, stdout, stderr } = await cli(['flush', 'telemetry', '--timeout', '5m'], { operator: { flush } });
    expect([exit, stdout, stderr]).toEqual([0, '', '1,200 items delivered, 0 remain.\n']);
    expect(seen).toEqual([{ stream: 'telemetry', timeout_ms: 300_000 }]);
  });

  it('exits 1 when something stays, with the reason', async () => {
    const operator = { flush: async () => result(4) };
    const text = await cli(['flush'], { operator });
    expect([text.exit, text.stderr]).toEqual([
      1,
      '1,200 items delivered, 4 remain.\n  team  4 items: offline since 14:02\n  1 dead letter   see: syncline dead-letters list\n',
    ]);
    const json = await cli(['flush', '--json'], { operator });
    expect([json.exit, JSON.parse(json.stdout)]).toEqual([1, { schema: 'syncline.flush/1', ...result(4) }]);
  });

  it('refuses a time-out without unit', async () => {
    const { exit, stderr } = await cli(['flush', '--timeout', '30']);
    expect([exit, stderr]).toEqual([
      2,
      'syncline: --timeout does not understand "30".\n  → Write a number with a unit: 30s, 15m, 2h, 7d.\n',
    ]);
  });
});

describe('pause and resume', () => {
  it('say what they did', async () => {
    const seen: unknown[] = [];
    const operator = {
      pause: async (query: unknown) => (seen.push(query), { paused: ['team', 'eu'] }),
      resume: async (query: unknown) => (seen.push(query), { resumed: [] }),
    };
    const paused = await cli(['pause', '--to', 'team', '--for', '1h'], { operator });
    expect([paused.exit, paused.stderr]).toEqual([0, 'Paused for 1 h: team, eu. Capture goes on; nothing is lost.\n']);
    expect((await cli(['pause'], { operator })).stderr).toContain('Paused until `syncline resume`');
    expect((await cli(['resume', 'telemetry'], { operator })).stderr).toBe('Nothing was paused.\n');
    expect(seen).toEqual([
      { stream: null, destination: 'team', for_ms: 3_600_000 },
      { stream: null, destination: null, for_ms: null },
      { stream: 'telemetry', destination: null },
    ]);
    expect(JSON.parse((await cli(['resume', '--json'], { operator })).stdout)).toEqual({
      schema: 'syncline.resume/1',
      resumed: [],
    });
  });
});

describe('dead-letters', () => {
  const letter: DeadLetterRow = {
    dead_letter_id: '0197-a',
    stream: 'telemetry',
    destination: 'team',
    partition: 'events',
    offset: 7,
    key: null,
    class: 'item',
    code: 'http_400',
    message: 'model is\nmissing',
    attempts: 3,
    state: 'open',
    at_ms: NOW_MS - 60_000,
  };

  /** An operator that remembers what it was asked. */
  function operator(rows: DeadLetterRow[] = [letter]) {
    const asked: [string, unknown][] = [];
    return {
      asked,
      deadLetters: async (filter: DeadLetterFilter) => (asked.push(['list', filter]), rows),
      deadLetter: async () => ({
        ...letter,
        payload: '{"kind":"tool_call"}',
        item_error: { index: 0, code: 'required', message: 'is required', field: 'events.0.model' },
      }),
      retryDeadLetters: async (filter: DeadLetterFilter) => (
        asked.push(['retry', filter]),
        { retried: 2, superseded: 1 }
      ),
      discardDeadLetters: async (filter: DeadLetterFilter) => (asked.push(['discard', filter]), { discarded: 1 }),
    };
  }

  it('list', async () => {
    const world = operator();
    const { exit, stdout } = await cli(
      ['dead-letters', 'list', '--to', 'team', '--stream', 'telemetry', '--limit', '5'],
      { operator: world },
    );
    expect(exit).toBe(0);
    expect(stdout).toBe(
      'id      when   destination  tries  reason\n0197-a  14:31  team             3  http_400: model is missing\n',
    );
    expect(world.asked).toEqual([['list', { stream: 'telemetry', destination: 'team', state: 'open', limit: 5 }]]);
    expect((await cli(['dead-letters', 'list'], { operator: operator([]) })).stderr).toBe(
      'There are no open dead letters.\n',
    );
    const json = await cli(['dead-letters', 'list', '--json'], { operator: world });
    expect(JSON.parse(json.stdout)).toEqual({ schema: 'syncline.dead-letters/1', dead_letters: [letter] });
  });

  it('show', async () => {
    const { stdout } = await cli(['dead-letters', 'show', '0197-a'], { operator: operator() });
    expect(stdout).toContain('item error   required: is required (events.0.model)\n');
    expect(stdout).toMatch(/\n\n\{"kind":"tool_call"\}\n$/);
  });

  it('show, of a key', async () => {
    const held = { ...letter, stream: 'sessions' as const, key: 'laptop/S1', payload: null, item_error: null };
    const world = { ...operator(), deadLetter: async () => held };
    const { stdout } = await cli(['dead-letters', 'show', '0197-a'], { operator: world });
    expect(stdout).toContain('holds        laptop/S1: not sent until it is retried or discarded\n');
    expect(stdout).toMatch(/\n\nNothing is kept of it: a retry sends its newest state\.\n$/);
  });

  it('retry', async () => {
    const world = operator();
    const { stderr } = await cli(['dead-letters', 'retry', '0197-a', '0197-b'], { operator: world });
    expect(stderr).toBe(
      '2 dead letters will be sent again. 1 is not sent again: something newer has taken the place.\n',
    );
    expect(world.asked).toEqual([['retry', { state: 'open', ids: ['0197-a', '0197-b'] }]]);
  });

  it('retry and discard do nothing with --dry-run', async () => {
    const world = operator();
    for (const verb of ['retry', 'discard']) {
      const { exit, stderr } = await cli(['dead-letters', verb, '--dry-run'], { operator: world });
      expect([exit, stderr]).toEqual([0, expect.stringContaining('Nothing was done.')]);
    }
    expect(world.asked.map(([what]) => what)).toEqual(['list', 'list']);
  });

  it('discard asks, and takes only those it asked about', async () => {
    const world = operator();
    const refused = await cli(['dead-letters', 'discard', '--to', 'team'], { operator: world });
    expect(refused.exit).toBe(6);
    expect(refused.stderr).toContain('Discard 1 dead letter? Their items will never be delivered.');
    const no = await cli(['dead-letters', 'discard'], {
      operator: world,
      host: TERMINAL,
      prompts: { confirm: async () => false },
    });
    expect([no.exit, no.stderr]).toEqual([1, 'Nothing was discarded.\n']);
    const yes = await cli(['dead-letters', 'discard', '--yes'], { operator: world });
    expect([yes.exit, yes.stderr]).toEqual([0, '1 dead letter discarded.\n']);
    expect(world.asked.at(-1)).toEqual(['discard', { ids: ['0197-a'] }]);
  });
});
