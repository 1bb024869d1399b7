import type { Page, SessionFilter } from '../../../sessions/store/session-store.ts';
import type { CommandContext } from '../../context.ts';
import { timeOption } from '../../format/since.ts';
import type { Invocation } from '../../invocation.ts';

const DEFAULT_LIMIT = 20;

/** The selection options that all commands over conversations share. @throws UsageError `usage.time` */
export function filterOf(context: CommandContext, invocation: Invocation): SessionFilter {
  const now_ms = context.now_ms();
  const time = (name: 'since' | 'until'): number | undefined => {
    const written = invocation.text(name);
    return written === null ? undefined : timeOption(`--${name}`, written, now_ms);
  };
  return {
    project: invocation.text('project') ?? undefined,
    agent: invocation.text('agent') ?? undefined,
    since_ms: time('since'),
    until_ms: time('until'),
    subagents: invocation.flag('subagents'),
    automated: invocation.flag('automated'),
    trashed: invocation.flag('trashed'),
    starred: invocation.flag('starred') ? true : undefined,
  };
}

/** The first page, of `--limit` rows. @throws UsageError `usage.number` */
export function pageOf(invocation: Invocation): Page {
  return { limit: Math.min(1_000, invocation.number('limit') ?? DEFAULT_LIMIT), after: invocation.text('after') };
}
