/** What may leave to an old peer, by push and by pull, and what comes in from one. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CompatRig, OPEN, type OurNode } from '../../../test/support/compat-rig.ts';
import type { BaselineMemoryPeer } from '../../../test/support/baseline-memory-peer.ts';
import { ann, settle } from '../../../test/support/memory-member.ts';
import type { OldPeerDelivery } from './old-peer-delivery.ts';
import { sharingOf } from './sharing.ts';

const signal = AbortSignal.timeout(60_000);
const SECRET = 'bob@example.com';
const shared = sharingOf(['team/**'], false);
const attestation = { 'host:old': { allowed_namespaces: ['team/**'] } };

let rig: CompatRig;
let ours: OurNode;
let old: BaselineMemoryPeer;
let delivery: OldPeerDelivery;

beforeEach(async () => {
  rig = new CompatRig();
  ours = await rig.ours('a', { attestation, store: { is_redacted: (namespace) => namespace !== 'team/vault' } });
  const started = await rig.old('host:old');
  old = started.peer;
  old.peers.push(ours.listener.url);
  delivery = rig.delivery(ours, 'host:old', started.url, {}, shared);
});
afterEach(async () => {
  expect(ours.defects).toEqual([]);
  await rig.close();
});

const memories = (): OurNode['member']['memories'] => ours.member.memories;
const inTeam = (title: string, more: object = {}): Promise<string> =>
  ours.member.store(title, { namespace: 'team/ops', scope: 'team', ...more });
async function deliver(): Promise<void> {
  rig.tick();
  await delivery.pass(signal);
}
const ids = (): string[] => old.rows().map(({ id }) => id);
/** Every byte that the peer was sent, and every byte that it can fetch. */
async function everything(): Promise<string> {
  const reply = await fetch(`${ours.listener.url}/api/v1/sync/since?peer=host:old`);
  return [...old.received.map(({ body }) => body), await reply.text()].join('\n');
}

describe('a memory leaves only with a namespace that was named and a scope that says so', () => {
  test.each([
    ['team', ['team'], true],
    ['shared, the word of 0.7', ['shared'], true],
    ['private', ['private'], false],
    ['none, which is private', [undefined], false],
    ['a scope that nobody knows', ['everybody'], false],
  ])('%s', async (_, [scope], leaves) => {
    const metadata = scope === undefined ? {} : { scope };
    const id = await ours.member.store('Written here', { namespace: 'team/ops', metadata });
    await deliver();
    expect(ids()).toEqual(leaves ? [id] : []);
    expect((await everything()).includes(id)).toBe(leaves);
  });

  test('another namespace', async () => {
    const id = await inTeam('Elsewhere', { namespace: 'teams' });
    await deliver();
    expect(await everything()).not.toContain(id);
  });

  test('one without a scope, where its owner said so; a private one never', async () => {
    const open = rig.delivery(ours, 'host:old', old.url, {}, OPEN);
    const [plain, kept] = [await ours.member.store('Plain'), await inTeam('Private', { scope: 'private' })];
    await open.pass(signal);
    expect(ids()).toEqual([plain]);
    expect(old.received.map(({ body }) => body).join()).not.toContain(kept);
  });
});

describe('what is no longer to be seen is taken back', () => {
  test('made private, and shared again', async () => {
    const id = await inTeam('Changing');
    await deliver();
    await memories().update(id, { metadata: { scope: 'private' } }, ann);
    await deliver();
    expect(ids()).toEqual([]);
    await memories().update(id, { metadata: { scope: 'team' } }, ann);
    await deliver();
    expect(ids()).toEqual([id]);
  });

  test('moved away', async () => {
    const id = await inTeam('Moving');
    await deliver();
    await memories().update(id, { namespace: 'mine' }, ann);
    await deliver();
    expect(ids()).toEqual([]);
  });

  test('what a peer made private itself it keeps', async () => {
    const { row } = await old.create({ title: 'Theirs', namespace: 'team', metadata: { scope: 'private' } });
    expect(await memories().get(row.id)).toMatchObject({ metadata: { scope: 'private' } });
    await memories().update(row.id, { tags: ['ours'] }, ann);
    await deliver();
    expect(old.get(row.id)).toMatchObject({ tags: [] });
    expect(old.received).toEqual([]);
  });
});

describe('that something is gone is said only of what was said before', () => {
  test('a private memory that is deleted or archived', async () => {
    const [one, two] = [await inTeam('One', { scope: 'private' }), await inTeam('Two', { namespace: 'mine' })];
    await deliver();
    await memories().delete(one, ann);
    await memories().archive([two], 'done', ann);
    await deliver();
    expect(old.received).toEqual([]);
  });

  test('one that was shared, and stored and deleted between two passes at another member', async () => {
    const other = await rig.ours('b');
    const id = await other.member.store('Short', { namespace: 'team', scope: 'team' });
    await rig.delivery(other, 'host:old', old.url, {}, shared).pass(signal);
    await other.member.memories.delete(id, ann);
    await settle(ours.member, other.member);
    await deliver();
    expect(ids()).toEqual([]);
  });
});

describe('links, pending actions and standards', () => {
  test('a link leaves with both of its ends, and its detail is masked', async () => {
    const [a, b, kept] = [await inTeam('A'), await inTeam('B'), await inTeam('C', { scope: 'private' })];
    const detail = { observed_by: SECRET, valid_from: `since ${SECRET}` };
    await memories().link({ source_id: a, target_id: b, detail }, ann);
    await memories().link({ source_id: a, target_id: kept }, ann);
    expect(JSON.stringify(await memories().links(a))).not.toContain(SECRET);
    await deliver();
    expect(old.links()).toEqual([`${a} related_to ${b}`]);
    expect(await everything()).not.toContain(kept);
    expect(await everything()).not.toContain(SECRET);
  });

  test('a standard leaves with its memory; of a parent that is not shared nothing is said', async () => {
    const [rules, hidden] = [await inTeam('Rules'), await inTeam('Hidden rules', { scope: 'private' })];
    await memories().setStandard({ namespace: 'team/ops', id: rules, parent: 'mine' }, ann);
    await memories().setStandard({ namespace: 'team/dev', id: hidden }, ann);
    await memories().clearStandard('other', ann);
    await deliver();
    expect(old.standards()).toMatchObject([{ namespace: 'team/ops', standard_id: rules, parent_namespace: null }]);
    expect(await everything()).not.toMatch(/mine|team\/dev|other/);
  });

  test('what waits for a yes leaves only where what it would make may', async () => {
    const governance = { write: 'approve' };
    for (const namespace of ['team', 'mine'])
      await memories().setStandard({ namespace, governance: { ...governance } }, ann);
    const asked = { title: 'Wanted', content: `by ${SECRET}` };
    await memories().store({ ...asked, namespace: 'team', scope: 'team' }, ann);
    await memories().store({ ...asked, title: 'Kept', namespace: 'team', scope: 'private' }, ann);
    await memories().store({ ...asked, title: 'Elsewhere', namespace: 'mine', scope: 'team' }, ann);
    expect(await memories().pending({})).toHaveLength(3);
    await deliver();
    expect(old.pendings()).toMatchObject([{ namespace: 'team', status: 'pending' }]);
    expect(await everything()).not.toMatch(/Kept|Elsewhere|bob@/);
  });
});

describe('every text is masked on its way out, also where it is kept as it was written', () => {
  test('title, content, tags, metadata, fields of others; an echo changes nothing here', async () => {
    const written = { content: `ask ${SECRET}`, tags: [SECRET], metadata: { agent_id: SECRET, note: { to: SECRET } } };
    const more = { ...written, scope: 'team', namespace: 'team/vault' };
    const id = await ours.member.store(`Vault of ${SECRET}`, more, { caller: { agent_id: SECRET } });
    expect(await memories().get(id)).toMatchObject(written);
    await deliver();
    expect(ids()).toEqual([id]);
    expect(await everything()).not.toContain(SECRET);
    rig.tick();
    await old.update(id, { priority: 7 });
    expect(await memories().get(id)).toMatchObject({ ...written, title: `Vault of ${SECRET}`, priority: 7 });
    await deliver();
    expect(await everything()).not.toContain(SECRET);
  });
});

describe('what comes in is masked too', () => {
  const push = async (body: object): Promise<unknown> => {
    const text = JSON.stringify({ sender_agent_id: 'host:old', memories: [], ...body });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: text };
    return (await fetch(`${ours.listener.url}/api/v1/sync/push`, init)).json();
  };

  test('the detail of a link, also while it waits for its ends', async () => {
    const link = { source_id: 'link-a', target_id: 'link-b', relation: 'supersedes' };
    const { row } = await old.create({ id: 'link-a', title: 'A', namespace: 'team' });
    await push({ memories: [{ ...row, id: 'link-b', title: 'B' }], links: [{ ...link, observed_by: SECRET }] });
    expect(await memories().links('link-a')).toMatchObject([{ relation: 'supersedes' }]);
    expect(JSON.stringify(await memories().links('link-a'))).not.toContain(SECRET);
    await push({ links: [{ ...link, target_id: 'link-a', source_id: 'link-b', observed_by: SECRET }] });
    const waits = { namespace: 'team/x', standard_id: 'later', updated_at: SECRET };
    await push({ namespace_meta: [waits] });
    expect(JSON.stringify(ours.db.all('SELECT * FROM compat_waiting'))).not.toContain(SECRET);
  });

  test('who decided; and nothing gets in whose name is a secret', async () => {
    const asked = {
      ...{ id: 'p-1', action_type: 'store', memory_id: null, namespace: 'team', payload: { title: SECRET } },
      ...{ requested_by: SECRET, requested_at: '2027-01-15T07:59:00Z', status: 'rejected', approvals: [] },
    };
    await push({ pendings: [{ ...asked, decided_by: SECRET }] });
    expect(await memories().pendingAction('p-1')).toMatchObject({ status: 'rejected' });
    expect(JSON.stringify(await memories().pendingAction('p-1'))).not.toContain(SECRET);
    const { row } = await old.create({ title: 'A', namespace: 'team' });
    expect(await push({ memories: [{ ...row, id: SECRET }], deletions: [SECRET] })).toMatchObject({
      ...{ applied: 0, skipped: 2 },
      skipped_items: [{ reason: 'an id or a namespace looks like a secret' }, {}],
    });
  });
});
