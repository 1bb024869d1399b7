/** What one body tells of a call more than once. */
import { expect, test } from 'vitest';
import { Database } from '../../storage/sqlite/database.ts';
import type { WireEvent } from '../wire/event.ts';
import type { WireToolSpan } from '../wire/tool-span.ts';
import { TelemetryStore } from './telemetry-store.ts';

const CALLED_MS = 900_000;
const envelope = { team_id: 't', workspace_hash: 'w', project_name: null };
const principal = { team_id: 't', member: 'm', device: 'd' };

function event(event_seq: number, more: Partial<WireEvent>): WireEvent {
  return {
    session_id_hash: 's',
    event_seq,
    ts_ms: CALLED_MS,
    agent: 'claude',
    model: 'm',
    kind: 'tool_call',
    source: 'tail',
    tool_call_id: 'c',
    payload: {},
    origin_id_hash: `o${event_seq}`,
    ...more,
  };
}

function span(span_id_hash: string, more: Partial<WireToolSpan>): WireToolSpan {
  return { session_id_hash: 's', span_id_hash, status: 'done', path_hashes: [], tool_call_id: 'c', ...more };
}

/** The calls as they are counted after bodies of events and spans. */
function countedAfter(...bodies: ({ events: WireEvent[] } | { spans: WireToolSpan[] })[]): object[] {
  const db = new Database(':memory:');
  const store = new TelemetryStore(db, { clock: { now_ms: () => 1, monotonic_ms: () => 1 } });
  for (const body of bodies)
    store.ingest(
      'events' in body
        ? { kind: 'events', ...envelope, items: body.events }
        : { kind: 'tool_spans', ...envelope, items: body.spans },
      principal,
      null,
    );
  const rows = db.all<object>('SELECT call_id, quarter_ms, tool, called, failed FROM tool_call');
  store.close();
  return rows.map((row) => ({ ...row }));
}

test('of two calls of one id in a body the earlier counts, whichever stands first', () => {
  const early = event(1, { tool: 'Read' });
  const late = event(2, { tool: 'Bash', ts_ms: 3 * CALLED_MS });
  const counted = [{ call_id: 'c', quarter_ms: CALLED_MS, tool: 'Read', called: 1, failed: 0 }];
  expect(countedAfter({ events: [early, late] })).toEqual(counted);
  expect(countedAfter({ events: [late, early] })).toEqual(counted);
});

test('a call and its failure in one body are one failed call', () => {
  const failure = event(2, { kind: 'tool_result', outcome: 'failed' });
  expect(countedAfter({ events: [event(1, { tool: 'Read' }), failure] })).toMatchObject([{ called: 1, failed: 1 }]);
});

test('of two spans of one id in a body the failed one counts, whichever stands last', () => {
  const failed = span('a', { outcome: 'failed', tool: 'Read' });
  const fine = span('b', { outcome: 'ok', tool: 'Bash' });
  const counted = [{ call_id: 'c', quarter_ms: 0, tool: 'Read', called: 1, failed: 1 }];
  expect(countedAfter({ spans: [failed, fine] })).toEqual(counted);
  expect(countedAfter({ spans: [fine, failed] })).toEqual(counted);
});

test('a span that comes after its call adds its failure, and its tool where the call names none', () => {
  const read = { tool: 'Read', outcome: 'failed' } as const;
  expect(countedAfter({ events: [event(1, { tool: 'Bash' })] }, { spans: [span('a', read)] })).toMatchObject([
    { tool: 'Bash', called: 1, failed: 1 },
  ]);
  expect(countedAfter({ events: [event(1, {})] }, { spans: [span('a', read)] })).toMatchObject([
    { tool: 'Read', called: 1, failed: 1 },
  ]);
});

test('a result that did not fail is no call', () => {
  expect(countedAfter({ events: [event(1, { kind: 'tool_result', outcome: 'ok' })] })).toEqual([]);
});
