import { createHash } from 'node:crypto';
import type { Database } from '../../storage/sqlite/database.ts';

/** Nonces kept for each peer: at ten requests a second three hours' worth, longer than the window of freshness. */
export const NONCES_PER_PEER = 100_000;

/** A nonce that is longer is none: a UUID has 36 characters. */
export const MAX_NONCE_CHARS = 128;

/**
 * Remembers which nonces came, on disk, so that a restart forgets none. Only peers whose signature was good get here, so
 * strangers can neither fill it nor use up a nonce of another.
 */
export class NonceCache {
  readonly #db: Database;
  readonly #most: number;

  constructor(db: Database, nonces_per_peer = NONCES_PER_PEER) {
    this.#db = db;
    this.#most = nonces_per_peer;
  }

  /** Takes a nonce of a peer; false when it was taken before. Durable when it returns. The oldest of the peer leaves. */
  take(peer: string, nonce: string): boolean {
    const hash = createHash('sha256').update(nonce).digest().subarray(0, 16);
    return this.#db.transaction(() => {
      const added = this.#db.run(
        'INSERT INTO compat_nonce (peer, nonce_hash) VALUES (?, ?) ON CONFLICT DO NOTHING',
        peer,
        hash,
      );
      if (added === 0) return false;
      this.#db.run(
        'DELETE FROM compat_nonce WHERE peer = ? AND seen <= (SELECT seen FROM compat_nonce WHERE peer = ? ORDER BY seen DESC LIMIT 1 OFFSET ?)',
        peer,
        peer,
        this.#most,
      );
      return true;
    });
  }
}
