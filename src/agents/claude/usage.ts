import type { Usage } from '../event.ts';
import { countField, objectField, stringField, type JsonObject } from './field.ts';

/** Token counts of a message's `usage` (§2.3), or null when it has none. */
export function usageOf(message: JsonObject): Usage | null {
  const usage = objectField(message, 'usage');
  if (usage === null) return null;
  const speed = stringField(usage, 'speed');
  return {
    input: countField(usage, 'input_tokens') ?? 0,
    output: countField(usage, 'output_tokens') ?? 0,
    reasoning: null,
    cache_read: countField(usage, 'cache_read_input_tokens') ?? 0,
    ...cacheWrites(usage),
    web_searches: webSearches(usage),
    speed: speed === 'standard' ? null : speed,
  };
}

/**
 * One line's figures beside another's of the same response: the greater output is the true one, because the first lines
 * hold placeholders (seen 5 → 631). The server's search counter is kept at its greatest.
 */
export function greaterUsage(known: Usage | null, other: Usage | null): Usage | null {
  if (known === null) return other;
  if (other === null) return known;
  const greater = other.output > known.output ? other : known;
  return { ...greater, web_searches: Math.max(known.web_searches, other.web_searches) };
}

/** Tokens that the model had before its response (§2.3). */
export function contextOf(usage: Usage): number {
  return usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
}

/** The parts by duration; what the total holds beyond them, or a total without parts, was written for 5 minutes. */
function cacheWrites(usage: JsonObject): { cache_write_5m: number; cache_write_1h: number } {
  const split = objectField(usage, 'cache_creation');
  const five = split === null ? 0 : (countField(split, 'ephemeral_5m_input_tokens') ?? 0);
  const hour = split === null ? 0 : (countField(split, 'ephemeral_1h_input_tokens') ?? 0);
  const total = countField(usage, 'cache_creation_input_tokens') ?? 0;
  return { cache_write_5m: five + Math.max(0, total - five - hour), cache_write_1h: hour };
}

function webSearches(usage: JsonObject): number {
  const server = objectField(usage, 'server_tool_use');
  return server === null ? 0 : (countField(server, 'web_search_requests') ?? 0);
}
