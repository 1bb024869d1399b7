import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../storage/sqlite/database.ts';
import { StoreThread } from './store-thread.ts';

const principal = { team_id: 'local', member: 'ada', device: 'laptop' };
let folder: string;
let path: string;
let thread: StoreThread;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-thread-'));
  path = join(folder, 'store.db');
  thread = new StoreThread({ path, max_bytes: 2 ** 30 });
});
afterEach(async () => {
  await thread.close();
  rmSync(folder, { recursive: true });
});

function event(event_seq: number): Record<string, unknown> {
  const known = { session_id_hash: 's', agent: 'claude', model: 'unknown', kind: 'message', source: 'tail' };
  return { ...known, event_seq, ts_ms: 1_772_000_000_000 + event_seq, payload: {} };
}

function batch(batch_id: string, events: unknown[]): { kind: 'events'; batch_id: string; body: string } {
  return { kind: 'events', batch_id, body: JSON.stringify({ team_id: 'local', workspace_hash: 'w', events }) };
}

function storedEvents(): number {
  const db = new Database(path, { read_only: true });
  const count = db.value<number>('SELECT count(*) FROM event');
  db.close();
  return count;
}

describe('the thread that writes the store', () => {
  it('answers each batch as a team server does, and its rows are there for other connections', async () => {
    const replies = await Promise.all([
      thread.receive(principal, batch('1', [event(1), event(2)])),
      thread.receive(principal, batch('2', [event(2), event(3)])),
      thread.receive(principal, batch('1', [event(1), event(2)])),
      thread.receive(principal, batch('1', [event(9)])),
      thread.receive(principal, batch('3', [{ ...event(4), ts_ms: -1 }])),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 409, 422, 400]);
    expect(replies[1]).toMatchObject({ received: 2, deduped: 1 });
    expect(replies[4]).toMatchObject({ item_errors: [{ index: 0, field: 'events.0.ts_ms' }] });
    expect(storedEvents()).toBe(3);
  });

  it('says that the store is full and stores nothing of that batch', async () => {
    const full = new StoreThread({ path, max_bytes: 1 });
    const long = { ...event(1), payload: { text: 'x'.repeat(1_000_000) } };
    expect(await full.receive(principal, batch('1', [long]))).toMatchObject({ status: 507, code: 'full' });
    await full.close();
    expect(storedEvents()).toBe(0);
  });

  it('erases sessions after what it was given before, touches no other, and may be told of one again', async () => {
    const other = { ...event(1), session_id_hash: 'other' };
    const receive = (id: string, events: unknown[]): Promise<unknown> => thread.receive(principal, batch(id, events));
    await receive('1', [event(1)]);
    const [, erased] = await Promise.all([
      receive('2', [event(2), other]),
      thread.eraseSessions('local', ['s', 'never seen']),
    ]);
    expect([erased, storedEvents()]).toEqual([1, 1]);
    expect(await thread.eraseSessions('another team', ['other'])).toBe(0);
    expect(await thread.eraseSessions('local', ['s'])).toBe(0);
    // The key that the writer knew it by is gone, and may be another's by now.
    await receive('3', [{ ...event(3), session_id_hash: 'new' }, event(4)]);
    const db = new Database(path, { read_only: true });
    const sessions = db.all<{ session_id_hash: string; event_seq: number }>(
      'SELECT session_id_hash, event_seq FROM event JOIN session USING (session_key) ORDER BY 1',
    );
    db.close();
    expect(sessions.map(({ session_id_hash, event_seq }) => [session_id_hash, event_seq])).toEqual([
      ['new', 3],
      ['other', 1],
      ['s', 4],
    ]);
  });

  it('finishes what it was given before it ends, and begins again when there is more', async () => {
    const replies = [1, 2, 3].map((n) => thread.receive(principal, batch(String(n), [event(n)])));
    await thread.close();
    expect((await Promise.all(replies)).map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(await thread.receive(principal, batch('4', [event(4)]))).toMatchObject({ status: 202 });
    expect(storedEvents()).toBe(4);
  });

  it('fails the batches of a thread that cannot open its store, instead of leaving them waiting', async () => {
    const nowhere = new StoreThread({ path: join(folder, 'missing', 'store.db'), max_bytes: 2 ** 30 });
    await expect(nowhere.receive(principal, batch('1', [event(1)]))).rejects.toMatchObject({ code: 'store.thread' });
    await nowhere.close();
  });
});
