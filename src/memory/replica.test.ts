import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  MemoryMember,
  NOW,
  ann,
  bob,
  eve,
  pull,
  pullOrigin,
  settle,
  vectors,
} from '../../test/support/memory-member.ts';
import { authored, storeOf } from '../../test/support/memory-operations.ts';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import { MAX_AHEAD_MS } from './clock/hybrid-clock.ts';
import { formatStamp } from './clock/stamp.ts';
import { formatOperation, type Operation } from './operation.ts';
import type { DigestEntry, RowState } from './replica.ts';
import { DigestTree } from './store/digest-tree.ts';
import { allHashes } from './store/snapshot.ts';

const members: MemoryMember[] = [];
const trio = (...names: string[]): MemoryMember[] => {
  const made = names.map((name) => new MemoryMember(name));
  members.push(...made);
  return made;
};
afterEach(async () => {
  for (const made of members.splice(0)) {
    expect(await made.engine.verify()).toEqual([]);
    expect(rootOf(made)).toBe(made.replica.root());
    await made.close();
  }
});

/** The root as a restart would find it. */
function rootOf({ db }: MemoryMember): string {
  const tree = new DigestTree();
  for (const { place, hash } of allHashes(db)) tree.change({ place, before: null, after: hash });
  return tree.root();
}

async function expectEqual(...all: MemoryMember[]): Promise<void> {
  const texts = await Promise.all(all.map((made) => made.canonical()));
  for (const [i, made] of all.entries()) {
    expect(made.replica.vector()).toEqual(all[0]!.replica.vector());
    expect(texts[i]).toBe(texts[0]);
    expect(made.replica.root()).toBe(all[0]!.replica.root());
  }
}

describe('convergence (M3, T11)', () => {
  const act = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom(
      'store',
      'update',
      'delete',
      'archive',
      'restore',
      'link',
      'unlink',
      'promote',
      'standard',
      'clear',
      'recall',
      'expire',
      'revive',
      'stabilise',
      'stabilise',
      'pull everything',
      'pull',
      'pull',
      'repeat',
    ),
    a: fc.nat(9),
    b: fc.nat(9),
    advance: fc.integer({ min: -3_600_000, max: 40_000_000 }),
  });

  test('whatever is written where, however pages come: members with equal vectors are equal, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
        const all = [new MemoryMember('a'), new MemoryMember('b'), new MemoryMember('c')];
        for (const step of acts) await perform(all, step);
        // Else some keep aside what the others wrote in their future.
        const latest = Math.max(...all.map(({ clock }) => clock.ms));
        for (const { clock } of all) clock.ms = latest;
        await settle(...all);
        await expectEqual(...all);
        for (const made of all) {
          expect(rootOf(made)).toBe(made.replica.root());
          await made.close();
        }
      }),
      { numRuns: 40, endOnFailure: true },
    );
  }, 120_000);
});

interface Act {
  who: number;
  what: string;
  a: number;
  b: number;
  advance: number;
}

async function perform(all: MemoryMember[], { who, what, a, b, advance }: Act): Promise<void> {
  const me = all[who]!;
  const other = all[(who + 1 + (b % 2)) % 3]!;
  me.clock.ms = Math.max(NOW - 3_600_000, me.clock.ms + advance);
  const rows = await me.memories.list({ limit: 100 });
  const one = rows[a % Math.max(1, rows.length)]?.id ?? 'none';
  const two = rows[b % Math.max(1, rows.length)]?.id ?? 'none';
  const steps: Record<string, () => Promise<unknown>> = {
    store: () =>
      me.store(`title ${a}`, {
        namespace: b % 2 ? 'n' : 'global',
        on_conflict: b % 3 ? 'version' : 'merge',
        tier: b % 2 ? 'short' : 'mid',
      }),
    update: () => me.memories.update(one, { priority: b + 1, title: `title ${b}`, metadata: { k: b } }, bob),
    delete: () => me.memories.delete(one, ann),
    archive: () => me.memories.archive([one], 'x', ann),
    restore: async () => me.memories.restore((await me.memories.archived({}))[0]?.id ?? 'none', ann),
    link: () => me.memories.link({ source_id: one, target_id: two }, ann),
    unlink: () => me.memories.unlink(one, two, undefined, ann),
    promote: () => me.memories.promote(one, b % 2 ? 'n' : undefined, ann),
    standard: () => me.memories.setStandard({ namespace: 'n', id: one }, ann),
    clear: () => me.memories.clearStandard('n', ann),
    recall: () => me.memories.recall({ context: 'title' }, eve.caller),
    expire: () => me.memories.archiveExpired(),
    revive: () =>
      me.memories.import(
        { memories: [{ id: `m${a % 3}`, title: `again ${a}`, content: 'c' }], links: [] },
        { ...ann, revive: true },
      ),
    stabilise: () => me.replica.stabilise(vectors(...all), vectors(...all)),
    'pull everything': () => settle(...all),
    pull: () => pull(me, other, 1 + (a % 4)),
    repeat: async () => {
      const page = await other.replica.read(`${other.name}.1`, 0, { max_items: 1 + a });
      if (page) await me.replica.apply(page);
    },
  };
  try {
    await steps[what]!();
  } catch (error) {
    // What is not there, or has a title already, is refused; anything else is a fault.
    if (!/^memory\.(not_found|conflict|invalid)$/.test((error as { code?: string }).code ?? '')) throw error;
  }
}

describe('deletes stay deleted (M4)', () => {
  test('a peer that was away, edited and comes back: gone everywhere, also after all is sent again (T1)', async () => {
    const [a, b, c] = trio('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    const id = await a.store('T');
    await settle(a, b, c);
    await a.memories.delete(id, ann);
    await pull(b, a);
    c.clock.ms += 1000;
    await c.memories.update(id, { title: 'edited later' }, bob);
    await settle(a, b, c);
    await expectEqual(a, b, c);
    for (const made of [a, b, c]) expect(await made.titles()).toEqual([]);
    for (const origin of ['a.1', 'c.1']) {
      const page = (await c.replica.read(origin, 0))!;
      const { items } = await b.replica.apply(page);
      expect(new Set(items.map(({ outcome }) => outcome))).toEqual(new Set(['already']));
    }
    expect(await b.titles()).toEqual([]);
    const again = await a.memories.import(
      { memories: [{ id, title: 'T', content: 'again' }], links: [] },
      { ...ann, revive: true },
    );
    expect(again.result.imported).toBe(1);
    await settle(a, b, c);
    expect(await c.titles()).toEqual(['T']);
  });

  test('tombstones go when everybody has all that was written before they had them, everywhere alike (M9)', async () => {
    const [a, b, c] = trio('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    const [gone, kept] = [await a.store('gone'), await a.store('kept')];
    await a.memories.link({ source_id: gone, target_id: kept }, ann);
    await settle(a, b, c);
    await a.memories.delete(gone, ann);
    await settle(a, b);
    // c has not heard of it, and edits; the clocks of all are past the delete.
    for (const made of [a, b, c]) made.clock.ms += 1000;
    for (const made of [a, b]) await made.store(`meanwhile of ${made.name}`);
    await c.memories.update(gone, { priority: 9 }, eve);
    for (const [to, from] of [
      [a, c],
      [b, c],
      [a, b],
      [b, a],
    ] as const)
      await pull(to, from);
    const stabilise = () => a.replica.stabilise(vectors(a, b, c), vectors(a, b, c));
    for (let i = 0; i < 5; i++) expect(await stabilise()).toEqual({ purged: 0 });
    await settle(a, b, c);
    for (const made of [a, b, c]) made.clock.ms += 10;
    for (const made of [a, b, c]) await made.store(`later of ${made.name}`);
    let purged = 0;
    for (let i = 0; i < 6 && purged === 0; i++) {
      await settle(a, b, c);
      ({ purged } = await stabilise());
    }
    // The memory, and the link that went with it.
    expect(purged).toBe(2);
    await pull(b, a);
    // Rows as a member has them that has not heard of the purge bring nothing back.
    for (const row of await snapshotOf(c)) if (row.row !== 'floor') await b.replica.applySnapshot([row]);
    await settle(a, b, c);
    await expectEqual(a, b, c);
    for (const made of [a, b, c]) {
      expect(await made.canonical()).not.toContain(gone);
      expect((await made.memories.statistics()).tombstones).toBe(0);
    }
  });
});

test('what a purge leaves does not depend on what came before it: a memory that lives again, a link that nobody took out (M9)', async () => {
  const at = (ms: number, origin: string) => formatStamp({ ms: NOW + ms, counter: 0, origin });
  const texts = (...bodies: Parameters<typeof authored>[0][]) => bodies.map((body) => formatOperation(authored(body)));
  const link = { kind: 'link', source_id: 'x', target_id: 'y', relation: 'related_to', detail: {} } as const;
  const past = texts(
    storeOf('x', at(1, 'z.1')),
    storeOf('y', at(2, 'z.1')),
    { ...link, stamp: at(3, 'z.1') },
    { kind: 'delete', id: 'x', stamp: at(4, 'z.1') },
  );
  const pages = [
    {
      origin: 'p.1',
      first: 1,
      operations: texts({ kind: 'purge', before: at(5, 'a.1'), after: { 'z.1': 4 }, stamp: at(9, 'p.1') }),
    },
    { origin: 's.1', first: 1, operations: texts(storeOf('x', at(8, 's.1'))) },
  ];
  const [a, b] = trio('a', 'b') as [MemoryMember, MemoryMember];
  for (const made of [a, b]) {
    await made.replica.apply({ origin: 'z.1', first: 1, operations: past });
    for (const page of made === a ? pages : pages.toReversed()) await made.replica.apply(page);
  }
  await expectEqual(a, b);
});

test('the floor of a snapshot is taken when all is there that its giver had: logs still bring changes of what it forgets (M9)', async () => {
  const at = (ms: number, origin: string) => formatStamp({ ms: NOW + ms, counter: 0, origin });
  const texts = (...bodies: Parameters<typeof authored>[0][]) => bodies.map((body) => formatOperation(authored(body)));
  const life = at(1, 'z.1');
  const changed = texts({ kind: 'update', id: 'x', life, fields: { priority: 9 }, stamp: at(2, 'y.1') });
  const gone = texts(
    storeOf('x', life),
    { kind: 'delete', id: 'x', stamp: at(3, 'z.1') },
    { kind: 'purge', before: at(5, 'z.1'), after: { 'z.1': 2, 'y.1': 1 }, stamp: at(9, 'z.1') },
  );
  const [a, b] = trio('a', 'b') as [MemoryMember, MemoryMember];
  await a.replica.apply({ origin: 'y.1', first: 1, operations: changed });
  await a.replica.apply({ origin: 'z.1', first: 1, operations: gone });
  for (let after: string | null = ''; after !== null;) {
    const page = await a.replica.snapshot(after);
    await b.replica.applySnapshot(page.rows, { after, next: page.next, vector: a.replica.vector() });
    if (after === '') await b.replica.apply({ origin: 'z.1', first: 1, operations: gone.slice(0, 2) });
    after = page.next;
  }
  await b.replica.apply({ origin: 'y.1', first: 1, operations: changed });
  await b.replica.adopt(a.replica.vector());
  await expectEqual(a, b);
});

test('the same title on three members: all are kept, one order and one naming everywhere (T2, D5)', async () => {
  const [a, b, c] = trio('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
  for (const made of [a, b, c]) await made.store('T');
  await c.store('T (2)');
  await settle(a, b, c);
  await expectEqual(a, b, c);
  const naming = async (made: MemoryMember) =>
    (await made.memories.list({})).map(({ id, title }) => `${id} ${title}`).sort();
  expect(await naming(b)).toEqual(await naming(a));
  expect(await naming(c)).toEqual(await naming(a));
  expect(await a.titles()).toEqual(['T', 'T (2)', 'T (3)', 'T (4)']);
  const oldest = (await a.memories.list({})).find(({ title }) => title === 'T');
  expect(oldest?.written.member).toBe('a');
});

test('a rename, a move, and a swap of two titles replicate (T3, D4)', async () => {
  const [a, b] = trio('a', 'b') as [MemoryMember, MemoryMember];
  const [x, y] = [await a.store('X'), await a.store('Y')];
  await settle(a, b);
  for (const [id, title] of [
    [x, 'tmp'],
    [y, 'X'],
    [x, 'Y'],
  ] as const)
    await a.memories.update(id, { title }, ann);
  await b.memories.update(x, { namespace: 'moved' }, bob);
  await settle(a, b);
  await expectEqual(a, b);
  expect(await a.memories.get(x)).toMatchObject({ title: 'Y', namespace: 'moved' });
  expect(await b.memories.get(y)).toMatchObject({ title: 'X', namespace: 'global' });
});

describe('clocks (T5)', () => {
  test('members an hour off, one stepping back: the last edit that saw the others wins', async () => {
    const [a, b, c] = trio('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    a.clock.ms += 3_600_000;
    b.clock.ms -= 3_600_000;
    const id = await a.store('T');
    for (const [from, to, priority] of [
      [a, b, 2],
      [b, c, 3],
      [c, a, 4],
    ] as const) {
      await pull(to, from);
      to.clock.ms -= 5000;
      await to.memories.update(id, { priority }, ann);
    }
    await settle(a, b, c);
    expect((await a.memories.get(id))?.priority).toBe(4);
    await pull(b, a);
    await b.memories.update(id, { priority: 5 + 1 }, ann);
    await settle(a, b, c);
    for (const made of [a, b, c]) expect((await made.memories.get(id))?.priority).toBe(6);
  });

  test('an operation from the far future is kept aside, stalls only its own origin, and is taken when its time nears (M6)', async () => {
    const [a, b, c] = trio('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    c.clock.ms += MAX_AHEAD_MS + 3_600_000;
    await c.store('from the future');
    await a.store('of today');
    const page = (await c.replica.read('c.1', 0))!;
    const { stopped, items, through } = await b.replica.apply(page);
    expect([through, stopped, items]).toEqual([
      0,
      { why: 'parked', sequence: 1, reason: 'memory.stamp_ahead' },
      [{ operation: 'c.1:1', outcome: 'rejected', reason: 'memory.stamp_ahead' }],
    ]);
    await pull(b, a);
    expect([await b.titles(), b.replica.vector()]).toEqual([['of today'], { 'a.1': 1 }]);
    expect(await b.replica.parked()).toEqual([{ operation: 'c.1:1', reason: 'memory.stamp_ahead', since_ms: NOW }]);
    b.clock.ms += 3_600_000;
    expect((await b.replica.retryParked())[0]).toMatchObject({ through: 1, stopped: null });
    expect([await b.titles(), await b.replica.parked()]).toEqual([['from the future', 'of today'], []]);
  });
});

describe('pages', () => {
  const foreign = (sequence: number, change: Partial<Operation> = {}): string =>
    formatOperation({
      ...authored(storeOf(`m${sequence}`, formatStamp({ ms: NOW, counter: sequence, origin: 'z.1' }))),
      ...change,
    } as Operation);

  test('what a newer program wrote is kept aside with all that follows of its origin, until it can be read (M6, D23)', async () => {
    const [b] = trio('b') as [MemoryMember];
    const operations = [foreign(1), foreign(2, { kind: 'teleport' } as never), foreign(3)];
    const first = await b.replica.apply({ origin: 'z.1', first: 1, operations });
    expect([first.through, first.stopped]).toEqual([1, { why: 'parked', sequence: 2, reason: 'memory.unknown_kind' }]);
    expect(first.items.map(({ outcome }) => outcome)).toEqual(['applied', 'rejected']);
    expect(await b.replica.parked()).toMatchObject([{ operation: 'z.1:2' }]);
    expect((await b.replica.apply({ origin: 'z.1', first: 3, operations: [foreign(3)] })).stopped?.why).toBe('gap');
    expect((await b.replica.apply({ origin: 'z.1', first: 2, operations: [foreign(2), foreign(3)] })).through).toBe(3);
    expect(await b.replica.parked()).toEqual([]);
  });

  test('two that share an identity are found out, and nothing of the page is taken (M2)', async () => {
    const [a, b, twin] = trio('a', 'b', 'a') as [MemoryMember, MemoryMember, MemoryMember];
    await a.store('one');
    await twin.store('another');
    await twin.store('more');
    await pull(b, a);
    const before = await b.canonical();
    const page = (await twin.replica.read('a.1', 0))!;
    expect((await b.replica.apply(page)).stopped).toMatchObject({ why: 'identity_shared', sequence: 1 });
    expect((await a.replica.apply(page)).stopped).toMatchObject({ why: 'identity_shared' });
    expect([await b.canonical(), b.replica.vector()]).toEqual([before, { 'a.1': 1 }]);
  });

  test('a page that follows another operation than ours is refused (M2)', async () => {
    const [a, b, twin] = trio('a', 'b', 'a') as [MemoryMember, MemoryMember, MemoryMember];
    await a.store('one');
    await twin.store('another');
    await twin.store('more');
    await pull(b, a);
    const page = (await twin.replica.read('a.1', 1))!;
    expect((await b.replica.apply(page)).stopped).toMatchObject({ why: 'identity_shared', sequence: 1 });
    expect(b.replica.vector()).toEqual({ 'a.1': 1 });
    expect((await b.replica.apply({ ...page, follows: '' })).stopped).toBeNull();
  });

  test('a new incarnation tells again what stood after the common part, also when the process died in between', async () => {
    let given = 1;
    const a = new MemoryMember('a', ':memory:', { nextIncarnation: () => `${++given}` });
    const [b] = trio('b') as [MemoryMember];
    members.push(a);
    await a.store('common');
    await pull(b, a);
    const id = await a.store('only here');
    const { operations } = await a.memories.delete(await a.store('gone'), ann);
    const before = await a.canonical();
    expect(await a.replica.renew(1)).toMatchObject({ origin: 'a.2', told: 2, restamped: 0 });
    expect(a.replica.vector()).toEqual({ 'a.1': 1, 'a.2': 2 });
    expect(await a.canonical()).toBe(before);
    const [origin = '', sequence = ''] = operations[0]!.split(':');
    expect(a.replica.standsAt({ origin, sequence: Number(sequence) })).toEqual({ origin: 'a.2', sequence: 2 });
    expect(a.replica.standsAt({ origin, sequence: 1 })).toEqual({ origin, sequence: 1 });
    await pull(b, a);
    await expectEqual(a, b);
    expect(await a.memories.get(id)).not.toBeNull();
  });

  test('a process that died in the middle of that ends it at its next start', async () => {
    const scratch = scratchDirectory();
    let given = 1;
    const a = new MemoryMember('a', join(scratch.path, 'a.db'), { nextIncarnation: () => `${++given}` });
    const [b] = trio('b') as [MemoryMember];
    await a.store('common');
    await pull(b, a);
    await a.store('only here');
    a.db.run('INSERT INTO told_anew (origin, kept) VALUES (?, 1)', 'a.1');
    await a.reopen();
    expect([a.replica.identity().origin, a.replica.vector()]).toEqual(['a.2', { 'a.1': 1, 'a.2': 1 }]);
    await pull(b, a);
    await expectEqual(a, b);
    await a.close();
    scratch.remove();
  });

  test('what a clock that was days ahead has stamped is written again with times of now, and wins nothing by them', async () => {
    let given = 1;
    const a = new MemoryMember('a', ':memory:', { nextIncarnation: () => `${++given}` });
    const [b] = trio('b') as [MemoryMember];
    members.push(a);
    const id = await a.store('from before');
    await settle(a, b);
    a.clock.ms += 2 * MAX_AHEAD_MS;
    await a.memories.update(id, { title: 'of the wrong year' }, ann);
    const other = await a.store('new in the wrong year');
    await a.memories.link({ source_id: id, target_id: other }, ann);
    await a.memories.delete(await a.store('deleted in the wrong year'), ann);
    await settle(a, b);
    expect(await b.titles()).toEqual(['from before']);
    a.clock.ms = b.clock.ms += 60_000;
    expect(await a.replica.renew(1)).toMatchObject({ origin: 'a.2', told: 5, restamped: 5 });
    await settle(a, b);
    await expectEqual(a, b);
    expect(await b.titles()).toEqual(['new in the wrong year', 'of the wrong year']);
    b.clock.ms += 60_000;
    await b.memories.update(id, { title: 'of the right year' }, ann);
    await settle(a, b);
    expect(await a.titles()).toEqual(['new in the wrong year', 'of the right year']);
    expect(await b.replica.parked()).toEqual([]);
  });

  test('a member whose own operations others know better has been put back to an older state (design §5 rule 11)', async () => {
    const [a, b, older] = trio('a', 'b', 'a') as [MemoryMember, MemoryMember, MemoryMember];
    await a.store('one');
    await pull(b, a);
    expect((await older.replica.apply((await b.replica.read('a.1', 0))!)).stopped).toMatchObject({
      why: 'identity_shared',
      sequence: 1,
    });
    await expect(older.replica.adopt({ 'a.1': 1 })).rejects.toMatchObject({ code: 'memory.identity_shared' });
  });

  test('operations with the stamp of another origin are refused', async () => {
    const [b] = trio('b') as [MemoryMember];
    const { stopped } = await b.replica.apply({ origin: 'y.1', first: 1, operations: [foreign(1)] });
    expect(stopped?.reason).toBe('memory.foreign_stamp');
  });

  test('ten thousand rows of one moment in pages of five hundred: none is missing (T6)', async () => {
    const [a, b] = trio('a', 'b') as [MemoryMember, MemoryMember];
    for (let part = 0; part < 10; part++) {
      const requests = Array.from({ length: 1000 }, (_, i) => ({ title: `t ${part} ${i}`, content: 'c' }));
      await a.memories.storeMany(requests, ann);
    }
    await pullOrigin(b, a, 'a.1', 500);
    expect(await b.memories.count({})).toBe(10_000);
    await expectEqual(a, b);
  }, 120_000);

  test('pages keep within their bytes, but one operation always goes', async () => {
    const [a] = trio('a') as [MemoryMember];
    for (const title of ['A', 'B', 'C']) await a.store(title, { content: 'x'.repeat(1000) });
    const sizes = async (max_bytes: number) => (await a.replica.read('a.1', 0, { max_bytes }))!.operations.length;
    expect([await sizes(10), await sizes(3500), await sizes(1_000_000)]).toEqual([1, 2, 3]);
    expect(await a.replica.read('a.1', 3)).toEqual({
      follows: '',
      origin: 'a.1',
      first: 4,
      operations: [],
      more: false,
    });
  });

  test('what comes by way of another, late and old, is taken all the same (T7, D11)', async () => {
    const [a, b, c] = trio('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    await c.store('old of c');
    for (const made of [a, b]) made.clock.ms += 3_600_000;
    await a.store('new of a');
    await pull(b, a);
    await pull(a, c);
    await pull(b, a);
    expect(await b.titles()).toEqual(['new of a', 'old of c']);
  });

  test('any text is refused or kept aside, never taken, and breaks nothing', async () => {
    const [b] = trio('b') as [MemoryMember];
    const good = JSON.parse(foreign(1)) as Record<string, unknown>;
    const broken = fc.oneof(
      fc.string().filter((text) => text !== ''),
      fc.json(),
      fc
        .tuple(fc.constantFrom(...Object.keys(good)), fc.jsonValue())
        .map(([name, value]) => JSON.stringify({ ...good, [name]: value })),
      fc
        .record({
          v: fc.constant(1),
          kind: fc.constantFrom('state', 'pending', 'embedding', 'purge', 'link'),
          stamp: fc.constant(good['stamp']),
          by: fc.constant(good['by']),
          row: fc.constantFrom('memory', 'link', 'pending', 'namespace', 'floor'),
          key: fc.string(),
          state: fc.jsonValue(),
        })
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(broken, async (text) => {
        const before = b.replica.vector()['z.1'] ?? 0;
        const { stopped, through } = await b.replica.apply({ origin: 'z.1', first: before + 1, operations: [text] });
        if (stopped) expect(through).toBe(before);
        for await (const line of b.replica.canonical()) JSON.parse(line);
        await b.memories.list({ limit: 10 });
      }),
      { numRuns: 300 },
    );
    for (const page of [
      { origin: 'Z!', first: 1 },
      { origin: 'z.1', first: 0 },
      { origin: 'z.1', first: 1.5 },
    ])
      await expect(b.replica.apply({ ...page, operations: [] })).rejects.toMatchObject({ code: 'memory.page' });
    const many = Array<string>(1001).fill('x');
    await expect(b.replica.apply({ origin: 'z.1', first: 1, operations: many })).rejects.toMatchObject({
      code: 'memory.page',
    });
  });
});

describe('whole rows', () => {
  test('a new member takes a snapshot in small pages while others write, and goes on with operations', async () => {
    const [a, b, c] = trio('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    const ids = [];
    for (let i = 0; i < 20; i++) ids.push(await a.store(`t${i}`));
    await a.memories.link({ source_id: ids[0]!, target_id: ids[1]! }, ann);
    await a.memories.delete(ids[2]!, ann);
    await a.memories.setStandard({ namespace: 'n', id: ids[3]! }, ann);
    await settle(a, b);
    expect((await a.replica.retain({ 'a.1': 99 }, a.clock.ms + 1)).removed).toBeGreaterThan(0);
    expect(await a.replica.read('a.1', 0)).toBeNull();

    const vector = a.replica.vector();
    for (let after: string | null = ''; after !== null;) {
      const page = await a.replica.snapshot(after, { max_items: 3 });
      await c.replica.applySnapshot(page.rows);
      expect(c.replica.vector()).toEqual({});
      await a.memories.update(ids[5]!, { priority: 1 + (page.rows.length % 9) }, ann);
      after = page.next;
    }
    await c.replica.adopt(vector);
    expect(c.replica.vector()).toEqual(vector);
    await c.store('of c');
    await settle(a, b, c);
    await expectEqual(a, b, c);
  });

  test('a lost row is found in a few messages and repaired by an operation', async () => {
    const scratch = scratchDirectory();
    const a = new MemoryMember('a');
    const b = new MemoryMember('b', `${scratch.path}/memory.db`);
    await a.memories.storeMany(
      Array.from({ length: 1000 }, (_, i) => ({ title: `t ${i}`, content: 'c' })),
      ann,
    );
    await settle(a, b);
    const lost = (await b.memories.list({ limit: 1 }))[0]!.id;
    b.db.run('DELETE FROM memory WHERE id = ?', lost);
    await b.reopen();
    expect(a.replica.root()).not.toBe(b.replica.root());

    const { differing, messages } = await difference(a, b);
    expect(differing).toMatchObject([{ row: 'memory', key: lost }]);
    expect(messages).toBeLessThanOrEqual(10);
    const repaired = await b.replica.repair(await a.replica.states(differing));
    expect(repaired).toEqual(['b.1:1']);
    expect(await b.replica.repair(await a.replica.states(differing))).toEqual([]);
    await settle(a, b);
    await expectEqual(a, b);
    await a.close();
    await b.close();
    scratch.remove();
  });

  test('an erased operation keeps its place on the way', async () => {
    const [a, b] = trio('a', 'b') as [MemoryMember, MemoryMember];
    const id = await a.store('secret');
    await a.memories.delete(id, ann);
    await a.store('after');
    await a.engine.erase(id, NOW);
    await settle(a, b);
    expect([await b.titles(), b.replica.vector()]).toEqual([['after'], { 'a.1': 3 }]);
    expect((await a.memories.history(id)).length).toBe(0);
  });
});

async function snapshotOf(made: MemoryMember): Promise<RowState[]> {
  const rows: RowState[] = [];
  for (let after: string | null = ''; after !== null;) {
    const page = await made.replica.snapshot(after, { max_items: 2 });
    rows.push(...page.rows);
    after = page.next;
  }
  return rows;
}

/** Rows that differ, by walking down where hashes do. */
async function difference(a: MemoryMember, b: MemoryMember): Promise<{ differing: DigestEntry[]; messages: number }> {
  let messages = 0;
  const differing: DigestEntry[] = [];
  const walk = async (prefix: string): Promise<void> => {
    messages++;
    const [ours, theirs] = [await a.replica.digest(prefix), await b.replica.digest(prefix)];
    if (ours.hash === theirs.hash && ours.rows === theirs.rows) return;
    if (ours.entries && theirs.entries) {
      const known = new Set(theirs.entries.map(({ key, hash }) => `${key} ${hash}`));
      differing.push(...ours.entries.filter(({ key, hash }) => !known.has(`${key} ${hash}`)));
      return;
    }
    for (const [i, child] of (ours.children ?? theirs.children ?? []).entries()) {
      const other = (theirs.children ?? ours.children)?.[i];
      if (child.hash !== other?.hash || child.rows !== other.rows) await walk(child.prefix);
    }
  };
  await walk('');
  return { differing, messages };
}

describe('races of members', () => {
  test('an archive of what expired loses to an extension that was under way', async () => {
    const [a, b] = trio('a', 'b') as [MemoryMember, MemoryMember];
    const id = await a.store('T', { tier: 'short' });
    await settle(a, b);
    b.clock.ms += 5.5 * 3_600_000;
    await b.memories.recall({ context: 'T' }, ann.caller);
    a.clock.ms += 6 * 3_600_000;
    expect((await a.memories.archiveExpired()).archived).toBe(1);
    expect((await b.memories.archiveExpired()).archived).toBe(0);
    await settle(a, b);
    await expectEqual(a, b);
    expect((await a.memories.get(id))?.expires_at).toBe('2027-01-15T14:30:00.000000000+00:00');
  });

  test('archive, restore and delete at once, in every order of arrival (T12)', async () => {
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const all = trio('a', 'b', 'c', 'd') as [MemoryMember, MemoryMember, MemoryMember, MemoryMember];
      const [a, b, c, d] = all;
      const id = await a.store('T');
      await settle(...all);
      await a.memories.archive([id], 'x', ann);
      await pull(b, a);
      await b.memories.restore(id, ann);
      await c.memories.delete(id, ann);
      for (const i of order) await pullOrigin(d, [a, b, c][i]!, `${[a, b, c][i]!.name}.1`);
      await settle(...all);
      await expectEqual(...all);
      expect(await d.titles()).toEqual([]);
    }
  });
});
