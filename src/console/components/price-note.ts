import type { Report } from '../../runtime/operator.ts';
import { itemsText } from '../figures.ts';
import { html, type Html } from '../html.ts';

/** What the money on a page is, and what is not in it (R4). */
export function priceNote({ price_date, unpriced_responses }: Pick<Report, 'price_date' | 'unpriced_responses'>): Html {
  return html`<p class="note" id="prices">
    Money is list price, by the price table of <time datetime="${price_date}">${price_date}</time>; a plan or a discount
    may make the bill another, and calls that agents do not record (titles, searches) make it higher.
    ${
      unpriced_responses > 0 &&
      html`${itemsText(unpriced_responses, 'response')} of models without a known price
      ${unpriced_responses === 1 ? 'is' : 'are'} not in it.`
    }
    A dash (–) means not recorded or not known, never zero.
  </p>`;
}
