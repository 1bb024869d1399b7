import { systemClock, type Clock } from '../platform/clock.ts';
import type { Operator } from '../runtime/operator.ts';
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
 * The pages of the local console, without script: `/`, `/sessions/<hash>`, `/style.css`; null for any other path. They
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
  const session = sessionOf(path);
  return session === null ? null : sessionPage(operator, session, view);
}

/** The session that a path names; null for any other path, also one whose escapes are broken. */
function sessionOf(path: string): string | null {
  const [, escaped = ''] = /^\/sessions\/([^/]{1,400})$/.exec(path) ?? [];
  if (escaped === '') return null;
  try {
    return decodeURIComponent(escaped);
  } catch {
    // Escapes that are no UTF-8 name no session.
    return null;
  }
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
