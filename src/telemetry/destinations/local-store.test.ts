import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OutgoingBatch, PartitionHeader } from '../../engine/ordered/destination.ts';
import { systemClock } from '../../platform/clock.ts';
import { TelemetryStore } from '../store/telemetry-store.ts';
import { LocalStoreDestination } from './local-store.ts';

const header = (kind: string): PartitionHeader => ({
  kind,
  workspace_hash: 'blake3:ws',
  project_name: 'web "1"',
  schema: 1,
  rule_set: 'r1',
  salt_id: 'salt-1',
});
const signal = new AbortController().signal;
let folder: string;
let store: TelemetryStore;
let destination: LocalStoreDestination;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-store-'));
  store = new TelemetryStore(join(folder, 'store.db'), { clock: systemClock });
  destination = new LocalStoreDestination({
    id: 'local',
    store,
    salt_id: 'salt-1',
    member: 'ann',
    device: 'laptop',
  });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const event = (seq: number, more: object = {}): string =>
  JSON.stringify({
    session_id_hash: 'blake3:s1',
    event_seq: seq,
    ts_ms: 1_700_000_000_000 + seq,
    agent: 'claude',
    model: 'claude-opus-5',
    kind: 'message',
    source: 'tail',
    tokens_in: 10,
    tokens_out: 20,
    cost_usd_e6: 1500,
    payload: {},
    ...more,
  });

function batch(id: string, kind: string, items: string[]): OutgoingBatch {
  return {
    batch_id: id,
    stream: 'telemetry',
    header: header(kind),
    items: items.length,
    body: destination.encode(header(kind), items),
  };
}

const reader = { team_id: 'local', time_zone: 'UTC', price_date: '2026-11-01' };
const all = { by: 'project', since_ms: null, until_ms: null, project: null, agent: null, limit: null } as const;

test('stores a batch once, and answers its repeat with the first counts', async () => {
  const first = batch('b1', 'events', [event(1), event(2), event(2)]);
  expect(await destination.send(first, signal)).toEqual({ status: 202, received: 3, deduped: 1 });
  expect(await destination.send(first, signal)).toEqual({ status: 409, received: 3, deduped: 1 });
  const other = { ...first, body: destination.encode(first.header, [event(3)]) };
  expect(await destination.send(other, signal)).toMatchObject({ status: 422 });
  expect(store.report(reader, all).rows).toEqual([
    {
      key: 'web "1"',
      sessions: 1,
      tokens_in: 20,
      tokens_out: 40,
      cache_read_tokens: null,
      cache_write_tokens: null,
      cost_usd: 0.003,
      tool_calls: 0,
      tool_failures: 0,
    },
  ]);
});

test('names the bad items of a refused batch and stores none', async () => {
  const reply = await destination.send(batch('b1', 'events', [event(1), event(2, { ts_ms: 'now' })]), signal);
  expect(reply).toMatchObject({
    status: 400,
    item_errors: [{ index: 1, field: 'events.1.ts_ms', code: 'invalid_type' }],
  });
  expect(store.report(reader, all).rows).toEqual([]);
});

test('takes spans and sessions', async () => {
  const span = JSON.stringify({
    session_id_hash: 'blake3:s1',
    span_id_hash: 'blake3:sp',
    tool: 'Bash',
    status: 'done',
    path_hashes: [],
  });
  const session = JSON.stringify({
    session_id_hash: 'blake3:s1',
    agent: 'claude',
    model: 'claude-opus-5',
    started_at_ms: 5,
    ended_at_ms: null,
    status: 'running',
    title: 'fix',
  });
  expect(await destination.send(batch('b2', 'tool_spans', [span]), signal)).toMatchObject({ status: 202 });
  expect(await destination.send(batch('b3', 'sessions', [session]), signal)).toMatchObject({ status: 202 });
  expect(store.sessions(reader, { since_ms: null, project: null, agent: null, limit: 10 })).toMatchObject([
    {
      session: 'blake3:s1',
      agent: 'claude',
      project: 'web "1"',
      tool_calls: 1,
      status: 'running',
      tokens_in: null,
    },
  ]);
});

test('the envelope is counted to the byte', () => {
  const items = [event(1), event(2)];
  const body = destination.encode(header('events'), items);
  expect(Buffer.byteLength(body)).toBe(
    destination.envelopeBytes(header('events')) + items.reduce((sum, item) => sum + Buffer.byteLength(item), 0) + 1,
  );
  expect(JSON.parse(body)).toMatchObject({ team_id: 'local', workspace_hash: 'blake3:ws', project_name: 'web "1"' });
});

test('takes only its own salt and the kinds it knows', () => {
  expect(destination.accepts('telemetry', header('events'))).toBe(true);
  expect(destination.accepts('telemetry', { ...header('events'), salt_id: 'other' })).toBe(false);
  expect(destination.accepts('telemetry', header('toString'))).toBe(false);
  expect(destination.accepts('memory', header('events'))).toBe(false);
});

test('says 507 when the store is full, and stores nothing of the batch', async () => {
  const small = new TelemetryStore(join(folder, 'small.db'), { clock: systemClock, max_bytes: 400_000 });
  const full = new LocalStoreDestination({ id: 'l', store: small, salt_id: 'salt-1', member: 'a', device: 'b' });
  const items = Array.from({ length: 900 }, (_, seq) => event(seq, { payload: 'x'.repeat(900) }));
  expect(await full.send(batch('b1', 'events', items), signal)).toMatchObject({ status: 507, code: 'full' });
  expect(small.report(reader, all).rows).toEqual([]);
  expect(await full.send(batch('b2', 'events', [event(1)]), signal)).toMatchObject({ status: 202 });
  small.close();
});
