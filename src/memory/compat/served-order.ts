import type { Database } from '../../storage/sqlite/database.ts';
import type { OriginId, VersionVector } from '../origin.ts';
import { formatInstant, parseInstant, type Instant } from './instant.ts';

/**
 * The order in which memories came to this node, told to old peers as `updated_at`.
 *
 * An old peer remembers the greatest `updated_at` that it was given and asks for what is greater. Were that the time of the
 * author, a memory that arrives late would lie behind the peer's mark and never be asked for (D11), and a page that ends
 * among rows of one time would lose the rest of them (D10). So each memory has, at each arrival, a *served* time: its own
 * `updated_at` if that is beyond everything served before, else one nanosecond more than the last. Served times are all
 * different and grow with arrival; in quiet order they are the true ones. They never run ahead of this node's clock unless
 * one was already served that did: a row from the future must not outweigh what the peer itself writes meanwhile.
 *
 * The price, for old peers only: a memory that arrived late looks a little newer than it is, and can win there over an edit
 * that has not come to us. When that edit comes it is judged here by its own time, and the result is served again.
 */
export class ServedOrder {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** How far each origin was taken up. */
  through(): VersionVector {
    const rows = this.#db.all<{ origin: OriginId; sequence: number }>(
      'SELECT origin, sequence FROM compat_served_through',
    );
    return Object.fromEntries(rows.map(({ origin, sequence }) => [origin, sequence]));
  }

  /** Takes up arrivals in their order, and how far that leads, in one transaction. A memory that came again moves to the end. */
  arrived(memories: readonly { id: string; updated_at: Instant }[], now: Instant, through: VersionVector): void {
    this.#db.transaction(() => {
      let last = this.#last();
      // A later arrival of one id takes the place of the earlier.
      const served = new Map<string, string>();
      for (const { id, updated_at } of memories) {
        const own = updated_at < now ? updated_at : now;
        last = own > last ? own : last + 1n;
        served.set(id, formatInstant(last));
      }
      this.#db.run(
        `INSERT INTO compat_served (memory_id, served_at) SELECT key, value FROM json_each(?) WHERE true
         ON CONFLICT (memory_id) DO UPDATE SET served_at = excluded.served_at`,
        JSON.stringify(Object.fromEntries(served)),
      );
      if (served.size > 0)
        this.#db.run('INSERT OR REPLACE INTO compat_served_last (one, served_at) VALUES (1, ?)', formatInstant(last));
      this.#db.run(
        `INSERT INTO compat_served_through (origin, sequence) SELECT key, value FROM json_each(?) WHERE true
         ON CONFLICT (origin) DO UPDATE SET sequence = excluded.sequence`,
        JSON.stringify(through),
      );
    });
  }

  /** The greatest time ever served: also of a memory that is gone, as a peer's mark may stand there. */
  #last(): Instant {
    const text = this.#db.value<string | undefined>('SELECT served_at FROM compat_served_last');
    return (text === undefined ? null : parseInstant(text)) ?? 0n;
  }

  /** What is served after a time, in order. */
  after(since: Instant | null, limit: number): { id: string; served_at: Instant }[] {
    const rows = this.#db.all<{ memory_id: string; served_at: string }>(
      'SELECT memory_id, served_at FROM compat_served WHERE served_at > ? ORDER BY served_at LIMIT ?',
      since === null ? '' : formatInstant(since),
      limit,
    );
    return rows.map(({ memory_id, served_at }) => ({ id: memory_id, served_at: parseInstant(served_at) ?? 0n }));
  }

  /** Takes out what does not live any more. */
  forget(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#db.run('DELETE FROM compat_served WHERE memory_id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
  }
}
