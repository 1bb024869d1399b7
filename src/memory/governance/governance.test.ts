import { afterEach, describe, expect, test } from 'vitest';
import { MemoryMember, ann, bob, eve, pull, settle } from '../../../test/support/memory-member.ts';
import type { WriteOptions } from '../memories.ts';

const members: MemoryMember[] = [];
const member = (name = 'a'): MemoryMember => {
  const made = new MemoryMember(name);
  members.push(made);
  return made;
};
afterEach(async () => {
  for (const made of members.splice(0)) await made.close();
});

const rules = (made: MemoryMember, namespace: string, governance: object) =>
  made.memories.setStandard({ namespace, governance: governance as never }, ann);
const register = (made: MemoryMember, agent: string) =>
  made.memories.store({ title: `agent:${agent}`, content: 'x', namespace: '_agents' }, { caller: { agent_id: agent } });
const ask = async (made: MemoryMember, title: string, as: WriteOptions = bob): Promise<string> => {
  const { result } = await made.memories.store({ title, content: 'c', namespace: 'n' }, as);
  if (result.status !== 'pending') throw new Error('was done at once');
  return result.pending_id;
};

describe('policies', () => {
  test('any, registered, owner: who may, may at once; the others are refused', async () => {
    const a = member();
    await rules(a, 'n', { write: 'registered' });
    await expect(a.store('T', { namespace: 'n' }, bob)).rejects.toMatchObject({ code: 'memory.denied' });
    await register(a, 'Bob');
    const id = await a.store('T', { namespace: 'n' }, bob);
    await expect(a.memories.delete(id, eve)).rejects.toMatchObject({ code: 'memory.denied' });
    await expect(a.memories.archive([id], undefined, eve)).rejects.toMatchObject({ code: 'memory.denied' });
    expect((await a.memories.delete(id, bob)).result).toMatchObject({ deleted: true });
    await rules(a, 'o', { write: 'owner' });
    await expect(a.store('T', { namespace: 'o' }, bob)).rejects.toMatchObject({ code: 'memory.denied' });
    await a.store('T', { namespace: 'o' }, ann);
  });

  test('the nearest namespace that has a policy decides alone: parents by /, by -, by hand, and *', async () => {
    const a = member();
    await rules(a, '*', { write: 'owner' });
    await expect(a.store('T', { namespace: 'x' }, bob)).rejects.toMatchObject({ code: 'memory.denied' });
    await rules(a, 'x', { write: 'any' });
    await a.store('T', { namespace: 'x/y' }, bob);
    await a.store('T', { namespace: 'x-1-2' }, bob).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toMatchObject({ code: 'memory.denied' }),
    );
    const { result } = await a.memories.setStandard({ namespace: 'x-1-2' }, ann);
    expect(result.standard).toMatchObject({ parent: 'x', standard_id: expect.any(String) as string });
    await a.store('T', { namespace: 'x-1-2' }, bob);
    await a.memories.setStandard({ namespace: 'far', parent: 'x' }, ann);
    await a.store('T', { namespace: 'far/away' }, bob);
    expect((await a.memories.inheritedStandards('far/away')).map(({ namespace }) => namespace)).toEqual([
      '*',
      'x',
      'far',
    ]);
    await a.memories.clearStandard('x', ann);
    await expect(a.store('U', { namespace: 'x/y' }, bob)).rejects.toMatchObject({ code: 'memory.denied' });
  });

  test('a standard counts while its memory lives; circles of parents end', async () => {
    const a = member();
    await rules(a, 'n', { write: 'owner' });
    const standard = (await a.memories.standard('n'))!;
    await a.memories.setStandard({ namespace: 'n', id: standard.standard_id, parent: 'm' }, ann);
    await a.memories.setStandard({ namespace: 'm', parent: 'n' }, ann);
    expect((await a.memories.inheritedStandards('n')).map(({ namespace }) => namespace)).toEqual(['m', 'n']);
    await a.memories.archive([standard.standard_id], undefined, ann);
    expect(await a.memories.standard('n')).toBeNull();
    await a.store('T', { namespace: 'n' }, bob);
  });

  test.each([{}, { write: 'maybe' }, { write: 'any', approver: { consensus: 0 } }, { write: 'any', approver: 'god' }])(
    'a policy of another form is refused whole: %#',
    async (governance) => {
      const a = member();
      await expect(rules(a, 'n', governance)).rejects.toMatchObject({ code: 'memory.invalid' });
      // Nothing is left of what had been written before it was looked at.
      expect([await a.titles(), a.replica.vector(), a.replica.root()]).toEqual([[], {}, '0'.repeat(16)]);
    },
  );
});

describe('pending actions', () => {
  test('asked, approved, done, with what was asked and by whom; decided once', async () => {
    const a = member();
    await rules(a, 'n', { write: 'approve' });
    const id = await ask(a, 'T');
    expect(await a.titles('n')).toEqual(['_standard:n']);
    expect(await a.memories.pending({})).toMatchObject([
      { id, status: 'pending', action_type: 'store', requested_by: 'bob' },
    ]);
    const { result } = await a.memories.approve(id, ann);
    expect(result).toMatchObject({ decided: true, executed: true, pending: { status: 'approved', decided_by: 'ann' } });
    expect(await a.memories.get(result.memory_id!)).toMatchObject({ title: 'T', metadata: { agent_id: 'bob' } });
    await expect(a.memories.approve(id, ann)).rejects.toMatchObject({ code: 'memory.decided' });
    await expect(a.memories.reject('nope', ann)).rejects.toMatchObject({ code: 'memory.not_found' });
  });

  test('only the agent that the policy names decides; a rejected one does nothing; an old one expires', async () => {
    const a = member();
    await rules(a, 'n', { write: 'approve', approver: { agent: 'ann' } });
    const [one, two] = [await ask(a, 'A'), await ask(a, 'B')];
    await expect(a.memories.approve(one, eve)).rejects.toMatchObject({ code: 'memory.denied' });
    expect((await a.memories.reject(one, ann)).result.pending.status).toBe('rejected');
    a.clock.ms += 86_400_000;
    expect((await a.memories.pendingAction(two))?.status).toBe('expired');
    await expect(a.memories.approve(two, ann)).rejects.toMatchObject({ code: 'memory.decided' });
    expect(await a.titles('n')).toEqual(['_standard:n']);
  });

  test('delete and promote wait too', async () => {
    const a = member();
    const id = await a.store('T', { namespace: 'n' });
    await rules(a, 'n', { write: 'any', delete: 'approve', promote: 'approve' });
    const promote = (await a.memories.promote(id, undefined, bob)).result;
    const remove = (await a.memories.delete(id, bob)).result;
    if (promote.status !== 'pending' || remove.status !== 'pending') throw new Error('was done at once');
    await a.memories.approve(promote.pending_id, ann);
    expect((await a.memories.get(id))?.tier).toBe('long');
    expect((await a.memories.approve(remove.pending_id, ann)).result.memory_id).toBe(id);
    expect(await a.memories.get(id)).toBeNull();
  });

  test('consensus: registered voters, each once whatever the case of its name, then it is done', async () => {
    const a = member();
    for (const agent of ['ann', 'bob']) await register(a, agent);
    await rules(a, 'n', { write: 'approve', approver: { consensus: 2 } });
    const id = await ask(a, 'T');
    await expect(a.memories.approve(id, eve)).rejects.toMatchObject({ code: 'memory.denied' });
    expect((await a.memories.approve(id, ann)).result).toMatchObject({ decided: false, votes: 1, votes_needed: 2 });
    const again = await a.memories.approve(id, { caller: { agent_id: 'ANN' } });
    expect([again.result.votes, again.operations]).toEqual([1, []]);
    expect((await a.memories.approve(id, bob)).result).toMatchObject({ decided: true, executed: true, votes: 2 });
  });

  test('two members decide at once: one memory, one id, in every order of arrival (T13)', async () => {
    const [a, b, c] = [member('a'), member('b'), member('c')];
    await rules(a, 'n', { write: 'approve' });
    const id = await ask(a, 'T');
    await settle(a, b);
    const made = [await a.memories.approve(id, ann), await b.memories.approve(id, bob)];
    expect(made[0]!.result.memory_id).toBe(made[1]!.result.memory_id);
    await pull(c, b);
    await settle(a, b, c);
    for (const each of [a, b, c]) expect(await each.titles('n')).toEqual(['T', '_standard:n']);
    expect(await c.canonical()).toBe(await a.canonical());
  });

  test('votes that met only by exchange decide, whoever notices; a decision before its request is kept (D17)', async () => {
    const [a, b, c] = [member('a'), member('b'), member('c')];
    for (const agent of ['ann', 'bob']) await register(a, agent);
    await rules(a, 'n', { write: 'approve', approver: { consensus: 2 } });
    const id = await ask(a, 'T');
    await settle(a, b);
    await a.memories.approve(id, ann);
    await b.memories.approve(id, bob);
    await pull(c, b);
    await settle(a, b, c);
    expect((await a.memories.pendingAction(id))?.status).toBe('pending');
    expect([await a.memories.settleVotes(), await c.memories.settleVotes()]).toEqual([
      { decided: 1, more: false },
      { decided: 1, more: false },
    ]);
    await settle(a, b, c);
    expect(await b.memories.settleVotes()).toEqual({ decided: 0, more: false });
    for (const each of [a, b, c]) {
      expect(await each.titles('n')).toEqual(['T', '_standard:n']);
      expect((await each.memories.pendingAction(id))?.status).toBe('approved');
    }
  });
});
