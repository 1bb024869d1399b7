import type { Report, ReportRow } from '../../runtime/operator.ts';
import { html, type Html, type Part } from '../html.ts';
import { costHtml, countHtml, failuresHtml, tokensHtml } from './figure.ts';

/** The figures of one time, large. */
export function summaryCard(id: string, title: string, total: Report['total']): Html {
  const figure = (name: string, value: Part): Html =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  const row: Omit<ReportRow, 'key'> = total;
  const quiet = total.sessions === 0 && total.tool_calls === 0;
  return html`<section class="card" aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${
      quiet
        ? html`<p class="quiet">Nothing yet.</p>`
        : html`<p class="headline">${costHtml(row)} <small>list price</small></p>
            <dl class="figures">
              ${figure('Sessions', countHtml(total.sessions))} ${figure('Tool calls', countHtml(total.tool_calls))}
              ${figure('Failed', failuresHtml(total.tool_failures))}
              ${figure('Input tokens', tokensHtml(total.tokens_in, {}))}
              ${figure('Output tokens', tokensHtml(total.tokens_out, {}))}
              ${figure('Cache read', tokensHtml(total.cache_read_tokens, {}))}
              ${figure('Cache write', tokensHtml(total.cache_write_tokens, {}))}
            </dl>`
    }
  </section>`;
}
