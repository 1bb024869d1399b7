import type { Browser, BrowserContextOptions } from 'playwright-core';
import { consolePages } from '../../src/console/pages.ts';
import { startServer, TEAM } from '../server/harness.ts';
import { watchedPage, type WatchedPage } from './chromium.ts';
import { fakeOperator, NOW_MS, type FakeAnswers } from './fake-operator.ts';

/** A page of the console in a browser of its own session, and what came of it. */
export interface OpenPage extends WatchedPage, AsyncDisposable {
  origin: string;
  /** What the page asked the operator for. */
  asked: [verb: string, argument: unknown][];
  status: number;
}

/** Signs in to a server that shows these answers, and goes to a page of it. */
export async function openPage(
  browser: Browser,
  path: string,
  answers: FakeAnswers = {},
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const operator = fakeOperator(answers);
  const clock = { now_ms: () => NOW_MS, monotonic_ms: () => performance.now() };
  const server = await startServer({ pages: consolePages(operator, { sample: false, clock, time_zone: 'UTC' }) });
  const context = await browser.newContext(options);
  const key = server.server.issueKey({ token_id: 'operator', team_id: TEAM, member: 'local', device: 'local' });
  const sign_in = await context.newPage();
  await sign_in.goto(`${server.url}/?key=${key}`);
  await sign_in.close();
  const watched = await watchedPage(context);
  const response = await watched.page.goto(`${server.url}${path}`);
  return {
    ...watched,
    origin: server.url,
    asked: operator.asked,
    status: response?.status() ?? 0,
    [Symbol.asyncDispose]: async () => {
      await context.close();
      await server.close();
    },
  };
}
