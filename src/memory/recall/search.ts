import { checkText } from '../fields.ts';
import type { SearchQuery } from '../memories.ts';
import type { FoundMemory } from '../memory.ts';
import { termsOf } from '../store/terms.ts';
import { MEMORY_ROW, memoryOf, type MemoryRow, type ViewContext } from '../store/views.ts';
import { conditionsOf, limitOf, offsetOf } from './conditions.ts';
import { KEYWORD_SCORE } from './ranking.ts';

/** Memories that hold all the words, best first. */
export function search(context: ViewContext, query: SearchQuery, now_ms: number): FoundMemory[] {
  const terms = termsOf(checkText('text', query.text));
  if (terms.length === 0) return [];
  const conditions = conditionsOf(query, now_ms);
  const rows = context.db.all<MemoryRow & { score: number }>(
    `SELECT ${MEMORY_ROW}, ${KEYWORD_SCORE} AS score
     FROM memory_text JOIN memory m ON m.memory_key = memory_text.rowid LEFT JOIN access a ON a.memory_key = m.memory_key
     WHERE memory_text MATCH ? AND ${conditions.sql} ORDER BY score DESC, m.memory_key LIMIT ? OFFSET ?`,
    now_ms,
    terms.join(' '),
    ...conditions.parameters,
    limitOf(query.limit, 20, 1000),
    offsetOf(query.offset),
  );
  return rows.map((row) => ({ ...memoryOf(context, row), score: row.score }));
}
