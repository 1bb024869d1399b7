/** What a person should look at: items set aside, partitions held, warnings, loops that failed. Absent when all is well. */
import type { DeadLetterRow, StatusReport } from '../../runtime/operator.ts';
import { bytesText, countText, itemsText } from '../figures.ts';
import { html, type Html, type Part } from '../html.ts';
import { destinationName } from '../names.ts';
import { prose, sentence } from '../prose.ts';
import { timeHtml, type View } from '../view.ts';

/** So many dead letters are asked for; more are counted as `100+`. */
export const DEAD_LETTERS_ASKED = 100;
const DEAD_LETTERS_SHOWN = 3;

export function attention(status: StatusReport, dead_letters: readonly DeadLetterRow[], view: View): Part {
  const notices = [
    ...status.warnings.map((warning) => html`<li>${prose(warning)}</li>`),
    fullNotice(status),
    ...heldNotices(status, view),
    deadLetterNotice(dead_letters),
    droppedNotice(status),
    ...loopNotices(status, view),
  ].filter((notice) => notice !== null);
  if (notices.length === 0) return null;
  return html`<section class="attention" aria-labelledby="attention-title">
    <h2 id="attention-title">Look at this</h2>
    <ul>
      ${notices}
    </ul>
  </section>`;
}

function fullNotice({ storage }: StatusReport): Html | null {
  if (!storage.full) return null;
  return html`<li>
    <strong>The store is full</strong> (${bytesText(storage.bytes)} of ${bytesText(storage.cap_bytes)}): reading has
    stopped, nothing is lost. Raise <code>storage.max_bytes</code> or let it deliver: <code>syncline flush</code>
  </li>`;
}

function heldNotices({ destinations }: StatusReport, view: View): Html[] {
  return destinations.flatMap(({ destination, held }) =>
    held.map(
      ({ partition, since_ms, message, ...hold }) =>
        html`<li>
          <strong>${destinationName(destination)} holds one partition back</strong> since ${timeHtml(since_ms, view)}
          (${hold.class}): ${sentence(message)} The others go on; nothing is lost. <code>syncline status</code>
          <span class="detail breakable">${partition}</span>
        </li>`,
    ),
  );
}

function deadLetterNotice(dead_letters: readonly DeadLetterRow[]): Html | null {
  if (dead_letters.length === 0) return null;
  const count =
    dead_letters.length >= DEAD_LETTERS_ASKED
      ? `${countText(DEAD_LETTERS_ASKED)} or more items were`
      : `${itemsText(dead_letters.length, 'item')} ${dead_letters.length === 1 ? 'was' : 'were'}`;
  return html`<li>
    <strong>${count} set aside</strong> as dead letters. <code>syncline dead-letters list</code>
    <ul>
      ${dead_letters
        .slice(0, DEAD_LETTERS_SHOWN)
        .map(
          ({ destination, code, message }) =>
            html`<li>
              ${destination === null ? 'at capture' : destinationName(destination)}: ${message} <code>${code}</code>
            </li>`,
        )}
    </ul>
  </li>`;
}

function droppedNotice({ spool }: StatusReport): Html | null {
  if (spool.dropped === 0) return null;
  return html`<li>
    <strong>${itemsText(spool.dropped, 'hook event')} dropped</strong> while the spool was full; what the transcripts
    hold of them is recovered from there.
  </li>`;
}

function loopNotices({ loops }: StatusReport, view: View): Html[] {
  return loops
    .filter(({ last_error }) => last_error !== null)
    .map(
      ({ name, state, last_error, since_ms }) =>
        html`<li><strong>${name} ${state}</strong> since ${timeHtml(since_ms, view)}: ${last_error}</li>`,
    );
}
