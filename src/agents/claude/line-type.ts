/**
 * Which lines are worth parsing. A third of a transcript's bytes can be snapshots, progress copies and editor context
 * that no event is made of; telling them by their first bytes costs about 1 µs, parsing them 10 to 50.
 */

/** Bookkeeping lines. They never carry a `uuid` and are never copied by a fork, which makes them evidence (§2.8). */
const BOOKKEEPING = new Set([
  'file-history-snapshot',
  'queue-operation',
  'agent-name',
  'agent-setting',
  'mode',
  'permission-mode',
  'last-prompt',
  'tag',
  'pr-link',
  'worktree-state',
]);

const READ = new Set(['user', 'assistant', 'system', 'attachment', 'summary', 'ai-title', 'custom-title']);

/** Lines of the uuid chain that hold nothing of their own; `progress` may repeat a subagent's messages (§2.1). */
const CHAIN_ONLY = new Set(['progress']);

/** - `read`: parse it. `bookkeeping`, `chain_only`: known and passed over. `unknown`: passed over and counted by name. */
export type LineUse = 'read' | 'bookkeeping' | 'chain_only' | 'unknown';

export function useOfLineType(type: string): LineUse {
  if (READ.has(type)) return 'read';
  if (BOOKKEEPING.has(type)) return 'bookkeeping';
  return CHAIN_ONLY.has(type) ? 'chain_only' : 'unknown';
}

/**
 * The value of the top-level key `type` of a JSON object whose beginning is `head`, or null when it does not show before
 * the first nested value or the end of `head`: then only parsing can tell. Exact: a `type` inside a nested object or a
 * string is never taken for it.
 */
export function peekLineType(head: string): string | null {
  let at = head.indexOf('{') + 1;
  if (at === 0) return null;
  for (;;) {
    const key_start = head.indexOf('"', at);
    if (key_start === -1) return null;
    const key_end = closingQuote(head, key_start);
    if (key_end === -1) return null;
    let value = key_end + 1;
    while (head[value] === ':' || head[value] === ' ') value++;
    const first = head[value];
    if (first === undefined || first === '{' || first === '[') return null;
    const is_type = key_end - key_start === 5 && head.startsWith('type', key_start + 1);
    if (first === '"') {
      const end = closingQuote(head, value);
      if (end === -1) return null;
      if (is_type) return plainString(head.slice(value + 1, end));
      at = end + 1;
    } else {
      if (is_type) return null;
      at = head.indexOf(',', value);
      if (at === -1) return null;
    }
  }
}

/** The name under which an unknown type is counted; a name that could hold content is not repeated (metric labels). */
export function unknownTypeLabel(type: string): string {
  return type.length <= 40 && /^[a-z]+(?:[-_][a-z]+)*$/.test(type) ? `type:${type}` : 'type:other';
}

/** A string with escapes is left to the parser. */
function plainString(written: string): string | null {
  return written.includes('\\') ? null : written;
}

function closingQuote(text: string, opening: number): number {
  let at = text.indexOf('"', opening + 1);
  while (at !== -1 && escaped(text, at)) at = text.indexOf('"', at + 1);
  return at;
}

function escaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}
