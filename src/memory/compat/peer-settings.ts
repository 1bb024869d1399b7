import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** What is remembered of a peer besides its rows: whether its owner paused it, and what was shared with it. */
export class PeerSettings {
  readonly #db: Database;
  readonly #peer: string;
  readonly #clock: Clock;

  constructor(db: Database, peer: string, clock: Clock) {
    this.#db = db;
    this.#peer = peer;
    this.#clock = clock;
    db.run('INSERT OR IGNORE INTO compat_peer (peer) VALUES (?)', peer);
  }

  /** `until_ms` null: until it is resumed. On disk when it returns. */
  pause(until_ms: number | null): void {
    this.#db.run('UPDATE compat_peer SET paused = 1, paused_until_ms = ? WHERE peer = ?', until_ms, this.#peer);
  }

  resume(): void {
    this.#db.run('UPDATE compat_peer SET paused = 0, paused_until_ms = NULL WHERE peer = ?', this.#peer);
  }

  isPaused(): boolean {
    const row = this.#db.get<{ paused: number; paused_until_ms: number | null }>(
      'SELECT paused, paused_until_ms FROM compat_peer WHERE peer = ?',
      this.#peer,
    );
    if (row?.paused !== 1) return false;
    return row.paused_until_ms === null || row.paused_until_ms > this.#clock.now_ms();
  }

  /** Whether other things are shared now than when this was asked before; remembers it. */
  isSharingChanged(sharing: string): boolean {
    return (
      this.#db.run('UPDATE compat_peer SET sharing = ?1 WHERE peer = ?2 AND sharing <> ?1', sharing, this.#peer) > 0
    );
  }
}
