import { compactText, countText, moneyText } from '../figures.ts';
import { html, type Html } from '../html.ts';
import { noCostReason, noTokensReason, unknownHtml, type Recorded } from './unknown.ts';

/** `1,204` */
export function countHtml(count: number): Html {
  return html`<data value="${count}">${countText(count)}</data>`;
}

/** Failures, quiet while there are none. */
export function failuresHtml(count: number): Html {
  return html`<data class="${count > 0 ? 'failed' : 'none'}" value="${count}">${countText(count)}</data>`;
}

/** `1.2M`, with the exact count for those who ask; a dash with its reason where it is not known. */
export function tokensHtml(count: number | null, row: Pick<Recorded, 'agent'>): Html {
  if (count === null) return unknownHtml(noTokensReason(row));
  return html`<data value="${count}" title="${countText(count)}">${compactText(count)}</data>`;
}

/** `$4.31`; a dash with its reason where it is not known. Whoever shows it says that it is list price. */
export function costHtml(row: Recorded): Html {
  if (row.cost_usd === null) return unknownHtml(noCostReason(row));
  return html`<data class="money" value="${row.cost_usd}">${moneyText(row.cost_usd)}</data>`;
}
