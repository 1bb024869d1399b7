import type { ConversationMessage, ConversationToolCall } from '../../agents/conversation.ts';
import type { SessionSummary } from '../store/session-store.ts';
import { roleName, timeText, titleOf, type ExportOptions } from './markdown.ts';

/** No script, nothing from elsewhere: the file shows what it holds wherever it is opened. */
const STYLE = `:root{color-scheme:light dark}body{font:1rem/1.55 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
article{border-top:1px solid color-mix(in srgb,currentColor 20%,transparent);padding:.75rem 0}h2{font-size:.9rem;margin:0 0 .5rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.25rem 0;font:inherit}details pre{font:.85rem/1.45 ui-monospace,monospace}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}dd{margin:0;overflow-wrap:anywhere}.failed{color:#b42318}time{font-weight:400;opacity:.7}`;

/** The beginning of a self-contained page. */
export function htmlHead(session: SessionSummary): string {
  const title = escape(titleOf(session));
  const facts: [string, string | null][] = [
    ['Session', session.native_id],
    ['Agent', [session.agent, session.agent_version].filter(Boolean).join(' ')],
    ['Project', session.project],
    ['Branch', session.git_branch],
    ['Models', session.models.join(', ')],
    ['Started', timeText(session.started_at_ms)],
    ['Ended', timeText(session.ended_at_ms)],
  ];
  const rows = facts.flatMap(([name, value]) => (value ? [`<dt>${name}</dt><dd>${escape(value)}</dd>`] : []));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${title}</title><style>${STYLE}</style></head><body><main><h1>${title}</h1><dl>${rows.join('')}</dl>
`;
}

/** One message of the page. */
export function htmlMessage(message: ConversationMessage, options: ExportOptions): string {
  const time = timeText(message.timestamp_ms);
  const when = time === null ? '' : ` <time>${time}</time>`;
  const thinking = options.thinking && message.thinking !== null ? details('Thinking', message.thinking) : '';
  const content = message.content === '' ? '' : `<pre>${escape(message.content)}</pre>`;
  const calls = message.tool_calls.map((call) => toolHtml(call, options)).join('');
  const cut = message.cut_bytes > 0 ? `<p><small>${message.cut_bytes} bytes of this message were cut.</small></p>` : '';
  const id = `msg-${message.ordinal}`;
  return `<article id="${id}"><h2>${escape(roleName(message))}${when}</h2>${thinking}${content}${calls}${cut}</article>\n`;
}

export const HTML_END = '</main></body></html>\n';

function toolHtml(call: ConversationToolCall, { tools }: ExportOptions): string {
  const failed = call.is_error ? ' <span class="failed">failed</span>' : '';
  const path = call.file_path === null ? '' : ` <code>${escape(call.file_path)}</code>`;
  const name = `<b>${escape(call.tool_name)}</b>${path}${failed}`;
  if (!tools) return `<p>${name}</p>`;
  return `<details><summary>${name}</summary><pre>${escape(call.input_json ?? '')}</pre><pre>${escape(call.result ?? '')}</pre></details>`;
}

function details(name: string, text: string): string {
  return `<details><summary>${name}</summary><pre>${escape(text)}</pre></details>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Also the characters that turn the direction of text or hide a part of it. */
function escape(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
