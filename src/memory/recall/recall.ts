import type { Database } from '../../storage/sqlite/database.ts';
import { checkNamespace, checkText } from '../fields.ts';
import type { RecallQuery, Recalled } from '../memories.ts';
import type { FoundMemory } from '../memory.ts';
import type { EmbeddingValue } from '../operation.ts';
import { readMemoryState } from '../merge/row.ts';
import { textStampOf, valueOf } from '../store/memory-columns.ts';
import { wordsOf } from '../store/terms.ts';
import { looseTerms } from '../store/words.ts';
import { FROM_MEMORY, MEMORY_ROW, memoryOf, type MemoryRow, type ViewContext } from '../store/views.ts';
import { conditionsOf, limitOf, type Conditions } from './conditions.ts';
import { RECALL_SCORE, blend, cosineOf, distanceFactor, tokensOf } from './ranking.ts';
import { withAncestors } from './visibility.ts';

const MOST_RECALLED = 50;
/** Of the keyword side, when vectors may change the order. */
const CANDIDATES = 200;

interface Scored {
  memory_key: number;
  namespace: string;
  score: number;
}

/** Memories that have to do with a text, best first. Changes nothing: counting the recall is the caller's. */
export function recall(context: ViewContext, query: RecallQuery, now_ms: number): Recalled {
  const limit = limitOf(query.limit, 10, MOST_RECALLED);
  const { namespace, ...rest } = query;
  const spaces = namespace === undefined ? null : withAncestors(checkNamespace('namespace', namespace));
  const conditions = within(conditionsOf(rest, now_ms), spaces);
  const keyword = byTerms(context.db, query.context, conditions, query.embedding ? CANDIDATES : limit * 4, now_ms);
  for (const row of keyword) row.score *= distanceFactor(spaces?.indexOf(row.namespace) ?? 0);
  const ranked = query.embedding ? blended(context.db, keyword, query.embedding, conditions, spaces) : keyword;
  ranked.sort((a, b) => b.score - a.score || a.memory_key - b.memory_key);
  const found = memoriesOf(context, ranked.slice(0, limit));
  return { ...withinBudget(found, query.budget_tokens), mode: query.embedding ? 'hybrid' : 'keyword' };
}

function within(conditions: Conditions, spaces: readonly string[] | null): Conditions {
  if (spaces === null) return conditions;
  return {
    sql: `${conditions.sql} AND m.namespace IN (SELECT value FROM json_each(?))`,
    parameters: [...conditions.parameters, JSON.stringify(spaces)],
  };
}

function byTerms(db: Database, text: string, conditions: Conditions, most: number, now_ms: number): Scored[] {
  const terms = wordsOf(checkText('context', text)).flatMap(looseTerms);
  if (terms.length === 0) return [];
  return db.all<Scored>(
    `SELECT m.memory_key, m.namespace, ${RECALL_SCORE} AS score
     FROM memory_text JOIN memory m ON m.memory_key = memory_text.rowid LEFT JOIN access a ON a.memory_key = m.memory_key
     WHERE memory_text MATCH ? AND ${conditions.sql} ORDER BY score DESC LIMIT ?`,
    now_ms,
    terms.join(' OR '),
    ...conditions.parameters,
    most,
  );
}

/** Adds what is near by vector, and ranks by both. Reads the embeddings of the scope, one by one. */
function blended(
  db: Database,
  keyword: readonly Scored[],
  query: { model: string; vector: Float32Array },
  conditions: Conditions,
  spaces: readonly string[] | null,
): Scored[] {
  const cosines = new Map<number, { cosine: number; namespace: string }>();
  const rows = db.all<{ memory_key: number; namespace: string; state: string }>(
    `SELECT m.memory_key, m.namespace, m.state FROM memory m
     WHERE ${conditions.sql} AND json_extract(m.state, '$.registers.embedding[0].model') = ?`,
    ...conditions.parameters,
    query.model,
  );
  for (const row of rows) {
    const vector = vectorOf(row.state);
    if (!vector || vector.length !== query.vector.length) continue;
    const cosine = cosineOf(vector, query.vector) * distanceFactor(spaces?.indexOf(row.namespace) ?? 0);
    cosines.set(row.memory_key, { cosine, namespace: row.namespace });
  }
  const top = Math.max(1e-9, ...keyword.map(({ score }) => score));
  const shares = new Map(keyword.map(({ memory_key, score }) => [memory_key, Math.max(0, score) / top]));
  const all = new Map<number, string>(keyword.map(({ memory_key, namespace }) => [memory_key, namespace]));
  for (const [memory_key, { namespace }] of cosines) all.set(memory_key, namespace);
  return [...all]
    .map(([memory_key, namespace]) => {
      const score = blend(shares.get(memory_key) ?? 0, cosines.get(memory_key)?.cosine ?? 0);
      return { memory_key, namespace, score };
    })
    .filter(({ score }) => score > 0);
}

/** Null: none, or of a text that is no longer there. */
function vectorOf(text: string): Float32Array | null {
  const state = readMemoryState(text);
  const embedding = valueOf(state, 'embedding') as unknown as EmbeddingValue | null;
  if (!embedding || embedding.text !== textStampOf(state)) return null;
  const bytes = Buffer.from(embedding.vector, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
}

function memoriesOf(context: ViewContext, scored: readonly Scored[]): FoundMemory[] {
  const rows = context.db.all<MemoryRow>(
    `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE m.memory_key IN (SELECT value FROM json_each(?))`,
    JSON.stringify(scored.map(({ memory_key }) => memory_key)),
  );
  const byKey = new Map(rows.map((row) => [row.memory_key, row]));
  return scored.flatMap(({ memory_key, score }) => {
    const row = byKey.get(memory_key);
    return row ? [{ ...memoryOf(context, row), score }] : [];
  });
}

function withinBudget(found: FoundMemory[], budget: number | undefined): Pick<Recalled, 'memories' | 'tokens_used'> {
  const memories: FoundMemory[] = [];
  let tokens_used = 0;
  for (const memory of found) {
    const tokens = tokensOf(memory);
    if (budget !== undefined && tokens_used + tokens > budget) break;
    memories.push(memory);
    tokens_used += tokens;
  }
  return { memories, tokens_used };
}
