import { afterEach, describe, expect, test } from 'vitest';
import { MemoryCluster } from '../../../test/support/memory-cluster.ts';
import { ann } from '../../../test/support/memory-member.ts';
import type { Answer } from './transport.ts';

let cluster: MemoryCluster;
afterEach(async () => {
  await cluster.close();
  expect(cluster.defects).toEqual([]);
});

const UNREACHED: Answer = { ok: false, kind: 'unreached', message: 'nobody there' };

function equal(...names: string[]): () => boolean {
  return () => {
    const [first, ...rest] = names.map((name) => cluster.nodes.get(name)!.member.replica);
    return rest.every(
      (one) => one.root() === first!.root() && JSON.stringify(one.vector()) === JSON.stringify(first!.vector()),
    );
  };
}

describe('sending', () => {
  test('one push carries all that was committed while another was under way', async () => {
    cluster = new MemoryCluster();
    const { member } = cluster.add('a');
    cluster.add('b');
    cluster.pair('ab');
    cluster.start();
    await cluster.until(() => cluster.nodes.get('a')!.replication.status().peers[0]?.link?.state === 'following');
    const before = cluster.count('ab', 'push');
    const writes = Promise.all(Array.from({ length: 64 }, (_, i) => member.store(`title ${i}`)));
    await cluster.time.settle();
    await writes;
    await cluster.until(() => member.memories.replica.root() === cluster.nodes.get('b')!.member.replica.root());
    expect(cluster.count('ab', 'push') - before).toBeLessThanOrEqual(2);
  });

  test('a write that waits for one other member is told to one at once, and to the other with those that follow', async () => {
    cluster = new MemoryCluster({ linger_ms: 10 });
    const { member } = cluster.add('a');
    cluster.add('b');
    cluster.add('c');
    cluster.pair('ab', 'ac');
    cluster.start();
    const links = (): (string | undefined)[] =>
      cluster.nodes
        .get('a')!
        .replication.status()
        .peers.map(({ link }) => link?.state);
    await cluster.until(() => links().every((state) => state === 'following'));
    const WRITES = 8;
    const before = [cluster.count('ab', 'push'), cluster.count('ac', 'push')];
    const began_ms = cluster.time.monotonic_ms();
    for (let i = 0; i < WRITES; i++) {
      const { operations } = await member.memories.store({ title: `title ${i}`, content: 'c' }, ann);
      let durable_on = 0;
      void member.memories.waitDurable(operations[0]!, 2, 1000).then((receipt) => (durable_on = receipt.durable_on));
      await cluster.until(() => durable_on >= 2);
    }
    // Nobody waited for the linger.
    expect(cluster.time.monotonic_ms() - began_ms).toBeLessThan(WRITES * 5);
    await cluster.until(equal('a', 'b', 'c'));
    const pushes = [cluster.count('ab', 'push') - before[0]!, cluster.count('ac', 'push') - before[1]!];
    expect(pushes[0]! + pushes[1]!).toBeLessThanOrEqual(1.5 * WRITES);
  });

  test('while writes come without a pause and none waits, a push carries what came in the meantime', async () => {
    cluster = new MemoryCluster({ linger_ms: 10 });
    const { member } = cluster.add('a');
    cluster.add('b');
    cluster.pair('ab');
    cluster.start();
    await cluster.until(() => cluster.nodes.get('a')!.replication.status().peers[0]?.link?.state === 'following');
    const before = cluster.count('ab', 'push');
    cluster.meddle = ({ verb }) => {
      // One more is written while the push is under way.
      if (verb === 'push') void member.store(`during ${cluster.count('ab', 'push')}`);
      return null;
    };
    for (let i = 0; i < 50; i++) {
      await member.store(`title ${i}`);
      await cluster.time.pass(2);
    }
    cluster.meddle = () => null;
    await cluster.until(equal('a', 'b'));
    expect(cluster.count('ab', 'push') - before).toBeLessThanOrEqual(12);
  });

  describe('a long way to catch up', () => {
    const OPERATIONS = 1500;
    const behind = async (): Promise<{ reads: number[]; pushes: () => number }> => {
      cluster = new MemoryCluster();
      const { member } = cluster.add('a');
      cluster.add('b');
      cluster.pair('ab');
      for (let first = 0; first < OPERATIONS; first += 500)
        await member.memories.storeMany(
          Array.from({ length: 500 }, (_, i) => ({ title: `title ${first + i}`, content: 'c' })),
          { caller: { agent_id: 'ann' } },
        );
      const reads: number[] = [];
      const read = member.replica.read.bind(member.replica);
      member.replica.read = (origin, after, limits) => {
        reads.push(after);
        return read(origin, after, limits);
      };
      return { reads, pushes: () => cluster.count('ab', 'push') };
    };

    test('the next push is made ready while one is under way', async () => {
      const { reads, pushes } = await behind();
      const read_while_under_way: boolean[] = [];
      cluster.meddle = ({ verb }) => {
        if (verb === 'push') read_while_under_way.push(reads.includes(1000));
        return null;
      };
      cluster.start();
      await cluster.until(equal('a', 'b'));
      expect([pushes(), read_while_under_way[0]]).toEqual([2, true]);
    });

    test('what was made ready is not sent when the peer got some of it elsewhere meanwhile', async () => {
      const { pushes } = await behind();
      const [a, b] = ['a', 'b'].map((name) => cluster.nodes.get(name)!.member.replica);
      const elsewhere = async (): Promise<void> => {
        for (const [after, max_items] of [
          [0, 1000],
          [1000, 200],
        ] as const)
          await b!.apply((await a!.read('a.1', after, { max_items }))!);
      };
      cluster.meddle = ({ verb }) => {
        if (verb === 'push' && pushes() === 1) void elsewhere();
        return null;
      };
      cluster.start();
      await cluster.until(equal('a', 'b'));
      const sent = cluster.said.filter(({ verb }) => verb === 'push').map(({ body }) => body.split('\n')[0]!);
      expect(sent.map((head) => (JSON.parse(head) as { pages: { first: number }[] }).pages[0]!.first)).toEqual([
        1, 1201,
      ]);
    });
  });

  test('who is reached by a peer pulls nothing from it, however long they go on talking', async () => {
    cluster = new MemoryCluster();
    cluster.add('a');
    const { member } = cluster.add('b');
    cluster.pair('ab', 'ba');
    // When a greets, b has not reached it yet and says so; then they never pause for another greeting.
    cluster.start();
    for (let i = 0; i < 80; i++) {
      await member.store(`title ${i}`);
      await cluster.time.pass(1000);
    }
    expect(equal('a', 'b')()).toBe(true);
    expect(cluster.count('ab', 'pull')).toBeLessThanOrEqual(5);
  });

  test('who is reached by a peer no longer pulls again', async () => {
    cluster = new MemoryCluster();
    const { member } = cluster.add('a');
    cluster.add('b');
    cluster.pair('ab', 'ba');
    cluster.start();
    await cluster.until(equal('a', 'b'));
    cluster.meddle = ({ from }) => (from === 'a' ? UNREACHED : null);
    await member.store('only b can fetch it');
    await cluster.until(equal('a', 'b'), 120_000);
    expect(cluster.count('ba', 'pull')).toBeGreaterThan(0);
  });

  test('a third member’s operations are relayed only to whoever still lacks them after a while (R3)', async () => {
    cluster = new MemoryCluster({ relay_delay_ms: 1000 });
    for (const name of 'abc') cluster.add(name);
    cluster.pair('ab', 'ba', 'ac', 'ca', 'bc', 'cb');
    cluster.start();
    await cluster.time.pass(5000);
    cluster.said.length = 0;
    for (let i = 0; i < 10; i++) {
      await cluster.nodes.get('a')!.member.store(`title ${i}`);
      await cluster.time.pass(100);
    }
    await cluster.time.pass(10_000);
    expect(equal('a', 'b', 'c')()).toBe(true);
    expect(cluster.count('bc', 'push') + cluster.count('cb', 'push')).toBe(0);
    expect(cluster.count('ba', 'push') + cluster.count('ca', 'push')).toBe(0);
  });

  test('who cannot reach the origin is given its operations by others', async () => {
    cluster = new MemoryCluster();
    for (const name of 'abc') cluster.add(name);
    cluster.pair('ab', 'ba', 'ac', 'ca', 'bc', 'cb');
    cluster.meddle = ({ from, to }) => ([from, to].sort().join('') === 'ac' ? UNREACHED : null);
    cluster.start();
    await cluster.nodes.get('a')!.member.store('over b');
    await cluster.until(equal('a', 'b', 'c'));
  });

  test('a peer that does not answer is tried again, ever more seldom, and caught up when it is back', async () => {
    cluster = new MemoryCluster();
    cluster.add('a');
    cluster.add('b');
    cluster.pair('ab');
    cluster.meddle = () => UNREACHED;
    cluster.start();
    await cluster.nodes.get('a')!.member.store('kept');
    await cluster.time.pass(3_600_000);
    const tries = cluster.said.length;
    expect(tries).toBeGreaterThan(60);
    expect(tries).toBeLessThan(300);
    expect(cluster.nodes.get('a')!.replication.status().peers[0]).toMatchObject({ waiting: 1, heard_ms: null });
    cluster.meddle = () => null;
    await cluster.until(equal('a', 'b'));
  });

  test('a peer that answers but takes nothing is not asked without end (R5)', async () => {
    cluster = new MemoryCluster();
    const { member } = cluster.add('a');
    cluster.add('b');
    cluster.pair('ab');
    cluster.start('a');
    cluster.meddle = ({ verb }) => {
      if (verb !== 'push') return null;
      const standing = { dialect: 1, origin: 'b.1', vector: {}, root: '00', acks: [] };
      return { ok: true, body: JSON.stringify(standing) };
    };
    await member.store('not taken');
    await cluster.time.pass(600_000);
    expect(cluster.count('ab', 'push')).toBeLessThan(60);
  });
});

describe('parked operations (R4)', () => {
  test('hold their origin at that peer, and no other', async () => {
    cluster = new MemoryCluster({ parked_retry_ms: 60_000 });
    // The clock of z is two days ahead: what it writes is parked by everybody until their clocks are there.
    const ahead = { now_ms: () => cluster.time.now_ms() + 2 * 86_400_000, monotonic_ms: cluster.time.monotonic_ms };
    cluster.add('a');
    cluster.add('b');
    const { member: z } = cluster.add('z', { clock: ahead });
    cluster.pair('zb', 'ab');
    cluster.start();
    await z.store('from the future');
    await cluster.time.pass(1000);
    await cluster.nodes.get('a')!.member.store('from today');
    await cluster.time.pass(10_000);
    const { member: b } = cluster.nodes.get('b')!;
    expect(await b.titles()).toEqual(['from today']);
    expect(await b.replica.parked()).toHaveLength(1);
    const link = cluster.nodes.get('z')!.replication.status().peers[0]?.link;
    expect(link?.held).toMatchObject([{ origin: 'z.1', sequence: 1 }]);
    const pushed = cluster.count('zb', 'push');
    await cluster.time.pass(600_000);
    expect(cluster.count('zb', 'push') - pushed).toBeLessThanOrEqual(11);
    cluster.time.step(2 * 86_400_000);
    await cluster.until(async () => (await b.titles()).length === 2);
  });
});

describe('a log that no longer reaches back', () => {
  test.each(['ab', 'ba'])('gives all rows instead, whoever dials (%s)', async (way) => {
    cluster = new MemoryCluster();
    const { member: a } = cluster.add('a');
    for (let i = 0; i < 30; i++) await a.store(`title ${i}`);
    cluster.time.step(1000);
    const { removed } = await a.replica.retain(a.replica.vector(), cluster.time.now_ms());
    expect(removed).toBe(29);
    cluster.add('b');
    cluster.pair(way);
    cluster.start();
    await cluster.until(equal('a', 'b'));
    expect(await cluster.nodes.get('b')!.member.canonical()).toBe(await a.canonical());
    expect(cluster.count(way, way === 'ab' ? 'seed' : 'snapshot')).toBeGreaterThan(0);
    await a.store('and then by operations');
    await cluster.until(equal('a', 'b'));
  });

  /** A member whose log begins late, and one that needs all its rows: they go in three pages, one a table. */
  async function begin(way: string): Promise<'seed' | 'snapshot'> {
    cluster = new MemoryCluster();
    const { member: a } = cluster.add('a');
    for (let i = 0; i < 5; i++) await a.store(`title ${i}`);
    cluster.time.step(1000);
    await a.replica.retain(a.replica.vector(), cluster.time.now_ms());
    cluster.add('b');
    cluster.pair(way);
    return way === 'ab' ? 'seed' : 'snapshot';
  }

  test.each(['ab', 'ba'])('goes on where it was cut (%s)', async (way) => {
    const asked = await begin(way);
    let pages = 0;
    cluster.meddle = ({ verb }) => (verb === asked && ++pages === 3 ? UNREACHED : null);
    cluster.start();
    await cluster.until(equal('a', 'b'));
    expect(cluster.count(way, asked)).toBe(4);
  });

  test.each(['ab', 'ba'])('what is written meanwhile comes by operations (%s)', async (way) => {
    const asked = await begin(way);
    const [a, b] = ['a', 'b'].map((name) => cluster.nodes.get(name)!);
    let pages = 0;
    cluster.meddle = ({ verb }) => {
      if (verb === asked && ++pages === 1) void a!.member.store('after the first page');
      return null;
    };
    cluster.start();
    await cluster.until(async () => pages >= 3 && (await b!.member.titles()).includes('after the first page'));
    await cluster.until(equal('a', 'b'));
    expect([...a!.alarms, ...b!.alarms]).toEqual([]);
  });
});

describe('damaged rows', () => {
  test.each([
    ['a text', `UPDATE memory SET state = replace(state, 'content of', 'contend of') WHERE title = 'one'`],
    ['a checksum', `UPDATE memory SET hash = zeroblob(8) WHERE title = 'one'`],
  ])('%s that the disk changed is taken from a peer, and no operation is written', async (_, damage) => {
    cluster = new MemoryCluster({ upkeep_ms: 10_000 });
    const { member: a, replication, alarms } = cluster.add('a');
    cluster.add('b');
    cluster.pair('ab');
    cluster.start();
    await a.store('one');
    await a.store('two');
    await cluster.until(equal('a', 'b'));
    const memories = async (): Promise<string[]> =>
      (await a.canonical()).split('\n').filter((line) => line.startsWith('["memory"'));
    const before = await memories();
    a.db.run(damage);
    await cluster.until(() => alarms.some(({ kind }) => kind === 'mended'));
    expect(await memories()).toEqual(before);
    expect((await a.replica.read('a.1', 0))!.operations.filter((text) => text.includes('"kind":"state"'))).toEqual([]);
    expect(replication.status().damaged).toBe(0);
    expect(equal('a', 'b')()).toBe(true);
    const { hash } = a.db.get<{ hash: Uint8Array }>(`SELECT hash FROM memory WHERE title = 'one'`)!;
    expect(Buffer.from(hash).equals(Buffer.alloc(8))).toBe(false);
  });

  test('a member that dials nobody is given what was damaged by whoever dials it', async () => {
    cluster = new MemoryCluster({ upkeep_ms: 10_000 });
    const { member: a, replication, alarms } = cluster.add('a');
    const { member: b } = cluster.add('b');
    cluster.pair('ba');
    cluster.start();
    await a.store('one');
    await cluster.until(equal('a', 'b'));
    const memories = async (member: typeof a): Promise<string[]> =>
      (await member.canonical()).split('\n').filter((line) => line.startsWith('["memory"'));
    const before = await memories(b);
    a.db.run(`UPDATE memory SET state = replace(state, 'content of', 'contend of') WHERE title = 'one'`);
    await cluster.until(() => alarms.some(({ kind }) => kind === 'mended'));
    expect([await memories(a), await memories(b)]).toEqual([before, before]);
    expect(replication.status().damaged).toBe(0);
    expect(equal('a', 'b')()).toBe(true);
  });

  test('what no peer has as it stood here is left and reported', async () => {
    cluster = new MemoryCluster({ upkeep_ms: 10_000 });
    const { member: a, replication } = cluster.add('a');
    await a.store('one');
    a.db.run(`UPDATE memory SET state = replace(state, 'content of', 'contend of')`);
    cluster.start();
    await cluster.until(() => replication.status().damaged === 1);
  });
});

describe('identity (R6, R10)', () => {
  test('two machines under one number are refused, and people are told', async () => {
    cluster = new MemoryCluster();
    const { member: a, alarms, replication } = cluster.add('a');
    cluster.add('b');
    cluster.pair('ab');
    const shared = { why: 'identity_shared', sequence: 1, reason: 'a known operation has another text' };
    cluster.meddle = ({ verb }) => {
      if (verb !== 'push') return null;
      const acks = [{ origin: 'a.1', through: 1, outcomes: '', stopped: shared }];
      return { ok: true, body: JSON.stringify({ dialect: 1, origin: 'b.1', vector: {}, root: '00', acks }) };
    };
    cluster.start();
    await a.store('one');
    await cluster.time.pass(5000);
    expect(alarms).toEqual([{ kind: 'identity_shared', member: 'b', origin: 'a.1', sequence: 1 }]);
    expect(replication.status().peers[0]?.link?.state).toBe('refused');
  });

  /** `a` and a copy of it that does not know that it is one, and two others. */
  const twins = (settings = {}): void => {
    cluster = new MemoryCluster(settings);
    let given = 1;
    const nextIncarnation = (): string => `${++given}`;
    cluster.add('a', { nextIncarnation });
    cluster.add('x', { member: 'a', nextIncarnation });
    cluster.add('b');
    cluster.add('c');
  };

  test('a copy that numbers on where its original does is told, takes another number, and loses nothing', async () => {
    twins();
    cluster.pair('xb', 'ab');
    const [a, x] = ['a', 'x'].map((name) => cluster.nodes.get(name)!);
    await a!.member.store('of the original');
    await a!.member.store('and more');
    await x!.member.store('of the copy');
    const kept = await x!.member.memories.update(
      await x!.member.store('kept'),
      { priority: 9 },
      { caller: { agent_id: 'ann' } },
    );
    const [last] = kept.operations;
    cluster.start('a', 'b');
    await cluster.until(equal('a', 'b'));
    const receipt = x!.member.memories.waitDurable(last!, 2, 60_000);
    cluster.start('x');
    await cluster.until(equal('a', 'b', 'x'));
    expect((await receipt).durable_on).toBe(2);
    expect(await a!.member.titles()).toEqual(['and more', 'kept', 'of the copy', 'of the original']);
    expect(x!.alarms.map(({ kind }) => kind)).toEqual(['identity_shared', 'renewed']);
    expect(x!.member.replica.identity().origin).toBe('a.2');
    expect(a!.member.replica.identity().origin).toBe('a.1');
  });

  test('a copy that never wrote fetches for itself, though the others reach its original', async () => {
    twins();
    cluster.pair('xb', 'ab', 'ba');
    cluster.start('a', 'b');
    await cluster.until(() => cluster.nodes.get('b')!.replication.status().peers[0]?.link?.state === 'following');
    cluster.start('x');
    await cluster.time.pass(60_000);
    await cluster.nodes.get('b')!.member.store('of another');
    await cluster.until(equal('a', 'b', 'x'));
    expect(cluster.nodes.get('b')!.alarms.map(({ kind }) => kind)).toContain('member_cloned');
  });

  test('members that took different branches of one origin join all of both', async () => {
    twins();
    cluster.pair('ab', 'xc');
    const [a, x, b, c] = ['a', 'x', 'b', 'c'].map((name) => cluster.nodes.get(name)!);
    await a!.member.store('of the original');
    await x!.member.store('of the copy');
    cluster.start('a', 'x');
    await cluster.until(() => equal('a', 'b')() && equal('x', 'c')());
    await a!.member.store('and more');
    await cluster.until(equal('a', 'b'));
    // The machines themselves are gone; two others meet who have heard one each.
    cluster.meddle = ({ from }) => (from === 'a' || from === 'x' ? UNREACHED : null);
    cluster.pair('bc');
    cluster.start('b', 'c');
    await cluster.until(equal('b', 'c'));
    expect(await c!.member.titles()).toEqual(['and more', 'of the copy', 'of the original']);
    const shared = { kind: 'identity_shared', member: 'c', origin: 'a.1', sequence: 1 };
    expect(b!.alarms).toContainEqual(shared);
    expect(c!.alarms).toContainEqual({ ...shared, member: 'b' });
  });

  test('what one of two branches deleted is not forgotten before they have met, however busy the members are (R9)', async () => {
    twins({ upkeep_ms: 50 });
    cluster.pair('bc');
    const [a, x, b, c] = ['a', 'x', 'b', 'c'].map((name) => cluster.nodes.get(name)!.member);
    const id = await b!.store('to be deleted');
    for (const one of [a!, x!, c!]) await one.replica.apply((await b!.replica.read('b.1', 0))!);
    await a!.memories.delete(id, { caller: { agent_id: 'ann' } });
    await x!.store('of the copy');
    await b!.replica.apply((await a!.replica.read('a.1', 0))!);
    await c!.replica.apply((await x!.replica.read('a.1', 0))!);
    // The machines themselves are gone. Whenever c says something to b, it has just written: roots are not compared.
    let busy = true;
    const apply = c!.replica.apply.bind(c!.replica);
    c!.replica.apply = async (page) => {
      const applied = await apply(page);
      if (busy) await c!.store(`of c ${c!.replica.vector()['c.1'] ?? 0}`);
      return applied;
    };
    for (const name of 'bc') cluster.nodes.get(name)!.replication.forget(['a']);
    await c!.store('of c');
    cluster.start('b', 'c');
    for (let i = 0; i < 50; i++) {
      await b!.store(`of b ${i}`);
      await cluster.time.pass(20);
    }
    busy = false;
    await cluster.until(equal('b', 'c'));
    for (const one of [b!, c!]) expect(await one.titles()).not.toContain('to be deleted');
    expect(await b!.titles()).toContain('of the copy');
    await cluster.until(async () => (await b!.memories.statistics()).tombstones === 0, 3_600_000);
  });

  test('somebody who is not paired is refused', async () => {
    cluster = new MemoryCluster();
    const { replication } = cluster.add('a');
    cluster.add('b');
    const body = JSON.stringify({ dialect: 1, origin: 'b.1', vector: {}, root: '00' });
    await expect(replication.answer('b', 'hello', body, new AbortController().signal)).rejects.toMatchObject({
      code: 'memory.not_paired',
    });
  });
});

describe('reads', () => {
  test('a session reads at another member what it wrote at the first', async () => {
    cluster = new MemoryCluster();
    const { member: a, replication } = cluster.add('a');
    const { replication: there, member: b } = cluster.add('b');
    cluster.pair('ab');
    cluster.start();
    await cluster.time.pass(1000);
    await a.store('mine');
    const signal = new AbortController().signal;
    const barrier = there.readBarrier({ level: 'session', token: replication.readToken() }, 10_000, signal);
    expect(await b.titles()).toEqual([]);
    await cluster.time.pass(100);
    await barrier;
    expect(await b.titles()).toEqual(['mine']);
  });

  test('a read that cannot be as fresh as wanted says so', async () => {
    cluster = new MemoryCluster();
    const { replication } = cluster.add('a');
    const signal = new AbortController().signal;
    const barrier = replication.readBarrier({ level: 'session', token: 'b.1:7' }, 1000, signal);
    const told = expect(barrier).rejects.toMatchObject({ code: 'memory.behind' });
    await cluster.time.pass(3000);
    await told;
  });

  test('a quorum read sees what enough members had', async () => {
    cluster = new MemoryCluster({ greet_ms: 3_600_000 });
    const { replication, member: a } = cluster.add('a');
    const { member: b } = cluster.add('b');
    cluster.pair('ab');
    cluster.start();
    await cluster.time.pass(1000);
    await b.store('only at b');
    const barrier = replication.readBarrier({ level: 'quorum', members: 2 }, 60_000, new AbortController().signal);
    await cluster.time.pass(60_000);
    await barrier;
    expect(await a.titles()).toEqual(['only at b']);
  });
});

describe('upkeep (R9)', () => {
  test('tombstones go when all have them, and not while one is silent', async () => {
    cluster = new MemoryCluster({ upkeep_ms: 10_000 });
    for (const name of 'abc') cluster.add(name);
    cluster.pair('ab', 'ac', 'bc');
    const { member: a } = cluster.nodes.get('a')!;
    let cut = true;
    cluster.meddle = ({ from, to }) => (cut && (from === 'c' || to === 'c') ? UNREACHED : null);
    cluster.start();
    const id = await a.store('to be deleted');
    await a.memories.delete(id, { caller: { agent_id: 'ann' } });
    await cluster.time.pass(600_000);
    expect((await a.memories.statistics()).tombstones).toBe(1);
    cut = false;
    for (const name of 'abc') {
      await cluster.nodes.get(name)!.member.store(`of ${name}`);
      await cluster.time.pass(30_000);
    }
    await cluster.until(async () => (await a.memories.statistics()).tombstones === 0, 3_600_000);
    await cluster.until(equal('a', 'b', 'c'));
    expect(await cluster.nodes.get('c')!.member.titles()).not.toContain('to be deleted');
  });
});
