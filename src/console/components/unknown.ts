/** Figures that are not known: a dash with its reason, never 0, since a zero would be a claim (R4). */
import { html, type Html, type Part } from '../html.ts';
import { agentName } from '../names.ts';

/** The figures of which a reason for their absence can be told. */
export interface Recorded {
  tokens_in: number | null;
  tokens_out: number | null;
  cost_usd: number | null;
  agent?: string;
}

/** A dash that says why to a mouse and to a screen reader; `dashNote` says it to everyone. */
export function unknownHtml(reason: string): Html {
  return html`<span class="unknown" title="${reason}"
    ><span aria-hidden="true">–</span><span class="visually-hidden">unknown: ${reason}</span></span
  >`;
}

/** Why a token count is not known. */
export function noTokensReason({ agent }: Pick<Recorded, 'agent'>): string {
  // Cursor's transcripts hold no counts at all; other agents lack them only where no response was recorded.
  if (agent === 'cursor') return `${agentName(agent)} records no token counts`;
  return 'no token counts were recorded';
}

/** Why a cost is not known. */
export function noCostReason(row: Recorded): string {
  if (row.tokens_in === null && row.tokens_out === null) return noTokensReason(row);
  return 'the price table has no price for the model';
}

/** Below a table: what its dashes mean; nothing when there are none. */
export function dashNote(rows: readonly Recorded[]): Part {
  const reasons = new Set(rows.filter(({ cost_usd }) => cost_usd === null).map(noCostReason));
  if (reasons.size === 0) return null;
  return html`<p class="more">A dash stands where ${[...reasons].join(', or where ')}.</p>`;
}
