import type { Operator } from '../runtime/operator.ts';
import { titleOf } from '../sessions/export/markdown.ts';
import type { SearchHit, SearchPage, SessionPage, SessionSummary } from '../sessions/store/session-store.ts';
import { chipHtml } from './components/filter-bar.ts';
import { tableHtml } from './components/table.ts';
import { unknownHtml } from './components/unknown.ts';
import {
  CONVERSATIONS_PATH,
  conversationHref,
  conversationsHref,
  type ConversationFilter,
} from './conversation-filter.ts';
import { countText, itemsText } from './figures.ts';
import { html, type Html, type Part } from './html.ts';
import { documentPage } from './layout.ts';
import { agentName } from './names.ts';
import type { ConsolePage } from './page.ts';
import { timeHtml, type View } from './view.ts';

const ROWS = 50;

/** `GET /conversations`: the latest, or those in which a text was said. */
export async function conversationsPage(
  operator: Operator,
  filter: ConversationFilter,
  view: View,
): Promise<ConsolePage> {
  const title = filter.text === null ? 'Conversations' : `Search: ${filter.text}`;
  return documentPage({
    title,
    sample: view.sample,
    form: true,
    place: 'conversations',
    body: html`<h1>Conversations</h1>
      ${searchForm(filter)} ${chips(filter)}
      ${filter.text === null ? await latest(operator, filter, view) : await found(operator, filter.text, filter, view)}`,
  });
}

function searchForm({ text, project, agent, subagents }: ConversationFilter): Html {
  const hidden = (name: string, value: string | null): Part =>
    value !== null && html`<input type="hidden" name="${name}" value="${value}" />`;
  return html`<form class="search" role="search" action="${CONVERSATIONS_PATH}" method="get">
    <label for="q">Search what was said</label>
    <input id="q" name="q" type="search" value="${text ?? ''}" autocomplete="off" spellcheck="false" />
    ${hidden('project', project)} ${hidden('agent', agent)} ${hidden('subagents', subagents ? 'true' : null)}
    <button type="submit">Search</button>
    <p class="note">
      Words must all occur; <code>"in quotes"</code> as a phrase, <code>-word</code> without, <code>word*</code> as a
      beginning. A commit or pull request: <code>syncline sessions for</code>.
    </p>
  </form>`;
}

function chips(filter: ConversationFilter): Part {
  const chip = (name: string, value: string | null, without: Partial<ConversationFilter>): Part =>
    value !== null && chipHtml(name, value, conversationsHref(filter, without));
  return html`<div class="filter">
    ${chip('Project', filter.project, { project: null })}
    ${chip('Agent', filter.agent === null ? null : agentName(filter.agent), { agent: null })}
    <a href="${conversationsHref(filter, { subagents: !filter.subagents })}"
      >${filter.subagents ? 'Hide subagents' : 'Show subagents, too'}</a
    >
  </div>`;
}

async function latest(operator: Operator, filter: ConversationFilter, view: View): Promise<Html> {
  const page = await operator.conversations({
    filter: selectionOf(filter),
    page: { limit: ROWS, after: filter.after },
  });
  return tableHtml<SessionSummary>({
    id: 'conversations',
    caption: html`Latest <small>${itemsText(page.total, 'conversation')}</small>`,
    columns: [
      { title: 'Title', cell: titleCell },
      {
        title: 'Project',
        cell: ({ project }) => html`<a href="${conversationsHref(filter, { project })}">${project}</a>`,
      },
      { title: 'Agent', cell: ({ agent }) => agentName(agent) },
      { title: 'Last', cell: (session) => lastCell(session, view) },
      { title: 'Messages', figure: true, cell: ({ message_count }) => countText(message_count) },
      {
        title: 'Commits and requests',
        figure: true,
        cell: ({ commits, pull_requests }) => linkCount(commits + pull_requests),
      },
    ],
    rows: page.sessions,
    empty: 'No conversation fits. They are read from the files of the agents on this machine.',
    note: moreNote(page, filter),
  });
}

async function found(operator: Operator, text: string, filter: ConversationFilter, view: View): Promise<Html> {
  const search = { ...selectionOf(filter), text };
  const page = await operator.searchConversations({ search, page: { limit: ROWS, after: filter.after } });
  if (page.total === 0)
    return html`<p class="none">Nothing was found. Fewer words, or a beginning with <code>*</code>, find more.</p>`;
  return html`<section aria-labelledby="results">
    <h2 id="results">${itemsText(page.total, 'result')}</h2>
    <ol class="hits">
      ${page.hits.map((hit) => hitHtml(hit, view))}
    </ol>
    ${moreNote(page, filter)}
  </section>`;
}

function hitHtml(hit: SearchHit, view: View): Html {
  const { session, ordinal, scope, role, copies } = hit;
  const where = scope === 'message' ? role : scope.replace('_', ' ');
  const at_ms = session.ended_at_ms ?? session.started_at_ms;
  return html`<li>
    <a href="${conversationHref(session.key, ordinal)}">${titleOf(session)}</a>
    <p class="snippet">${snippetHtml(hit)}</p>
    <p class="detail">
      ${where}, ${session.project},
      ${agentName(session.agent)}${at_ms !== null && html`, ${timeHtml(at_ms, view)}`}${copies > 0 && html`, also in ${itemsText(copies, 'copy', 'copies')}`}
    </p>
  </li> `;
}

function snippetHtml({ snippet, highlights }: SearchHit): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const { start, end } of highlights) {
    parts.push(snippet.slice(from, start), html`<mark>${snippet.slice(start, end)}</mark>`);
    from = end;
  }
  return [...parts, snippet.slice(from)];
}

function moreNote({ next }: SessionPage | SearchPage, filter: ConversationFilter): Part {
  if (next === null && filter.after === null) return null;
  return html`<p class="more">
    ${filter.after !== null && html`<a href="${conversationsHref(filter)}">First page</a> `}${next !== null && html`<a href="${conversationsHref(filter, { after: next })}">Next page</a>`}
  </p>`;
}

function selectionOf({ project, agent, subagents }: ConversationFilter): {
  project: string | undefined;
  agent: string | undefined;
  subagents: boolean;
} {
  return { project: project ?? undefined, agent: agent ?? undefined, subagents };
}

function titleCell(session: SessionSummary): Html {
  const { key, relationship, presence, starred_at_ms, arriving } = session;
  const marks = [
    relationship,
    presence.kind === 'source_gone' ? 'kept: its source is gone' : presence.kind === 'trashed' ? 'trashed' : '',
    arriving ? 'still arriving' : '',
  ].filter((mark) => mark !== '');
  return html`${starred_at_ms !== null && html`<span title="starred">★</span> `}<a href="${conversationHref(key)}"
      >${titleOf(session)}</a
    >${marks.length > 0 && html`<span class="detail"> ${marks.join(', ')}</span>`}`;
}

function lastCell({ ended_at_ms, started_at_ms }: SessionSummary, view: View): Part {
  const at_ms = ended_at_ms ?? started_at_ms;
  return at_ms === null ? unknownHtml('the agent recorded no times') : timeHtml(at_ms, view);
}

function linkCount(count: number): Part {
  return count === 0 ? null : countText(count);
}
