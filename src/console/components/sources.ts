import type { SourceStatus, StatusReport } from '../../runtime/operator.ts';
import { passedOver } from '../../runtime/skipped.ts';
import { bytesText, countText, itemsText, percentText } from '../figures.ts';
import { html, type Html, type Part } from '../html.ts';
import { agentName } from '../names.ts';
import { countHtml } from './figure.ts';
import { tableHtml } from './table.ts';

/** How far reading has come; absent once everything is read. */
export function readingProgress({ sources }: StatusReport): Part {
  const bytes = sum(sources, (source) => source.bytes);
  const read_bytes = sum(sources, (source) => source.read_bytes);
  if (bytes === 0 || read_bytes >= bytes) return null;
  return html`<section class="reading" aria-label="Reading in progress">
    <label for="reading">Reading ${bytesText(bytes)} of transcripts, read-only</label>
    <progress id="reading" max="${bytes}" value="${read_bytes}">${percentText(read_bytes, bytes)}</progress>
    <span>${percentText(read_bytes, bytes)}</span>
    <p class="detail">The figures below are of what is read so far. Reload to see more.</p>
  </section>`;
}

export function sourceTable(status: StatusReport): Html {
  return tableHtml<SourceStatus>({
    id: 'sources',
    caption: html`What is read <small>read-only</small>`,
    columns: [
      { title: 'Agent', cell: ({ agent }) => agentName(agent) },
      {
        title: 'Where',
        wide: true,
        cell: ({ path, note }) =>
          html`<code class="breakable">${path}</code>${note !== null && html`<p class="detail">${note}</p>`}`,
      },
      { title: 'Sessions', figure: true, cell: ({ sessions }) => countHtml(sessions) },
      { title: 'Read', figure: true, cell: readText },
      { title: 'Passed over', cell: passedOverText },
    ],
    rows: status.sources,
    empty: 'No transcripts are read here; what arrives comes from other machines.',
    note: html`<p class="more">${removedText(status)} Every place looked at: <code>syncline doctor</code></p>`,
  });
}

function readText({ exists, bytes, read_bytes }: SourceStatus): Part {
  if (!exists) return html`<span class="none">not there</span>`;
  return bytes === 0
    ? html`<span class="none">empty</span>`
    : `${percentText(read_bytes, bytes)} of ${bytesText(bytes)}`;
}

function passedOverText({ skipped }: SourceStatus): Part {
  const { copies, excluded, lines } = passedOver(skipped);
  const parts = [
    copies > 0 && itemsText(copies, 'copy', 'copies'),
    excluded > 0 && `${countText(excluded)} excluded`,
    lines > 0 && `${itemsText(lines, 'line')} skipped`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? html`<span class="none">nothing</span>` : parts.join(', ');
}

function removedText({ removed }: StatusReport): Part {
  const rules = Object.entries(removed).sort(([, a], [, b]) => b - a);
  const count = sum(rules, ([, fired]) => fired);
  if (count === 0) return 'No secret was found in what was read.';
  const most = rules.slice(0, 3).map(([rule, fired]) => `${rule} ${countText(fired)}`);
  return html`<strong>${itemsText(count, 'secret')} removed</strong> before anything was stored
    (${most.join(', ')}${rules.length > 3 && ', …'}).`;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
