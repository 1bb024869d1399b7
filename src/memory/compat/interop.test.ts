import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CompatRig, type OurNode } from '../../../test/support/compat-rig.ts';
import type { BaselineMemoryPeer } from '../../../test/support/baseline-memory-peer.ts';
import { ann, pull, settle } from '../../../test/support/memory-member.ts';
import type { OldPeerDelivery } from './old-peer-delivery.ts';
import { RequestRefused } from './refusal.ts';

const signal = AbortSignal.timeout(60_000);
let rig: CompatRig;
let ours: OurNode;
let old: BaselineMemoryPeer;
let old_url: string;
let delivery: OldPeerDelivery;

beforeEach(async () => {
  rig = new CompatRig();
  ours = await rig.ours('a');
  const started = await rig.old('host:old');
  old = started.peer;
  old_url = started.url;
  old.peers.push(ours.listener.url);
  delivery = rig.delivery(ours, 'host:old', old_url);
});
afterEach(async () => {
  expect(ours.defects).toEqual([]);
  await rig.close();
});

const memories = (): OurNode['member']['memories'] => ours.member.memories;
async function deliver(): Promise<void> {
  rig.tick();
  await delivery.pass(signal);
}

/** How many operations ours has written. */
function written(): number {
  return Object.values(ours.member.replica.vector()).reduce((sum, sequence) => sum + sequence, 0);
}

describe('what happens at an old peer comes to us', () => {
  test('create, update, archive, restore, delete', async () => {
    const { row, sent } = await old.create({ title: 'One', content: 'first', tags: ['x'], priority: 7 });
    expect(sent).toMatchObject([{ status: 200, body: { applied: 1, skipped: 0, ids: [row.id] } }]);
    expect(await memories().get(row.id)).toMatchObject({ title: 'One', content: 'first', tags: ['x'], priority: 7 });
    rig.tick();
    await old.update(row.id, { content: 'second', title: 'One more' });
    expect(await memories().get(row.id)).toMatchObject({ title: 'One more', content: 'second' });
    await old.archive(row.id);
    expect(await memories().get(row.id)).toBeNull();
    expect(await memories().archived({})).toMatchObject([{ id: row.id, archive_reason: 'sync_push' }]);
    await old.restore(row.id);
    expect(await memories().get(row.id)).not.toBeNull();
    await old.delete(row.id);
    expect([await memories().get(row.id), await memories().archived({})]).toEqual([null, []]);
  });

  test('the author stays who it was, and recall says through whom it came', async () => {
    const { row } = await old.create({ title: 'One', metadata: { agent_id: 'alice', scope: 'team' } });
    const memory = await memories().get(row.id);
    expect(memory?.metadata).toEqual({ agent_id: 'alice', scope: 'team' });
    expect(memory?.written.agent_id).toBe('host:old');
  });

  test('a secret is masked on receipt, and the peer keeps its own words', async () => {
    const { row } = await old.create({ title: 'Mail', content: 'ask bob@example.com' });
    expect((await memories().get(row.id))?.content).toBe('ask <REDACTED:email>');
    await deliver();
    expect(old.get(row.id)?.['content']).toBe('ask bob@example.com');
    rig.tick();
    await old.update(row.id, { tags: ['new'] });
    await deliver();
    expect(old.get(row.id)?.['content']).toBe('ask bob@example.com');
    expect(await memories().get(row.id)).toMatchObject({ content: 'ask <REDACTED:email>', tags: ['new'] });
  });

  test('a link before its memories waits for them (D17)', async () => {
    const [a, b] = ['link-a', 'link-b'];
    old.peers.length = 0;
    await old.create({ id: a, title: 'A' });
    await old.create({ id: b, title: 'B' });
    old.peers.push(ours.listener.url);
    expect(await old.link(a, b, 'supersedes')).toMatchObject([{ body: { skipped: 0, noop: 1 } }]);
    await old.update(a, { content: 'now known' });
    expect(await memories().links(a)).toEqual([]);
    await old.update(b, { content: 'now known' });
    expect(await memories().links(a)).toMatchObject([{ source_id: a, target_id: b, relation: 'supersedes' }]);
  });

  test('a delete that overtakes its store keeps the memory away', async () => {
    old.peers.length = 0;
    const { row } = await old.create({ title: 'Short lived' });
    old.peers.push(ours.listener.url);
    rig.tick();
    const stale = old.get(row.id)!;
    await old.delete(row.id);
    const late = await old.broadcastRow(stale);
    expect(late).toMatchObject([{ body: { noop: 1, skipped: 0 } }]);
    expect(await memories().get(row.id)).toBeNull();
  });
});

test('a deletion that came before the memory, which then another member of ours brings, still counts', async () => {
  const other = await rig.ours('b');
  const id = await other.member.store('Elsewhere');
  await push(other, ours, old, id);
  expect(await memories().get(id)).not.toBeNull();
  await ours.receiver.tend();
  expect(await memories().get(id)).toBeNull();
});

test('an archiving that came before the memory counts when another member of ours brings it, unless it was changed since', async () => {
  const other = await rig.ours('b');
  const [id, edited] = [await other.member.store('Elsewhere'), await other.member.store('Edited')];
  await rig.delivery(other, 'host:old', old_url).pass(signal);
  rig.tick();
  for (const one of [id, edited]) await old.archive(one);
  rig.tick();
  await other.member.memories.update(edited, { content: 'in use again' }, ann);
  await pull(ours.member, other.member);
  await ours.receiver.tend();
  expect(await memories().archived({})).toMatchObject([{ id, archive_reason: 'sync_push' }]);
  expect(await memories().get(edited)).toMatchObject({ content: 'in use again' });
});

/** The old peer has the row of `other` and deletes it, telling only `ours`, to which the row comes afterwards. */
async function push(other: OurNode, to: OurNode, peer: BaselineMemoryPeer, id: string): Promise<void> {
  await rig.delivery(other, 'host:old', old_url).pass(signal);
  rig.tick();
  await peer.delete(id);
  await pull(to.member, other.member);
}

test('restored here, after one old peer told another that it is archived: it lives there again', async () => {
  const other = await rig.ours('b');
  const second = await rig.old('host:second');
  second.peer.peers.push(other.listener.url, old.url);
  const id = await ours.member.store('One');
  await settle(ours.member, other.member);
  await deliver();
  const there = rig.delivery(other, 'host:second', second.url);
  await there.pass(signal);
  await second.peer.archive(id);
  expect(old.get(id)).toBeNull();
  rig.tick();
  await other.member.memories.restore(id, ann);
  await settle(ours.member, other.member);
  await deliver();
  await there.pass(signal);
  expect([old.get(id)?.title, second.peer.get(id)?.title]).toEqual(['One', 'One']);
});

test('one row with another author at each of two old peers: ours agree, whoever heard of it first (D7)', async () => {
  const other = await rig.ours('b');
  const { row } = await old.create({ title: 'One', metadata: { agent_id: 'alice' } });
  const second = await rig.old('host:second');
  second.peer.peers.push(other.listener.url);
  rig.tick();
  await second.peer.create({ ...row, metadata: { agent_id: 'bob' }, created_at: '2026-01-01T00:00:00+00:00' });
  await settle(ours.member, other.member);
  expect(await ours.member.canonical()).toBe(await other.member.canonical());
  const [here, there] = [await memories().get(row.id), await other.member.memories.get(row.id)];
  expect([here?.metadata['agent_id'], here?.created_at]).toEqual([there?.metadata['agent_id'], there?.created_at]);
});

describe('what an old peer does not push is pulled', () => {
  test('a page that could not be taken is asked for again: the mark stays before it (D12)', async () => {
    const { receiver } = ours;
    let is_full = true;
    const receive: typeof receiver.receive = (...page) =>
      is_full ? Promise.reject(new RequestRefused(503, 'storage is full')) : receiver.receive(...page);
    const pulling = rig.pull({ ...ours, receiver: { receive } as typeof receiver }, 'host:old', old_url);
    old.peers.length = 0;
    const { row } = await old.create({ title: 'One' });
    await expect(pulling.pass(signal)).rejects.toThrow('storage is full');
    is_full = false;
    await pulling.pass(signal);
    expect(await memories().get(row.id)).not.toBeNull();
  });

  test('rows of its MCP server, and 1,200 of one time in pages of 500 (D10, D16)', async () => {
    const pulling = rig.pull(ours, 'host:old', old_url);
    old.peers.length = 0;
    const { row } = await old.create({ title: 'By MCP' });
    for (let i = 0; i < 1200; i++) old.put({ ...row, id: `bulk-${i}`, title: `Bulk ${i}` });
    rig.tick();
    await old.create({ title: 'Later' });
    rig.tick(10_000);
    expect(await pulling.pass(signal)).toMatchObject({ skipped: 0, away: null });
    expect(await memories().count({})).toBe(1202);
    const before = written();
    rig.tick();
    await old.update(row.id, { content: 'edited by MCP' });
    expect(await pulling.pass(signal)).toMatchObject({ rows: 1 });
    expect(await memories().get(row.id)).toMatchObject({ content: 'edited by MCP' });
    expect(written()).toBe(before + 1);
  });

  test('what reached it late under an old time is found within a day (D11)', async () => {
    const pulling = rig.pull(ours, 'host:old', old_url);
    old.peers.length = 0;
    const { row } = await old.create({ title: 'New' });
    await pulling.pass(signal);
    old.put({ ...row, id: 'late', title: 'Late', updated_at: '2020-01-01T00:00:00+00:00' });
    await pulling.pass(signal);
    expect(await memories().get('late')).toBeNull();
    rig.tick(24 * 3_600_000);
    await pulling.pass(signal);
    expect(await memories().get('late')).not.toBeNull();
  });

  test('a row from far ahead, or from us whose clock is ahead, hides nothing that its users write next (D9)', async () => {
    const pulling = rig.pull(ours, 'host:old', old_url);
    old.peers.length = 0;
    const { row } = await old.create({ title: 'First' });
    old.put({ ...row, id: 'ahead', title: 'Ahead', updated_at: '2099-01-01T00:00:00+00:00' });
    expect(await pulling.pass(signal)).toMatchObject({ rows: 2 });
    rig.tick(10_000);
    const next = await old.create({ title: 'Next' });
    await pulling.pass(signal);
    expect(await memories().get(next.row.id)).not.toBeNull();
    const before = written();
    rig.tick(10_000);
    await pulling.pass(signal);
    expect(written()).toBe(before);
  });

  test('a peer that is away is said to be', async () => {
    const pulling = rig.pull(ours, 'host:old', old_url);
    old.failing = 503;
    expect(await pulling.pass(signal)).toMatchObject({ rows: 0, away: { message: 'the peer answered 503' } });
  });
});

describe('what happens here comes to an old peer', () => {
  test('create, update, rename, move, archive, restore, delete', async () => {
    const id = await ours.member.store('One', { content: 'first', namespace: 'team' });
    await deliver();
    expect(old.get(id)).toMatchObject({ title: 'One', content: 'first', namespace: 'team' });
    rig.tick();
    await memories().update(id, { content: 'second', tags: ['x'] }, ann);
    await deliver();
    expect(old.get(id)).toMatchObject({ content: 'second', tags: ['x'] });
    await memories().update(id, { title: 'Two' }, ann);
    await deliver();
    expect(old.rows()).toMatchObject([{ id, title: 'Two', content: 'second' }]);
    await memories().update(id, { namespace: 'other' }, ann);
    await deliver();
    expect(old.rows()).toMatchObject([{ id, title: 'Two', namespace: 'other' }]);
    await memories().archive([id], 'done', ann);
    await deliver();
    expect([old.rows(), old.archived()]).toEqual([[], [id]]);
    await memories().restore(id, ann);
    await deliver();
    expect([old.rows().map((row) => row.id), old.archived()]).toEqual([[id], []]);
    await memories().delete(id, ann);
    await deliver();
    expect(old.rows()).toEqual([]);
    expect(delivery.backlog()).toBe(0);
  });

  test('a swap of two titles, and links that a rename takes away there (D4, T3)', async () => {
    const [a, b] = [await ours.member.store('A'), await ours.member.store('B')];
    await memories().link({ source_id: a, target_id: b }, ann);
    await deliver();
    expect(old.links()).toEqual([`${a} related_to ${b}`]);
    await memories().update(a, { title: 'C' }, ann);
    await memories().update(b, { title: 'A' }, ann);
    await memories().update(a, { title: 'B' }, ann);
    await deliver();
    await deliver();
    expect(old.rows().map(({ id, title }) => [id, title])).toEqual(
      [
        [a, 'B'],
        [b, 'A'],
      ].sort(),
    );
    expect(old.links()).toEqual([`${a} related_to ${b}`]);
  });

  test('standards of namespaces, set and cleared', async () => {
    const id = await ours.member.store('Rules', { namespace: 'team' });
    await memories().setStandard({ namespace: 'team', id }, ann);
    await deliver();
    expect(old.standards()).toMatchObject([{ namespace: 'team', standard_id: id }]);
    await memories().clearStandard('team', ann);
    await deliver();
    expect(old.standards()).toEqual([]);
  });

  test('ten changes of one memory are one push, which says who sends it in ASCII', async () => {
    const id = await ours.member.store('One');
    for (let i = 0; i < 9; i++) await memories().update(id, { content: `version ${i}` }, ann);
    await deliver();
    expect(old.received).toHaveLength(1);
    expect(old.received[0]?.headers).toMatchObject({
      'idempotency-key': 'a.1:10',
      'x-peer-id': 'syncline:a',
      'content-type': 'application/json',
    });
  });
});

test('a log in which something was erased is read on: what was said of it goes, and so does the row there', async () => {
  const [id, other] = [await ours.member.store('Erased'), await ours.member.store('Stays')];
  await deliver();
  await memories().erase([id], ann);
  const { origin } = ours.member.replica.identity();
  expect((await ours.member.replica.read(origin, 0))?.operations).toContain('');
  const second = await rig.old('host:second');
  await rig.delivery(ours, 'host:second', second.url).pass(signal);
  expect(second.peer.rows().map((row) => row.id)).toEqual([other]);
  await deliver();
  expect(old.rows().map((row) => row.id)).toEqual([other]);
  expect(
    ours.db.all('SELECT theirs, ours FROM compat_peer_row WHERE memory_id = ? AND peer = ?', id, 'host:old'),
  ).toEqual([{ theirs: null, ours: null }]);
  expect(await second.peer.catchUp(ours.listener.url)).toBe(1);
});

describe('nothing circles', () => {
  test('after both have spoken, nobody writes or sends any more', async () => {
    const { row } = await old.create({ title: 'Theirs' });
    const id = await ours.member.store('Ours');
    await deliver();
    await old.update(id, { content: 'edited there' });
    rig.tick();
    await old.update(row.id, { content: 'edited there' });
    await deliver();
    const before = [written(), old.received.length];
    for (let i = 0; i < 3; i++) {
      for (const one of old.rows()) await old.broadcastRow(one);
      await deliver();
    }
    expect([written(), old.received.length]).toEqual(before);
    expect(await memories().get(id)).toMatchObject({ content: 'edited there' });
  });

  test('a lowered priority, which the peer does not take over, does not come back (D6)', async () => {
    const id = await ours.member.store('One', { priority: 8 });
    await deliver();
    await memories().update(id, { priority: 2 }, ann);
    await deliver();
    rig.tick();
    await old.update(id, { content: 'edited there' });
    expect(await memories().get(id)).toMatchObject({ priority: 2, content: 'edited there' });
  });

  test('a deleted memory that a peer still has does not come back, and the peer is told again (D1, D2, T1)', async () => {
    const id = await ours.member.store('One');
    await deliver();
    const kept = old.get(id)!;
    rig.tick();
    await memories().delete(id, ann);
    await deliver();
    // It comes back there from a backup, or from a third node that never heard of it.
    old.put(kept);
    await old.update(id, { content: 'edited there' });
    expect(await memories().get(id)).toBeNull();
    await deliver();
    expect(old.get(id)).toBeNull();
  });
});

describe('a peer whose clock is an hour off (D8)', () => {
  test('ahead: our later edit still wins there, and nothing of ours is dated into the future', async () => {
    const { peer, url } = await rig.old('host:ahead', 3_600_000);
    peer.peers.push(ours.listener.url);
    const ahead = rig.delivery(ours, 'host:ahead', url);
    const { row } = await peer.create({ title: 'From ahead' });
    expect(Date.parse((await memories().get(row.id))!.updated_at)).toBeLessThanOrEqual(rig.now_ms);
    rig.tick();
    await memories().update(row.id, { content: 'edited here, later' }, ann);
    await ahead.pass(signal);
    expect(peer.get(row.id)?.['content']).toBe('edited here, later');
  });

  test('behind: its edit of what it got from us loses, and both have the same then', async () => {
    const { peer, url } = await rig.old('host:behind', -3_600_000);
    peer.peers.push(ours.listener.url);
    const behind = rig.delivery(ours, 'host:behind', url);
    const id = await ours.member.store('Ours');
    await behind.pass(signal);
    rig.tick();
    await peer.update(id, { content: 'edited there' });
    await behind.pass(signal);
    expect([peer.get(id)?.['content'], (await memories().get(id))?.content]).toEqual([
      'content of Ours',
      'content of Ours',
    ]);
  });
});

describe('a peer that fails', () => {
  test('is caught up when it is back, in no more than it needs', async () => {
    old.failing = 503;
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => ours.member.store(`Memory ${i}`)));
    const first = await delivery.pass(signal);
    expect(first).toMatchObject({ accepted_items: 0, idle: 'circuit' });
    expect(first.next_due_ms).toBeGreaterThan(rig.now_ms);
    old.failing = null;
    rig.tick(3_600_000);
    expect(await delivery.pass(signal)).toMatchObject({ accepted_items: 20, idle: 'empty', next_due_ms: null });
    expect(old.rows().map(({ id }) => id)).toEqual(ids.sort());
  });

  test('a row that it skips is no acknowledgement and holds up no other (T9, T14, D3)', async () => {
    const good = await ours.member.store('Good');
    const bad = await ours.member.store('Bad', { source: 'nhi' });
    const more = await ours.member.store('More');
    await deliver();
    expect(
      old
        .rows()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([good, more].sort());
    expect(delivery.refused()).toMatchObject([{ row: 'memory', key: bad, attempts: 1 }]);
    await memories().update(bad, { source: 'api' }, ann);
    await deliver();
    expect(old.get(bad)).not.toBeNull();
    expect(delivery.refused()).toEqual([]);
  });

  test('more than fits in a body goes in several (D20)', async () => {
    const content = 'x '.repeat(30_000);
    const ids = await Promise.all(Array.from({ length: 60 }, (_, i) => ours.member.store(`Large ${i}`, { content })));
    await deliver();
    expect(old.rows().map(({ id }) => id)).toEqual(ids.sort());
    expect(old.received.length).toBeLessThanOrEqual(3);
    for (const { body } of old.received) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(2 * 1024 * 1024);
  });
});

describe('an old peer that pulls', () => {
  test('gets everything, in small pages, whatever the times are (D10, D11)', async () => {
    const ids = await Promise.all(Array.from({ length: 25 }, (_, i) => ours.member.store(`Memory ${i}`)));
    while ((await old.catchUp(ours.listener.url, 4)) > 0);
    expect(old.rows().map(({ id }) => id)).toEqual(ids.sort());
    rig.tick();
    await memories().update(ids[3]!, { content: 'changed' }, ann);
    expect(await old.catchUp(ours.listener.url)).toBe(1);
    expect(old.get(ids[3]!)?.['content']).toBe('changed');
    expect(await old.catchUp(ours.listener.url)).toBe(0);
  });
});
