import { html, type Html } from '../html.ts';
import { agentName } from '../names.ts';

/** The figures of which a reason for their absence can be told. */
export interface Recorded {
  tokens_in: number | null;
  tokens_out: number | null;
  cost_usd: number | null;
  agent?: string;
}

/** A dash that says why (R4). Never 0: a zero would be a claim. */
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
  return 'the price table has no price for this model';
}
