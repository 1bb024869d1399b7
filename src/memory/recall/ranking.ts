/** The scores of the original (specification §11.1), as SQL over `memory m`, `access a` and `memory_text`. */

const DAY_MS = 86_400_000;

/** Of a search. One parameter: now, in milliseconds. */
export const KEYWORD_SCORE = `-bm25(memory_text) + 0.5 * m.priority + 0.1 * min(coalesce(a.count, 0), 50) + 2 * m.confidence
  + 1 / (1 + 0.1 * max(0, (? - m.created_ms) / ${DAY_MS}.0))`;

/** Of a recall: what stays longer counts more. */
export const RECALL_SCORE = `${KEYWORD_SCORE} + CASE m.tier WHEN 'long' THEN 3 WHEN 'mid' THEN 1 ELSE 0 END`;

/** How much a memory of an ancestor counts, `distance` levels up. */
export function distanceFactor(distance: number): number {
  return 1 / (1 + 0.3 * distance);
}

/** Below it two texts have nothing to do with each other. */
export const COSINE_THRESHOLD = 0.2;
const COSINE_SHARE = 0.6;

/** Both scores from 0 to 1. A memory that only one of them found has the other's part missing. */
export function blend(keyword_share: number, cosine: number): number {
  return COSINE_SHARE * (cosine >= COSINE_THRESHOLD ? cosine : 0) + (1 - COSINE_SHARE) * keyword_share;
}

/** Of two vectors of length one. */
export function cosineOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Four characters are about a token. */
export function tokensOf({ title, content }: { title: string; content: string }): number {
  return Math.ceil((title.length + content.length) / 4);
}
