export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** Node 24 has JSON.rawJSON and the source of each parsed number; TypeScript's ES2024 library does not know them yet. */
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): JsonValue;
};

const MAYBE_UNSAFE_NUMBER = /\d{16}|\d[eE]|\.\d{15}/;

/**
 * Parses text that is a JSON object or array, else null. Numbers that a double cannot hold keep their digits when the
 * result is stringified again: a 64-bit id inside a tool's input must not change because a password beside it went.
 */
export function parseContainer(text: string): JsonValue[] | { [key: string]: JsonValue } | null {
  if (!looksLikeContainer(text)) return null;
  try {
    const parsed: unknown = MAYBE_UNSAFE_NUMBER.test(text) ? json.parse(text, keepDigits) : JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null
      ? (parsed as JsonValue[] | { [key: string]: JsonValue })
      : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

function keepDigits(_key: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value;
}

function looksLikeContainer(text: string): boolean {
  let first = 0;
  while (first < text.length && text.charCodeAt(first) <= 32) first++;
  const open = text.charCodeAt(first);
  if (open !== 0x7b && open !== 0x5b) return false;
  let last = text.length - 1;
  while (last > first && text.charCodeAt(last) <= 32) last--;
  return text.charCodeAt(last) === open + 2;
}

/** Cyclic or enormous values are counted up to here. */
const MAX_COUNTED_NODES = 1_000_000;

/**
 * UTF-8 bytes of the value as compact JSON, without building it and without recursion: it measures what was too deep
 * or too large to walk.
 */
export function jsonBytes(value: JsonValue): number {
  let bytes = 0;
  const waiting: unknown[] = [value];
  for (let nodes = 0; waiting.length > 0 && nodes < MAX_COUNTED_NODES; nodes++) {
    const next = waiting.pop();
    if (typeof next === 'string') bytes += Buffer.byteLength(JSON.stringify(next));
    else if (typeof next !== 'object' || next === null) bytes += String(next).length;
    else if (Array.isArray(next)) {
      bytes += 2 + Math.max(0, next.length - 1);
      for (const item of next) waiting.push(item);
    } else {
      const entries = Object.entries(next);
      bytes += 2 + entries.length * 2 - (entries.length > 0 ? 1 : 0);
      for (const [key, item] of entries) waiting.push(key, item);
    }
  }
  return bytes;
}
