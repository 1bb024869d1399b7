import type { KeyedStore } from '../../engine/keyed/store.ts';
import type { FlowWrite } from '../../engine/transaction.ts';
import type { Database } from '../../storage/sqlite/database.ts';

const KEYS_AT_ONCE = 1_000;

/** How checkouts are found again and asked. */
export interface Checkouts {
  /** The folder of a checkout as it was sealed; null: it cannot be told any more. */
  open(sealed: Uint8Array): string | null;
  /** Size and times of its rules; null: the folder is not there to be asked. */
  markOf(root: string): string | null;
  /** What its rules say about sharing, read now; null: they cannot be asked. */
  readShares(root: string): boolean | null;
}

export interface CheckoutWatchOptions {
  /** The journal's file. `migrateSessionTables` must have run on it. */
  db: Database;
  keyed: Pick<KeyedStore, 'touch'>;
  checkouts: Checkouts;
}

/**
 * Hears what repositories say about sharing after their sessions were shared. A session is decided when it changes, and
 * those of a repository that says `share = "none"` today may never change again. Costs one `stat` for each checkout of
 * which something was shared, whatever the number of sessions.
 */
export class CheckoutWatch {
  readonly #options: CheckoutWatchOptions;

  constructor(options: CheckoutWatchOptions) {
    this.#options = options;
  }

  /** Has the sessions of every checkout whose rules changed decided anew. Returns how many. */
  async look(now_ms: number): Promise<number> {
    const { db, checkouts } = this.#options;
    let touched = 0;
    for (const { checkout, mark, folder } of db.all<{ checkout: string; mark: string; folder: Uint8Array | null }>(
      'SELECT checkout, mark, folder FROM session_checkout',
    )) {
      const root = folder === null ? null : checkouts.open(folder);
      const now = root === null ? null : checkouts.markOf(root);
      if (root === null || now === null || now === mark) continue;
      const shares = checkouts.readShares(root);
      // A folder that is gone, or rules that nobody can read, take nothing back (R28).
      if (shares !== null) touched += await this.#decideAnew(checkout, shares, { is_first: mark === '', now_ms });
      db.run('UPDATE session_checkout SET mark = ? WHERE checkout = ?', now, checkout);
    }
    return touched;
  }

  /** The folder of a checkout that is watched; null: it is not, or cannot be told any more. */
  folderOf(checkout: string): string | null {
    const { db, checkouts } = this.#options;
    const row = db.get<{ folder: Uint8Array | null }>(
      'SELECT folder FROM session_checkout WHERE checkout = ?',
      checkout,
    );
    return row?.folder ? checkouts.open(row.folder) : null;
  }

  /** Also those that cannot be read any more: they go by what is remembered. */
  async #decideAnew(
    checkout: string,
    shares: boolean,
    { is_first, now_ms }: { is_first: boolean; now_ms: number },
  ): Promise<number> {
    const { db, keyed } = this.#options;
    const moved = db.run(
      'UPDATE session_project SET shares = ?1 WHERE checkout = ?2 AND shares <> ?1',
      shares ? 1 : 0,
      checkout,
    );
    // The rules were read when the session was decided; this is the first look at when they were written.
    if (is_first && moved === 0) return 0;
    // What was to wait for its hold is decided now.
    db.run('DELETE FROM session_hold WHERE key IN (SELECT key FROM session_project WHERE checkout = ?)', checkout);
    let touched = 0;
    for (let after: string | null = ''; after !== null;) {
      const touches: { key: string; partition_id: number; group: string }[] = db.all(
        `SELECT m.key, m.partition_id, m.project_group AS "group" FROM session_project p JOIN session_mark m USING (key)
         WHERE p.checkout = ? AND p.key > ? ORDER BY p.key LIMIT ?`,
        checkout,
        after,
        KEYS_AT_ONCE,
      );
      if (touches.length > 0) await keyed.touch(touches, now_ms);
      touched += touches.length;
      after = touches.length < KEYS_AT_ONCE ? null : (touches.at(-1)?.key ?? null);
    }
    return touched;
  }
}

/**
 * Has a checkout watched from now on; to be committed with the settlement of a session that is shared. `folder` is sealed.
 * `is_new`: nothing of the session was there before, so the rules are looked at once more: they may have changed while it
 * was decided.
 */
export function watchWrite(checkout: string, folder: Uint8Array, is_new: boolean): FlowWrite {
  return {
    sql: `INSERT INTO session_checkout (checkout, mark, folder) VALUES (?1, '', ?2)
          ON CONFLICT (checkout) DO UPDATE SET folder = ?2${is_new ? `, mark = ''` : ''}`,
    parameters: [checkout, folder],
  };
}
