import type { Database } from '../../storage/sqlite/database.ts';
import type { MemoryState } from '../merge/memory.ts';
import { valueOf } from './memory-columns.ts';

export function insertTerms(db: Database, memory_key: number, state: MemoryState): void {
  const tags = valueOf(state, 'tags');
  db.run(
    'INSERT INTO memory_text (rowid, title, content, tags) VALUES (?, ?, ?, ?)',
    memory_key,
    textOf(state, 'title'),
    textOf(state, 'content'),
    Array.isArray(tags) ? tags.join(' ') : '',
  );
}

export function deleteTerms(db: Database, memory_key: number): void {
  db.run('DELETE FROM memory_text WHERE rowid = ?', memory_key);
}

function textOf(state: MemoryState, name: string): string {
  const value = valueOf(state, name);
  return typeof value === 'string' ? value : '';
}

/** Runs of letters and digits, each quoted: nothing of a query language is left. Quotation marks hold a phrase together. */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [, phrase, word] of text.matchAll(/"([^"]*)"|([^\s"]+)/g)) {
    const term = (phrase ?? word ?? '').trim();
    if (/[\p{L}\p{N}\p{Co}]/u.test(term)) terms.push(`"${term}"`);
  }
  return terms;
}
