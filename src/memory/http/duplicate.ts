import { indexedText } from '../store/words.ts';

/** How alike two texts are by their words: 1 for the same words, 0 for none in common. No model is asked. */
export function likeness(a: string, b: string): number {
  const [left, right] = [wordSet(a), wordSet(b)];
  if (left.size === 0 || right.size === 0) return 0;
  let common = 0;
  for (const word of left) if (right.has(word)) common++;
  return common / Math.sqrt(left.size * right.size);
}

/** Scripts without spaces count by pairs of characters, as they are searched. */
function wordSet(text: string): Set<string> {
  return new Set(indexedText(text.toLowerCase()).match(/[\p{L}\p{N}]+/gu) ?? []);
}

/** As the original has it; below the floor no likeness makes a duplicate, whatever is asked. */
export const DUPLICATE_THRESHOLD = 0.85;
export const LEAST_THRESHOLD = 0.5;
