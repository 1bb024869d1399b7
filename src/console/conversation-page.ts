import type { ConversationMessage } from '../sessions/store/transcript.ts';
import type { Operator } from '../runtime/operator.ts';
import type { ConversationDetail, ConversationShare } from '../runtime/session-verbs.ts';
import { roleName, titleOf } from '../sessions/export/markdown.ts';
import type { GitLink, SessionTreeNode } from '../sessions/store/session-store.ts';
import { saidHtml } from './components/said.ts';
import { unknownHtml } from './components/unknown.ts';
import {
  CONVERSATIONS_PATH,
  conversationHref,
  conversationsHref,
  readConversationFilter,
} from './conversation-filter.ts';
import { countText, itemsText } from './figures.ts';
import { html, type Html, type Part } from './html.ts';
import { documentPage } from './layout.ts';
import { agentName, sessionHref } from './names.ts';
import type { ConsolePage } from './page.ts';
import { timeHtml, type View } from './view.ts';

/** Messages on one page: a transcript may have a hundred thousand. */
const MESSAGES = 200;
/** A page begins so many messages above the one asked for, so that it is seen in its place. */
const ABOVE = 3;
/** Characters of a tool's text that a page shows; the command line has all of it. */
const MOST_CHARACTERS = 20_000;

/** `GET /conversations/<key>`: what was said, from message `at` on. @throws SynclineError `session.unknown` */
export async function conversationPage(operator: Operator, id: string, at: number, view: View): Promise<ConsolePage> {
  const detail = await operator.conversation(id);
  const { session } = detail;
  const from = Math.max(0, at - ABOVE);
  const messages = await operator.conversationMessages({ key: session.key, from, limit: MESSAGES });
  return documentPage({
    title: titleOf(session),
    sample: view.sample,
    place: 'conversations',
    body: html`<nav class="back" aria-label="Back"><a href="${CONVERSATIONS_PATH}">Conversations</a></nav>
      <h1>${titleOf(session)}</h1>
      ${factsHtml(detail, view)} ${linksHtml(detail.links, messages)} ${treeHtml(detail)}
      <section class="messages" aria-label="Messages">
        ${earlierHtml(session.key, from)} ${messages.map((message) => messageHtml(message, view))}
        ${messages.length === 0 && html`<p class="none">No message was kept.</p>`} ${nextHtml(session.key, messages)}
      </section>`,
  });
}

function factsHtml({ session, shared }: ConversationDetail, view: View): Html {
  const removed = Object.values(session.redactions).reduce((sum, count) => sum + count, 0);
  const time = (at_ms: number | null): Part =>
    at_ms === null ? unknownHtml('the agent recorded no times') : timeHtml(at_ms, view);
  const filter = readConversationFilter(new URLSearchParams());
  return html`<section class="card" aria-label="The conversation in figures">
    <dl class="figures wide">
      ${fact('Agent', agentName(session.agent))}
      ${fact('Models', session.models.join(', ') || unknownHtml('none recorded'))}
      ${fact('Project', html`<a href="${conversationsHref(filter, { project: session.project })}">${session.project}</a>`)}
      ${session.git_branch !== null && fact('Branch', html`<code class="breakable">${session.git_branch}</code>`)}
      ${fact('Started', time(session.started_at_ms))} ${fact('Ended', time(session.ended_at_ms))}
      ${fact('Messages', countText(session.message_count))}
      ${fact('Removed before storing', itemsText(removed, 'secret or detail', 'secrets and details'))}
      ${shared.map((share) => fact(`At ${share.destination}`, shareHtml(share, view)))}
      ${session.session_hash !== null && fact('Figures', html`<a href="${sessionHref(session.session_hash)}">cost and tool calls</a>`)}
    </dl>
    ${session.presence.kind === 'source_gone' && html`<p class="note">Its source is gone since ${timeHtml(session.presence.since_ms, view)}; this copy is kept.</p>`}
    ${session.arriving && html`<p class="note">More of it is still arriving.</p>`}
  </section>`;
}

function fact(name: string, value: Part): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function linksHtml(links: readonly GitLink[], shown: readonly ConversationMessage[]): Part {
  if (links.length === 0) return null;
  const isShown = (ordinal: number): boolean => shown.some((message) => message.ordinal === ordinal);
  return html`<section class="card" aria-labelledby="links">
    <h2 id="links">Commits and requests</h2>
    <ul class="plain">
      ${links.map(
        ({ key, kind, sha, url, repository, confidence, ordinal, asserted_at_ms }) =>
          html`<li>
            ${kind.replace('_', ' ')}
            <code class="breakable">${url ?? sha ?? ''}</code
            >${repository !== null && url === null && html` in ${repository}`}
            ${
              asserted_at_ms === undefined
                ? html`<span class="detail"
                    >${confidence} confidence,
                    <a href="${isShown(ordinal) ? `#msg-${ordinal}` : conversationHref(key, ordinal)}"
                      >message ${ordinal + 1}</a
                    ></span
                  >`
                : html`<span class="detail">set by hand</span>`
            }
          </li>`,
      )}
    </ul>
  </section>`;
}

function treeHtml({ tree, session }: ConversationDetail): Part {
  if (tree === null || tree.children.length === 0) return null;
  return html`<section class="card" aria-labelledby="tree">
    <h2 id="tree">Continuations, forks and subagents</h2>
    <ul class="plain">
      ${nodeHtml(tree, session.key)}
    </ul>
  </section>`;
}

function nodeHtml({ session, children }: SessionTreeNode, here: string): Html {
  const name = titleOf(session);
  const kind = session.relationship === '' ? '' : `${session.relationship}: `;
  const entry =
    session.key === here
      ? html`<strong aria-current="page">${kind}${name}</strong>`
      : html`${kind}<a href="${conversationHref(session.key)}">${name}</a>`;
  return html`<li>
    ${entry}${
      children.length > 0 &&
      html`<ul>
        ${children.map((child) => nodeHtml(child, here))}
      </ul>`
    }
  </li>`;
}

function shareHtml({ state, reason, until_ms }: ConversationShare, view: View): Html {
  return html`${state.replace('_', ' ')}${until_ms !== null && html` until ${timeHtml(until_ms, view)}`}${
    reason !== null && html`<span class="detail"> ${reason}</span>`
  }`;
}

function messageHtml(message: ConversationMessage, view: View): Html {
  const { ordinal, timestamp_ms, thinking, content, tool_calls, cut_bytes, role } = message;
  return html`<article id="msg-${ordinal}" class="message ${role === 'user' ? 'user' : ''}">
    <h3>
      <a href="#msg-${ordinal}">${ordinal + 1}</a>
      ${roleName(message)}${timestamp_ms !== null && html` <small>${timeHtml(timestamp_ms, view)}</small>`}${message.model !== null && html` <small>${message.model}</small>`}
    </h3>
    ${
      thinking !== null &&
      html`<details>
        <summary>Thinking</summary>
        <pre>${shortened(thinking)}</pre>
      </details>`
    }
    ${content !== '' && html`<div class="said">${saidHtml(shortened(content))}</div>`} ${tool_calls.map(callHtml)}
    ${cut_bytes > 0 && html`<p class="detail">${countText(cut_bytes)} bytes were cut.</p>`}
  </article> `;
}

function callHtml({
  tool_name,
  file_path,
  is_error,
  input_json,
  result,
  result_bytes,
}: ConversationMessage['tool_calls'][number]): Html {
  const waiting = result === null && result_bytes === null;
  return html`<details class="call">
    <summary>
      <code>${tool_name}</code
      >${file_path !== null && html` <code class="breakable">${file_path}</code>`}${is_error && html` <span class="failed">failed</span>`}${waiting && html` <span class="detail">no result yet</span>`}
    </summary>
    ${input_json !== null && html`<pre>${shortened(indentedJson(input_json))}</pre>`}
    ${result !== null ? html`<pre>${shortened(result)}</pre>` : result_bytes !== null && html`<p class="detail">The source keeps its ${countText(result_bytes)} bytes to itself.</p>`}
  </details>`;
}

/** Nobody reads JSON on one line. */
function indentedJson(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    // What was cut in its middle is JSON no more.
    return json;
  }
}

function shortened(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  const rest = text.length - MOST_CHARACTERS;
  return `${text.slice(0, MOST_CHARACTERS)}\n… ${countText(rest)} more characters: syncline sessions export`;
}

function earlierHtml(key: string, from: number): Part {
  if (from === 0) return null;
  const earlier = from - MESSAGES;
  return html`<p class="more">
    <a href="${conversationHref(key)}">From the beginning</a>
    ${earlier > 0 && html`<a href="${conversationHref(key)}?at=${earlier + ABOVE}">Earlier messages</a>`}
  </p>`;
}

function nextHtml(key: string, messages: readonly ConversationMessage[]): Part {
  const last = messages.at(-1);
  if (!last || messages.length < MESSAGES) return null;
  return html`<p class="more"><a href="${conversationHref(key)}?at=${last.ordinal + 1 + ABOVE}">Next messages</a></p>`;
}
