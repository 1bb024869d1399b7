import type { Database } from '../../storage/sqlite/database.ts';

/** Lists whose items can come before what they need. */
export type WaitingList = 'links' | 'pending_decisions' | 'namespace_meta';

export interface WaitingItem {
  list: WaitingList;
  key: string;
  peer: string;
  /** The item as it was read, as JSON. */
  item: string;
}

const MOST = 10_000;
/** Far longer than what it needs can be on its way; a memory that has not come by then was deleted before it came. */
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Items that came before what they need (D17): a link before its memories, a decision before the question, a standard before
 * its memory. The baseline drops them; here they wait on disk and are tried again after each push. Holds no memory's text.
 * Also which memories were deleted or archived before they came, so that their late store does not bring them back.
 */
export class WaitingItems {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** False when too many wait already: then the item is to be refused. */
  add(item: WaitingItem, now_ms: number): boolean {
    if (this.#db.value<number>('SELECT count(*) FROM compat_waiting') >= MOST) return false;
    this.#db.run(
      'INSERT OR REPLACE INTO compat_waiting (list, key, peer, item, since_ms) VALUES (?, ?, ?, ?, ?)',
      item.list,
      item.key,
      item.peer,
      item.item,
      now_ms,
    );
    return true;
  }

  /** Those that wait, without what waited too long. */
  all(now_ms: number): WaitingItem[] {
    this.#db.run('DELETE FROM compat_waiting WHERE since_ms < ?', now_ms - KEPT_MS);
    return this.#db.all<WaitingItem>('SELECT list, key, peer, item FROM compat_waiting ORDER BY since_ms');
  }

  remove(item: WaitingItem): void {
    this.#db.run('DELETE FROM compat_waiting WHERE list = ? AND key = ?', item.list, item.key);
  }

  /** A deletion stays one when an archiving comes behind it. */
  endedEarly(memory_id: string, peer: string, gone: EarlyEnd['gone'], now_ms: number): void {
    this.#db.run(
      `INSERT INTO compat_early_end (memory_id, peer, gone, ended_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (memory_id) DO UPDATE SET peer = excluded.peer, gone = excluded.gone, ended_ms = excluded.ended_ms
       WHERE compat_early_end.gone = 'archived' OR excluded.gone = 'dead'`,
      memory_id,
      peer,
      gone,
      now_ms,
    );
  }

  /** What was archived before it came was restored, also before it came. */
  restoredEarly(memory_id: string): void {
    this.#db.run(`DELETE FROM compat_early_end WHERE memory_id = ? AND gone = 'archived'`, memory_id);
  }

  /** Which of these, or of all, ended before they came; without what is too old. */
  earlyEnds(memory_ids: readonly string[] | null, now_ms: number): Map<string, EarlyEnd> {
    this.#db.run('DELETE FROM compat_early_end WHERE ended_ms < ?', now_ms - KEPT_MS);
    const rows = this.#db.all<EarlyEnd & { memory_id: string }>(
      `SELECT memory_id, peer, gone, ended_ms FROM compat_early_end
       WHERE ?1 IS NULL OR memory_id IN (SELECT value FROM json_each(?1)) LIMIT ${MOST}`,
      memory_ids && JSON.stringify(memory_ids),
    );
    return new Map(rows.map(({ memory_id, ...end }) => [memory_id, end]));
  }
}

/** What an old peer did to a memory before it was here. */
export interface EarlyEnd {
  peer: string;
  gone: 'archived' | 'dead';
  ended_ms: number;
}
