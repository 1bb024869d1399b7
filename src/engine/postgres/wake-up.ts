import type { Timers } from '../../platform/timers.ts';
import { listenToChannel } from '../../storage/postgres/notifications.ts';
import type { Postgres } from '../../storage/postgres/postgres.ts';
import type { Wakeup } from '../wakeup.ts';
import { SCHEMA } from './database.ts';

export interface PostgresWakeUpOptions {
  postgres: Postgres;
  /** Address of the same database, for a connection that listens. */
  url: string;
  timers: Timers;
  /** The loop of this process. */
  wakeup: Wakeup;
  /** That of the store. */
  schema?: string;
  retry_ms?: number;
}

/**
 * Wakes the delivery loops of other processes when this one has appended, and this one's when they have. A hint alone: every
 * loop also looks by itself, so a notification may be lost, late, or one too many.
 */
export class PostgresWakeUp {
  readonly #options: PostgresWakeUpOptions;
  readonly #channel: string;
  #sending = false;
  #again = false;

  constructor(options: PostgresWakeUpOptions) {
    this.#options = options;
    this.#channel = `${options.schema ?? SCHEMA}_work`;
  }

  /** Listens until `signal` aborts, also through lost connections. */
  run(signal: AbortSignal): Promise<void> {
    const { url, timers, wakeup, retry_ms = 5000 } = this.#options;
    const onHint = (): void => wakeup.notify();
    return listenToChannel({ url, channel: this.#channel, timers, onHint, retry_ms }, signal);
  }

  /**
   * Tells all processes, this one too, that there is work; to be called after the commit. Returns at once. Not within the
   * transaction: PostgreSQL lets only one transaction that notifies commit at a time. While one is being told, any number
   * of further calls become one.
   */
  announce(): void {
    this.#options.wakeup.notify();
    this.#again = true;
    if (!this.#sending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    while (this.#again) {
      this.#again = false;
      // Whoever misses it looks by itself.
      await this.#options.postgres.query(`SELECT pg_notify($1, '')`, [this.#channel]).catch(() => undefined);
    }
    this.#sending = false;
  }
}
