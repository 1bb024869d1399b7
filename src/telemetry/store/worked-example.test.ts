/** The worked example of the agents specification §2.11, as items of the wire: a fork, a subagent, a placeholder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import type { WireEvent } from '../wire/event.ts';
import { TelemetryStore } from './telemetry-store.ts';

const base = {
  ts_ms: Date.UTC(2026, 10, 20, 12),
  agent: 'claude',
  source: 'tail',
  payload: {},
  price_date: '2026-11-01',
};
let seq = 0;

/** Usage as `[in, out, write 5m, write 1h, read, cost]`. */
function response(
  session: string,
  id: string,
  usage: [number, number, number, number, number, number],
  more: Partial<WireEvent> = {},
): WireEvent {
  const [tokens_in, tokens_out, cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, cost_usd_e6] = usage;
  return {
    ...base,
    session_id_hash: session,
    event_seq: ++seq,
    model: 'claude-opus-5',
    kind: 'message',
    origin_id_hash: id,
    owner_rank: session,
    tokens_in,
    tokens_out,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_read_tokens,
    cost_usd_e6,
    ...more,
  };
}

function tool(kind: 'tool_call' | 'tool_result', call: string, more: Partial<WireEvent> = {}): WireEvent {
  return {
    ...base,
    session_id_hash: 'S1',
    event_seq: ++seq,
    model: 'claude-opus-5',
    kind,
    tool_call_id: call,
    origin_id_hash: `${kind} ${call}`,
    owner_rank: 'S1',
    ...more,
  };
}

const items: WireEvent[] = [
  response('S1', 'msg_A', [10, 3, 400, 600, 2000, 9625]),
  tool('tool_call', 't1', { tool: 'Bash' }),
  response('S1', 'msg_A', [10, 120, 400, 600, 2000, 12_550]),
  tool('tool_call', 't2', { tool: 'Agent' }),
  tool('tool_result', 't1', { outcome: 'failed' }),
  tool('tool_result', 't2', { outcome: 'ok' }),
  response('S1', 'msg_B', [5, 40, 500, 0, 0, 4150]),
  {
    ...base,
    session_id_hash: 'S1',
    event_seq: ++seq,
    model: 'unknown',
    kind: 'error',
    origin_id_hash: 'e1',
    owner_rank: 'S1',
  },
  response('S1', 'msg_C', [7, 60, 0, 0, 900, 1985]),
  tool('tool_call', 't3', { tool: 'Read' }),
  response('S1', 'msg_D', [4, 20, 0, 0, 100, 114], { model: 'claude-haiku-4-5', subagent_id_hash: 'ag1' }),
  response('S2', 'msg_B', [5, 40, 500, 0, 0, 4150]),
  response('S2', 'msg_E', [3, 15, 0, 0, 1400, 1090]),
];

const reader = { team_id: 'local', time_zone: 'UTC', price_date: '2026-10-01' };
const ask = { since_ms: null, until_ms: null, project: null, agent: null, limit: null };

test.each([
  ['as read', items],
  ['backwards', items.toReversed()],
  ['twice', [...items, ...items]],
])('the figures of the worked example, %s', (_name, arrived) => {
  const folder = mkdtempSync(join(tmpdir(), 'worked-'));
  const store = new TelemetryStore(join(folder, 'store.db'), { clock: systemClock });
  for (const item of arrived)
    store.ingest(
      { kind: 'events', team_id: 'local', workspace_hash: 'w', project_name: 'web', items: [item] },
      { team_id: 'local', member: 'ann', device: 'laptop' },
      null,
    );

  const by_session = store.report(reader, { ...ask, by: 'session' });
  expect(by_session.total).toEqual({
    sessions: 2,
    tokens_in: 29,
    tokens_out: 255,
    cache_read_tokens: 4400,
    cache_write_tokens: 1500,
    cost_usd: 0.019889,
    tool_calls: 3,
    tool_failures: 1,
  });
  expect(by_session.price_date).toBe('2026-11-01');
  const s1 = by_session.rows.find(({ key }) => key === 'S1');
  const s2 = by_session.rows.find(({ key }) => key === 'S2');
  // S1 with its subagent: 22 + 4, 220 + 20.
  expect(s1).toMatchObject({ tokens_in: 26, tokens_out: 240, cache_write_tokens: 1500, cache_read_tokens: 3000 });
  expect(s1).toMatchObject({ cost_usd: 0.018799, tool_calls: 3, tool_failures: 1 });
  expect(s2).toMatchObject({ tokens_in: 3, tokens_out: 15, cache_write_tokens: 0, cache_read_tokens: 1400 });
  expect(s2).toMatchObject({ cost_usd: 0.00109, tool_calls: 0, tool_failures: 0 });

  expect(store.session(reader, 'S1').subagents).toEqual([
    { subagent: 'ag1', tokens_in: 4, tokens_out: 20, cost_usd: 0.000114 },
  ]);
  expect(store.session(reader, 'S1').model).toBe('claude-opus-5');
  const by_tool = store.report(reader, { ...ask, by: 'tool' }).rows;
  expect(by_tool.map(({ key, tool_calls, tool_failures }) => [key, tool_calls, tool_failures])).toEqual([
    ['Agent', 1, 0],
    ['Bash', 1, 1],
    ['Read', 1, 0],
  ]);
  const by_model = store.report(reader, { ...ask, by: 'model' }).rows;
  expect(by_model.map(({ key, cost_usd }) => [key, cost_usd])).toEqual([
    ['claude-opus-5', 0.019775],
    ['claude-haiku-4-5', 0.000114],
    ['unknown', null],
  ]);
  store.close();
  rmSync(folder, { recursive: true });
});
