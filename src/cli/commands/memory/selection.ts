/** Options that commands over memories share. */
import { UsageError } from '../../../platform/errors.ts';
import { given } from '../../../memory/given.ts';
import type { JsonObject } from '../../../memory/json.ts';
import type { ListQuery, MemoryFilter } from '../../../memory/memories.ts';
import type { Scope, Tier } from '../../../memory/memory.ts';
import type { CommandContext } from '../../context.ts';
import { parseDuration } from '../../format/duration.ts';
import { timeOption } from '../../format/since.ts';
import type { Invocation } from '../../invocation.ts';

/** @throws UsageError `usage.time`, `usage.number` */
export function filterOf(context: CommandContext, invocation: Invocation): MemoryFilter {
  const time = (name: 'since' | 'until'): string | undefined => {
    const written = invocation.text(name);
    if (written === null) return undefined;
    return new Date(timeOption(`--${name}`, written, context.now_ms())).toISOString();
  };
  return given({
    namespace: invocation.text('namespace') ?? undefined,
    tier: (invocation.text('tier') ?? undefined) as Tier | undefined,
    tags: tagsOf(invocation),
    min_priority: invocation.number('minPriority') ?? undefined,
    since: time('since'),
    until: time('until'),
    agent_id: invocation.text('by') ?? undefined,
    as_agent: invocation.text('visibleTo') ?? undefined,
  });
}

/** The page of a list; `--offset` counts from 1 as people do not, so it is a plain number of rows to skip. */
export function listQueryOf(context: CommandContext, invocation: Invocation): ListQuery {
  const page = { limit: invocation.number('limit') ?? undefined, offset: invocation.number('offset') ?? undefined };
  return { ...filterOf(context, invocation), ...given(page) };
}

/** `--tags a,b --tags c` */
export function tagsOf(invocation: Invocation): string[] | undefined {
  const written = invocation.list('tags').flatMap((list) => list.split(','));
  const tags = written.map((tag) => tag.trim()).filter((tag) => tag !== '');
  return written.length === 0 ? undefined : tags;
}

/** Fields of a memory, as `store` and `update` take them. */
export interface FieldOptions {
  namespace?: string;
  tier?: Tier;
  tags?: string[];
  priority?: number;
  confidence?: number;
  scope?: Scope;
  expires_at?: string;
  metadata?: JsonObject;
}

/** @throws UsageError `usage.number`, `usage.time`, `usage.metadata` */
export function fieldsOf(context: CommandContext, invocation: Invocation): FieldOptions {
  return given({
    namespace: invocation.text('namespace') ?? undefined,
    tier: (invocation.text('tier') ?? undefined) as Tier | undefined,
    tags: tagsOf(invocation),
    priority: invocation.number('priority') ?? undefined,
    confidence: fraction(invocation),
    scope: (invocation.text('scope') ?? undefined) as Scope | undefined,
    expires_at: expiry(context, invocation),
    metadata: metadata(invocation),
  });
}

function fraction(invocation: Invocation): number | undefined {
  const written = invocation.text('confidence');
  if (written === null) return undefined;
  if (/^(0(\.\d+)?|1(\.0+)?)$/.test(written)) return Number(written);
  throw new UsageError('usage.number', '--confidence must be a number from 0 to 1.', { field: '--confidence' });
}

/** `--expires 7d` is so long from now; else a day or an exact time. */
function expiry(context: CommandContext, invocation: Invocation): string | undefined {
  const written = invocation.text('expires');
  if (written === null) return undefined;
  const from_now_ms = parseDuration(written);
  const now_ms = context.now_ms();
  const at_ms = from_now_ms === null ? timeOption('--expires', written, now_ms) : now_ms + from_now_ms;
  return new Date(at_ms).toISOString();
}

function metadata(invocation: Invocation): JsonObject | undefined {
  const written = invocation.text('metadata');
  if (written === null) return undefined;
  try {
    const value: unknown = JSON.parse(written);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Said below, without the text: it may hold anything.
  }
  throw new UsageError('usage.metadata', '--metadata must be a JSON object.', {
    field: '--metadata',
    hint: 'For example: --metadata \'{"ticket":"ABC-12"}\'',
  });
}
