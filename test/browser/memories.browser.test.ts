/** The pages of memories in a real browser, over given answers. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnreachableError } from '../../src/platform/errors.ts';
import type { PeerLinkStatus } from '../../src/memory/replication/peer-link.ts';
import type { PeerStatus, ReplicationStatus } from '../../src/memory/replication/replication-status.ts';
import type { StatusReport } from '../../src/runtime/operator.ts';
import { fakeFound, fakeMemory, fakeProvenance } from '../support/fake-memories.ts';
import { accessibilityFaults, launchChromium, look, LOOKS } from './chromium.ts';
import { fakeMemories, fakeArchived } from './fake-memory-verb.ts';
import { NOW_MS, type FakeAnswers } from './fake-operator.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { focused, numberActing, sidewaysScroll } from './in-page.ts';

const HOSTILE = `</title></pre><script>document.title='taken'</script><img src=x onerror="document.title='taken'">\u202e`;
const LONG = 'a-name-that-is-much-longer-than-any-phone-is-wide-and-has-no-space-in-it-anywhere'.repeat(3);
const [FIRST = fakeMemory()] = fakeMemories(1);
const MEMORY = `/memories/${FIRST.id}`;

const LINK: PeerLinkStatus = {
  ...{ state: 'following', since_ms: NOW_MS, last_error: null, repaired: 0, held: [] },
};

const DESKTOP: PeerStatus = {
  ...{ member: 'bbbb', name: 'desktop', link: LINK, heard_ms: NOW_MS - 5000, waiting: 0, waiting_since_ms: null },
  ...{ checked_ms: NOW_MS - 5000, diverged_since_ms: null },
};
const PEERS: PeerStatus[] = [
  DESKTOP,
  {
    ...{ ...DESKTOP, name: 'laptop', waiting: 1204 },
    link: { ...LINK, state: 'unreachable', last_error: 'The peer did not answer' },
  },
  { ...DESKTOP, name: 'server', diverged_since_ms: NOW_MS - 60_000 },
  { ...DESKTOP, name: 'travel', link: null, heard_ms: null, waiting: 12 },
];

function kept(peers: PeerStatus[] = PEERS): Partial<StatusReport> {
  const replication: ReplicationStatus = {
    ...{ running: true, member: 'aaaa', origin: 'aaaa.1', members: peers.length + 1, peers, waiting_writes: 0 },
    ...{ reachable: 1, parked: [], alarms: [], damaged: 0, last_upkeep: null },
  };
  const figures = {
    memories: 12,
    archived: 1,
    pending: 0,
    operations: 40,
    size_bytes: 90_000,
    write_quorum: 1,
    damaged: 0,
  };
  return { memory: { ...figures, peers: peers.length === 0 ? null : replication } };
}

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser?.close());

const open = (path: string, answers: FakeAnswers = {}, options: BrowserContextOptions = {}): Promise<OpenPage> =>
  openPage(browser, path, { status: kept(), ...answers }, options);

describe('the list', () => {
  test('is reached from every page, says who knows what from where, and leads to each memory', async () => {
    await using shown = await open('/');
    const { page, origin } = shown;
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Memories' }).click();
    expect(page.url()).toBe(`${origin}/memories`);
    expect(await page.title()).toBe('Memories · Syncline');
    const rows = page.locator('#memories tbody tr');
    expect(await rows.count()).toBe(12);
    expect(await rows.nth(0).innerText()).toMatch(/approvals 0 deploy\s+team\/ops\s+long\s+10\s+0\s+claude on laptop/);
    expect(await rows.nth(1).innerText()).toContain('codex on desktop another machine');
    await rows.nth(0).getByRole('link', { name: 'Rollback' }).click();
    expect(page.url()).toBe(`${origin}${MEMORY}`);
    expect(shown.complaints).toEqual([]);
    expect([...shown.origins]).toEqual([origin]);
  });

  test('is narrowed by address, and each filter has its way back', async () => {
    await using shown = await open('/memories');
    const { page, origin } = shown;
    await page.getByRole('region', { name: 'Namespaces' }).getByRole('link', { name: 'team/web' }).click();
    expect(page.url()).toBe(`${origin}/memories?namespace=team%2Fweb`);
    expect(await page.locator('#memories tbody tr').count()).toBe(4);
    await page.locator('#memories').getByRole('link', { name: 'mid' }).first().click();
    expect(page.url()).toBe(`${origin}/memories?namespace=team%2Fweb&tier=mid`);
    expect(shown.asked.at(-1)).not.toBeUndefined();
    await page.getByRole('link', { name: /Remove the filter Namespace/ }).click();
    expect(page.url()).toBe(`${origin}/memories?tier=mid`);
    await page.getByRole('link', { name: 'The archive' }).click();
    expect(await page.locator('#memories').innerText()).toMatch(/Freeze of 2025[^]*forget/);
    await page.getByText('What it says').click();
    expect(await page.getByText('Agreed in the Tuesday review.').isVisible()).toBe(true);
  });

  test('turns its pages', async () => {
    const memories = fakeMemories(120);
    const list = ({ offset = 0, limit = 20 }: { offset?: number; limit?: number }) =>
      memories.slice(offset, offset + limit);
    await using shown = await open('/memories', { memories: { list, count: () => 120 } });
    const { page } = shown;
    const rows = page.locator('#memories tbody tr');
    expect(await page.locator('#memories caption').innerText()).toContain('120 memories');
    expect(await rows.count()).toBe(50);
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByRole('link', { name: 'Next page' }).click();
    expect(await rows.count()).toBe(20);
    expect(await page.getByRole('link', { name: 'Next page' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Previous page' }).click();
    expect(await rows.first().innerText()).toContain('approvals 50');
  });

  test('shows the machines that share it, how far each is behind, and where they differ', async () => {
    await using shown = await open('/memories');
    const rows = shown.page.locator('#machines tbody tr');
    expect(await rows.nth(0).innerText()).toMatch(/desktop\s+in step\s+15:29\s+0/);
    expect(await rows.nth(1).innerText()).toMatch(/laptop\s+not reached\s+15:29\s+1,204\s+The peer did not answer/);
    expect(await rows.nth(2).innerText()).toMatch(/differs since 15:29, being repaired/);
    expect(await rows.nth(3).innerText()).toMatch(/travel\s+comes by itself\s+–[^]*12/);
  });

  test('says what to do when there is nothing, and when none are kept', async () => {
    const nothing = { list: () => [], count: () => 0, namespaces: () => [] };
    await using empty = await open('/memories', { memories: nothing, status: kept([]) });
    expect(await empty.page.locator('main').innerText()).toMatch(/syncline agents connect[^]*syncline memory invite/);
    await using off = await open('/memories', { status: { memory: null } });
    expect(await off.page.locator('main').innerText()).toContain('No memories are kept on this machine');
  });
});

describe('search', () => {
  test('is typed, sent with Enter, and keeps the filter', async () => {
    await using shown = await open('/memories?namespace=team%2Fops');
    const { page, origin } = shown;
    await page.getByRole('searchbox', { name: 'Search what is remembered' }).fill('two approvals');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=/);
    expect(page.url()).toBe(`${origin}/memories?q=two+approvals&namespace=team%2Fops`);
    expect(await page.title()).toBe('Search: two approvals · Syncline');
    expect(shown.asked).toContainEqual([
      'memory',
      { method: 'search', arguments: [{ namespace: 'team/ops', limit: 51, offset: 0, text: 'two approvals' }] },
    ]);
    expect(await page.getByRole('heading', { name: '2 results' }).isVisible()).toBe(true);
    expect(await page.locator('.hits > li').nth(0).innerText()).toContain('Agreed in the Tuesday review.');
    expect(shown.complaints).toEqual([]);
  });

  test('says when it found nothing', async () => {
    await using shown = await open('/memories?q=nothing', { memories: { search: () => [] } });
    expect(await shown.page.locator('main').innerText()).toContain('Nothing was found.');
  });
});

describe('a memory', () => {
  test('shows what it says, who wrote it in which session, its links and its past', async () => {
    await using shown = await open(MEMORY);
    const { page, origin } = shown;
    const main = page.locator('main');
    expect(await main.locator('.remembered pre').innerText()).toBe('Agreed in the Tuesday review.');
    expect(await main.innerText()).toMatch(/Written by\s+claude on laptop, Nov 21, 12:00, in session 4be1c07d/);
    const links = page.getByRole('region', { name: 'Links' });
    expect(await links.innerText()).toMatch(
      /derived from Rollback needs two approvals 1[^]*approvals 2 derived from this/,
    );
    const past = page.locator('#history tbody tr');
    expect(await past.nth(0).innerText()).toMatch(
      /update\s+codex on desktop another machine[^]*priority, metadata\.reviewed/,
    );
    await links.getByRole('link', { name: 'approvals 1' }).click();
    expect(page.url()).toContain(`${origin}/memories/`);
    expect(shown.complaints).toEqual([]);
  });

  test('that is not there says so', async () => {
    await using shown = await open('/memories/ffffffffffff');
    expect(shown.status).toBe(404);
    expect(await shown.page.locator('main').innerText()).toContain('There is no memory with this id');
  });
});

describe('hostile text', () => {
  const by = fakeProvenance({ agent_id: HOSTILE, device: HOSTILE, session: { id: HOSTILE, hash: HOSTILE } });
  const fields = { title: HOSTILE, content: HOSTILE, namespace: HOSTILE, tags: [HOSTILE], tier: HOSTILE };
  const memory = fakeMemory(0, { ...fields, metadata: { [HOSTILE]: HOSTILE }, written: by, updated: by });
  const answers: FakeAnswers = {
    status: kept([{ ...DESKTOP, name: HOSTILE, link: { ...LINK, last_error: HOSTILE } }]),
    memories: {
      list: () => [memory],
      search: () => [fakeFound(0, memory)],
      get: () => memory,
      getMany: () => [memory],
      archived: () => [{ ...fakeArchived(), ...fields, archive_reason: HOSTILE }],
      namespaces: () => [
        { namespace: HOSTILE, memories: 1 },
        { namespace: 'global', memories: 1 },
      ],
      history: () => [
        { operation: HOSTILE, kind: HOSTILE, at: memory.created_at, by, fields: [HOSTILE], detail: null },
      ],
    },
  };

  test.each(['/memories', '/memories?archived=true', `/memories?q=${encodeURIComponent(HOSTILE)}`, MEMORY])(
    '%s shows it as text',
    async (path) => {
      await using shown = await open(path, answers);
      const { page } = shown;
      expect(await page.title()).toMatch(/ · Syncline$/);
      expect(await page.locator('main').innerText()).toContain("<script>document.title='taken'</script>");
      expect(await page.locator('script, img, [onerror], a[href^="javascript:"]').count()).toBe(0);
      expect(await page.content()).not.toContain('\u202e');
      expect(shown.complaints).toEqual([]);
    },
  );
});

describe('by keyboard', () => {
  test.each(['/memories', '/memories?q=race&namespace=team%2Fops', MEMORY])(
    'everything that acts on %s is reached in its order and shows that it is',
    async (path) => {
      await using shown = await open(path);
      const { page } = shown;
      const acting = await numberActing(page);
      expect(acting).toBeGreaterThan(8);
      for (let order = 0; order < acting; order++) {
        await page.keyboard.press('Tab');
        expect(await focused(page)).toMatchObject({ order, outline: 'solid' });
      }
    },
  );
});

const STATES: Record<string, { path: string; answers?: FakeAnswers; says: RegExp; complains?: boolean }> = {
  list: { path: '/memories', says: /12 memories/ },
  'empty list': {
    path: '/memories',
    answers: { memories: { list: () => [], count: () => 0, namespaces: () => [] }, status: kept([]) },
    says: /Nothing is remembered/,
  },
  'filtered list': { path: '/memories?namespace=team%2Fops&tier=mid&tag=deploy', says: /The archive/ },
  archive: { path: '/memories?archived=true', says: /Freeze of 2025/ },
  search: { path: '/memories?q=race', says: /2 results/ },
  'empty search': { path: '/memories?q=race', answers: { memories: { search: () => [] } }, says: /Nothing was found/ },
  memory: { path: MEMORY, says: /Its past/ },
  'none kept': { path: '/memories', answers: { status: { memory: null } }, says: /No memories are kept/ },
  failing: {
    path: '/memories',
    answers: { failure: new UnreachableError('store.busy', 'The store did not answer', { hint: 'Try again.' }) },
    says: /The store did not answer/,
    complains: true,
  },
  'names of any length': {
    path: MEMORY,
    answers: {
      memories: {
        get: () =>
          fakeMemory(0, {
            ...{ title: LONG, content: LONG, namespace: LONG, tags: [LONG], metadata: { [LONG]: LONG } },
            written: fakeProvenance({ agent_id: LONG, device: LONG }),
          }),
        history: () => [],
      },
    },
    says: /a-name-that-is/,
  },
  'a list of names of any length': {
    path: `/memories?namespace=${LONG}`,
    answers: {
      status: kept([{ ...DESKTOP, name: LONG, link: { ...LINK, last_error: LONG } }]),
      memories: {
        list: () => [fakeMemory(0, { title: LONG, namespace: LONG, tags: [LONG] })],
        namespaces: () => [{ namespace: LONG, memories: 1 }],
      },
    },
    says: /a-name-that-is/,
  },
};

describe.each(LOOKS)('$name', (chosen) => {
  test.each(Object.entries(STATES))('%s: no accessibility fault, no sideways scroll', async (name, state) => {
    await using shown = await open(state.path, state.answers, look(chosen));
    const { page, complaints } = shown;
    expect(await page.locator('main').innerText()).toMatch(state.says);
    for (const details of await page.locator('details').all()) await details.locator('summary').click();
    const pictures = process.env['PICTURES'];
    if (pictures) await page.screenshot({ path: `${pictures}/${name}-${chosen.name}.png`, fullPage: true });
    expect(await sidewaysScroll(page)).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    // A page with status 503 is one line of the console; anything more is a fault of ours.
    expect(complaints).toEqual(state.complains ? [expect.stringMatching(/^error: Failed to load resource.*503/)] : []);
  });
});
