import type { ConversationMessage } from '../../agents/conversation.ts';
import type { SearchExpression } from '../search/query.ts';
import { snippetOf, type Snippet } from '../search/snippet.ts';
import { textsOf, type Part } from './message-texts.ts';
import type { SearchHit, SearchScope, SessionSummary } from './session-store.ts';

/** Where a search found something. */
export interface FoundAt {
  session: SessionSummary;
  /** Null: in the title. */
  message: ConversationMessage | null;
  part: Part;
  copies: number;
}

/** What is shown of it: a piece of the text, among those searched, that holds most of what was asked for. */
export function hitOf(
  { session, message, part, copies }: FoundAt,
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): SearchHit {
  const searched: { scope: SearchScope; text: string }[] = message
    ? textsOf(message, part, scopes)
    : [{ scope: 'title', text: session.title ?? '' }];
  let best: (Snippet & { scope: SearchScope }) | null = null;
  for (const { scope, text } of searched) {
    const snippet = snippetOf(text, expression);
    if (best === null || snippet.found > best.found) best = { ...snippet, scope };
    // Nothing can hold more.
    if (best.found === expression.required.length) break;
  }
  const { scope, snippet, highlights } = best ?? { scope: 'title' as const, snippet: '', highlights: [] };
  return {
    session,
    ordinal: message?.ordinal ?? null,
    scope,
    role: message?.role ?? '',
    snippet,
    highlights,
    copies,
  };
}
