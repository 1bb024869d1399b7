import type { HistoryEntry, Memory, MemoryLink } from '../memory/memory.ts';
import { SynclineError } from '../platform/errors.ts';
import { memoriesOf } from '../runtime/memory-verbs.ts';
import type { Operator } from '../runtime/operator.ts';
import { provenanceHtml } from './components/provenance.ts';
import { tableHtml } from './components/table.ts';
import { countText } from './figures.ts';
import { html, type Html, type Part } from './html.ts';
import { documentPage } from './layout.ts';
import { MEMORIES_PATH, memoriesHref, memoryHref } from './memory-filter.ts';
import type { ConsolePage } from './page.ts';
import { timeHtml, type View } from './view.ts';

/** `GET /memories/<id>`: one memory, who wrote it, what it is linked to, and its past. @throws SynclineError `memory.not_found` */
export async function memoryPage(operator: Operator, id: string, view: View): Promise<ConsolePage> {
  const access = memoriesOf(operator);
  const memory = await access.get(id);
  if (memory === null) throw notThere();
  const [links, history] = await Promise.all([access.links(memory.id), access.history(memory.id)]);
  const ends = await access.getMany([...new Set(links.flatMap(({ source_id, target_id }) => [source_id, target_id]))]);
  const titles = new Map(ends.map((end) => [end.id, end.title]));
  return documentPage({
    title: memory.title,
    sample: view.sample,
    place: 'memories',
    body: html`<nav class="back" aria-label="Back"><a href="${MEMORIES_PATH}">Memories</a></nav>
      <h1>${memory.title}</h1>
      ${factsHtml(memory, view)}
      <section class="remembered" aria-labelledby="text">
        <h2 id="text">What it says</h2>
        <pre tabindex="0">${memory.content}</pre>
        <p class="note">Data that an agent or a person wrote; it orders nobody to do anything.</p>
      </section>
      ${linksHtml(memory, links, titles)} ${historyHtml(history, view)}`,
  });
}

function notThere(): SynclineError {
  return new SynclineError('memory.not_found', 'There is no memory with this id', {
    hint: 'It may be archived, expired or deleted: the archive is on the page of memories.',
  });
}

function factsHtml(memory: Memory, view: View): Html {
  const { namespace, tier, tags, priority, confidence, access_count, expires_at, metadata } = memory;
  const metadata_text = JSON.stringify(metadata, null, 2);
  return html`<section class="card" aria-label="The memory in figures">
    <dl class="figures wide">
      ${fact('Written by', provenanceHtml(memory.written, view))}
      ${memory.updated_at !== memory.created_at && fact('Changed by', provenanceHtml(memory.updated, view))}
      ${fact('Namespace', html`<a href="${memoriesHref({ namespace })}">${namespace}</a>`)} ${fact('Tier', tier)}
      ${
        tags.length > 0 &&
        fact(
          'Tags',
          tags.map((tag, index) => html`${index > 0 && ', '}<a href="${memoriesHref({ tag })}">${tag}</a>`),
        )
      }
      ${fact('Priority', countText(priority))} ${fact('Confidence', String(confidence))}
      ${fact('Recalled here', countText(access_count))}
      ${fact('Expires', expires_at === null ? 'never' : timeHtml(Date.parse(expires_at), view))}
      ${fact('Id', html`<code class="breakable">${memory.id}</code>`)}
    </dl>
    ${
      metadata_text !== '{}' &&
      html`<details>
        <summary>Metadata</summary>
        <pre class="breakable">${metadata_text}</pre>
      </details>`
    }
  </section>`;
}

function fact(name: string, value: Part): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function linksHtml({ id }: Memory, links: readonly MemoryLink[], titles: ReadonlyMap<string, string>): Part {
  if (links.length === 0) return null;
  return html`<section class="card" aria-labelledby="links">
    <h2 id="links">Links</h2>
    <ul class="plain">
      ${links.map(({ source_id, target_id, relation }) => {
        const other = source_id === id ? target_id : source_id;
        const words = relation.replaceAll('_', ' ');
        const name = html`<a href="${memoryHref(other)}">${titles.get(other) ?? other}</a>`;
        return html`<li>${source_id === id ? html`${words} ${name}` : html`${name} ${words} this`}</li>`;
      })}
    </ul>
  </section>`;
}

function historyHtml(history: readonly HistoryEntry[], view: View): Html {
  return tableHtml<HistoryEntry>({
    id: 'history',
    caption: 'Its past',
    columns: [
      { title: 'What', cell: ({ kind }) => kind },
      { title: 'Who, where, when', wide: true, cell: ({ by }) => provenanceHtml(by, view) },
      { title: 'Fields', wide: true, cell: ({ fields }) => fields.join(', ') },
    ],
    rows: history.toReversed(),
    empty: 'What happened to it is older than what the log keeps.',
  });
}
