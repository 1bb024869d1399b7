import { afterEach, expect, test } from 'vitest';
import { until } from '../../../test/support/condition.ts';
import { MemoryMember } from '../../../test/support/memory-member.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { systemClock } from '../../platform/clock.ts';
import { systemRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import { InvitationFile, writeLink } from './pairing/invitation.ts';
import { joinByLink } from './pairing/join.ts';
import { openMemberCertificate, openMemberKey } from './pairing/member-key.ts';
import type { Alarm } from './members.ts';
import { PeerBook } from './pairing/peer-book.ts';
import { PeerService } from './peer-service.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Node {
  keys_dir: string;
  memory: MemoryMember;
  service: PeerService;
  alarms: Alarm[];
  defects: unknown[];
  stop: () => Promise<void>;
}

/** A member as the program runs it: keys and book in a folder, a store, links over TLS. */
function start(listen: boolean): Node {
  const scratch = scratchDirectory();
  const alarms: Alarm[] = [];
  const defects: unknown[] = [];
  const memory = new MemoryMember(openMemberKey(scratch.path).member);
  const service = new PeerService({
    replica: memory.replica,
    keys_dir: scratch.path,
    device: 'test',
    program: '0',
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    listen: listen ? { host: '127.0.0.1', port: 0 } : null,
    settings: { greet_ms: 200, relay_delay_ms: 50, pull_wait_ms: 2000 },
    onAlarm: (alarm) => alarms.push(alarm),
    onDefect: (error) => defects.push(error),
  });
  const ended = new AbortController();
  const running = service.run(ended.signal);
  const stop = async (): Promise<void> => {
    ended.abort();
    await running;
  };
  closing.push(async () => {
    await stop();
    await memory.close();
    scratch.remove();
  });
  return { keys_dir: scratch.path, memory, service, alarms, defects, stop };
}

async function pair(server: Node, joiner: Node, name: string): Promise<void> {
  await until('the server listens', () => server.service.port !== null);
  const url = `https://127.0.0.1:${server.service.port}`;
  const { secret } = new InvitationFile(server.keys_dir, systemClock).open({ name: 'server', url }, systemRandom);
  const own = await openMemberCertificate(joiner.keys_dir);
  const link = writeLink({ url, fingerprint: openMemberKey(server.keys_dir).fingerprint, secret });
  const { book } = joiner.service;
  await joinByLink({ link, own, book, name, url: null, clock: systemClock, signal: AbortSignal.timeout(10_000) });
}

test('two laptops that only dial out share their memory over one server (R14)', async () => {
  const [server, ann, bob] = [start(true), start(false), start(false)];
  await pair(server, ann, 'ann');
  await pair(server, bob, 'bob');
  const id = await ann.memory.store('from ann');
  await until('bob has it', async () => (await bob.memory.memories.get(id)) !== null);
  const back = await bob.memory.store('from bob');
  await until('ann has it', async () => (await ann.memory.memories.get(back)) !== null);
  expect((await ann.memory.memories.get(back))?.written.foreign).toBe(true);
  await until('equal roots', () => server.memory.replica.root() === ann.memory.replica.root());
  expect([...server.defects, ...ann.defects, ...bob.defects]).toEqual([]);
  expect([...server.alarms, ...ann.alarms, ...bob.alarms]).toEqual([]);
}, 60_000);

test('a write on the server waits for a laptop that nobody can dial', async () => {
  const [server, ann] = [start(true), start(false)];
  await pair(server, ann, 'ann');
  await until('ann is following', () => ann.service.replication.status().peers[0]?.link?.state === 'following');
  const { operations } = await server.memory.memories.store(
    { title: 'durable', content: 'on two disks' },
    { caller: { agent_id: 'test' } },
  );
  const receipt = await server.memory.memories.waitDurable(operations.at(-1)!, 2, 20_000);
  expect(receipt).toMatchObject({ durable_on: 2, members: 2, on: [server.memory.name, ann.memory.name] });
  expect(await ann.memory.titles()).toEqual(['durable']);
}, 60_000);

test('a member that is taken out hears nothing more', async () => {
  const [server, ann] = [start(true), start(false)];
  await pair(server, ann, 'ann');
  await until('ann is following', () => ann.service.replication.status().peers[0]?.link?.state === 'following');
  server.service.book.remove('ann');
  await server.memory.store('a secret');
  await until('ann is refused', () => ann.service.replication.status().peers[0]?.link?.state === 'refused');
  expect(await ann.memory.titles()).toEqual([]);
  await until('ann is gone', () => server.service.replication.members === 1);
}, 60_000);

test('a member that was away catches up when it comes back, and one that is started again is known at once', async () => {
  const [server, ann] = [start(true), start(false)];
  await pair(server, ann, 'ann');
  await until('ann is following', () => ann.service.replication.status().peers[0]?.link?.state === 'following');
  await ann.stop();
  for (let i = 0; i < 50; i++) await server.memory.store(`while away ${i}`);
  const ended = new AbortController();
  const again = ann.service.run(ended.signal);
  await until('ann caught up', async () => (await ann.memory.titles()).length === 50);
  expect(await ann.memory.canonical()).toBe(await server.memory.canonical());
  ended.abort();
  await again;
}, 60_000);

test.each(['the server', 'the laptop'])(
  'a member that is paused at %s gets nothing, also not as an answer, and all of it when it is resumed',
  async (whose) => {
    const [server, ann] = [start(true), start(false)];
    await pair(server, ann, 'ann');
    await until('ann is following', () => ann.service.replication.status().peers[0]?.link?.state === 'following');
    const [holder, other, name] = whose === 'the server' ? [server, ann, 'ann'] : [ann, server, 'server'];
    await holder.service.pause(name, null);
    // A pull of the laptop waits at the server all the while.
    await holder.memory.store('written meanwhile');
    expect((await holder.service.replication.preview(other.memory.name))?.body).toContain('written meanwhile');
    const link = () => ann.service.replication.status().peers[0]?.link?.state ?? null;
    await until('nobody talks', () => link() === (holder === ann ? null : 'unreachable'));
    expect(await other.memory.titles()).toEqual([]);
    expect(holder.service.status().peers[0]).toMatchObject({ name, paused: { until_ms: null }, waiting: 1 });
    await holder.service.resume(name);
    await until('it has it', async () => (await other.memory.titles()).length === 1, { within_ms: 60_000 });
    expect(holder.service.status().peers[0]?.paused).toBeNull();
    expect([...server.defects, ...ann.defects]).toEqual([]);
  },
  120_000,
);

test('a pause ends when its time has come, and is on disk', async () => {
  const [server, ann] = [start(true), start(false)];
  await pair(server, ann, 'ann');
  await until('ann is following', () => ann.service.replication.status().peers[0]?.link?.state === 'following');
  await ann.service.pause('server', Date.now() + 1500);
  expect(new PeerBook(ann.keys_dir).peers()[0]?.paused?.until_ms).toBeGreaterThan(Date.now());
  await ann.memory.store('written meanwhile');
  await until('the server has it', async () => (await server.memory.titles()).length === 1);
  expect(ann.service.status().peers[0]?.paused).toBeNull();
}, 60_000);
