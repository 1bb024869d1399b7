import { afterEach, describe, expect, test } from 'vitest';
import { MemoryMember, ann, settle } from '../../../test/support/memory-member.ts';
import type { Replica } from '../replica.ts';
import { reconcile, type ReconcilePeer } from './reconcile.ts';

const open: MemoryMember[] = [];
afterEach(async () => {
  for (const member of open.splice(0)) await member.close();
});

function member(name: string): MemoryMember {
  const made = new MemoryMember(name);
  open.push(made);
  return made;
}

function asPeer(replica: Replica): ReconcilePeer {
  return {
    digest: (prefixes) => Promise.all(prefixes.map((prefix) => replica.digest(prefix))),
    states: (keys) => replica.states(keys),
    repair: async (rows) => (await replica.repair(rows)).length,
  };
}

/** Two members with the same rows; then the given damage is done to the first one's file, and it is opened anew. */
async function damaged(rows: number, damage: string): Promise<[MemoryMember, MemoryMember]> {
  const scratch = await import('../../../test/support/scratch-directory.ts').then((m) => m.scratchDirectory());
  const a = new MemoryMember('aa', `${scratch.path}/a.db`);
  const b = member('bb');
  open.push(a);
  for (let i = 0; i < rows; i += 500)
    await a.memories.storeMany(
      Array.from({ length: Math.min(500, rows - i) }, (_, k) => ({
        title: `title ${i + k}`,
        content: `content ${i + k}`,
      })),
      ann,
    );
  await settle(a, b);
  expect(a.replica.root()).toBe(b.replica.root());
  a.db.exec(damage);
  await a.reopen();
  return [a, b];
}

describe('anti-entropy (R8)', () => {
  test('equal members ask one question', async () => {
    const [a, b] = await damaged(20, 'SELECT 1');
    expect(await reconcile(a.replica, asPeer(b.replica))).toMatchObject({ rows: 0, operations: 0, messages: 1 });
  });

  test.each(['lost', 'differing'])(
    'one %s row of 3,000 is found in few messages and repaired on both sides',
    async (how) => {
      const row = 'memory_key = (SELECT memory_key FROM memory ORDER BY id LIMIT 1 OFFSET 1234)';
      const damage =
        how === 'lost'
          ? `DELETE FROM memory WHERE ${row}`
          : `UPDATE memory SET hash = x'0011223344556677' WHERE ${row}`;
      const [a, b] = await damaged(3000, damage);
      expect(a.replica.vector()).toEqual(b.replica.vector());
      expect(a.replica.root()).not.toBe(b.replica.root());
      const found = await reconcile(a.replica, asPeer(b.replica));
      expect(found.rows).toBe(1);
      expect(found.messages).toBeLessThanOrEqual(8);
      if (how === 'differing') return;
      await settle(a, b);
      expect(a.replica.root()).toBe(b.replica.root());
      expect(await a.canonical()).toBe(await b.canonical());
    },
  );

  test('what only the peer lost is repaired there', async () => {
    const [a, b] = await damaged(200, 'DELETE FROM memory WHERE memory_key % 10 = 0');
    const found = await reconcile(b.replica, asPeer(a.replica));
    expect(found).toMatchObject({ rows: 20, operations: 20 });
    await settle(a, b);
    expect(await a.canonical()).toBe(await b.canonical());
    expect(a.replica.root()).toBe(b.replica.root());
  });
});
