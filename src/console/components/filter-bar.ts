import { PERIODS, overviewHref, type Filter } from '../filter.ts';
import { html, type Html } from '../html.ts';
import { agentName } from '../names.ts';

/** The times to choose from, and what else the view is narrowed to, each with its way back. */
export function filterBar(filter: Filter): Html {
  return html`<nav class="filter" aria-label="Time and filter">
    <ul class="periods">
      ${PERIODS.map(
        ([since, title]) =>
          html`<li>
            <a href="${overviewHref(filter, { since })}" ${since === filter.since && CURRENT}>${title}</a>
          </li>`,
      )}
    </ul>
    ${filter.project !== null && chipHtml('Project', filter.project, overviewHref(filter, { project: null }))}
    ${filter.agent !== null && chipHtml('Agent', agentName(filter.agent), overviewHref(filter, { agent: null }))}
  </nav>`;
}

const CURRENT = html`aria-current="page"`;

/** What a view is narrowed to; following it leads to the view without. */
export function chipHtml(name: string, value: string, without: string): Html {
  return html`<a class="chip" href="${without}"
    ><span class="visually-hidden">Remove the filter </span>${name}: ${value} <span aria-hidden="true">×</span></a
  >`;
}
