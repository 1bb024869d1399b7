import type { Provenance } from '../../memory/memory.ts';
import { html, type Html } from '../html.ts';
import { sessionHref } from '../names.ts';
import { timeHtml, type View } from '../view.ts';

/** Who wrote something, on which machine (another's is marked), in which session, and when (R15). */
export function provenanceHtml({ agent_id, device, foreign, session, at }: Provenance, view: View): Html {
  return html`${agent_id} on ${device}${foreign && html` <strong class="foreign">another machine</strong>`},
  ${timeHtml(Date.parse(at), view)}${session !== undefined && html`, in <a href="${sessionHref(session.hash)}">session ${session.id.slice(0, 8)}</a>`}`;
}
