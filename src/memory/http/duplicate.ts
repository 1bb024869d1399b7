import { given } from '../given.ts';
import type { Caller } from '../memories.ts';
import type { MemoryAccess } from '../memory-access.ts';
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
const DUPLICATE_THRESHOLD = 0.85;
const LEAST_THRESHOLD = 0.5;
/** Memories that a text is compared with: the best that its words find. */
const COMPARED = 50;

export interface DuplicateRequest {
  title: string;
  content: string;
  namespace?: string | undefined;
  threshold?: number | undefined;
}

/** In the original's shape. */
export interface DuplicateAnswer {
  is_duplicate: boolean;
  threshold: number;
  candidates_scanned: number;
  nearest: { id: string; title: string; namespace: string; similarity: number } | null;
  suggested_merge: string | null;
}

/** The memory most like a text, and whether it says the same, by words. */
export async function checkDuplicate(
  access: Pick<MemoryAccess, 'recall'>,
  { title, content, namespace, threshold = DUPLICATE_THRESHOLD }: DuplicateRequest,
  caller: Caller,
): Promise<DuplicateAnswer> {
  const text = `${title} ${content}`;
  const least = Math.max(LEAST_THRESHOLD, Math.min(1, threshold));
  const query = { context: text, limit: COMPARED, touch: false, ...given({ namespace }) };
  const { memories } = await access.recall(query, caller);
  const [nearest] = memories
    .map((memory) => ({ memory, similarity: likeness(text, `${memory.own_title} ${memory.content}`) }))
    .sort((a, b) => b.similarity - a.similarity);
  const is_duplicate = nearest !== undefined && nearest.similarity >= least;
  return {
    ...{ is_duplicate, threshold: least, candidates_scanned: memories.length },
    nearest: nearest
      ? {
          ...{ id: nearest.memory.id, title: nearest.memory.title, namespace: nearest.memory.namespace },
          similarity: Math.round(nearest.similarity * 1000) / 1000,
        }
      : null,
    suggested_merge: is_duplicate ? nearest.memory.id : null,
  };
}
