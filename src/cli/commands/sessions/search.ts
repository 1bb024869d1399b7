/** `sessions search TEXT` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import { titleOf } from '../../../sessions/export/markdown.ts';
import type { SearchHit, SearchScope } from '../../../sessions/store/session-store.ts';
import type { CommandContext } from '../../context.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import { formatRecent } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { filterOf, pageOf } from './selection.ts';
import { shortKey } from './short-key.ts';

/** Exit 1 when nothing was found, so that a script can ask. */
export async function search(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const text = invocation.rest(0).join(' ');
  const scopes = invocation.list('in') as readonly SearchScope[];
  const asked = { ...filterOf(context, invocation), text, ...(scopes.length > 0 ? { scopes: [...scopes] } : {}) };
  const query = { search: asked, page: pageOf(invocation) };
  const found = await context.withOperator((operator) => operator.searchConversations(query));
  const exit = found.total > 0 ? EXIT.ok : EXIT.no;
  if (context.options.json) {
    context.printJson('syncline.search/1', found);
    return exit;
  }
  for (const hit of found.hits) context.print(...hitLines(context, hit), '');
  if (found.total === 0) context.say('Nothing was found.');
  else context.say(`${formatCount(found.hits.length)} of ${formatItems(found.total, 'result')}.`);
  return exit;
}

function hitLines(context: CommandContext, hit: SearchHit): string[] {
  const { palette } = context;
  const { session, ordinal, scope, copies } = hit;
  const at_ms = session.ended_at_ms ?? session.started_at_ms;
  const place = ordinal === null ? '' : `#${ordinal + 1} `;
  const also = copies > 0 ? `, also in ${formatItems(copies, 'copy', 'copies')}` : '';
  const when = at_ms === null ? '' : `  ${formatRecent(at_ms, context.now_ms())}`;
  return [
    `${palette.bold(shortKey(session.key))} ${place}${safe(session.project)}  ${safe(titleOf(session))}${palette.dim(when)}`,
    `  ${palette.dim(`${safe(scopeName(scope, hit.role))}${also}: `)}${marked(hit, (part) => palette.bold(part))}`,
  ];
}

function scopeName(scope: SearchScope, role: string): string {
  return scope === 'message' ? role : scope.replace('_', ' ');
}

/** The snippet with what was looked for in bold. Cut where the marks are before control characters are replaced. */
function marked({ snippet, highlights }: SearchHit, bold: (text: string) => string): string {
  let text = '';
  let from = 0;
  for (const { start, end } of highlights) {
    text += safe(snippet.slice(from, start)) + bold(safe(snippet.slice(start, end)));
    from = end;
  }
  return text + safe(snippet.slice(from));
}
