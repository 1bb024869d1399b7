/** The state of every destination. Offline is a state, not an error (product page §4, row 21). */
import type { DestinationStatus, StatusReport } from '../../runtime/operator.ts';
import { countText, durationText, itemsText } from '../figures.ts';
import { html, type Html, type Part } from '../html.ts';
import { destinationName } from '../names.ts';
import { timeHtml, type View } from '../view.ts';
import { countHtml } from './figure.ts';
import { tableHtml } from './table.ts';

/** What may leave this machine, in one sentence. */
export function leavesHtml(status: StatusReport): Html {
  if (status.nothing_leaves)
    return html`<p class="promise">
      <strong>Nothing leaves this machine:</strong> no team joined, no destination set.
    </p>`;
  const names = status.destinations.map(({ destination }) => destination).filter((name) => name !== 'local');
  return html`<p class="promise">
    <strong>Delivers to ${names.join(', ')}.</strong> What would leave: <code>syncline preview</code>
  </p>`;
}

export function deliveryTable(status: StatusReport, view: View): Html {
  return tableHtml<DestinationStatus>({
    id: 'delivery',
    caption: 'Destinations',
    columns: [
      { title: 'Destination', cell: ({ destination }) => destinationName(destination) },
      { title: 'State', wide: true, cell: (destination) => stateHtml(destination, view) },
      { title: 'Waiting', figure: true, cell: (destination) => waitingHtml(destination, view) },
      { title: 'Delivered', figure: true, cell: ({ acknowledged }) => countHtml(acknowledged) },
      {
        title: 'Last delivery',
        cell: ({ last_success_ms }) =>
          last_success_ms === null ? html`<span class="none">none yet</span>` : timeHtml(last_success_ms, view),
      },
      { title: 'Stream', cell: ({ stream }) => stream },
    ],
    rows: status.destinations,
    empty: 'No destination is open yet; this changes within a moment of the start.',
  });
}

function stateHtml(destination: DestinationStatus, view: View): Part {
  const badge = (kind: string, text: Part): Html => html`<span class="state ${kind}">${text}</span>`;
  const { state, offline_since_ms, last_error, held, insecure } = destination;
  const notes = [
    insecure && html` <span class="state warn">not encrypted</span>`,
    held.length > 0 && html` <span class="state warn">${itemsText(held.length, 'partition')} held</span>`,
  ];
  if (state === 'paused')
    return [
      badge('idle', 'paused'),
      notes,
      html`<p class="detail">Nothing is lost. Go on: <code>syncline resume --to ${destination.destination}</code></p>`,
    ];
  if (offline_since_ms !== null)
    return [
      badge('idle', html`offline since ${timeHtml(offline_since_ms, view)}`),
      notes,
      html`<p class="detail">Nothing is lost; it is tried again by itself. ${last_error?.message}</p>`,
    ];
  if (state === 'draining') return [badge('idle', 'draining'), notes];
  return [destination.waiting > 0 ? badge('good', 'delivering') : badge('good', 'up to date'), notes];
}

/** `1,204, oldest 3 h` */
function waitingHtml({ waiting, oldest_waiting_ms }: DestinationStatus, { now_ms }: View): Part {
  if (waiting === 0 || oldest_waiting_ms === null) return html`<data value="${waiting}">${countText(waiting)}</data>`;
  return html`<data value="${waiting}">${countText(waiting)}</data>
    <small class="detail">oldest ${durationText(now_ms - oldest_waiting_ms)}</small>`;
}
