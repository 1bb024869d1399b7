import { backoff_ms, isDue, type RetryPolicy } from '../../engine/retry.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/sqlite/database.ts';

export type Way = 'push' | 'pull';

export interface ExchangeStatus {
  /** Items that the peer took, or that came from it, since the data directory was made. */
  items: number;
  failing_since_ms: number | null;
  /** When it is tried again. */
  due_ms: number;
  last_success_ms: number | null;
  last_error: { at_ms: number; message: string } | null;
}

export interface ExchangeParts {
  db: Database;
  peer: string;
  way: Way;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
}

interface Row {
  items: number;
  failures: number;
  due_ms: number;
  failing_since_ms: number | null;
  last_success_ms: number | null;
  last_error_ms: number | null;
  last_error: string | null;
}

/**
 * The circuit of one way to one peer, on disk: a restart tries once and forgets no outage, nor its back-off.
 * While it is open nothing is sent; when its time has come one request goes out, and its answer decides.
 */
export class ExchangeState {
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** When a request may be made; not later than now: at once. */
  due_ms(): number {
    const { due_ms } = this.#row();
    const { clock, retry } = this.#parts;
    // A wall clock that stepped back must not hold it up.
    return isDue(due_ms, clock.now_ms(), retry) ? clock.now_ms() : due_ms;
  }

  /** A start is news: the address may be another, or somebody put the peer right. Failures still count for the back-off. */
  tryNow(): void {
    const { db, peer, way } = this.#parts;
    db.run('UPDATE compat_exchange SET due_ms = 0 WHERE peer = ? AND way = ?', peer, way);
  }

  failures(): number {
    return this.#row().failures;
  }

  succeeded(items: number): void {
    const { db, peer, way, clock } = this.#parts;
    db.run(
      `INSERT INTO compat_exchange (peer, way, items, last_success_ms) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (peer, way) DO UPDATE SET items = items + ?3, last_success_ms = ?4, failures = 0, due_ms = 0,
         failing_since_ms = NULL`,
      peer,
      way,
      items,
      clock.now_ms(),
    );
  }

  /** `wait_ms`: what the peer asked for. */
  failed(message: string, wait_ms: number | null): void {
    const { db, peer, way, clock, retry, random } = this.#parts;
    const now_ms = clock.now_ms();
    const due_ms = now_ms + (wait_ms ?? backoff_ms(retry, this.failures() + 1, random));
    db.run(
      `INSERT INTO compat_exchange (peer, way, failures, due_ms, failing_since_ms, last_error_ms, last_error)
       VALUES (?1, ?2, 1, ?3, ?4, ?4, ?5)
       ON CONFLICT (peer, way) DO UPDATE SET failures = failures + 1, due_ms = ?3,
         failing_since_ms = coalesce(failing_since_ms, ?4), last_error_ms = ?4, last_error = ?5`,
      peer,
      way,
      due_ms,
      now_ms,
      message,
    );
  }

  status(): ExchangeStatus {
    const { items, failing_since_ms, due_ms, last_success_ms, last_error, last_error_ms } = this.#row();
    const error = last_error === null ? null : { at_ms: last_error_ms ?? 0, message: last_error };
    return { items, failing_since_ms, due_ms, last_success_ms, last_error: error };
  }

  #row(): Row {
    const { db, peer, way } = this.#parts;
    const row = db.get<Row>('SELECT * FROM compat_exchange WHERE peer = ? AND way = ?', peer, way);
    const none = { failing_since_ms: null, last_success_ms: null, last_error_ms: null, last_error: null };
    return row ?? { items: 0, failures: 0, due_ms: 0, ...none };
  }
}
