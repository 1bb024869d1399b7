/** The pages of conversations in a real browser, over given answers. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnreachableError } from '../../src/platform/errors.ts';
import {
  fakeConversation,
  fakeConversations,
  fakeDetail,
  fakeHit,
  fakeKey,
  fakeLink,
  fakeMessage,
  fakeToolCall,
} from '../support/fake-conversations.ts';
import { accessibilityFaults, launchChromium, look, LOOKS } from './chromium.ts';
import type { FakeAnswers } from './fake-operator.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { focused, numberActing, sidewaysScroll } from './in-page.ts';

const HOSTILE = `</title></pre><script>document.title='taken'</script><img src=x onerror="document.title='taken'">\u202e`;
const LONG = 'a-name-that-is-much-longer-than-any-phone-is-wide-and-has-no-space-in-it-anywhere'.repeat(3);
const CONVERSATION = `/conversations/${fakeKey(0)}`;

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser?.close());

const open = (path: string, answers: FakeAnswers = {}, options: BrowserContextOptions = {}): Promise<OpenPage> =>
  openPage(browser, path, answers, options);

describe('the list', () => {
  test('is reached from every page, names what it shows, and leads to each conversation', async () => {
    await using shown = await open('/');
    const { page, origin } = shown;
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Conversations' }).click();
    expect(page.url()).toBe(`${origin}/conversations`);
    expect(await page.title()).toBe('Conversations · Syncline');
    const rows = page.locator('#conversations tbody tr');
    expect(await rows.count()).toBe(12);
    expect(await rows.nth(0).innerText()).toMatch(
      /★ Fix the race .*github\.com\/acme\/web\s+Claude Code\s+14:30\s+12/s,
    );
    expect(await rows.nth(1).innerText()).toContain('kept: its source is gone');
    expect(await rows.nth(3).innerText()).toContain('still arriving');
    await rows.nth(0).getByRole('link', { name: 'Fix the race' }).click();
    expect(page.url()).toBe(`${origin}${CONVERSATION}`);
    expect(shown.complaints).toEqual([]);
    expect([...shown.origins]).toEqual([origin]);
  });

  test('is narrowed by address, and each filter has its way back', async () => {
    await using shown = await open('/conversations');
    const { page, origin } = shown;
    await page.locator('#conversations').getByRole('link', { name: 'notes' }).first().click();
    expect(page.url()).toBe(`${origin}/conversations?project=notes`);
    expect(await page.locator('#conversations tbody tr').count()).toBe(4);
    await page.getByRole('link', { name: 'Show subagents' }).click();
    expect(page.url()).toBe(`${origin}/conversations?project=notes&subagents=true`);
    await page.getByRole('link', { name: /Remove the filter Project: notes/ }).click();
    expect(page.url()).toBe(`${origin}/conversations?subagents=true`);
  });

  test('turns its pages', async () => {
    await using shown = await open('/conversations', { conversations: fakeConversations(120) });
    const { page } = shown;
    const rows = page.locator('#conversations tbody tr');
    expect(await page.locator('#conversations caption').innerText()).toContain('120 conversations');
    await page.getByRole('link', { name: 'Next page' }).click();
    expect(await rows.first().innerText()).toContain('notes');
    await page.getByRole('link', { name: 'Next page' }).click();
    expect(await rows.count()).toBe(20);
    expect(await page.getByRole('link', { name: 'Next page' }).count()).toBe(0);
    await page.getByRole('link', { name: 'First page' }).click();
    expect(await rows.count()).toBe(50);
  });

  test('says what to do when there is nothing', async () => {
    await using shown = await open('/conversations', { conversations: [] });
    expect(await shown.page.locator('main').innerText()).toContain('No conversation fits.');
  });
});

describe('search', () => {
  test('is typed, sent with Enter, and marks what it found', async () => {
    await using shown = await open('/conversations?project=web');
    const { page, origin } = shown;
    await page.getByRole('searchbox', { name: 'Search what was said' }).fill('"race condition" -windows');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=/);
    expect(page.url()).toBe(`${origin}/conversations?q=%22race+condition%22+-windows&project=web`);
    expect(await page.title()).toBe('Search: "race condition" -windows · Syncline');
    expect(await page.getByRole('searchbox').inputValue()).toBe('"race condition" -windows');
    expect(shown.asked.at(-1)).toEqual([
      'searchConversations',
      {
        search: { text: '"race condition" -windows', project: 'web', agent: undefined, subagents: false },
        page: { limit: 50, after: null },
      },
    ]);
    expect(await page.getByRole('heading', { level: 2 }).innerText()).toBe('4 results');
    const hit = page.locator('.hits > li').nth(1);
    expect(await hit.locator('mark').allInnerTexts()).toEqual(['race condition', 'race']);
    expect(await hit.innerText()).toContain('also in 6 copies');
    expect(shown.complaints).toEqual([]);
  });

  test('leads to the message that was found, which is marked and in sight', async () => {
    const messages = Array.from({ length: 400 }, (_, ordinal) => fakeMessage(ordinal));
    const hits = [fakeHit({ ordinal: 250 })];
    await using shown = await open('/conversations?q=race', { messages, hits });
    const { page, origin } = shown;
    await page.locator('.hits').getByRole('link', { name: 'Fix the race' }).click();
    expect(page.url()).toBe(`${origin}${CONVERSATION}?at=250#msg-250`);
    const found = page.locator('#msg-250:target');
    expect(await found.innerText()).toContain('What was said in message 251.');
    const box = await found.boundingBox();
    expect(box?.y).toBeGreaterThan(-1);
    expect(box?.y).toBeLessThan(page.viewportSize()?.height ?? 0);
    expect(await page.locator('.message').count()).toBe(153);
    expect(await page.locator('.message').first().getAttribute('id')).toBe('msg-247');
  });

  test('says when it found nothing', async () => {
    await using shown = await open('/conversations?q=nothing', { hits: [] });
    expect(await shown.page.locator('main').innerText()).toContain('Nothing was found.');
  });
});

describe('a conversation', () => {
  test('shows who said what, what was thought and what tools did', async () => {
    await using shown = await open(CONVERSATION);
    const { page } = shown;
    expect(await page.title()).toBe('Fix the race between lock and unlock · Syncline');
    const answer = page.locator('#msg-1');
    expect(await answer.getByRole('heading').innerText()).toMatch(/^#?2\s+Assistant/);
    expect(await answer.getByText('That is the window.').isVisible()).toBe(false);
    await answer.getByText('Thinking').click();
    expect(await answer.getByText('That is the window.').isVisible()).toBe(true);
    const calls = answer.locator('details.call');
    expect(await calls.count()).toBe(5);
    await calls.nth(0).locator('summary').click();
    expect(await calls.nth(0).innerText()).toContain('Tests  14 passed (14)');
    expect(await calls.nth(1).locator('summary').innerText()).toContain('src/lock.ts');
    expect(await calls.nth(2).locator('summary').innerText()).toContain('failed');
    expect(await calls.nth(3).locator('summary').innerText()).toContain('no result yet');
    await calls.nth(4).locator('summary').click();
    expect(await calls.nth(4).innerText()).toContain('The source keeps its 51,200 bytes to itself.');
    expect(await page.locator('#msg-3').innerText()).toContain('Compaction');
    expect(await page.locator('#msg-4').innerText()).toContain('2,048 bytes were cut.');
    expect(shown.complaints).toEqual([]);
  });

  test('shows its commits, its tree, where it went, and what was removed', async () => {
    await using shown = await open(CONVERSATION);
    const { page, origin } = shown;
    const main = await page.locator('main').innerText();
    expect(main).toContain('3 secrets and details');
    expect(main).toContain('1f3a9c2b5d6e7f8091a2b3c4d5e6f708192a3b4c');
    expect(main).toMatch(/At team\s+shared/);
    await page.getByRole('link', { name: 'message 2' }).click();
    expect(page.url()).toBe(`${origin}${CONVERSATION}#msg-1`);
    const tree = page.getByRole('region', { name: 'Continuations, forks and subagents' });
    expect(await tree.locator('[aria-current]').innerText()).toContain('Fix the race');
    await tree.getByRole('link', { name: 'Search for callers' }).click();
    expect(page.url()).toBe(`${origin}/conversations/${fakeKey(8)}`);
  });

  test('of any length is read page by page, from and to every place', async () => {
    const messages = Array.from({ length: 450 }, (_, ordinal) => fakeMessage(ordinal));
    await using shown = await open(CONVERSATION, { messages });
    const { page } = shown;
    expect(await page.locator('.message').count()).toBe(200);
    await page.getByRole('link', { name: 'Next messages' }).click();
    expect(await page.locator('.message').first().getAttribute('id')).toBe('msg-200');
    await page.getByRole('link', { name: 'Next messages' }).click();
    expect(await page.locator('.message').count()).toBe(50);
    expect(await page.getByRole('link', { name: 'Next messages' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Earlier messages' }).click();
    expect(await page.locator('.message').first().getAttribute('id')).toBe('msg-200');
    await page.getByRole('link', { name: 'From the beginning' }).click();
    expect(await page.locator('.message').first().getAttribute('id')).toBe('msg-0');
    expect(await page.getByRole('link', { name: 'From the beginning' }).count()).toBe(0);
  });

  test('leads from a commit to its message, also when that stands on another page', async () => {
    const messages = Array.from({ length: 450 }, (_, ordinal) => fakeMessage(ordinal));
    const conversation = fakeDetail({ links: [fakeLink({ ordinal: 420 })] });
    await using shown = await open(CONVERSATION, { messages, conversation });
    await shown.page.getByRole('link', { name: 'message 421' }).click();
    expect(await shown.page.locator('#msg-420:target').isVisible()).toBe(true);
  });

  test('sets code as code', async () => {
    await using shown = await open(CONVERSATION);
    const code = shown.page.locator('#msg-1 .said pre');
    expect(await code.innerText()).toBe(
      'async function unlock(path: string): Promise<void> {\n  held.delete(path); // too early\n  await rm(path);\n}',
    );
  });

  test('with a text of any length shows its beginning, and says how much is left', async () => {
    const content = `${'x'.repeat(20_000)}${'y'.repeat(1_234)}`;
    await using shown = await open(CONVERSATION, { messages: [fakeMessage(0, { content })] });
    const text = await shown.page.locator('#msg-0').innerText();
    expect(text).toContain('1,234 more characters');
    expect(text).not.toContain('yyyy');
  });

  test('says that it is not there', async () => {
    await using shown = await open('/conversations/ffffffffffff');
    expect(shown.status).toBe(404);
    expect(await shown.page.locator('main').innerText()).toContain('There is no conversation with this id');
  });
});

describe('hostile text', () => {
  const session = fakeConversation({ title: HOSTILE, project: HOSTILE, agent: HOSTILE, git_branch: HOSTILE });
  const answers: FakeAnswers = {
    conversations: [session],
    hits: [fakeHit({ session, snippet: HOSTILE, highlights: [{ start: 0, end: 20 }], role: HOSTILE })],
    conversation: fakeDetail({
      session: { ...session, models: [HOSTILE] },
      links: [fakeLink({ url: `javascript:${HOSTILE}`, repository: HOSTILE })],
      shared: [{ destination: HOSTILE, state: 'refused', reason: HOSTILE, until_ms: null }],
    }),
    messages: [
      fakeMessage(0, {
        content: HOSTILE,
        thinking: HOSTILE,
        role: HOSTILE,
        tool_calls: [fakeToolCall({ tool_name: HOSTILE, input_json: HOSTILE, result: HOSTILE, file_path: HOSTILE })],
      }),
    ],
  };

  test.each(['/conversations', `/conversations?q=${encodeURIComponent(HOSTILE)}`, CONVERSATION])(
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
  test.each(['/conversations', '/conversations?q=race&project=notes', CONVERSATION])(
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
  list: { path: '/conversations', says: /Latest\s+12 conversations/ },
  'empty list': { path: '/conversations', answers: { conversations: [] }, says: /No conversation fits/ },
  'filtered list': { path: '/conversations?project=notes&agent=claude&subagents=true', says: /Hide subagents/ },
  search: { path: '/conversations?q=race', says: /4 results/ },
  'empty search': { path: '/conversations?q=race', answers: { hits: [] }, says: /Nothing was found/ },
  conversation: { path: `${CONVERSATION}?at=3#msg-3`, says: /Good\. Commit it\./ },
  'without messages': { path: CONVERSATION, answers: { messages: [] }, says: /No message was kept/ },
  failing: {
    path: '/conversations',
    answers: { failure: new UnreachableError('store.busy', 'The store did not answer', { hint: 'Try again.' }) },
    says: /The store did not answer/,
    complains: true,
  },
  'names of any length': {
    path: CONVERSATION,
    answers: {
      conversation: fakeDetail({
        session: fakeConversation({ title: LONG, project: LONG, git_branch: LONG, models: [LONG] }),
        links: [fakeLink({ url: `https://github.com/${LONG}` })],
      }),
      messages: [
        fakeMessage(0, {
          content: LONG,
          model: LONG,
          tool_calls: [fakeToolCall({ tool_name: LONG, file_path: LONG, input_json: LONG, is_error: true })],
        }),
      ],
    },
    says: /a-name-that-is/,
  },
  'a list of names of any length': {
    path: `/conversations?project=${LONG}`,
    answers: { conversations: [fakeConversation({ title: LONG, project: LONG, agent: LONG })] },
    says: /a-name-that-is/,
  },
};

describe.each(LOOKS)('$name', (chosen) => {
  test.each(Object.entries(STATES))('%s: no accessibility fault, no sideways scroll', async (_, state) => {
    await using shown = await open(state.path, state.answers, look(chosen));
    const { page, complaints } = shown;
    expect(await page.locator('main').innerText()).toMatch(state.says);
    for (const details of await page.locator('details').all()) await details.locator('summary').click();
    expect(await sidewaysScroll(page)).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    // A page with status 503 is one line of the console; anything more is a fault of ours.
    expect(complaints).toEqual(state.complains ? [expect.stringMatching(/^error: Failed to load resource.*503/)] : []);
  });
});
