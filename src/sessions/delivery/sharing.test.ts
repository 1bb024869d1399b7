import { describe, expect, it } from 'vitest';
import { head, KEY, message, NOW_MS, SessionRig } from '../../../test/support/session-rig.ts';
import { SessionHolds } from './session-holds.ts';
import type { SessionProject } from './session-project.ts';
import { sharingPolicy, type SharingConfig, type SharingFacts } from './sharing.ts';

const HOLD = 15 * 60_000;
const config: SharingConfig = {
  share: 'projects',
  projects: ['github.com/acme/shop'],
  team_projects: ['github.com/acme/*'],
  hold_ms: HOLD,
  since_ms: null,
  user_home: '/home/ada',
};
const project: SessionProject = {
  identity: 'github.com/acme/shop',
  kind: 'repository',
  label: 'github.com/acme/shop',
  root: '/home/ada/shop',
  shares: true,
  captured: true,
  checkout: null,
};
const facts: SharingFacts = { project, unshared: false, linked: false, started_at_ms: NOW_MS };
const decide = (
  over: Partial<SharingConfig>,
  of: Partial<SharingFacts> = {},
  at: Partial<SessionProject> = {},
): unknown => sharingPolicy({ ...config, ...over }).decide({ ...facts, ...of, project: { ...project, ...at } });
const notShared = (reason: string): unknown => ({ kind: 'not_shared', reason });

describe('who may see a conversation (R1)', () => {
  it('a named project within the team’s, after the hold', () => {
    expect(decide({})).toEqual({ kind: 'send', hold_ms: HOLD });
    expect(decide({ share: 'all', projects: [] })).toEqual({ kind: 'send', hold_ms: HOLD });
  });
  it.each([
    ['nothing is switched on', { share: 'none' }, {}, {}, 'share_none'],
    ['another project of the team', {}, {}, { identity: 'github.com/acme/payroll' }, 'project'],
    [
      'a project that is listed but not the team’s',
      { projects: ['**'] },
      {},
      { identity: 'github.com/ada/notes' },
      'project',
    ],
    ['all of a team that names none', { share: 'all', team_projects: [] }, {}, {}, 'project'],
    ['unshared by a person', {}, { unshared: true }, {}, 'unshared'],
    ['the repository says none', {}, {}, { shares: false }, 'repository'],
    ['no project is known', { share: 'all', team_projects: ['**'] }, {}, { identity: null }, 'unknown_project'],
    ['it began before somebody said yes (R2)', { since_ms: NOW_MS + 1 }, {}, {}, 'history'],
  ] as const)('not when %s', (_why, over, of, at, reason) => {
    expect(decide(over as Partial<SharingConfig>, of, at)).toEqual(notShared(reason));
  });
  it('what cannot be told any more is neither sent nor taken back', () => {
    expect(decide({}, {}, { shares: null })).toEqual({ kind: 'undecided' });
    expect(decide({}, { linked: true }, { identity: null })).toEqual({ kind: 'undecided' });
  });
  it('history that is there already goes on', () => {
    expect(decide({ since_ms: NOW_MS + 1 }, { linked: true })).toEqual({ kind: 'send', hold_ms: HOLD });
  });
});

describe('a team’s store', () => {
  const team = (over: Partial<SharingConfig> = {}, names = true): SessionRig => {
    const rig = new SessionRig({ sharing: sharingPolicy({ ...config, hold_ms: 0, ...over }), is_local: false, names });
    rig.messages = [message(0, 'a turn of /home/ada/shop/x.ts and /home/ada/other/y.ts')];
    return rig;
  };

  it('gets no path of this machine, and the name of a repository (R5)', async () => {
    const rig = team();
    await rig.deliver();
    expect(rig.store.held.get(KEY)?.head).toMatchObject({ project: 'github.com/acme/shop', cwd: null });
    expect(JSON.stringify(rig.store.puts)).not.toContain('/home/ada');
  });
  it('gets a hash where names = false', async () => {
    const rig = team({}, false);
    await rig.deliver();
    const { project: told, project_hash } = rig.store.held.get(KEY)!.head;
    expect(told).toBe(project_hash);
    expect(told).toMatch(/^blake3:[0-9a-f]{64}$/);
    expect(JSON.stringify(rig.store.held.get(KEY)?.head)).not.toContain('acme');
  });
  it('gets nothing of a session that is not for it, and is asked nothing', async () => {
    const rig = team({ projects: [] });
    expect(await rig.deliver()).toBe(0);
  });
  it('loses a session that a person unshares, and has it back when it is shared again', async () => {
    const rig = team();
    await rig.deliver();
    expect(rig.choices.unshare([KEY], NOW_MS)).toEqual([KEY]);
    expect(rig.choices.unshare([KEY], NOW_MS)).toEqual([]);
    expect(await rig.deliver()).toBe(1);
    expect(rig.store.held.has(KEY)).toBe(false);
    expect(await rig.deliver()).toBe(0);
    expect(rig.choices.share([KEY])).toEqual([KEY]);
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
  });
  it('loses a session that is unshared, or no longer named, after its source has gone', async () => {
    const policies = [sharingPolicy({ ...config, hold_ms: 0, projects: [] }), null];
    for (const policy of policies) {
      const rig = team();
      await rig.deliver();
      Object.assign(rig, { state: 'gone', head: null });
      await rig.deliver();
      expect(rig.store.held.get(KEY)?.head.presence.kind).toBe('source_gone');
      if (policy) rig.options.sharing = policy;
      else rig.choices.unshare([KEY], NOW_MS);
      rig.open();
      await rig.deliver();
      expect(rig.store.held.has(KEY)).toBe(false);
    }
  });
  it('has it back when the project is named again, also when nobody heard of its removal', async () => {
    const rig = team();
    await rig.deliver();
    const named = rig.options.sharing;
    rig.options.sharing = sharingPolicy({ ...config, projects: [] });
    rig.open();
    expect(await rig.attempt('lost_answer')).toBeNull();
    expect(rig.store.tombstones.get(KEY)).toBe('unshared');
    if (named) rig.options.sharing = named;
    rig.open();
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
  });
  it('is the only one that loses it: the store of this machine keeps what is unshared', async () => {
    const rig = new SessionRig();
    rig.messages = [message(0, 'a turn')];
    await rig.deliver();
    rig.choices.unshare([KEY], NOW_MS);
    Object.assign(rig, { state: 'gone', head: null });
    await rig.deliver();
    expect(rig.store.messages(KEY)).toHaveLength(1);
  });
  it('never gets back what was erased', async () => {
    const rig = team();
    await rig.deliver();
    rig.choices.erase([KEY], NOW_MS);
    await rig.deliver();
    expect(rig.store.tombstones.get(KEY)).toBe('erased');
    expect(rig.choices.share([KEY])).toEqual([]);
    expect(await rig.deliver()).toBe(0);
  });
  it('keeps a session whose checkout was removed, and goes on with it as before (R28)', async () => {
    const rig = team();
    await rig.deliver();
    rig.repository_shares = null;
    expect(await rig.deliver()).toBe(0);
    rig.messages.push(message(1, 'and /home/ada/shop/web/z.ts'));
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    expect(rig.store.messages(KEY)[1]?.content).toBe('and ./web/z.ts');
  });
  it('does not get a session whose checkout went before its rules were read', async () => {
    const rig = team();
    rig.repository_shares = null;
    rig.head = head({ repository: 'github.com/acme/shop' });
    expect(await rig.deliver()).toBe(0);
  });
  it('loses a session when its repository says none, also after the checkout was removed', async () => {
    const rig = team();
    await rig.deliver();
    rig.repository_shares = false;
    await rig.deliver();
    expect(rig.store.held.has(KEY)).toBe(false);
    rig.repository_shares = null;
    expect(await rig.deliver()).toBe(0);
  });
});

it('of a project that is excluded from being read nothing is taken any more, anywhere', async () => {
  const rig = new SessionRig();
  rig.messages = [message(0, 'a turn')];
  rig.captures = false;
  expect(await rig.deliver()).toBe(0);
  rig.captures = true;
  await rig.deliver();
  rig.captures = false;
  rig.messages.push(message(1, 'another'));
  await rig.deliver();
  expect(rig.store.messages(KEY)).toHaveLength(1);
});

describe('the hold', () => {
  const held = (): SessionRig => {
    const rig = new SessionRig({ sharing: sharingPolicy(config), is_local: false });
    rig.messages = [
      message(0, 'old', { timestamp_ms: NOW_MS - HOLD - 1 }),
      message(1, 'young', { timestamp_ms: NOW_MS - 60_000 }),
      message(2, 'newest', { timestamp_ms: NOW_MS }),
    ];
    rig.head = head({ ended_at_ms: NOW_MS, pins: [{ ordinal: 2, note: 'pinned', created_at_ms: null }] });
    return rig;
  };

  it('lets go what is older, and says when the next is', async () => {
    const rig = held();
    expect(await rig.attempt()).toMatchObject({ kind: 'later', until_ms: NOW_MS - 60_000 + HOLD });
    expect(rig.store.messages(KEY).map(({ content }) => content)).toEqual(['old']);
    expect(rig.store.held.get(KEY)?.head).toMatchObject({
      message_count: 1,
      ended_at_ms: NOW_MS - HOLD - 1,
      pins: [],
      termination_status: null,
    });
  });
  it('a title or branch that comes up with a held turn waits with it, and does not take an older one along', async () => {
    const rig = held();
    await rig.attempt();
    expect(rig.store.held.get(KEY)?.head).toMatchObject({ title: null, git_branch: null });
    const title = (): string | null | undefined => rig.store.held.get(KEY)?.head.title;
    // The first one is known for long enough, and leaves though something is still on hold.
    rig.now_ms = NOW_MS + HOLD;
    rig.messages.push(message(3, 'more', { timestamp_ms: rig.now_ms }));
    await rig.attempt();
    expect([rig.store.messages(KEY).length, title()]).toEqual([3, 'A title']);
    // A new one while a turn is on hold: nothing of it leaves alone, …
    rig.now_ms += 60_000;
    rig.head = head({ title: 'Acquire Initech', git_branch: 'initech' });
    const { requests } = rig.store;
    for (const ahead_ms of [0, HOLD / 2]) {
      rig.now_ms += ahead_ms;
      // Otherwise it would not even be read.
      new SessionHolds(rig.db).forget('local');
      expect(await rig.attempt()).toMatchObject({ kind: 'later' });
    }
    expect(rig.store.requests).toBe(requests);
    // … nor with a turn that may leave, while another is on hold; …
    rig.now_ms = NOW_MS + 2 * HOLD;
    rig.messages.push(message(4, 'newest', { timestamp_ms: rig.now_ms }));
    await rig.attempt();
    expect(rig.store.messages(KEY)).toHaveLength(4);
    expect(JSON.stringify(rig.store.puts)).not.toContain('nitech');
    // … and it is there once nothing is on hold.
    await rig.deliver();
    expect([rig.store.messages(KEY).length, title()]).toEqual([5, 'Acquire Initech']);
  });
  it('is known as such by another process, and forgotten once all is there', async () => {
    const rig = held();
    await rig.attempt();
    const holds = new SessionHolds(rig.db);
    expect(holds.waiting('local', NOW_MS)).toEqual({ items: 1, until_ms: NOW_MS - 60_000 + HOLD });
    const { reads } = rig;
    rig.open();
    rig.messages.push(message(3, 'more'));
    expect(await rig.attempt()).toMatchObject({ kind: 'later', until_ms: NOW_MS - 60_000 + HOLD });
    expect(rig.reads).toBe(reads);
    // A clock that stepped back holds nothing for longer.
    rig.now_ms -= 1_000;
    expect(holds.waiting('local', rig.now_ms)).toBeNull();
    rig.now_ms = NOW_MS;
    await rig.deliver();
    expect(rig.db.value('SELECT count(*) FROM session_hold')).toBe(0);
  });
  it('is not read again for what comes meanwhile, but withdrawn at once', async () => {
    const rig = held();
    await rig.attempt();
    const { reads } = rig;
    rig.messages.push(message(3, 'more'));
    expect(await rig.attempt()).toMatchObject({ kind: 'later' });
    expect(rig.reads).toBe(reads);
    rig.choices.unshare([KEY], NOW_MS);
    await rig.attempt();
    expect(rig.store.held.has(KEY)).toBe(false);
  });
  it('a session that goes on for hours does not starve', async () => {
    const rig = held();
    for (let minute = 0; minute < 120; minute++) {
      rig.now_ms += 60_000;
      rig.messages.push(message(3 + minute, 'goes on', { timestamp_ms: rig.now_ms }));
      await rig.attempt();
    }
    expect(rig.store.messages(KEY).length).toBeGreaterThan(100);
    expect(rig.store.messages(KEY).length).toBeLessThan(rig.messages.length - 14);
  });
  it('times that no message has, or that lie in the future, do not hold it for ever', async () => {
    const rig = held();
    rig.messages = [message(0, 'a', { timestamp_ms: null }), message(1, 'b', { timestamp_ms: NOW_MS * 2 })];
    rig.head = head({ started_at_ms: null, ended_at_ms: null });
    rig.since_ms = NOW_MS;
    await rig.deliver();
    expect(rig.store.messages(KEY)).toHaveLength(2);
    expect(rig.now_ms).toBe(NOW_MS + HOLD);
  });
});
