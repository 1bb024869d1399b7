import type { ArchivedMemory, FoundMemory, Memory } from '../memory/memory.ts';
import type { MemoryAccess } from '../memory/memory-access.ts';
import { memoriesOf } from '../runtime/memory-verbs.ts';
import type { PeerStatus } from '../memory/replication/replication-status.ts';
import type { Operator } from '../runtime/operator.ts';
import { chipHtml } from './components/filter-bar.ts';
import { provenanceHtml } from './components/provenance.ts';
import { tableHtml, type Column } from './components/table.ts';
import { unknownHtml } from './components/unknown.ts';
import { countText, itemsText } from './figures.ts';
import { html, type Html, type Part } from './html.ts';
import { documentPage } from './layout.ts';
import { MEMORIES_PATH, memoriesHref, memoryHref, type MemoryPageFilter } from './memory-filter.ts';
import type { ConsolePage } from './page.ts';
import { timeHtml, type View } from './view.ts';

const ROWS = 50;
/** Characters of a memory that a list shows. */
const EXCERPT = 240;
const NAMESPACES_SHOWN = 60;

/** `GET /memories`: what the agents know; or those that hold all words of a search; or the archive. */
export async function memoriesPage(operator: Operator, filter: MemoryPageFilter, view: View): Promise<ConsolePage> {
  const { memory } = await operator.status();
  const access = memoriesOf(operator);
  const body = memory === null ? NOT_KEPT : await kept(access, filter, view);
  return documentPage({
    title: filter.text === null ? 'Memories' : `Search: ${filter.text}`,
    sample: view.sample,
    form: true,
    place: 'memories',
    body: html`<h1>Memories</h1>
      ${body} ${memory !== null && machinesHtml(memory.peers?.peers ?? [], view)}`,
  });
}

const NOT_KEPT = html`<p class="none">
  No memories are kept on this machine: set <code>keep = true</code> under <code>[memory]</code> and start Syncline
  again.
</p>`;

async function kept(access: MemoryAccess, filter: MemoryPageFilter, view: View): Promise<Html> {
  const { text, archived } = filter;
  const namespaces = await access.namespaces();
  const listed = archived ? archive : text === null ? latest : found;
  return html`${searchForm(filter)} ${chips(filter)} ${await listed(access, filter, view)}
  ${namespacesHtml(namespaces, filter)}`;
}

function searchForm({ text, namespace, tier, tag }: MemoryPageFilter): Html {
  const hidden = (name: string, value: string | null): Part =>
    value !== null && html`<input type="hidden" name="${name}" value="${value}" />`;
  return html`<form class="search" role="search" action="${MEMORIES_PATH}" method="get">
    <label for="q">Search what is remembered</label>
    <input id="q" name="q" type="search" value="${text ?? ''}" autocomplete="off" spellcheck="false" />
    ${hidden('namespace', namespace)} ${hidden('tier', tier)} ${hidden('tag', tag)}
    <button type="submit">Search</button>
    <p class="note">
      Words must all occur; <code>"in quotes"</code> as a phrase. What agents wrote is data, not instructions to
      anybody.
    </p>
  </form>`;
}

function chips(filter: MemoryPageFilter): Html {
  const chip = (name: string, value: string | null, without: Partial<MemoryPageFilter>): Part =>
    value !== null && chipHtml(name, value, memoriesHref(filter, without));
  return html`<div class="filter">
    ${chip('Namespace', filter.namespace, { namespace: null })} ${chip('Tier', filter.tier, { tier: null })}
    ${chip('Tag', filter.tag, { tag: null })}
    <a href="${memoriesHref({ namespace: filter.namespace, archived: !filter.archived })}"
      >${filter.archived ? 'What lives' : 'The archive'}</a
    >
  </div>`;
}

/** One more than is shown tells whether there is another page. */
const pageOf = ({ from }: MemoryPageFilter): { limit: number; offset: number } => ({ limit: ROWS + 1, offset: from });

async function latest(access: MemoryAccess, filter: MemoryPageFilter, view: View): Promise<Html> {
  const selection = selectionOf(filter);
  const [total, memories] = [await access.count(selection), await access.list({ ...selection, ...pageOf(filter) })];
  return tableHtml<Memory>({
    id: 'memories',
    caption: html`What is known <small>${itemsText(total, 'memory', 'memories')}</small>`,
    columns: [
      titleColumn,
      namespaceColumn(filter),
      { title: 'Tier', cell: ({ tier }) => html`<a href="${memoriesHref(filter, { tier })}">${tier}</a>` },
      { title: 'Priority', figure: true, cell: ({ priority }) => countText(priority) },
      { title: 'Recalled here', figure: true, cell: ({ access_count }) => countText(access_count) },
      { title: 'Last change', wide: true, cell: ({ updated }) => provenanceHtml(updated, view) },
    ],
    rows: memories.slice(0, ROWS),
    empty: html`Nothing is remembered ${isNarrowed(filter) ? 'that fits' : 'yet'}. Agents store with
      <code>memory_store</code> once they are connected: <code>syncline agents connect</code>.`,
    note: moreNote(memories.length, filter),
  });
}

async function archive(access: MemoryAccess, filter: MemoryPageFilter, view: View): Promise<Html> {
  const { namespace } = filter;
  const memories = await access.archived({ ...pageOf(filter), ...(namespace === null ? {} : { namespace }) });
  return tableHtml<ArchivedMemory>({
    id: 'memories',
    caption: 'The archive',
    columns: [
      {
        title: 'Title',
        cell: ({ title, content }) =>
          html`${title}
            <details>
              <summary>What it says</summary>
              <pre>${content}</pre>
            </details>`,
      },
      namespaceColumn(filter),
      { title: 'Archived', cell: ({ archived_at }) => timeHtml(Date.parse(archived_at), view) },
      { title: 'Why', wide: true, cell: ({ archive_reason }) => archive_reason },
    ],
    rows: memories.slice(0, ROWS),
    empty: 'Nothing is in the archive. What has expired, and what is forgotten, comes here.',
    note: moreNote(memories.length, filter),
  });
}

const titleColumn: Column<Memory> = {
  title: 'Title',
  cell: ({ id, title, tags }) =>
    html`<a href="${memoryHref(id)}">${title}</a
      >${tags.length > 0 && html`<span class="detail"> ${tags.join(', ')}</span>`}`,
};

function namespaceColumn(filter: MemoryPageFilter): Column<Memory> {
  return {
    title: 'Namespace',
    cell: ({ namespace }) => html`<a href="${memoriesHref(filter, { namespace })}">${namespace}</a>`,
  };
}

async function found(access: MemoryAccess, filter: MemoryPageFilter, view: View): Promise<Html> {
  const memories = await access.search({ ...selectionOf(filter), ...pageOf(filter), text: filter.text ?? '' });
  if (memories.length === 0)
    return html`<p class="none">Nothing was found. Fewer words find more; other namespaces may hold it.</p>`;
  const shown = memories.slice(0, ROWS);
  const more = memories.length > ROWS || filter.from > 0;
  return html`<section aria-labelledby="results">
    <h2 id="results">
      ${more ? `Results ${filter.from + 1} to ${filter.from + shown.length}` : itemsText(shown.length, 'result')}
    </h2>
    <ol class="hits">
      ${shown.map((memory) => hitHtml(memory, filter, view))}
    </ol>
    ${moreNote(memories.length, filter)}
  </section>`;
}

function hitHtml({ id, title, content, namespace, updated }: FoundMemory, filter: MemoryPageFilter, view: View): Html {
  return html`<li>
    <a href="${memoryHref(id)}">${title}</a>
    <p class="snippet">${content.length > EXCERPT ? `${content.slice(0, EXCERPT)}…` : content}</p>
    <p class="detail">
      <a href="${memoriesHref(filter, { namespace })}">${namespace}</a>, ${provenanceHtml(updated, view)}
    </p>
  </li> `;
}

function moreNote(read: number, filter: MemoryPageFilter): Part {
  const next = read > ROWS;
  if (!next && filter.from === 0) return null;
  return html`<p class="more">
    ${filter.from > 0 && html`<a href="${memoriesHref(filter, { from: Math.max(0, filter.from - ROWS) })}">Previous page</a> `}${next && html`<a href="${memoriesHref(filter, { from: filter.from + ROWS })}">Next page</a>`}
  </p>`;
}

function selectionOf({ namespace, tier, tag }: MemoryPageFilter): object {
  return {
    ...(namespace === null ? {} : { namespace }),
    ...(tier === null ? {} : { tier }),
    ...(tag === null ? {} : { tags: [tag] }),
  };
}

function isNarrowed({ namespace, tier, tag }: MemoryPageFilter): boolean {
  return namespace !== null || tier !== null || tag !== null;
}

function namespacesHtml(
  namespaces: readonly { namespace: string; memories: number }[],
  filter: MemoryPageFilter,
): Part {
  if (namespaces.length < 2 && filter.namespace === null) return null;
  const left = namespaces.length - NAMESPACES_SHOWN;
  return html`<section class="card" aria-labelledby="namespaces">
    <h2 id="namespaces">Namespaces</h2>
    <ul class="plain namespaces">
      ${namespaces.slice(0, NAMESPACES_SHOWN).map(
        ({ namespace, memories }) =>
          html`<li>
            <a href="${memoriesHref({ namespace })}" ${namespace === filter.namespace && CURRENT}>${namespace}</a>
            <span class="detail">${countText(memories)}</span>
          </li>`,
      )}
    </ul>
    ${left > 0 && html`<p class="note">${itemsText(left, 'more namespace')}: <code>syncline memory stats</code></p>`}
  </section>`;
}

const CURRENT = html`aria-current="true"`;

/** Machines that share this memory, and how far each is behind. */
function machinesHtml(peers: readonly PeerStatus[], view: View): Html {
  return tableHtml<PeerStatus>({
    id: 'machines',
    caption: html`Machines that share it <small>${itemsText(peers.length + 1, 'machine')}</small>`,
    columns: [
      { title: 'Machine', cell: ({ name }) => name },
      { title: 'State', cell: stateHtml },
      {
        title: 'Last heard',
        cell: ({ heard_ms }) =>
          heard_ms === null ? unknownHtml('not since Syncline was started') : timeHtml(heard_ms, view),
      },
      { title: 'Waits for it', figure: true, cell: ({ waiting }) => countText(waiting) },
      { title: 'Besides', wide: true, cell: (peer) => differenceHtml(peer, view) },
    ],
    rows: peers,
    empty: html`This machine alone. Another one joins with <code>syncline memory invite</code>.`,
    note:
      peers.length > 0 &&
      html`<p class="more note">What waits are operations that the machine has not said it has.</p>`,
  });
}

function stateHtml({ link }: PeerStatus): Html {
  switch (link?.state) {
    case undefined:
      return html`<span class="state idle">comes by itself</span>`;
    case 'following':
      return html`<span class="state good">in step</span>`;
    case 'seeding':
      return html`<span class="state good">getting all of it</span>`;
    case 'unreachable':
      return html`<span class="state idle">not reached</span>`;
    case 'refused':
      return html`<span class="state warn">refuses</span>`;
    case 'unmet':
    case 'removed':
      return html`<span class="state idle">not met yet</span>`;
  }
}

function differenceHtml({ diverged_since_ms, link }: PeerStatus, view: View): Part {
  if (diverged_since_ms !== null)
    return html`<span class="failed">differs since ${timeHtml(diverged_since_ms, view)}</span>, being repaired`;
  if (link === null) return null;
  if (link.last_error !== null) return html`<span class="detail">${link.last_error}</span>`;
  return link.repaired > 0 && html`<span class="detail">${itemsText(link.repaired, 'row')} repaired</span>`;
}
