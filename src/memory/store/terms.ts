import type { Database } from '../../storage/sqlite/database.ts';
import type { MemoryState } from '../merge/memory.ts';
import { readMemoryState } from '../merge/row.ts';
import { valueOf } from './memory-columns.ts';
import { indexedTerm, indexedText } from './words.ts';

interface TermChange {
  memory_key: number;
  /** Whether its terms were in the index before. */
  indexed: boolean;
  /** Null: they are to be taken out. */
  state: MemoryState | null;
}

export interface TermsMark {
  changes: number;
  written: number;
}

/**
 * Terms of the memories that a transaction changes, written when a search needs them, else at the transaction's end. Each
 * savepoint, and each statement that changes several rows of any table, makes FTS5 write what it has gathered as a segment of its own; so that one by
 * one a segment for every row would be written and merged.
 */
export class Terms {
  readonly #db: Database;
  readonly #changes: TermChange[] = [];
  /** How many of them are in the index. */
  #written = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  change(change: TermChange): void {
    if (change.indexed || change.state) this.#changes.push(change);
  }

  mark(): TermsMark {
    return { changes: this.#changes.length, written: this.#written };
  }

  /** After the database went back to where it was then. */
  rollBack({ changes, written }: TermsMark): void {
    this.#changes.length = changes;
    this.#written = written;
  }

  /** Brings the index up to date, inside the transaction. */
  write(): void {
    const merged = new Map<number, TermChange>();
    for (const change of this.#changes.slice(this.#written)) {
      const before = merged.get(change.memory_key);
      merged.set(change.memory_key, before ? { ...change, indexed: before.indexed } : change);
    }
    for (const { memory_key, indexed, state } of merged.values()) {
      if (indexed) this.#db.run('DELETE FROM memory_text WHERE rowid = ?', memory_key);
      if (state) insertTerms(this.#db, memory_key, state);
    }
    this.#written = this.#changes.length;
  }

  /** After the commit. */
  forget(): void {
    this.#changes.length = 0;
    this.#written = 0;
  }
}

const INDEXED = ['title', 'content', 'tags'] as const;

/** Whether both say the same of what is searched. */
export function haveSameTerms(a: MemoryState, b: MemoryState): boolean {
  return INDEXED.every((name) => a.registers[name] === b.registers[name]);
}

function insertTerms(db: Database, memory_key: number, state: MemoryState): void {
  const tags = valueOf(state, 'tags');
  db.run(
    'INSERT INTO memory_text (rowid, title, content, tags) VALUES (?, ?, ?, ?)',
    memory_key,
    indexedText(textOf(state, 'title')),
    indexedText(textOf(state, 'content')),
    indexedText(Array.isArray(tags) ? tags.join(' ') : ''),
  );
}

function textOf(state: MemoryState, name: string): string {
  const value = valueOf(state, name);
  return typeof value === 'string' ? value : '';
}

/**
 * What a text asks the index for: each word, or what stands between quotation marks, by itself and quoted, so that nothing of a
 * query language is left.
 */
export function termsOf(text: string): string[] {
  return wordsOf(text).map(indexedTerm);
}

/** The same, as they were written. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [, phrase, word] of text.matchAll(/"([^"]*)"|([^\s"]+)/g)) {
    const term = (phrase ?? word ?? '').trim();
    if (/[\p{L}\p{N}\p{Co}]/u.test(term)) words.push(term);
  }
  return words;
}

/** Fills an index that a migration left empty; some seconds for a hundred thousand memories, once. */
export function refillTerms(db: Database): void {
  if (db.get('SELECT rowid FROM memory_text LIMIT 1') !== undefined) return;
  db.transaction(() => {
    const rows = db.prepare(`SELECT memory_key, state FROM memory WHERE status = 'live'`).iterate() as Iterable<{
      memory_key: number;
      state: string;
    }>;
    for (const { memory_key, state } of rows) insertTerms(db, memory_key, readMemoryState(state));
  });
}
