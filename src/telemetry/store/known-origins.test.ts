/** Copies are found by a part of their origin's hash: a part that two origins share must not make copies of them. */
import { expect, test } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { Database } from '../../storage/sqlite/database.ts';
import type { WireEvent } from '../wire/event.ts';
import { TelemetryStore } from './telemetry-store.ts';

const PRINCIPAL = { team_id: 'team', member: 'ada', device: 'laptop' };

const event = (event_seq: number, origin_id_hash: string, session_id_hash = 'session'): WireEvent => ({
  session_id_hash,
  event_seq,
  ts_ms: 1_772_442_007_728,
  agent: 'claude',
  model: 'unknown',
  kind: 'message',
  source: 'tail',
  payload: {},
  origin_id_hash,
});

function storeWith(...bodies: WireEvent[][]): { origins: string[]; deduped: number[] } {
  const db = new Database(':memory:');
  const store = new TelemetryStore(db, { clock: systemClock });
  const deduped = bodies.map((items) => {
    const body = { kind: 'events' as const, team_id: 'team', workspace_hash: 'w', project_name: null, items };
    const result = store.ingest(body, PRINCIPAL, null);
    return 'deduped' in result ? result.deduped : -1;
  });
  const rows = db.all<{ origin: string }>('SELECT origin_id_hash AS origin FROM event ORDER BY event_key');
  store.close();
  return { origins: rows.map(({ origin }) => origin), deduped };
}

test('origins that begin alike are two, in one body or in two', () => {
  const [a, b] = ['blake3:0123456789aaaa', 'blake3:0123456789bbbb'];
  expect(storeWith([event(1, a), event(2, b)])).toEqual({ origins: [a, b], deduped: [0] });
  expect(storeWith([event(1, a)], [event(2, b)])).toEqual({ origins: [a, b], deduped: [0, 0] });
});

test('a copy is one row with its original, in one body or in two, however short its origin is', () => {
  for (const origin of ['blake3:aaaa00000001', 'x', ''])
    for (const bodies of [
      [[event(1, origin), event(2, origin, 'fork')]],
      [[event(1, origin)], [event(2, origin, 'fork')]],
    ])
      expect(storeWith(...bodies)).toEqual({
        origins: [origin],
        deduped: bodies.length === 1 ? [1] : [0, 1],
      });
});

test('the same origin of two teams is two rows', () => {
  const db = new Database(':memory:');
  const store = new TelemetryStore(db, { clock: systemClock });
  for (const team_id of ['team', 'other']) {
    const items = [event(1, 'blake3:aaaa00000001')];
    const body = { kind: 'events' as const, team_id, workspace_hash: 'w', project_name: null, items };
    store.ingest(body, { ...PRINCIPAL, team_id }, null);
  }
  expect(db.value('SELECT count(*) FROM event')).toBe(2);
  store.close();
});
