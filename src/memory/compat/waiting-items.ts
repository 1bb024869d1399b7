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
 * Also which memories were deleted before they came, so that their late store does not bring them back.
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

  deletedEarly(memory_id: string, peer: string, now_ms: number): void {
    this.#db.run(
      'INSERT OR REPLACE INTO compat_early_deletion (memory_id, peer, deleted_ms) VALUES (?, ?, ?)',
      memory_id,
      peer,
      now_ms,
    );
  }

  /** Which of these, or of all, were deleted before they came; without what is too old. */
  earlyDeletions(memory_ids: readonly string[] | null, now_ms: number): Map<string, EarlyDeletion> {
    this.#db.run('DELETE FROM compat_early_deletion WHERE deleted_ms < ?', now_ms - KEPT_MS);
    const rows = this.#db.all<EarlyDeletion & { memory_id: string }>(
      `SELECT memory_id, peer, deleted_ms FROM compat_early_deletion
       WHERE ?1 IS NULL OR memory_id IN (SELECT value FROM json_each(?1)) LIMIT ${MOST}`,
      memory_ids && JSON.stringify(memory_ids),
    );
    return new Map(rows.map(({ memory_id, ...deletion }) => [memory_id, deletion]));
  }
}

export interface EarlyDeletion {
  peer: string;
  deleted_ms: number;
}
