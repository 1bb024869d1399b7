import { SynclineError } from '../platform/errors.ts';
import { html, type Part } from './html.ts';
import { documentPage } from './layout.ts';
import type { ConsolePage } from './page.ts';
import { prose, sentence } from './prose.ts';

/**
 * The page that could not be made: what failed and what to do. Only errors raised on purpose are quoted; the text of any
 * other may hold anything and stays off the page.
 */
export function problemPage(error: unknown, sample: boolean): ConsolePage {
  const known = error instanceof SynclineError ? error : null;
  const status = statusOf(known);
  return documentPage({
    title: status === 503 ? 'Cannot be shown' : 'Not found',
    sample,
    status,
    body: html`<section class="problem">
      <h1>${status === 503 ? 'This page cannot be shown now' : 'There is no such page'}</h1>
      <p>${known ? sentence(known.message) : 'Syncline met a defect of its own while it read its store.'}</p>
      ${adviceHtml(known)}
      <p class="detail">
        ${status === 503 && 'Nothing is lost: what was captured stays where it is.'}
        ${known && html`Code: <code>${known.code}</code>`}
      </p>
    </section>`,
  });
}

/** An id of nothing, or of several. */
const NOT_FOUND: ReadonlySet<string> = new Set([
  'session.unknown',
  'session.ambiguous',
  'sessions.ambiguous',
  'memory.not_found',
  'memory.ambiguous',
]);
const WRONGLY_ASKED: ReadonlySet<string> = new Set(['usage.time', 'sessions.cursor', 'memory.invalid']);

function statusOf(error: SynclineError | null): number {
  if (error === null) return 503;
  if (NOT_FOUND.has(error.code)) return 404;
  return WRONGLY_ASKED.has(error.code) ? 400 : 503;
}

function adviceHtml(error: SynclineError | null): Part {
  return html`<ul>
    ${error?.hint !== undefined && html`<li>${prose(error.hint)}</li>`}
    ${!error && html`<li>Reload in a moment. If it stays: <code>syncline status</code> says what runs, and <code>syncline doctor</code> what is wrong.</li>`}
    <li><a href="/">Back to the overview</a></li>
  </ul>`;
}
