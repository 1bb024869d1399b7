import type { SessionRow } from '../../runtime/operator.ts';
import { overviewHref, type Filter } from '../filter.ts';
import { html, type Html } from '../html.ts';
import { agentName, sessionHref, shortSession } from '../names.ts';
import { timeHtml, type View } from '../view.ts';
import { costHtml, countHtml, failuresHtml, tokensHtml } from './figure.ts';
import { tableHtml } from './table.ts';
import { dashNote, unknownHtml } from './unknown.ts';

export const FIRST_SESSIONS = 15;
export const MOST_SESSIONS = 500;

/** The latest sessions, the newest activity first. `has_more`: there are others that are not shown. */
export function sessionTable(rows: readonly SessionRow[], has_more: boolean, filter: Filter, view: View): Html {
  const more = filter.all_rows
    ? html`<p class="more">
        These are the latest ${MOST_SESSIONS}. Others: <code>syncline telemetry list --limit 5000</code>
      </p>`
    : html`<p class="more"><a href="${overviewHref(filter, { all_rows: true })}#sessions">Show more sessions</a></p>`;
  return tableHtml<SessionRow>({
    id: 'sessions',
    caption: 'Latest sessions',
    columns: [
      { title: 'Last active', cell: (row) => sessionLink(row, view) },
      { title: html`Cost <small>list price</small>`, figure: true, cell: (row) => costHtml(row) },
      { title: 'Project', cell: ({ project }) => project },
      { title: 'Agent', cell: ({ agent }) => agentName(agent) },
      {
        title: 'Model',
        cell: ({ model }) =>
          model === null ? unknownHtml('the agent recorded no model') : html`<code>${model}</code>`,
      },
      { title: 'Tool calls', figure: true, cell: ({ tool_calls }) => countHtml(tool_calls) },
      { title: 'Failed', figure: true, cell: ({ tool_failures }) => failuresHtml(tool_failures) },
      { title: html`Input <small>tokens</small>`, figure: true, cell: (row) => tokensHtml(row.tokens_in, row) },
      { title: html`Output <small>tokens</small>`, figure: true, cell: (row) => tokensHtml(row.tokens_out, row) },
    ],
    rows,
    empty: 'No session in this time.',
    note: [dashNote(rows), has_more && more],
  });
}

function sessionLink(row: SessionRow, view: View): Html {
  const text = row.last_ms === null ? shortSession(row.session) : timeHtml(row.last_ms, view);
  return html`<a href="${sessionHref(row.session)}"
    >${text}<span class="visually-hidden">, session ${shortSession(row.session)} of ${row.project}</span></a
  >`;
}
