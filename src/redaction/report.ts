import { MARKER_SOURCE } from './rule.ts';

/** How often each rule fired, by rule name (`email`, `github-token`, `dropped-key`, `unscanned`, …). */
export type Tally = Map<string, number>;

export function count(tally: Tally | undefined, rule: string, times = 1): void {
  tally?.set(rule, (tally.get(rule) ?? 0) + times);
}

/** The number of things removed, over all rules. */
export function totalOf(tally: Tally): number {
  let total = 0;
  for (const times of tally.values()) total += times;
  return total;
}

/** One marker in redacted text, for `preview` and `sent`, which show where each rule fired. */
export interface FoundMarker {
  /** UTF-16 offsets, end exclusive. */
  start: number;
  end: number;
  /** `email`, `token`, `file`, `path`, … or the rule's name. */
  what: string;
}

/** Finds the markers in redacted text, in order. */
export function findMarkers(text: string): FoundMarker[] {
  const found: FoundMarker[] = [];
  for (const match of text.matchAll(new RegExp(MARKER_SOURCE, 'g'))) {
    const what = /^(?:[[<]REDACTED:([a-z0-9-]+)|<[0-9a-f]{8}:([a-z]+)>)/.exec(match[0]);
    found.push({ start: match.index, end: match.index + match[0].length, what: what?.[1] ?? what?.[2] ?? 'unknown' });
  }
  return found;
}

/** Stands for a field that could not be scanned (R23): it fails closed. */
export function unscanned(bytes: number): string {
  return `[REDACTED:unscanned bytes=${bytes}]`;
}
