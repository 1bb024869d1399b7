import { systemClock, type Clock } from '../platform/clock.ts';
import type { Operator } from '../runtime/operator.ts';
import { CONVERSATION_KEY } from '../sessions/conversation-key.ts';
import { conversationPage } from './conversation-page.ts';
import { conversationsPage } from './conversations-page.ts';
import { CONVERSATIONS_PATH, readConversationFilter } from './conversation-filter.ts';
import { memoriesPage } from './memories-page.ts';
import { MEMORIES_PATH, readMemoryFilter } from './memory-filter.ts';
import { memoryPage } from './memory-page.ts';
import { readFilter } from './filter.ts';
import { overviewPage } from './overview-page.ts';
import type { ConsolePages, ConsolePage, ConsoleRequest } from './page.ts';
import { problemPage } from './problem-page.ts';
import { sessionPage } from './session-page.ts';
import { STYLE, STYLE_PATH } from './style.ts';
import type { View } from './view.ts';

export interface ConsoleOptions {
  /** Titles every page SAMPLE DATA (R3). */
  sample: boolean;
  /** The system's clock and time zone unless given. */
  clock?: Clock;
  time_zone?: string;
}

/**
 * The pages of the local console, without script: `/`, `/sessions/<hash>`, `/conversations`, `/conversations/<key>`, `/memories`, `/memories/<id>`, `/style.css`; null for any other path. They
 * read through the operator interface and change nothing. Whoever calls has decided that the reader may see them.
 * An operator that fails makes a page that says so (503), never an exception.
 */
export function consolePages(operator: Operator, options: ConsoleOptions): ConsolePages {
  const { sample, clock = systemClock } = options;
  const time_zone = options.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  return async (request) => {
    const view: View = { now_ms: clock.now_ms(), time_zone, sample };
    try {
      return await pageOf(operator, request, view);
    } catch (error) {
      return problemPage(error, sample);
    }
  };
}

async function pageOf(operator: Operator, { path, query }: ConsoleRequest, view: View): Promise<ConsolePage | null> {
  if (path === '/') return overviewPage(operator, readFilter(query), view);
  if (path === STYLE_PATH) return stylePage();
  if (path === CONVERSATIONS_PATH) return conversationsPage(operator, readConversationFilter(query), view);
  const conversation = idAt(/^\/conversations\/([^/]{1,400})$/, path);
  if (conversation !== null) return conversationPage(operator, conversation, ordinalOf(query), view);
  if (path === MEMORIES_PATH) return memoriesPage(operator, readMemoryFilter(query), view);
  const memory = idAt(/^\/memories\/([^/]{1,400})$/, path);
  if (memory !== null) return memoryPage(operator, memory, view);
  const session = idAt(/^\/sessions\/([^/]{1,400})$/, path);
  // The address that the original gave its conversations (sessions specification §8.3).
  if (session !== null && CONVERSATION_KEY.test(session))
    return conversationPage(operator, session, ordinalOf(query), view);
  return session === null ? null : sessionPage(operator, session, view);
}

/** What a path names; null for any other path, also one whose escapes are broken. */
function idAt(pattern: RegExp, path: string): string | null {
  const [, escaped = ''] = pattern.exec(path) ?? [];
  if (escaped === '') return null;
  try {
    return decodeURIComponent(escaped);
  } catch {
    // Escapes that are no UTF-8 name nothing.
    return null;
  }
}

function ordinalOf(query: URLSearchParams): number {
  const at = query.get('at') ?? '';
  return /^\d{1,9}$/.test(at) ? Number(at) : 0;
}

/** The address of the style names its content, so a browser may keep it for good. */
function stylePage(): ConsolePage {
  return {
    status: 200,
    content_type: 'text/css; charset=utf-8',
    body: STYLE,
    headers: { 'cache-control': 'private, max-age=31536000, immutable' },
  };
}
