/** Nodes of ai-memory as the daemon runs them: its loops, its configuration, a restart between. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BaselineMemoryPeer } from '../../../test/support/baseline-memory-peer.ts';
import { until } from '../../../test/support/condition.ts';
import { MemoryMember, NOW, ann } from '../../../test/support/memory-member.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { seededRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import type { OldPeerConfig } from './old-peer.ts';
import { OldPeers } from './old-peers.ts';

const WITHIN = { within_ms: 30_000 };

let scratch: ReturnType<typeof scratchDirectory>;
let member: MemoryMember;
let one: BaselineMemoryPeer;
let two: BaselineMemoryPeer;
let old_ms = NOW;
const running: { stop: () => Promise<void> }[] = [];

beforeEach(async () => {
  scratch = scratchDirectory();
  old_ms = NOW;
  member = new MemoryMember('a');
  one = new BaselineMemoryPeer({ name: 'host:one', now_ms: () => old_ms });
  two = new BaselineMemoryPeer({ name: 'host:two', now_ms: () => old_ms });
  await Promise.all([one.start(), two.start()]);
});
afterEach(async () => {
  for (const { stop } of running.splice(0)) await stop();
  await Promise.all([one.stop(), two.stop()]);
  await member.close();
  scratch.remove();
});

const peerOf = (peer: BaselineMemoryPeer, more: Partial<OldPeerConfig> = {}): OldPeerConfig => ({
  ...{ name: peer.name.slice(5), agent_id: peer.name, url: peer.url, send: ['team/**'], take: ['team/**'] },
  ...{ unscoped: false, senders: [], public_key: null, unsigned: true, api_key: null, tls: {}, insecure: false },
  ...more,
});

/** Opens them and runs their loops, as the supervisor does. */
function run(...peers: OldPeerConfig[]): { peers: OldPeers; stop: () => Promise<void>; failures: unknown[] } {
  const failures: unknown[] = [];
  const opened = new OldPeers({
    ...{ memories: member.memories, clock: member.clock, redactor: member.redactor, peers, version: '0' },
    ...{ random: seededRandom(3), timers: systemTimers, agent_id: 'syncline:a', pull_every_ms: 50 },
    database: join(scratch.path, 'compat.db'),
    keys_folder: join(scratch.path, 'keys'),
    listen: { host: '127.0.0.1', port: 0, tls: null, client_certificates: null, api_key: null },
    onDefect: (error) => void failures.push(error),
  });
  const over = new AbortController();
  const loops = opened.loops().map((loop) => loop.run(over.signal));
  const stop = async (): Promise<void> => {
    over.abort();
    await Promise.all(loops);
    await opened.close();
  };
  const started = { peers: opened, stop: once(stop), failures };
  running.push(started);
  return started;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= work());
}

const inTeam = (title: string, more: object = {}): Promise<string> =>
  member.store(title, { namespace: 'team/ops', scope: 'team', ...more });
const has = (peer: BaselineMemoryPeer, id: string): Promise<unknown> =>
  until(`${peer.name} has it`, () => peer.get(id) !== null, WITHIN);

test('what each has is remembered by its id: another order, another address, and nothing is sent again (D14)', async () => {
  const first = run(peerOf(one), peerOf(two, { send: ['team/two'] }));
  const [both, second] = [await inTeam('Both', { namespace: 'team/two' }), await inTeam('One')];
  await has(one, both);
  await has(two, both);
  await has(one, second);
  // Later than what it got from us, so that it is not behind the mark.
  old_ms += 5000;
  const { row } = await two.create({ title: 'By its MCP server', namespace: 'team', metadata: { scope: 'team' } });
  await until('it was pulled', async () => (await member.memories.get(row.id)) !== null, WITHIN);
  await has(one, row.id);
  await first.stop();
  const before = [one.received.length, two.received.length];
  const again = run(peerOf(two, { send: ['team/two'], name: 'renamed' }), peerOf(one));
  const fresh = await inTeam('Fresh', { namespace: 'team/two' });
  await has(one, fresh);
  await has(two, fresh);
  expect([one.received.length, two.received.length]).toEqual(before.map((count) => count + 1));
  expect(again.failures).toEqual([]);
});

test('namespaces that are added later bring what was passed over; those that are taken away stop', async () => {
  const first = run(peerOf(one, { send: ['team/a'] }));
  const [a, b] = [await inTeam('A', { namespace: 'team/a' }), await inTeam('B', { namespace: 'team/b' })];
  await has(one, a);
  expect(one.get(b)).toBeNull();
  await first.stop();
  const wider = run(peerOf(one, { send: ['team/b'] }));
  await has(one, b);
  await member.memories.update(a, { content: 'changed' }, ann);
  const last = await inTeam('Last', { namespace: 'team/b' });
  await has(one, last);
  // What it got under the former agreement it keeps, as it was.
  expect(one.get(a)?.['content']).toBe('content of A');
  expect(wider.failures).toEqual([]);
});

test('a peer without an address only speaks to us; one that nothing was said of gets and gives nothing', async () => {
  const { peers } = run(peerOf(one, { url: null }), peerOf(two, { send: [], take: [] }));
  await until('it listens', () => peers.port !== null, WITHIN);
  one.peers.push(`http://127.0.0.1:${peers.port}`);
  two.peers.push(`http://127.0.0.1:${peers.port}`);
  const id = await inTeam('Ours');
  const theirs = await one.create({ title: 'Theirs', namespace: 'team' });
  expect(theirs.sent).toMatchObject([{ status: 200, body: { applied: 1 } }]);
  const refused = await two.create({ title: 'Not asked for', namespace: 'team' });
  expect(refused.sent).toMatchObject([{ status: 200, body: { applied: 0, skipped: 1 } }]);
  expect(await one.catchUp(one.peers[0]!)).toBe(1);
  expect(one.get(id)).not.toBeNull();
  expect(await two.catchUp(two.peers[0]!)).toBe(0);
  expect(two.received).toEqual([]);
  expect(peers.status()).toMatchObject([
    { push: null, pull: null },
    { push: null, pull: null },
  ]);
});

test('after pause has returned nothing leaves, also not what was under way; resume goes on', async () => {
  const { peers } = run(peerOf(one));
  await has(one, await inTeam('Before'));
  await until('it is settled', () => peers.status()[0]?.waiting === 0, WITHIN);
  await peers.pause('one', null);
  const before = one.received.length;
  const id = await inTeam('While paused');
  const previews = await peers.preview(10);
  expect(previews).toMatchObject([{ peer: 'one', pushes: [{ items: 1 }] }]);
  expect(peers.status()).toMatchObject([{ is_paused: true, waiting: 1 }]);
  expect(one.received).toHaveLength(before);
  peers.resume('one');
  await has(one, id);
});

test('an outage is a state: since when, why, until when; it ends by itself', async () => {
  one.failing = 503;
  const { peers } = run(peerOf(one));
  const id = await inTeam('Waits');
  const [down] = await until(
    'it is seen',
    () => (peers.status()[0]?.push?.failing_since_ms ? peers.status() : null),
    WITHIN,
  );
  expect(down).toMatchObject({
    ...{ waiting: 1, oldest_waiting_ms: NOW },
    push: { failing_since_ms: NOW, last_error: { message: 'the peer answered 503' } },
  });
  one.failing = null;
  member.clock.ms += 3_600_000;
  peers.wake();
  await has(one, id);
  await until('the state is well', () => peers.status()[0]?.push?.failing_since_ms === null, WITHIN);
});

test('a start tries once, though it was to wait for long: somebody may have put things right', async () => {
  one.failing = 503;
  const first = run(peerOf(one));
  const id = await inTeam('Waits');
  await until('it is seen', () => (first.peers.status()[0]?.push?.failing_since_ms ?? null) !== null, WITHIN);
  await first.stop();
  one.failing = null;
  run(peerOf(one));
  await has(one, id);
});
