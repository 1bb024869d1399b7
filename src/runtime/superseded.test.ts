import { beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../engine/sqlite/store.ts';
import type { DeadLetter, EngineStore } from '../engine/store.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import { Database } from '../storage/sqlite/database.ts';
import { supersededAmong } from './superseded.ts';

let store: EngineStore;
let source_id: number;
beforeEach(async () => {
  store = openSqliteStore(new Database(':memory:'), { clock: systemClock, random: systemRandom, cap_bytes: 2 ** 30 });
  ({ source_id } = await store.openSource('telemetry', 'file', 1));
});

/** Appends the items to a partition of `kind`; a dead letter of the one at `offset` with that item. */
async function letterOf(kind: string, items: readonly object[], offset: number): Promise<DeadLetter> {
  const { partition_id, name } = await store.openPartition({ stream: 'telemetry', name: kind, header: { kind } });
  const payloads = items.map((item) => JSON.stringify(item));
  await store.append({
    source_id,
    entries: payloads.map((payload, i) => ({
      partition_id,
      cursor: `${kind} ${i}`,
      subject: null,
      observed_ms: 1,
      payload,
    })),
    checkpoint: null,
    now_ms: 1,
  });
  return {
    dead_letter_id: `${kind} ${offset}`,
    stream: 'telemetry',
    destination_id: 'team',
    partition: name,
    partition_id,
    offset,
    key: null,
    class: 'item',
    code: 'bad',
    field: null,
    message: 'bad',
    attempts: 1,
    payload: payloads[offset - 1] ?? null,
    at_ms: 1,
    state: 'open',
  };
}

test('a span or session is superseded by a later one of its name, never by an earlier or another', async () => {
  const a = { span_id_hash: 'a' };
  const b = { span_id_hash: 'b' };
  const first = await letterOf('tool_spans', [a, b, a, ...Array.from({ length: 996 }, () => b), a], 1);
  const session = await letterOf('sessions', [{ session_id_hash: 's' }, { session_id_hash: 't' }], 1);
  const letters = [
    first,
    { ...first, dead_letter_id: 'third', offset: 3 },
    { ...first, dead_letter_id: 'last', offset: 1000 },
    session,
  ];
  expect(await supersededAmong(store, letters)).toEqual(new Set(['tool_spans 1', 'third']));
});

test('an event is never superseded, nor a letter whose item was erased', async () => {
  const event = await letterOf('events', [{ event_seq: 1 }, { event_seq: 1 }], 1);
  const span = await letterOf('tool_spans', [{ span_id_hash: 'a' }, { span_id_hash: 'a' }], 1);
  expect(await supersededAmong(store, [event, { ...span, payload: null }])).toEqual(new Set());
});
