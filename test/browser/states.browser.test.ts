/** States that a healthy machine does not show, in a real browser: empty, in trouble, failing. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consolePages } from '../../src/console/pages.ts';
import { UnreachableError } from '../../src/platform/errors.ts';
import { startServer, TEAM, type TestServer } from '../server/harness.ts';
import { accessibilityFaults, launchChromium, look, LOOKS, watchedPage } from './chromium.ts';
import {
  fakeDeadLetter,
  fakeDestination,
  fakeOperator,
  fakeRow,
  fakeSource,
  fakeStatus,
  NOW_MS,
  type FakeAnswers,
} from './fake-operator.ts';
import { sidewaysScroll } from './in-page.ts';

const HOUR_MS = 3_600_000;

const EMPTY: FakeAnswers = {
  rows: () => [],
  sessions: [],
  status: {
    sources: [fakeSource({ sessions: 0, files: 0, bytes: 0, read_bytes: 0 })],
    removed: {},
    destinations: [fakeDestination({ acknowledged: 0, last_success_ms: null })],
  },
};

const TROUBLE: FakeAnswers = {
  dead_letters: [fakeDeadLetter(), fakeDeadLetter({ destination: null })],
  unpriced_responses: 3,
  status: {
    nothing_leaves: false,
    sources: [fakeSource({ read_bytes: 730e6 })],
    storage: { bytes: 4e9, cap_bytes: 4e9, full: true },
    spool: { bytes: 64e6, cap_bytes: 64e6, dropped: 41 },
    warnings: ['otlp: insecure = true, everything goes there unencrypted'],
    destinations: [
      fakeDestination(),
      fakeDestination({
        destination: 'team',
        offline_since_ms: NOW_MS - HOUR_MS,
        waiting: 1204,
        oldest_waiting_ms: NOW_MS - 3 * HOUR_MS,
        last_error: { at_ms: NOW_MS, code: 'connect', message: 'The connection was refused' },
      }),
      fakeDestination({
        destination: 'otlp',
        state: 'paused',
        insecure: true,
        held: [
          { partition: `spans/${'0123456789abcdef'.repeat(8)}`, class: 'partition', since_ms: NOW_MS, message: 'no' },
        ],
      }),
    ],
  },
};

const LONG = 'a-project-with-a-name-that-is-much-longer-than-any-phone-is-wide-and-has-no-space-in-it-anywhere';

const STATES: Record<string, { answers: FakeAnswers; says: RegExp; sample?: boolean }> = {
  empty: { answers: EMPTY, says: /Nothing captured yet/ },
  'in trouble': { answers: TROUBLE, says: /offline since\s+14:30/ },
  failing: {
    answers: { failure: new UnreachableError('store.busy', 'The store did not answer', { hint: 'Try again.' }) },
    says: /The store did not answer/,
  },
  'with a defect': { answers: { failure: new TypeError('a secret') }, says: /met a defect of its own/ },
  'with names of any length': {
    answers: {
      rows: ({ by }) => [fakeRow(by === 'day' ? '2026-11-15' : LONG)],
      status: fakeStatus({ removed: { [LONG]: 1 } }),
    },
    says: /a-project-with-a-name/,
  },
};

let browser: Browser;
let server: TestServer | undefined;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser?.close());

/** A link into a server that shows one state. */
async function open(answers: FakeAnswers): Promise<string> {
  const clock = { now_ms: () => NOW_MS, monotonic_ms: () => performance.now() };
  server = await startServer({
    pages: consolePages(fakeOperator(answers), { sample: false, clock, time_zone: 'UTC' }),
  });
  const key = server.server.issueKey({ token_id: 'operator', team_id: TEAM, member: 'local', device: 'local' });
  return `${server.url}/?key=${key}`;
}

describe.each(LOOKS)('$name', (chosen) => {
  test.each(Object.entries(STATES))('%s', async (_, { answers, says }) => {
    const link = await open(answers);
    try {
      await using context = await browser.newContext(look(chosen));
      const { page, complaints, origins } = await watchedPage(context);
      await page.goto(link);
      expect(await page.locator('main').innerText()).toMatch(says);
      expect(await sidewaysScroll(page)).toBe(0);
      expect(await accessibilityFaults(page)).toEqual([]);
      // A page with status 503 is one line of the console; anything more is a fault of ours.
      const expected = answers.failure ? [/^error: Failed to load resource.*503/] : [];
      expect(complaints).toHaveLength(expected.length);
      for (const [index, form] of expected.entries()) expect(complaints[index]).toMatch(form);
      expect([...origins]).toEqual([server?.url]);
    } finally {
      await server?.close();
    }
  });
});
