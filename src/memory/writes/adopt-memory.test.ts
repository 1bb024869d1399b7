import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryMember, NOW, ann, bob, settle } from '../../../test/support/memory-member.ts';
import type { ImportedMemory } from '../memories.ts';

let a: MemoryMember;
let b: MemoryMember;
beforeEach(() => {
  a = new MemoryMember('a');
  b = new MemoryMember('b');
});
afterEach(async () => {
  await a.close();
  await b.close();
});

const version = (content: string, at_ms: number, more: Partial<ImportedMemory> = {}): ImportedMemory => ({
  id: 'm-1',
  title: 'Elsewhere',
  content,
  adopted_at: new Date(at_ms).toISOString(),
  ...more,
});

async function take(member: MemoryMember, memory: ImportedMemory): Promise<void> {
  const { result } = await member.memories.import({ memories: [memory], links: [] }, member === a ? ann : bob);
  expect(result.errors).toEqual([]);
}

describe('a memory that several members take in from elsewhere', () => {
  test('is one memory; the newer version wins, wherever it came in', async () => {
    await take(a, version('new', NOW - 1000));
    a.clock.ms += 5000;
    b.clock.ms += 5000;
    await take(b, version('old', NOW - 9000));
    await settle(a, b);
    expect((await b.memories.get('m-1'))?.content).toBe('new');
    expect(await a.canonical()).toBe(await b.canonical());
  });

  test('keeps what was changed here, though another member hears of it only now', async () => {
    await take(a, version('first', NOW - 1000));
    await a.memories.update('m-1', { content: 'changed here' }, ann);
    b.clock.ms += 60_000;
    await take(b, version('first', NOW - 1000));
    await settle(a, b);
    expect((await b.memories.get('m-1'))?.content).toBe('changed here');
  });

  test('stays deleted, though another member hears of it only after the deletion, and from a clock that is ahead (M4)', async () => {
    await take(a, version('first', NOW - 1000));
    await a.memories.delete('m-1', ann);
    b.clock.ms += 60_000;
    await take(b, version('edited there', NOW + 3_600_000));
    await settle(a, b);
    expect([await a.memories.get('m-1'), await b.memories.get('m-1')]).toEqual([null, null]);
    await take(a, version('once more', NOW + 7_200_000));
    expect(await a.memories.get('m-1')).toBeNull();
  });

  test('two of one title are told apart the same way everywhere', async () => {
    await take(a, version('x', NOW - 1000));
    await take(b, version('y', NOW - 1000, { id: 'm-2' }));
    await settle(a, b);
    expect(await a.titles()).toEqual(['Elsewhere', 'Elsewhere (2)']);
    expect(await a.titles()).toEqual(await b.titles());
    expect((await a.memories.get('m-1'))?.title).toBe((await b.memories.get('m-1'))?.title);
  });

  test('its times are those of elsewhere', async () => {
    await take(a, version('x', NOW - 1000, { created_at: '2026-01-01T00:00:00.5Z' }));
    expect(await a.memories.get('m-1')).toMatchObject({
      created_at: '2026-01-01T00:00:00.500000000+00:00',
      updated_at: '2027-01-15T07:59:59.000000000+00:00',
    });
  });
});
