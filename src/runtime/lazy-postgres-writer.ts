import type { TranscriptWriter } from '../sessions/store/session-store.ts';
import {
  PostgresSessionStore,
  type PostgresSessionStoreOptions,
} from '../sessions/store/postgres/postgres-session-store.ts';

/**
 * Writes to a PostgreSQL that is opened with the first call, and again after it could not be: one that is down when Syncline
 * starts is a destination that is not well, and keeps nothing else from running.
 */
export class LazyPostgresWriter implements TranscriptWriter {
  readonly #options: PostgresSessionStoreOptions;
  #opening: Promise<PostgresSessionStore> | null = null;

  constructor(options: PostgresSessionStoreOptions) {
    this.#options = options;
  }

  readonly put: TranscriptWriter['put'] = async (...given) => (await this.#open()).put(...given);
  readonly markGone: TranscriptWriter['markGone'] = async (...given) => (await this.#open()).markGone(...given);
  readonly state: TranscriptWriter['state'] = async (team_id, key) => (await this.#open()).state(team_id, key);
  readonly remove: TranscriptWriter['remove'] = async (...given) => (await this.#open()).remove(...given);

  async identity(): Promise<string> {
    return (await this.#open()).identity();
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => null);
    await opened?.close();
  }

  #open(): Promise<PostgresSessionStore> {
    this.#opening ??= PostgresSessionStore.open(this.#options).catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }
}
