import { isObject } from './field.ts';

/** The keys under which agents name files (telemetry specification §2.3). */
const PATH_KEYS = new Set(['path', 'file_path', 'target_file', 'file', 'relative_workspace_path']);
const MAX_PATHS = 256;
const MAX_DEPTH = 16;
/** Longer strings are output, not a nested tool input, and parsing them would double the cost of reading. */
const MAX_NESTED_JSON_CHARS = 64 * 1024;

/**
 * Every non-empty string under a path key, at any depth and inside strings that are JSON themselves; sorted, each once,
 * at most 256.
 */
export function collectPaths(value: unknown): string[] {
  const found = new Set<string>();
  visit(value, 0, found);
  return found.size < 2 ? [...found] : [...found].sort();
}

function visit(value: unknown, depth: number, found: Set<string>): void {
  if (depth > MAX_DEPTH || found.size >= MAX_PATHS) return;
  if (typeof value === 'string') {
    const nested = nestedJson(value);
    if (nested !== undefined) visit(nested, depth + 1, found);
  } else if (Array.isArray(value)) {
    for (const element of value) visit(element, depth + 1, found);
  } else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === 'string' && inner !== '' && PATH_KEYS.has(key) && found.size < MAX_PATHS) found.add(inner);
      visit(inner, depth + 1, found);
    }
  }
}

/** The parsed value of a string that is a JSON object or array, else undefined. */
function nestedJson(text: string): unknown {
  const first = text.charCodeAt(0);
  if ((first !== 0x7b && first !== 0x5b) || text.length > MAX_NESTED_JSON_CHARS) return undefined;
  const last = text.trimEnd().at(-1);
  if (last !== (first === 0x7b ? '}' : ']')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // text that only looks like JSON; it names no path
  }
}
