/** R11 for memories: what is erased is in no byte of any file, here at once, at the others when all know of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ann, bob, MemoryMember, pull, settle, vectors } from '../../test/support/memory-member.ts';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import { covers, meetVectors, placeOf } from './origin.ts';

/** Its own stem, so that the index would hold it as it is. */
const WORD = 'archaeopterix';

let folder: { path: string; remove: () => void };
let members: MemoryMember[] = [];
beforeEach(() => (folder = scratchDirectory()));
afterEach(async () => {
  for (const member of members) {
    expect(await member.engine.verify()).toEqual([]);
    await member.close();
  }
  members = [];
  folder.remove();
});

function open(...names: string[]): MemoryMember[] {
  members = names.map((name) => new MemoryMember(name, join(folder.path, `${name}.db`)));
  return members;
}

/** Files of a member that hold the word, as bytes on the disk. */
function filesWith(member: MemoryMember, word = WORD): string[] {
  return readdirSync(folder.path)
    .filter((name) => name.startsWith(`${member.name}.db`))
    .filter((name) => readFileSync(join(folder.path, name)).toString('latin1').toLowerCase().includes(word));
}

/** The first knows what the others have, as replication tells it. */
function knowing(a: MemoryMember, ...others: MemoryMember[]): void {
  const receipt = (operation: string) => {
    const place = placeOf(operation)!;
    const on = [a, ...others].filter(({ replica }) => covers(replica.vector(), place)).map(({ name }) => name);
    return { operation, durable_on: on.length, members: others.length + 1, on };
  };
  a.replica.useDurability({ receipt, wait: async (operation) => receipt(operation) });
}

const stable = (...all: MemoryMember[]) => meetVectors([...vectors(...all).values()]);

describe('an erased memory', () => {
  test('is in no byte of any file: rows, operations, index, outcomes of keys; and others stay', async () => {
    const [a] = open('a') as [MemoryMember];
    for (let i = 0; i < 40; i++) await a.store(`heron ${i}`, { content: `heron ${i} `.repeat(40) });
    const keyed = { ...ann, idempotency_key: 'k' };
    const id = await a.store('Bird', { content: `the ${WORD} flies`, tags: [WORD], metadata: { of: WORD } }, keyed);
    await a.memories.update(id, { content: `two ${WORD}s` }, ann);
    await a.memories.archive([id], `about a ${WORD}`, ann);
    await a.memories.restore(id, ann);
    expect(filesWith(a)).not.toEqual([]);

    const { result } = await a.memories.erase([id], ann);
    expect(result).toEqual({ erased: [id], log_keeps: [] });
    expect(filesWith(a)).toEqual([]);
    expect(await a.memories.get(id)).toBeNull();
    expect(await a.memories.count({})).toBe(40);
    expect((await a.memories.search({ text: 'heron 7' })).length).toBeGreaterThan(0);
    // The key is still taken: a late repeat of the store brings nothing back.
    const again = await a.memories.store(
      { title: 'Bird', content: `the ${WORD} flies`, tags: [WORD], metadata: { of: WORD } },
      keyed,
    );
    expect(again.replayed).toBe(true);
    expect(await a.memories.count({})).toBe(40);
    await a.reopen();
    expect(await a.memories.get(id)).toBeNull();
    expect(filesWith(a)).toEqual([]);
  });

  test('is deleted at the others, whatever they had; all stay equal', async () => {
    const [a, b, c] = open('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    const id = await a.store('Bird', { content: WORD });
    const other = await a.store('Tree');
    await a.memories.link({ source_id: id, target_id: other }, ann);
    await pull(b, a);
    await b.memories.update(id, { tags: [WORD] }, bob);
    await pull(a, b);
    knowing(a, b, c);
    expect((await a.memories.erase([id], ann)).result).toEqual({ erased: [id], log_keeps: [id] });
    expect(filesWith(a)).not.toEqual([]);
    await settle(a, b, c);
    const texts = await Promise.all([a, b, c].map((member) => member.canonical()));
    expect(new Set(texts).size).toBe(1);
    expect(new Set([a, b, c].map((member) => member.replica.root())).size).toBe(1);
    expect(await b.memories.get(id)).toBeNull();
    expect(await b.titles()).toEqual(['Tree']);
    // All have it: now what it said goes here, too.
    expect((await a.memories.erase([id], ann)).result).toEqual({ erased: [], log_keeps: [] });
    expect(filesWith(a)).toEqual([]);
    expect(await a.canonical()).toBe(texts[0]);
  });

  test('goes from the files of the others when every member has the delete, and not before', async () => {
    const [a, b, c] = open('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    const id = await a.store('Bird', { content: WORD });
    await settle(a, b, c);
    knowing(a, b, c);
    await a.memories.erase([id], ann);
    await pull(b, a);
    expect(await b.replica.forgetTexts(stable(a, b, c))).toEqual({ emptied: 0 });
    expect(filesWith(b)).not.toEqual([]);
    await settle(a, b, c);
    expect(await b.replica.forgetTexts(stable(a, b, c))).toEqual({ emptied: 1 });
    expect(filesWith(b)).toEqual([]);
    expect(await b.replica.forgetTexts(stable(a, b, c))).toEqual({ emptied: 0 });
    // The same after an ordinary delete, which is looked through in its order.
    const next = await b.store('Fish', { content: `${WORD} fish` }, bob);
    await settle(a, b, c);
    await c.memories.delete(next, ann);
    await settle(a, b, c);
    for (const member of [a, b, c]) await member.replica.forgetTexts(stable(a, b, c));
    for (const member of [a, b, c]) expect(filesWith(member)).toEqual([]);
    const [late] = [new MemoryMember('d', join(folder.path, 'd.db'))];
    members.push(late);
    await pull(late, b);
    expect(await late.canonical()).toBe(await b.canonical());
  });

  test('may be stored again: the new life keeps what it says', async () => {
    const [a] = open('a') as [MemoryMember];
    const id = await a.store('Bird', { content: WORD });
    await a.memories.erase([id], ann);
    await a.memories.import(
      { memories: [{ id, title: 'Bird', content: 'an ostrich' }], links: [] },
      { ...ann, revive: true },
    );
    expect((await a.memories.get(id))?.content).toBe('an ostrich');
    const { emptied } = await a.replica.forgetTexts(a.replica.vector());
    expect(emptied).toBe(0);
    expect((await a.memories.history(id)).map(({ kind }) => kind)).toEqual(['delete', 'store']);
    await a.reopen();
    expect((await a.memories.get(id))?.content).toBe('an ostrich');
  });
});

describe('an erased pending action', () => {
  const asking = async (member: MemoryMember): Promise<string> => {
    const rule = { namespace: 'team', governance: { write: 'approve', approver: 'human' } };
    await member.memories.setStandard(rule, ann);
    const request = { title: 'Bird', content: `the ${WORD} flies`, namespace: 'team' };
    const { result } = await member.memories.store(request, bob);
    return result.status === 'pending' ? result.pending_id : '';
  };

  test('is found by what it asks for, and is in no byte of any file', async () => {
    const [a] = open('a') as [MemoryMember];
    const id = await asking(a);
    const row = { id, namespace: 'team', state: 'pending', created_at: null, agent_id: 'bob' };
    expect(await a.memories.erasable({ text: WORD })).toEqual([row]);
    expect(await a.memories.erasable({ id: id.slice(0, 20) })).toEqual([row]);
    expect(await a.memories.erasable({ namespace: 'team' })).toContainEqual(row);
    expect(filesWith(a)).not.toEqual([]);
    expect((await a.memories.erase([id], ann)).result).toEqual({ erased: [id], log_keeps: [] });
    expect(filesWith(a)).toEqual([]);
    expect(await a.memories.pending({})).toEqual([]);
    await expect(a.memories.approve(id, ann)).rejects.toMatchObject({ code: 'memory.not_found' });
    expect(await a.memories.erasable({ text: WORD })).toEqual([]);
    await a.reopen();
    expect(await a.memories.pendingAction(id)).toBeNull();
  });

  test('goes with its decision; what was approved is a memory of its own and found beside it', async () => {
    const [a] = open('a') as [MemoryMember];
    const id = await asking(a);
    const keyed = { ...ann, idempotency_key: 'yes' };
    const { memory_id } = (await a.memories.approve(id, keyed)).result;
    const found = await a.memories.erasable({ text: WORD });
    expect(found.map(({ id: one, state }) => [one, state]).sort()).toEqual(
      [
        [id, 'pending'],
        [memory_id, 'live'],
      ].sort(),
    );
    await a.memories.erase([id, memory_id!], ann);
    expect(filesWith(a)).toEqual([]);
  });

  test('goes everywhere, and from the logs when all have it; who comes late is equal', async () => {
    const [a, b, c] = open('a', 'b', 'c') as [MemoryMember, MemoryMember, MemoryMember];
    const id = await asking(a);
    await settle(a, b, c);
    await c.memories.approve(id, ann);
    knowing(a, b, c);
    expect((await a.memories.erase([id], ann)).result.log_keeps).toEqual([id]);
    await settle(a, b, c);
    const { memory_id } = {
      memory_id: (await b.memories.list({ namespace: 'team' })).find(({ title }) => title === 'Bird')?.id,
    };
    expect(memory_id).toBeDefined();
    await b.memories.delete(memory_id!, ann).catch(() => undefined);
    await b.memories.erase([memory_id!], ann);
    await settle(a, b, c);
    for (const member of [a, b, c]) await member.replica.forgetTexts(stable(a, b, c));
    for (const member of [a, b, c]) expect(filesWith(member)).toEqual([]);
    const late = new MemoryMember('d', join(folder.path, 'd.db'));
    members.push(late);
    await pull(late, b);
    expect(await late.canonical()).toBe(await b.canonical());
    expect(late.replica.root()).toBe(a.replica.root());
  });
});

describe('what could be erased', () => {
  test('is found by the beginning of an id, a namespace with those below it, and a text that stood there', async () => {
    const [a] = open('a') as [MemoryMember];
    const ids = {
      top: await a.store('one', { namespace: 'team' }),
      below: await a.store('two', { namespace: 'team/ops', content: `A "${WORD}" said` }),
      beside: await a.store('three', { namespace: 'teams' }),
    };
    const found = async (query: object): Promise<string[]> => (await a.memories.erasable(query)).map(({ id }) => id);
    expect(await found({ id: ids.top })).toEqual([ids.top]);
    expect(await found({ namespace: 'team' })).toEqual([ids.top, ids.below]);
    expect(await found({ text: `"${WORD.toUpperCase()}"` })).toEqual([ids.below]);
    await a.memories.update(ids.below, { content: 'nothing' }, ann);
    expect(await found({ text: WORD })).toEqual([ids.below]);
    await a.memories.delete(ids.below, ann);
    expect(await a.memories.erasable({ text: WORD })).toEqual([
      { id: ids.below, namespace: '', state: 'deleted', created_at: null, agent_id: null },
    ]);
    await a.memories.erase([ids.below], ann);
    expect(await found({ text: WORD })).toEqual([]);
    await expect(a.memories.erasable({ text: ' ' })).rejects.toMatchObject({ code: 'memory.invalid' });
    await expect(a.memories.erasable({ id: '0' })).rejects.toMatchObject({ code: 'memory.ambiguous' });
  });
});
