import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WireEvent } from '../wire/event.ts';
import type { WireToolSpan } from '../wire/tool-span.ts';
import type { Reader, ReportRequest } from './report.ts';
import { TelemetryStore } from './telemetry-store.ts';

const clock = { at_ms: Date.UTC(2026, 10, 20, 12), now_ms: () => clock.at_ms, monotonic_ms: () => 0 };
let folder: string;
let store: TelemetryStore;
let seq: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
  store = new TelemetryStore(join(folder, 'store.db'), { clock });
  seq = 0;
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

interface Place {
  team?: string;
  workspace?: string;
  project?: string;
}

function add(more: Partial<WireEvent>, { team = 't', workspace = 'w', project }: Place = {}): void {
  const event: WireEvent = {
    session_id_hash: 'blake3:s1',
    event_seq: ++seq,
    ts_ms: Date.UTC(2026, 10, 20, 12),
    agent: 'claude',
    model: 'm',
    kind: 'message',
    source: 'tail',
    payload: {},
    ...more,
  };
  store.ingest(
    { kind: 'events', team_id: team, workspace_hash: workspace, project_name: project ?? null, items: [event] },
    { team_id: team, member: 'ann', device: 'd' },
    null,
  );
}

function addSpan(more: Partial<WireToolSpan>): void {
  const span: WireToolSpan = {
    session_id_hash: 'blake3:s1',
    span_id_hash: `span ${++seq}`,
    status: 'done',
    tool: 'Bash',
    started_at_ms: Date.UTC(2026, 10, 20, 12),
    path_hashes: [],
    ...more,
  };
  store.ingest(
    { kind: 'tool_spans', team_id: 't', workspace_hash: 'w', project_name: null, items: [span] },
    { team_id: 't', member: 'ann', device: 'd' },
    null,
  );
}

const reader: Reader = { team_id: 't', time_zone: 'UTC', price_date: '2026-10-01' };
function ask(more: Partial<ReportRequest>, as: Partial<Reader> = {}) {
  const request = { by: 'day' as const, since_ms: null, until_ms: null, project: null, agent: null, limit: null };
  return store.report({ ...reader, ...as }, { ...request, ...more });
}
const keys = (more: Partial<ReportRequest>, as: Partial<Reader> = {}) => ask(more, as).rows.map(({ key }) => key);

describe('what is unknown is null, never zero (R4)', () => {
  test('an agent that records no tokens, beside one that does', () => {
    add({ agent: 'cursor', model: 'unknown', session_id_hash: 'blake3:c' });
    add({ tokens_in: 0, tokens_out: 5, cost_usd_e6: 0 });
    const rows = ask({ by: 'agent' }).rows;
    expect(rows.find(({ key }) => key === 'cursor')).toEqual({
      key: 'cursor',
      sessions: 1,
      tokens_in: null,
      tokens_out: null,
      cache_read_tokens: null,
      cache_write_tokens: null,
      cost_usd: null,
      tool_calls: 0,
      tool_failures: 0,
    });
    expect(rows.find(({ key }) => key === 'claude')).toMatchObject({ tokens_in: 0, tokens_out: 5, cost_usd: 0 });
  });

  test('a response without a price is counted as such', () => {
    add({ tokens_in: 1, tokens_out: 5 });
    add({ tokens_in: 1, tokens_out: 5, cost_usd_e6: 7, price_date: '2026-11-01' });
    expect(ask({})).toMatchObject({ unpriced_responses: 1, price_date: '2026-11-01', total: { cost_usd: 0.000007 } });
  });

  test('nothing at all', () => {
    expect(ask({})).toMatchObject({ rows: [], total: { sessions: 0, cost_usd: null }, price_date: '2026-10-01' });
    expect(store.today(reader)).toMatchObject({ sessions: 0, cost_usd: null, tool_calls: 0 });
  });
});

describe('days', () => {
  test('begin at the midnights of the reader, summer time included', () => {
    // Berlin: 25 October 2026 has 25 hours; 22:30 UTC of the 24th is half past midnight there.
    add({ ts_ms: Date.UTC(2026, 9, 24, 21, 59), session_id_hash: 'blake3:a' });
    add({ ts_ms: Date.UTC(2026, 9, 24, 22, 30), session_id_hash: 'blake3:b' });
    add({ ts_ms: Date.UTC(2026, 9, 25, 22, 59), session_id_hash: 'blake3:c' });
    add({ ts_ms: Date.UTC(2026, 9, 25, 23, 0), session_id_hash: 'blake3:d' });
    const rows = ask({}, { time_zone: 'Europe/Berlin' }).rows.map(({ key, sessions }) => [key, sessions]);
    expect(rows).toEqual([
      ['2026-10-26', 1],
      ['2026-10-25', 2],
      ['2026-10-24', 1],
    ]);
    expect(keys({}, { time_zone: 'Asia/Kathmandu' })).toEqual(['2026-10-26', '2026-10-25']);
  });

  test('newest first, and as many as asked for', () => {
    for (const day of [1, 3, 2]) add({ ts_ms: Date.UTC(2026, 10, day) });
    expect(keys({ limit: 2 })).toEqual(['2026-11-03', '2026-11-02']);
  });

  test('an absurd time of a sender neither fails nor hides the rest', () => {
    add({ ts_ms: Number.MAX_SAFE_INTEGER });
    add({ ts_ms: 0 });
    add({});
    expect(keys({})).toEqual(['2026-11-20', '1970-01-01']);
    expect(ask({}).total.sessions).toBe(1);
  });

  test('absurd counts of a sender neither fail nor turn to text', () => {
    for (let i = 0; i < 3; i++)
      add({ tokens_in: 4_294_967_295, tokens_out: 1, cost_usd_e6: Number.MAX_SAFE_INTEGER, subagent_id_hash: 'x' });
    expect(ask({}).total.cost_usd).toBeGreaterThan(2e10);
    expect(store.session(reader, 'blake3:s1').subagents[0]!.cost_usd).toBeGreaterThan(2e10);
  });

  test('an unknown zone is a usage error', () => {
    expect(() => ask({}, { time_zone: 'Mars/Olympus' })).toThrow(
      expect.objectContaining({ code: 'time_zone.unknown' }),
    );
  });

  test('today is the reader’s', () => {
    clock.at_ms = Date.UTC(2026, 10, 20, 23, 30);
    add({ ts_ms: Date.UTC(2026, 10, 20, 22), tokens_out: 1, cost_usd_e6: 2_000_000 });
    expect(store.today(reader)).toMatchObject({ sessions: 1, cost_usd: 2 });
    expect(store.today({ ...reader, time_zone: 'Europe/Berlin' })).toMatchObject({ sessions: 0, cost_usd: null });
  });
});

describe('selection', () => {
  test('a window, outwards to the quarter hour', () => {
    const at = Date.UTC(2026, 10, 20, 12, 7);
    add({ ts_ms: at });
    const total = (since_ms: number | null, until_ms: number | null) => ask({ since_ms, until_ms }).total.sessions;
    expect(total(at, at + 1)).toBe(1);
    expect(total(at + 7 * 60_000, null)).toBe(1);
    expect(total(at + 8 * 60_000, null)).toBe(0);
    expect(total(null, at - 7 * 60_000)).toBe(0);
  });

  test('projects by glob, by hash, and by the names known here', () => {
    add({ session_id_hash: 'blake3:a' }, { workspace: 'w1', project: 'acme/web' });
    add({ session_id_hash: 'blake3:b' }, { workspace: 'w2', project: 'acme/api' });
    add({ session_id_hash: 'blake3:c' }, { workspace: 'w3' });
    const project_names = (hash: string) => (hash === 'w3' ? 'own/lab' : null);
    expect(keys({ by: 'project' }, { project_names })).toEqual(['acme/api', 'acme/web', 'own/lab']);
    expect(keys({ by: 'project', project: 'acme/*' }, { project_names })).toEqual(['acme/api', 'acme/web']);
    expect(keys({ by: 'project', project: 'w3' })).toEqual(['w3']);
    expect(keys({ by: 'project', project: 'a.me/*' })).toEqual([]);
    const listed = store.sessions(
      { ...reader, project_names },
      { since_ms: null, project: '*lab', agent: null, limit: 9 },
    );
    expect(listed.map(({ session, project }) => [session, project])).toEqual([['blake3:c', 'own/lab']]);
  });

  test('two workspaces of one name are one project, and a session in both is one session', () => {
    add({ tokens_out: 1 }, { workspace: 'w1', project: 'web' });
    add({ tokens_out: 2 }, { workspace: 'w2', project: 'web' });
    expect(ask({ by: 'project' }).rows).toMatchObject([{ key: 'web', sessions: 1, tokens_out: 3 }]);
  });

  test('one agent', () => {
    add({ agent: 'codex', session_id_hash: 'blake3:x' });
    add({});
    addSpan({ session_id_hash: 'blake3:x' });
    expect(ask({ agent: 'codex', by: 'agent' }).rows).toMatchObject([{ key: 'codex', sessions: 1, tool_calls: 1 }]);
  });

  test('no team sees another', () => {
    add({ tokens_out: 1 }, { team: 'rival', project: 'secret' });
    for (const by of ['day', 'project', 'model', 'agent', 'tool', 'session'] as const)
      expect(ask({ by })).toMatchObject({ rows: [], total: { sessions: 0, tokens_out: null } });
    expect(store.sessions(reader, { since_ms: null, project: null, agent: null, limit: 9 })).toEqual([]);
    expect(() => store.session(reader, 'blake3:s1')).toThrow(expect.objectContaining({ code: 'session.unknown' }));
  });
});

describe('tool calls', () => {
  test('a call told by call, result and span is one', () => {
    add({ kind: 'tool_call', tool: 'Bash', tool_call_id: 'c1' });
    add({ kind: 'tool_call', tool: 'Bash', tool_call_id: 'c1', source: 'hook' });
    add({ kind: 'tool_result', tool_call_id: 'c1', outcome: 'failed' });
    addSpan({ tool_call_id: 'c1', outcome: 'failed' });
    addSpan({ tool_call_id: 'c2', tool: 'Read' });
    expect(ask({}).total).toMatchObject({ tool_calls: 2, tool_failures: 1 });
    expect(
      ask({ by: 'tool' }).rows.map(({ key, tool_calls, tool_failures }) => [key, tool_calls, tool_failures]),
    ).toEqual([
      ['Bash', 1, 1],
      ['Read', 1, 0],
    ]);
  });

  test('spans without call ids count only where events tell of no calls', () => {
    addSpan({});
    addSpan({ outcome: 'failed' });
    expect(ask({}).total).toMatchObject({ sessions: 0, tool_calls: 2, tool_failures: 1 });
    add({ kind: 'tool_call', tool: 'Bash', tool_call_id: 'c1' });
    expect(ask({}).total).toMatchObject({ sessions: 1, tool_calls: 1, tool_failures: 0 });
  });

  test('a refusal by the user is no failure', () => {
    add({ kind: 'tool_call', tool: 'Bash', tool_call_id: 'c1' });
    add({ kind: 'tool_result', tool_call_id: 'c1', outcome: 'rejected' });
    expect(ask({}).total).toMatchObject({ tool_calls: 1, tool_failures: 0 });
  });
});

describe('usage of one response', () => {
  test.each([[[3, 120]], [[120, 3]]])('the record with the greatest output wins, %j', (outputs) => {
    for (const tokens_out of outputs)
      add({ event_seq: 99, tokens_in: 10, tokens_out, cost_usd_e6: tokens_out * 10, price_date: '2026-11-01' });
    expect(ask({}).total).toMatchObject({ tokens_in: 10, tokens_out: 120, cost_usd: 0.0012 });
  });
});

describe('one session', () => {
  test('is found by a beginning of its hash that fits no other', () => {
    add({ session_id_hash: 'blake3:abc1' });
    add({ session_id_hash: 'blake3:abc2' });
    expect(store.session(reader, 'abc1').session).toBe('blake3:abc1');
    expect(() => store.session(reader, 'abc')).toThrow(expect.objectContaining({ code: 'session.ambiguous' }));
    expect(() => store.session(reader, 'zzz')).toThrow(expect.objectContaining({ code: 'session.unknown' }));
  });

  test('tells its events in order of time', () => {
    add({ ts_ms: 2000, kind: 'tool_result', tool: null, outcome: 'failed' });
    add({ ts_ms: 1000, kind: 'tool_call', tool: 'Bash' });
    expect(store.session(reader, 'blake3:s1')).toMatchObject({
      started_ms: 1000,
      last_ms: 2000,
      events: [
        { at_ms: 1000, kind: 'tool_call', tool: 'Bash' },
        { at_ms: 2000, kind: 'tool_result', outcome: 'failed' },
      ],
    });
  });
});

test('batch keys are forgotten after a day, some with every ingest', () => {
  const send = (key: string) =>
    store.ingest(
      { kind: 'events', team_id: 't', workspace_hash: 'w', project_name: null, items: [] },
      { team_id: 't', member: 'a', device: 'd' },
      { key, body_sha256: Buffer.from(key) },
    ).outcome;
  const began_ms = clock.at_ms;
  expect(send('old')).toBe('stored');
  clock.at_ms = began_ms + 24 * 3_600_000;
  expect(send('old')).toBe('replayed');
  clock.at_ms = began_ms + 26 * 3_600_000;
  expect(send('other')).toBe('stored');
  expect(send('old')).toBe('stored');
});
