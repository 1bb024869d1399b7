/** The console of the real program in a real browser, over the sample that an empty machine is shown. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/runtime/operator.ts';
import { until } from '../support/condition.ts';
import { Machine } from '../support/machine.ts';
import { Browser as Reader } from '../support/page.ts';
import type { Ready } from '../support/program.ts';
import { accessibilityFaults, launchChromium, look, LOOKS, watchedPage } from './chromium.ts';
import { costsShown, focused, numberActing, sidewaysScroll } from './in-page.ts';

let machine: Machine;
let browser: Browser;
let ready: Ready;
let origin: string;
let signed_in: Awaited<ReturnType<BrowserContext['storageState']>>;

/** A fresh one-time link. The sample lives in a home of its own. */
async function freshLink(): Promise<string> {
  const { stdout } = await machine.run(['open', '--json'], { env: { SYNCLINE_HOME: ready.home } });
  return (JSON.parse(stdout) as { url: string }).url;
}

beforeAll(async () => {
  browser = await launchChromium();
  machine = new Machine();
  const up = await machine.up();
  ready = await up.ready();
  origin = new URL(ready.url).origin;
  const reader = await Reader.signIn(ready.url);
  await until('the sample is read', async () => {
    const { body } = await reader.get('/');
    return body.includes('claude-haiku-5-5') && !body.includes('Reading in progress');
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(await freshLink());
  signed_in = await context.storageState();
  await context.close();
});

afterAll(async () => {
  await browser?.close();
  await machine?.[Symbol.asyncDispose]();
});

describe('sign-in', () => {
  test('a link opens the page once, and its key leaves the address', async () => {
    const link = await freshLink();
    await using first = await browser.newContext();
    const page = await first.newPage();
    await page.goto(link);
    expect(page.url()).toBe(`${origin}/`);
    expect(await page.title()).toBe('SAMPLE DATA · Overview · Syncline');

    await using second = await browser.newContext();
    const again = await (await second.newPage()).goto(link);
    expect(again?.status()).toBe(401);
  });

  test('without sign-in there is no page and no style', async () => {
    await using stranger = await browser.newContext();
    const page = await stranger.newPage();
    for (const path of ['/', '/sessions/00', '/style.css'])
      expect((await page.goto(`${origin}${path}`))?.status()).toBe(401);
  });
});

describe('what is shown', () => {
  test('every page is titled SAMPLE DATA, complains of nothing and asks nobody else', async () => {
    await using context = await browser.newContext({ storageState: signed_in });
    const { page, complaints, origins } = await watchedPage(context);
    await page.goto(origin);
    expect(await page.locator('.sample').innerText()).toContain('None of these figures are yours');
    await page
      .getByRole('link', { name: /session .* of payments/ })
      .first()
      .click();
    await page.getByRole('heading', { level: 1, name: /payments/ }).waitFor();
    expect(await page.title()).toMatch(/^SAMPLE DATA · Session /);
    expect(await page.locator('.sample').isVisible()).toBe(true);
    expect(await page.locator('script').count()).toBe(0);
    expect(complaints).toEqual([]);
    expect([...origins]).toEqual([origin]);
  });

  test('the figures are those of `telemetry report`', async () => {
    const { stdout } = await machine.run(['telemetry', 'report', '--by', 'project', '--json'], {
      env: { SYNCLINE_HOME: ready.home },
    });
    const report = JSON.parse(stdout) as Omit<Report, 'rows'> & { rows: { project: string; cost_usd: number }[] };
    await using context = await browser.newContext({ storageState: signed_in });
    const page = await context.newPage();
    await page.goto(origin);
    const shown = await costsShown(page, '#by-project');
    expect(shown).toEqual(report.rows.map(({ project, cost_usd }) => ({ name: project, cost_usd })));
    expect(shown).toHaveLength(2);
    expect(await page.locator('#prices').innerText()).toContain(
      `list price, by the price table of ${report.price_date}`,
    );
  });

  test('a filter stands in the address, and each has its way back', async () => {
    await using context = await browser.newContext({ storageState: signed_in });
    const page = await context.newPage();
    await page.goto(origin);
    await page.getByRole('link', { name: 'All time' }).click();
    await page.locator('#by-project').getByRole('link', { name: 'web' }).click();
    expect(page.url()).toBe(`${origin}/?since=all&project=web`);
    expect(await page.locator('#sessions tbody tr').count()).toBe(3);
    await page.getByRole('link', { name: /Remove the filter Project: web/ }).click();
    expect(page.url()).toBe(`${origin}/?since=all`);
    expect(await page.locator('#sessions tbody tr').count()).toBe(6);
  });

  test('nothing of it needs script', async () => {
    await using context = await browser.newContext({ storageState: signed_in, javaScriptEnabled: false });
    const page = await context.newPage();
    const response = await page.goto(origin);
    expect(response?.headers()['content-security-policy']).toContain("default-src 'none'; style-src 'self';");
    expect(await page.locator('#by-project tbody tr').count()).toBe(2);
    await page.getByText('Figures by day').click();
    expect(await page.locator('#by-day').isVisible()).toBe(true);
  });
});

describe('by keyboard', () => {
  test('the first key reaches the way past the header', async () => {
    await using context = await browser.newContext({ storageState: signed_in });
    const page = await context.newPage();
    await page.goto(origin);
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to the content' });
    await until('the link has slid in', async () => ((await skip.boundingBox())?.y ?? -1) >= 0);
    await page.keyboard.press('Enter');
    expect(page.url()).toBe(`${origin}/#main`);
    expect(await focused(page)).toMatchObject({ id: 'main' });
  });

  test('everything that acts is reached in its order and shows that it is', async () => {
    await using context = await browser.newContext({ storageState: signed_in });
    const page = await context.newPage();
    await page.goto(origin);
    const acting = await numberActing(page);
    expect(acting).toBeGreaterThan(20);
    for (let order = 0; order < acting; order++) {
      await page.keyboard.press('Tab');
      expect(await focused(page)).toMatchObject({ order, outline: 'solid' });
    }
  });
});

describe.each(LOOKS)('$name', (chosen) => {
  test.each([
    ['overview', '/'],
    ['filtered', '/?since=all&project=web&agent=claude&rows=all'],
    ['nothing in this time', '/?since=1m&project=none'],
    ['session', 'session'],
    ['unknown session', '/sessions/0123456789abcdef'],
    ['wrong time', '/?since=yesterday'],
  ])('%s: no accessibility fault, no sideways scroll', async (_, path) => {
    await using context = await browser.newContext({ storageState: signed_in, ...look(chosen) });
    const page = await context.newPage();
    await page.goto(`${origin}${path === 'session' ? '/' : path}`);
    if (path === 'session') await page.locator('#sessions tbody a').nth(4).click();
    for (const details of await page.locator('details').all()) await details.locator('summary').click();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await sidewaysScroll(page)).toBe(0);
  });
});
