import { afterEach, describe, expect, test } from 'vitest';
import { MemoryMember, ann, bob, eve, settle } from '../../test/support/memory-member.ts';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import type { MemoryExport } from './memories.ts';
import type { MemoryStoreOptions } from './open-memory-store.ts';

const HOUR = 3_600_000;
const members: MemoryMember[] = [];
const member = (name = 'a', options: Partial<MemoryStoreOptions> = {}): MemoryMember => {
  const made = new MemoryMember(name, ':memory:', options);
  members.push(made);
  return made;
};
afterEach(async () => {
  for (const made of members.splice(0)) {
    expect(await made.engine.verify()).toEqual([]);
    await made.close();
  }
});

describe('store', () => {
  test('a commit that fails leaves nothing that a later one could mistake for its own', async () => {
    const { db, memories } = member();
    db.exec(`CREATE TEMP TRIGGER broken BEFORE UPDATE ON clock BEGIN SELECT RAISE(ABORT, 'broken'); END`);
    await expect(memories.store({ id: 'x', title: 'X', content: 'c' }, ann)).rejects.toThrow('broken');
    db.exec('DROP TRIGGER broken');
    await memories.store({ id: 'y', title: 'Y', content: 'c' }, ann);
    await memories.store({ id: 'x', title: 'X', content: 'c' }, ann);
    expect([(await memories.history('x')).length, (await memories.history('y')).length]).toEqual([1, 1]);
    expect((await memories.search({ text: 'c' })).map(({ id }) => id).sort()).toEqual(['x', 'y']);
  });

  test('returns the memory with who wrote it, where, when, in which session; it can be read by a part of its id', async () => {
    const { memories } = member();
    const session = { id: 's-1', hash: 'abc' };
    const written = await memories.store(
      { title: ' Rollback ', content: 'needs two approvals', tags: ['deploy'], scope: 'team', metadata: { k: 1 } },
      { caller: { agent_id: 'ann', session } },
    );
    expect(written).toMatchObject({
      operations: ['a.1:1'],
      receipt: { operation: 'a.1:1', durable_on: 1, members: 1, on: ['a'] },
      replayed: false,
      result: {
        status: 'done',
        created: true,
        memory: {
          title: 'Rollback',
          tier: 'mid',
          namespace: 'global',
          priority: 5,
          confidence: 1,
          source: 'api',
          metadata: { agent_id: 'ann', scope: 'team', k: 1 },
          created_at: '2027-01-15T08:00:00.000000000+00:00',
          expires_at: '2027-01-22T08:00:00.000000000+00:00',
          written: { agent_id: 'ann', device: 'a-laptop', member: 'a', session, foreign: false },
        },
      },
    });
    const id = written.result.status === 'done' ? written.result.memory.id : '';
    expect((await memories.get(id.slice(0, 9)))?.id).toBe(id);
    expect(await memories.get('0000')).toBeNull();
    await memories.store({ title: 'Other', content: 'x' }, ann);
    await expect(memories.get(id.slice(0, 3))).rejects.toMatchObject({ code: 'memory.ambiguous' });
  });

  test('a title that exists is refused, merged into, or gets a number', async () => {
    const a = member();
    const id = await a.store('T', { priority: 7, tier: 'long' });
    await expect(a.store('T')).rejects.toMatchObject({ code: 'memory.conflict', existing_id: id });
    const merged = await a.memories.store({ title: 'T', content: 'new', on_conflict: 'merge', tier: 'short' }, bob);
    expect(merged.result).toMatchObject({
      created: false,
      memory: { id, content: 'new', priority: 7, tier: 'long', expires_at: null, metadata: { agent_id: 'ann' } },
    });
    await a.store('T', { on_conflict: 'version' });
    await a.store('T', { on_conflict: 'version' });
    await a.store('T', { namespace: 'other' });
    expect(await a.titles('global')).toEqual(['T', 'T (2)', 'T (3)']);
  });

  test.each([
    [{ title: ' ' }, 'title'],
    [{ content: 'x'.repeat(65_537) }, 'content'],
    [{ tags: Array<string>(51).fill('t') }, 'tags'],
    [{ priority: 0 }, 'priority'],
    [{ confidence: 2 }, 'confidence'],
    [{ tier: 'eternal' }, 'tier'],
    [{ source: 'elsewhere' }, 'source'],
    [{ namespace: 'a/b/c/d/e/f/g/h/i' }, 'namespace'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ ttl_seconds: 0 }, 'ttl_seconds'],
    [{ scope: 'world' }, 'scope'],
    [{ metadata: { x: 'y'.repeat(65_536) } }, 'metadata'],
  ])('refuses and names the field, and nothing is left of it: %#', async (change, field) => {
    const a = member();
    await expect(a.store('T', change)).rejects.toMatchObject({ code: 'memory.invalid', field });
    expect([await a.titles(), a.replica.vector()]).toEqual([[], {}]);
  });

  test('secrets are removed before the operation exists, counted by rule; a namespace may opt out (M7)', async () => {
    const secret = ['ghp', 'a7Kq2ZbX9mR4tYw8LcD3vNf6HsJ1gPu5abcd'].join('_');
    const a = member('a', { is_redacted: (namespace) => namespace !== 'raw' });
    const request = { title: `key ${secret}`, content: `use ${secret}`, tags: [secret], metadata: { note: secret } };
    const { redacted } = await a.memories.store(request, ann);
    expect(redacted).toEqual({ 'github-token': 4 });
    expect(JSON.stringify([await a.memories.list({}), await a.replica.read('a.1', 0)])).not.toContain(secret.slice(4));
    const raw = await a.memories.store({ ...request, namespace: 'raw', metadata: {} }, ann);
    expect(raw.redacted).toEqual({});
    expect(JSON.stringify(raw.result)).toContain(secret);
  });

  test('a keyed request has its effect once, also of writers at one time; another request is refused (M8, T10, D21)', async () => {
    const a = member();
    const keyed = { ...ann, idempotency_key: 'k' };
    const request = { title: 'T', content: 'c' };
    const [first, second] = await Promise.all([a.memories.store(request, keyed), a.memories.store(request, keyed)]);
    expect(second).toEqual({ ...first, replayed: true });
    await a.reopen();
    expect(await a.titles()).toEqual([]);
  });

  test('writers that wait share one transaction, see each other, and a refused one takes nothing with it', async () => {
    const a = member();
    const results = await Promise.allSettled(['A', 'B', 'A', 'C'].map((title) => a.store(title)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(a.replica.vector()).toEqual({ 'a.1': 3 });
    expect(await a.titles()).toEqual(['A', 'B', 'C']);
  });
});

test('a keyed request is known after a restart; a changed one under its key is refused', async () => {
  const scratch = scratchDirectory();
  const a = new MemoryMember('a', `${scratch.path}/memory.db`);
  const keyed = { ...ann, idempotency_key: 'k' };
  const first = await a.memories.store({ title: 'T', content: 'c' }, keyed);
  await a.reopen();
  expect(await a.memories.store({ title: 'T', content: 'c' }, keyed)).toEqual({ ...first, replayed: true });
  await expect(a.memories.store({ title: 'U', content: 'c' }, keyed)).rejects.toMatchObject({
    code: 'memory.idempotency_key_reused',
  });
  expect(await a.titles()).toEqual(['T']);
  await a.close();
  scratch.remove();
});

describe('update', () => {
  test('writes only what differs; fields may go down and be cleared (T4)', async () => {
    const { memories, store } = bound(member());
    const id = await store('T', { priority: 9, tags: ['a', 'b'], metadata: { x: 1, y: 2 } });
    const none = await memories.update(id, { priority: 9, title: 'T' }, ann);
    expect([none.operations, none.receipt.operation]).toEqual([[], null]);
    const { result } = await memories.update(
      id,
      { priority: 1, confidence: 0.2, tags: ['a'], expires_at: null, metadata: { y: 3 } },
      bob,
    );
    expect(result.memory).toMatchObject({
      priority: 1,
      confidence: 0.2,
      tags: ['a'],
      expires_at: null,
      metadata: { y: 3, agent_id: 'ann' },
      written: { agent_id: 'ann' },
      updated: { agent_id: 'bob' },
    });
    expect((await memories.history(id)).map(({ kind, fields }) => [kind, fields])).toEqual([
      ['store', expect.arrayContaining(['title', 'metadata.x'])],
      ['update', ['tags', 'priority', 'confidence', 'expires_at', 'metadata.y', 'metadata.x']],
    ]);
  });

  test('a title that another has is refused; a swap of two titles goes by way of a third', async () => {
    const { memories, store } = bound(member());
    const [a, b] = [await store('A'), await store('B')];
    await expect(memories.update(a, { title: 'B' }, ann)).rejects.toMatchObject({ existing_id: b });
    await memories.update(a, { title: 'tmp' }, ann);
    await memories.update(b, { title: 'A' }, ann);
    await memories.update(a, { title: 'B' }, ann);
    expect((await memories.get(a))?.title).toBe('B');
  });

  test('what is not there cannot be changed', async () => {
    await expect(member().memories.update('nope', { title: 'x' }, ann)).rejects.toMatchObject({
      code: 'memory.not_found',
    });
  });
});

describe('delete, archive, restore, forget', () => {
  test('a deleted memory is found by nothing; its links go with it', async () => {
    const { memories, store } = bound(member());
    const [a, b] = [await store('A'), await store('B')];
    await memories.link({ source_id: a, target_id: b }, ann);
    expect(await memories.links(b)).toHaveLength(1);
    expect((await memories.delete(a, ann)).result).toEqual({ status: 'done', deleted: true });
    expect([await memories.get(a), await memories.links(b), await memories.search({ text: 'A' })]).toEqual([
      null,
      [],
      [],
    ]);
    await expect(memories.delete(a, ann)).rejects.toMatchObject({ code: 'memory.not_found' });
  });

  test('archived ones are listed, counted and come back with links and all', async () => {
    const { memories, store } = bound(member());
    const [a, b] = [await store('A'), await store('B')];
    await memories.link({ source_id: a, target_id: b, relation: 'supersedes' }, ann);
    const done = await memories.archive([a, 'nope'], 'old', ann);
    expect(done.result).toEqual({ archived: [a], missing: ['nope'], reason: 'old' });
    expect(await memories.archived({})).toMatchObject([{ id: a, archive_reason: 'old' }]);
    expect(await memories.archiveStatistics()).toEqual({ archived_total: 1, by_namespace: { global: 1 } });
    expect([await memories.get(a), await memories.links(b)]).toEqual([null, []]);
    await memories.restore(a, ann);
    expect(await memories.links(b)).toMatchObject([{ source_id: a, relation: 'supersedes' }]);
    await expect(memories.restore(a, ann)).rejects.toMatchObject({ code: 'memory.not_found' });
    await memories.archive([a], undefined, ann);
    expect((await memories.purgeArchive(1, ann)).result).toEqual({ purged: 0, more: false });
    expect((await memories.purgeArchive(undefined, ann)).result).toEqual({ purged: 1, more: false });
    expect(await memories.archived({})).toEqual([]);
  });

  test('forget finds words that the same commit wrote; one that is refused takes none along', async () => {
    const a = member();
    await a.memories.setStandard({ namespace: 'kept', governance: { write: 'any', delete: 'owner' } }, ann);
    const [, refused] = await Promise.allSettled([
      a.store('Deploy one', { namespace: 'kept' }),
      a.memories.forget({ pattern: 'deploy' }, bob),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'memory.denied' } });
    expect(await a.memories.search({ text: 'deploy' })).toMatchObject([{ title: 'Deploy one' }]);
    const [, forgotten] = await Promise.all([a.store('Deploy two'), a.memories.forget({ pattern: 'two' }, ann)]);
    expect(forgotten.result.forgotten.length).toBe(1);
    expect(await a.memories.search({ text: 'deploy' })).toMatchObject([{ title: 'Deploy one' }]);
  });

  test('words follow a memory: those of a change, none of an older text', async () => {
    const a = member();
    const id = await a.store('Rollback', { content: 'needs approval', tags: ['ops'] });
    const found = async (text: string): Promise<number> => (await a.memories.search({ text })).length;
    await a.memories.update(id, { priority: 9 }, ann);
    expect([await found('rollback'), await found('approval'), await found('ops')]).toEqual([1, 1, 1]);
    await a.memories.update(id, { content: 'needs two signatures' }, ann);
    await a.memories.update(id, { tags: ['release'] }, ann);
    expect([await found('approval'), await found('signatures')]).toEqual([0, 1]);
    expect([await found('ops'), await found('release')]).toEqual([0, 1]);
    await Promise.all([a.memories.update(id, { title: 'Undo' }, ann), a.memories.update(id, { title: 'Back' }, ann)]);
    expect([await found('rollback'), await found('undo'), await found('back')]).toEqual([0, 0, 1]);
    await a.memories.delete(id, ann);
    expect(await found('signatures')).toBe(0);
  });

  test('forget needs a filter, archives what matches all of it, and can say first what it would do', async () => {
    const { memories, store } = bound(member());
    await store('Deploy notes', { namespace: 'ops' });
    await store('Deploy plan');
    const keep = await store('Lunch', { namespace: 'ops' });
    await expect(memories.forget({}, ann)).rejects.toMatchObject({ code: 'memory.invalid' });
    const dry = await memories.forget({ pattern: 'deploy', namespace: 'ops', dry_run: true }, ann);
    expect([dry.result.forgotten.length, dry.operations]).toEqual([1, []]);
    await memories.forget({ pattern: 'deploy', namespace: 'ops' }, ann);
    expect((await memories.list({ namespace: 'ops' })).map(({ id }) => id)).toEqual([keep]);
    expect(await memories.archived({})).toMatchObject([{ archive_reason: 'forget' }]);
  });

  test('what expired is hidden at once, archived by its member, and a restore gives it its time again', async () => {
    const a = member();
    const id = await a.store('T', { tier: 'short' });
    a.clock.ms += 6 * HOUR;
    expect([await a.memories.get(id), await a.titles(), await a.memories.search({ text: 'T' })]).toEqual([
      null,
      [],
      [],
    ]);
    expect(await a.memories.archiveExpired()).toEqual({ archived: 1, more: false });
    expect(await a.memories.archived({})).toMatchObject([{ id, archive_reason: 'ttl_expired' }]);
    expect((await a.memories.restore(id, ann)).result.memory.expires_at).toBe('2027-01-15T20:00:00.000000000+00:00');
  });
});

describe('recall', () => {
  test('ranks by words, priority, confidence and tier, shows what lies above the namespace, stays in its budget', async () => {
    const a = member();
    await a.store('Rollback of deploys', { namespace: 'team/ops', priority: 9 });
    await a.store('Deploy window', { namespace: 'team', priority: 9 });
    await a.store('Deploy elsewhere', { namespace: 'other' });
    const { memories, mode, tokens_used } = await a.memories.recall(
      { context: 'deploy OR "window', namespace: 'team/ops' },
      ann.caller,
    );
    expect([mode, tokens_used > 0]).toEqual(['keyword', true]);
    expect(memories.map(({ title }) => title)).toEqual(['Rollback of deploys', 'Deploy window']);
    const both = await a.memories.recall({ context: 'deploys deploy', namespace: 'team/ops' }, ann.caller);
    expect(both.memories.map(({ title }) => title)).toEqual(['Rollback of deploys', 'Deploy window']);
    const small = await a.memories.recall(
      { context: 'deploys deploy', namespace: 'team/ops', budget_tokens: 15 },
      ann.caller,
    );
    expect(small.memories).toHaveLength(1);
  });

  test('counts here, slides the expiry, promotes at the fifth, tells others of both and not how often (D15)', async () => {
    const [a, b] = [member('a'), member('b')];
    const id = await a.store('Deploy');
    a.clock.ms += 6.5 * 24 * HOUR;
    const recall = () => a.memories.recall({ context: 'deploy' }, ann.caller);
    await recall();
    expect(await a.memories.get(id)).toMatchObject({
      access_count: 1,
      expires_at: '2027-01-22T20:00:00.000000000+00:00',
    });
    b.clock.ms = a.clock.ms;
    await settle(a, b);
    expect(await b.memories.get(id)).toMatchObject({ expires_at: '2027-01-22T20:00:00.000000000+00:00' });
    const before = a.replica.vector()['a.1'];
    await recall();
    expect(a.replica.vector()['a.1']).toBe(before);
    for (let i = 0; i < 3; i++) await recall();
    expect(await a.memories.get(id)).toMatchObject({ access_count: 5, tier: 'long', expires_at: null });
    b.clock.ms = a.clock.ms;
    await settle(a, b);
    expect(await b.memories.get(id)).toMatchObject({
      access_count: 0,
      tier: 'long',
      written: { foreign: true, member: 'a' },
    });
    await a.memories.recall({ context: 'deploy', touch: false }, ann.caller);
    expect((await a.memories.get(id))?.access_count).toBe(5);
  });

  test('blends vectors when there are some, and none of a text that has changed (D22)', async () => {
    const { memories, store } = bound(member());
    const [near, far] = [await store('Ship it'), await store('Lunch menu')];
    const unit = (...values: number[]) => new Float32Array(values);
    const embed = async (id: string, vector: Float32Array, text?: string) =>
      (
        await memories.setEmbedding(
          id,
          { model: 'm', vector, text: text ?? (await memories.get(id))!.text_version },
          ann,
        )
      ).result;
    expect(await embed(near, unit(1, 0))).toEqual({ stored: true });
    expect(await embed(far, unit(0, 1))).toEqual({ stored: true });
    const query = { context: 'deploy', embedding: { model: 'm', vector: unit(0.9, 0.1) } };
    const found = await memories.recall(query, ann.caller);
    expect([found.mode, found.memories.map(({ id }) => id)]).toEqual(['hybrid', [near]]);
    const old = (await memories.get(near))!.text_version;
    await memories.update(near, { content: 'something else' }, ann);
    expect((await memories.recall(query, ann.caller)).memories).toEqual([]);
    expect(await embed(near, unit(1, 0), old)).toEqual({ stored: false });
  });
});

test('search needs all words, quoted ones together, and nothing of a query language', async () => {
  const { memories, store } = bound(member());
  await store('Alpha beta gamma');
  await store('Alpha gamma beta');
  const titles = async (text: string) => (await memories.search({ text })).map(({ title }) => title).sort();
  expect(await titles('alpha beta')).toEqual(['Alpha beta gamma', 'Alpha gamma beta']);
  expect(await titles('"beta gamma"')).toEqual(['Alpha beta gamma']);
  expect(await titles('alpha delta')).toEqual([]);
  const id = (await memories.search({ text: '"beta gamma"' }))[0]!.id;
  await memories.update(id, { title: 'Omega', content: 'else' }, ann);
  expect([await titles('alpha beta'), await titles('omega')]).toEqual([['Alpha gamma beta'], ['Omega']]);
  for (const text of ['', '*', 'NEAR(', 'title:', '"', '- ^ ( )', 'alpha AND NOT']) await memories.search({ text });
});

test('lists by priority and change, filtered by all that is given', async () => {
  const { memories, store } = bound(member());
  await store('low', { priority: 1, tags: ['x'] });
  await store('high', { priority: 9, tags: ['x', 'y'], namespace: 'n' });
  await store('of bob', { tier: 'long' }, bob);
  const titles = async (query: object) => (await memories.list(query)).map(({ title }) => title);
  expect(await titles({})).toEqual(['high', 'of bob', 'low']);
  expect(await titles({ limit: 1, offset: 1 })).toEqual(['of bob']);
  expect(await titles({ tags: ['x'] })).toEqual(['high', 'low']);
  expect(await titles({ tags: ['x', 'y'] })).toEqual(['high']);
  expect(await titles({ min_priority: 5, namespace: 'n' })).toEqual(['high']);
  expect(await titles({ agent_id: 'bob' })).toEqual(['of bob']);
  expect(await titles({ tier: 'long' })).toEqual(['of bob']);
  expect(await titles({ since: '2027-01-15T08:00:01Z' })).toEqual([]);
  expect(await memories.count({ tags: ['x'] })).toBe(2);
  await expect(memories.list({ limit: 0 })).rejects.toMatchObject({ field: 'limit' });
  expect(await memories.namespaces()).toEqual([
    { namespace: 'global', memories: 2 },
    { namespace: 'n', memories: 1 },
  ]);
});

test('as_agent sees what its scope lets it see (specification §7)', async () => {
  const { memories, store } = bound(member());
  const at = (namespace: string, scope?: string) =>
    store(`${scope ?? 'none'} ${namespace}`, { namespace, ...(scope ? { scope } : {}) });
  for (const scope of ['private', 'team', 'unit', 'org', 'collective']) {
    await at('o/u/t/me', scope);
    await at('o/u/t/other', scope);
    await at('o/u/x/other', scope);
    await at('o/y/x/other', scope);
    await at('z', scope);
  }
  await at('o/u/t/me');
  const seen = (await memories.list({ as_agent: 'o/u/t/me', limit: 100 })).map(({ title }) => title).sort();
  const all = ['o/u/t/me', 'o/u/t/other', 'o/u/x/other', 'o/y/x/other', 'z'];
  expect(seen).toEqual(
    [
      ...all.map((namespace) => `collective ${namespace}`),
      'none o/u/t/me',
      'private o/u/t/me',
      ...all.slice(0, 2).map((namespace) => `team ${namespace}`),
      ...all.slice(0, 3).map((namespace) => `unit ${namespace}`),
      ...all.slice(0, 4).map((namespace) => `org ${namespace}`),
    ].sort(),
  );
});

test('links: a closed set of relations, never to itself, once; both directions of reading', async () => {
  const { memories, store } = bound(member());
  const [a, b] = [await store('A'), await store('B')];
  await expect(memories.link({ source_id: a, target_id: a }, ann)).rejects.toMatchObject({ field: 'target_id' });
  await expect(memories.link({ source_id: a, target_id: b, relation: 'likes' }, ann)).rejects.toMatchObject({
    field: 'relation',
  });
  await expect(memories.link({ source_id: a, target_id: 'nope' }, ann)).rejects.toMatchObject({
    code: 'memory.not_found',
  });
  await memories.link({ source_id: a, target_id: b }, ann);
  expect((await memories.link({ source_id: a, target_id: b }, ann)).operations).toEqual([]);
  await memories.link({ source_id: a, target_id: b, relation: 'supersedes' }, ann);
  expect(await memories.links(b)).toHaveLength(2);
  expect((await memories.unlink(a, b, 'supersedes', ann)).result).toEqual({ unlinked: 1 });
  expect((await memories.unlink(a, b, undefined, ann)).result).toEqual({ unlinked: 1 });
  expect(await memories.links(a)).toEqual([]);
});

test('consolidate makes one of several: texts of all agents, sources gone, one group', async () => {
  const { memories, store } = bound(member());
  const ids = [await store('A', { tags: ['x'], priority: 3 }), await store('B', { tags: ['y'], priority: 8 }, bob)];
  const done = await memories.consolidate({ ids, title: 'A', summary: 'both' }, eve);
  expect(done.operations).toHaveLength(3);
  expect(done.result.memory).toMatchObject({
    title: 'A',
    tier: 'long',
    priority: 8,
    tags: ['x', 'y'],
    metadata: { derived_from: ids, consolidated_from_agents: ['ann', 'bob'], agent_id: 'eve' },
  });
  expect(await memories.count({})).toBe(1);
  expect((await memories.history(ids[0]!)).at(-1)).toMatchObject({
    kind: 'delete',
    detail: { group: done.operations[0] },
  });
  await expect(memories.consolidate({ ids: [ids[0]!], title: 'x', summary: 'y' }, eve)).rejects.toMatchObject({
    field: 'ids',
  });
});

test('promote: to long for good, or a copy elsewhere that says where it came from', async () => {
  const { memories, store } = bound(member());
  const id = await store('T');
  expect((await memories.promote(id, undefined, ann)).result).toMatchObject({
    memory: { tier: 'long', expires_at: null },
  });
  const copy = (await memories.promote(id, 'team', ann)).result;
  expect(copy).toMatchObject({ memory: { namespace: 'team', tier: 'long', title: 'T' } });
  expect(await memories.links(id)).toMatchObject([{ relation: 'derived_from', target_id: id }]);
});

test('bulk: each item by itself; export and import keep ids, links and times', async () => {
  const [a, b] = [member('a'), member('b')];
  const bulk = await a.memories.storeMany(
    [
      { title: 'A', content: 'a' },
      { title: '', content: 'b' },
      { title: 'A', content: 'again' },
      { title: 'C', content: 'c' },
    ],
    ann,
  );
  expect(bulk.result.items.map((item) => ('error' in item ? item.error.field : item.created))).toEqual([
    true,
    'title',
    false,
    true,
  ]);
  expect(bulk.result.created).toBe(2);
  const [one, two] = await a.memories.list({});
  await a.memories.link({ source_id: one!.id, target_id: two!.id }, ann);
  const pages = await pagesOf(a);
  b.clock.ms += HOUR;
  for (const page of pages)
    expect((await b.memories.import(page, bob)).result).toEqual({ imported: 2, links: 1, errors: [] });
  for (const page of pages) expect((await b.memories.import(page, bob)).operations).toEqual([]);
  expect((await pagesOf(b))[0]?.memories).toEqual(
    pages[0]?.memories.map((memory) => ({ ...memory, created_at: memory.created_at!.replace(/\d{6}\+/, '000000+') })),
  );
  await b.memories.delete(one!.id, bob);
  expect((await b.memories.import(pages[0]!, bob)).result.imported).toBe(0);
  expect((await b.memories.import(pages[0]!, { ...bob, revive: true })).result.imported).toBe(1);
});

test('statistics count what is there', async () => {
  const a = member();
  const ids = [await a.store('A'), await a.store('B', { tier: 'short' }), await a.store('C', { namespace: 'n' })];
  await a.memories.archive([ids[2]!], undefined, ann);
  await a.memories.delete(await a.store('D'), ann);
  a.clock.ms += 7 * HOUR;
  expect(await a.memories.statistics()).toMatchObject({
    memories: 1,
    by_tier: { mid: 1 },
    by_namespace: { global: 1 },
    expired: 1,
    archived: 1,
    links: 0,
    pending: 0,
    tombstones: 1,
    operations: 6,
  });
});

test('a receipt is for operations that are here', async () => {
  const a = member();
  const { operations } = await a.memories.store({ title: 'T', content: 'c' }, ann);
  expect(await a.memories.durability(operations[0]!)).toMatchObject({ durable_on: 1, on: ['a'] });
  expect([await a.memories.durability('a.1:2'), await a.memories.durability('nonsense')]).toEqual([null, null]);
});

async function pagesOf(made: MemoryMember): Promise<MemoryExport[]> {
  const pages: MemoryExport[] = [];
  for await (const page of made.memories.export()) pages.push(page);
  return pages;
}

function bound(made: MemoryMember) {
  return { memories: made.memories, store: made.store.bind(made) };
}
