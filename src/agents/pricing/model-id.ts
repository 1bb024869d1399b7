/**
 * Finds a price table's id for the id a transcript names (§7 "Id matching"). Only whole ids are compared, after known
 * wrappings are taken off one by one. Never a substring or the longest prefix: `gpt-5.5-codex` is not `gpt-5.5`.
 */

/** Case and dots do not tell models apart: `Claude-Opus-4.7` is `claude-opus-4-7`. */
export function normalModelId(id: string): string {
  return id.toLowerCase().replaceAll('.', '-');
}

/** Each takes one wrapping off a lower-case id, or returns it as it was. In the order of the specification. */
const UNWRAP: readonly ((id: string) => string)[] = [
  // provider prefix: `anthropic/claude-…`, `openrouter/anthropic/claude-…`
  (id) => id.slice(id.lastIndexOf('/') + 1),
  // one context or mode suffix: `…[1m]`, `… (high)`
  (id) => id.replace(/\s*(?:\[1m\]|\([^()]{0,64}\))$/, ''),
  // Bedrock: `us.anthropic.claude-…-v1:0`
  (id) => id.replace(/^(?:[a-z]{2,8}\.)?anthropic\./, ''),
  (id) => id.replace(/-v\d{1,2}(?::\d{1,2})?$/, ''),
  // Vertex: `claude-…@20251101`
  (id) => id.replace(/@\d{8}$/, ''),
  // release date: `-20251101`, OpenAI `-2025-11-01`
  (id) => id.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2})$/, ''),
];

/** The ids to look up for `id`, most exact first, each normalised and different from the one before. */
export function modelIdCandidates(id: string): string[] {
  let form = id.trim().toLowerCase();
  const candidates = [normalModelId(form)];
  for (const unwrap of UNWRAP) {
    form = unwrap(form);
    const candidate = normalModelId(form);
    if (candidate !== candidates.at(-1)) candidates.push(candidate);
  }
  return candidates;
}
