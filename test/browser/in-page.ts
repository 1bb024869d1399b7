/**
 * Functions that run inside the page. The project compiles without the DOM's types, so that no product code can lean on
 * a browser; the few parts of it that these functions touch are declared here.
 */
import type { Page } from 'playwright-core';

interface Element {
  id: string;
  textContent: string;
  /** Of `data` elements. */
  value: string;
  scrollWidth: number;
  clientWidth: number;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  querySelector(selector: string): Element | null;
  checkVisibility(): boolean;
}

declare const document: {
  documentElement: Element;
  activeElement: Element;
  querySelectorAll(selector: string): Iterable<Element>;
};
declare const getComputedStyle: (element: Element) => { outlineStyle: string };

/** How far the page itself can be scrolled sideways; 0 is as it should be. */
export function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Numbers everything that acts and can be seen, in the order of the page; says how many there are. */
export function numberActing(page: Page): Promise<number> {
  return page.evaluate(() => {
    // What a closed `details` holds is reached once it is open.
    const acting = [...document.querySelectorAll('a[href], summary, input, button, [tabindex="0"]')].filter((element) =>
      element.checkVisibility(),
    );
    for (const [index, element] of acting.entries()) element.setAttribute('data-order', String(index));
    return acting.length;
  });
}

/** What has the focus: its id, its number by `numberActing`, and the line around it. */
export function focused(page: Page): Promise<{ id: string; order: number; outline: string }> {
  return page.evaluate(() => ({
    id: document.activeElement.id,
    order: Number(document.activeElement.getAttribute('data-order') ?? -1),
    outline: getComputedStyle(document.activeElement).outlineStyle,
  }));
}

/** Name and cost of each row of a table. */
export function costsShown(page: Page, table: string): Promise<{ name: string; cost_usd: number }[]> {
  return page.evaluate(
    (rows) =>
      [...document.querySelectorAll(rows)].map((row) => ({
        name: row.querySelector('th')?.textContent.trim() ?? '',
        cost_usd: Number(row.querySelector('data.money')?.value),
      })),
    `${table} tbody tr`,
  );
}
