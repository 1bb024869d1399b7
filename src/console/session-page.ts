import type { Operator, SessionDetail } from '../runtime/operator.ts';
import { costHtml, countHtml, failuresHtml, tokensHtml } from './components/figure.ts';
import { tableHtml } from './components/table.ts';
import { unknownHtml } from './components/unknown.ts';
import { countText, durationText, itemsText } from './figures.ts';
import { html, type Html, type Part } from './html.ts';
import { MAX_SESSION_EVENTS as MOST_EVENTS } from '../telemetry/store/session-list.ts';
import { documentPage } from './layout.ts';
import { agentName, shortSession } from './names.ts';
import type { ConsolePage } from './page.ts';
import { stepHtml, timeHtml, type View } from './view.ts';

type Step = SessionDetail['events'][number] & { before_ms: number | null };
type Subagent = SessionDetail['subagents'][number];

/**
 * `GET /sessions/<hash>`: what one session did, step by step. No text of the conversation: telemetry holds none.
 * @throws SynclineError `session.unknown`, `session.ambiguous`
 */
export async function sessionPage(operator: Operator, id: string, view: View): Promise<ConsolePage> {
  const session = await operator.session(id);
  const name = `Session ${shortSession(session.session)}`;
  return documentPage({
    title: `${name} of ${session.project}`,
    sample: view.sample,
    body: html`<nav class="back" aria-label="Back"><a href="/">Overview</a></nav>
      <h1>${session.project} <small>${name}</small></h1>
      ${factsHtml(session, view)} ${session.subagents.length > 0 && subagentTable(session)} ${eventTable(session, view)}`,
  });
}

function factsHtml(session: SessionDetail, view: View): Html {
  const { started_ms, last_ms } = session;
  const fact = (name: string, value: Part): Html =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  const not_recorded = unknownHtml('the agent recorded no times');
  return html`<section class="card" aria-label="The session in figures">
    <p class="headline">${costHtml(session)} <small>list price</small></p>
    <dl class="figures wide">
      ${fact('Agent', agentName(session.agent))}
      ${fact('Model', session.model === null ? unknownHtml('the agent recorded no model') : html`<code>${session.model}</code>`)}
      ${fact('Started', started_ms === null ? not_recorded : timeHtml(started_ms, view))}
      ${fact('Last active', last_ms === null ? not_recorded : timeHtml(last_ms, view))}
      ${fact('Span', started_ms === null || last_ms === null ? not_recorded : durationText(last_ms - started_ms))}
      ${fact('Status', session.status)} ${fact('Tool calls', countHtml(session.tool_calls))}
      ${fact('Failed', failuresHtml(session.tool_failures))}
      ${fact('Input tokens', tokensHtml(session.tokens_in, session))}
      ${fact('Output tokens', tokensHtml(session.tokens_out, session))}
    </dl>
  </section>`;
}

function subagentTable({ subagents, agent }: SessionDetail): Html {
  return tableHtml<Subagent>({
    id: 'subagents',
    caption: html`Subagents <small>part of the figures above</small>`,
    columns: [
      { title: 'Subagent', cell: ({ subagent }) => html`<code>${shortSession(subagent)}</code>` },
      { title: html`Cost <small>list price</small>`, figure: true, cell: (row) => costHtml({ ...row, agent }) },
      {
        title: html`Input <small>tokens</small>`,
        figure: true,
        cell: ({ tokens_in }) => tokensHtml(tokens_in, { agent }),
      },
      {
        title: html`Output <small>tokens</small>`,
        figure: true,
        cell: ({ tokens_out }) => tokensHtml(tokens_out, { agent }),
      },
    ],
    rows: subagents,
    empty: 'None.',
  });
}

function eventTable({ events }: SessionDetail, view: View): Html {
  const steps = events.map((event, index) => ({ ...event, before_ms: events[index - 1]?.at_ms ?? null }));
  return tableHtml<Step>({
    id: 'events',
    caption: html`Events <small>${eventCount(events.length)}</small>`,
    columns: [
      { title: 'Time', cell: ({ at_ms, before_ms }) => stepHtml(at_ms, before_ms, view) },
      { title: 'What', cell: kindText },
      { title: 'Tool', cell: ({ tool }) => tool !== null && html`<code>${tool}</code>` },
      { title: 'Outcome', cell: outcomeCell },
      {
        title: html`Output <small>tokens</small>`,
        figure: true,
        cell: (event) => event.tokens_out !== null && tokensHtml(event.tokens_out, {}),
      },
      {
        title: html`Cost <small>list price</small>`,
        figure: true,
        // Most events are no responses and have no cost to know; a dash would claim that they had one.
        cell: (event) => event.tokens_out !== null && costHtml({ ...event, tokens_in: event.tokens_out }),
      },
    ],
    rows: steps,
    empty: 'No event of this session was recorded.',
  });
}

function eventCount(count: number): string {
  return count < MOST_EVENTS ? itemsText(count, 'event') : `the latest ${countText(count)}`;
}

/** A message that has tokens is a model's; a prompt has none. */
function kindText({ kind, tokens_out }: Step): string {
  return kind === 'message' && tokens_out !== null ? 'response' : kind.replaceAll('_', ' ');
}

function outcomeCell({ outcome }: Step): Part {
  return outcome === 'failed' ? html`<span class="failed">failed</span>` : outcome;
}
