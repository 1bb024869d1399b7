/** Debian's Chromium, driven as a person would use it, and what it said and asked for meanwhile. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import axe, { type AxeResults } from 'axe-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** No sandbox, since tests often run as root in a container; nothing that would call its makers. */
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @throws Error that says what to install when there is no Chromium: a browser test never passes for want of one. */
export function launchChromium(): Promise<Browser> {
  const named = process.env['CHROMIUM'];
  const found = named === undefined ? PLACES.find((place) => existsSync(place)) : named;
  if (found === undefined || !existsSync(found))
    throw new Error(
      `There is no Chromium at ${named ?? PLACES.join(', ')}. Install it: ` +
        'apt-get install -y --no-install-recommends chromium; or set CHROMIUM to the path of one.',
    );
  return chromium.launch({ executablePath: found, args: ARGUMENTS });
}

/** The looks that every page is checked in. */
export const LOOKS = (['light', 'dark'] as const).flatMap((scheme) =>
  [1280, 375].map((width) => ({ name: `${scheme}, ${width} px`, scheme, width })),
);

export function look({ scheme, width }: (typeof LOOKS)[number]): BrowserContextOptions {
  return { colorScheme: scheme, viewport: { width, height: 800 } };
}

/** A page whose every complaint and request is kept. */
export interface WatchedPage {
  page: Page;
  /** Errors and warnings of the console, exceptions, requests that failed. */
  complaints: string[];
  /** The origins asked. */
  origins: Set<string>;
}

export async function watchedPage(context: BrowserContext): Promise<WatchedPage> {
  const page = await context.newPage();
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) origins.add(new URL(request.url()).origin);
  });
  return { page, complaints, origins };
}

/** The rules of WCAG 2.2 A and AA and of good practice that the page breaks, each with its first element. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Put in from outside: the page's own policy lets no script run, which is as it should be.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html ?? ''} (${nodes.length} times)`);
}
