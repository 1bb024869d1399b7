import type { Timers } from '../../platform/timers.ts';
import { openAgentsview, sourceIdentity, type AgentsviewDatabase } from '../../agents/agentsview/index.ts';

/** Opening and probing costs 2 ms, reading a usual session 0.1 ms: readings in a row share what one of them opened. */
const IDLE_MS = 500;

/**
 * Waited in the program's one thread, and only behind an exclusive lock or a recovery: short, since the reading is tried
 * again anyway. Rule A2's 5 s are for readers with a thread of their own.
 */
export const BUSY_TIMEOUT_MS = 250;

interface Open {
  database: AgentsviewDatabase;
  /** What the database itself says it is; null before agentsview 0.37.1. */
  archive_id: string | null;
  users: number;
  /** To be closed by its last user. */
  retired: boolean;
  used: number;
}

/**
 * agentsview's database for readings that follow one another. It is closed half a second after the last, because while a
 * reader has the file open agentsview's last close cannot fold its WAL into it.
 */
export class AgentsviewHandle {
  readonly #timers: Timers;
  #open: Open | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * Runs `work` with the database at `path`, opened anew when another file stands there. What fails leaves nothing open.
   * @throws what `openAgentsview` and `work` throw
   */
  async use<T>(
    path: string,
    work: (database: AgentsviewDatabase, archive_id: string | null) => Promise<T>,
  ): Promise<T> {
    const open = this.#acquire(path);
    try {
      return await work(open.database, open.archive_id);
    } catch (error) {
      this.#retire(open);
      throw error;
    } finally {
      this.#release(open);
    }
  }

  /** Lets go of the file, or its last user does: the next reading finds out anew what it has. */
  close(): void {
    if (this.#open) this.#retire(this.#open);
  }

  #acquire(path: string): Open {
    if (this.#open && !(this.#open.database.path === path && this.#open.database.isCurrent())) this.#retire(this.#open);
    if (!this.#open) {
      const database = openAgentsview(path, { busy_timeout_ms: BUSY_TIMEOUT_MS });
      try {
        const { archive_id } = sourceIdentity(database);
        this.#open = { database, archive_id, users: 0, retired: false, used: 0 };
      } catch (error) {
        database.close();
        throw error;
      }
    }
    this.#open.users++;
    this.#open.used++;
    return this.#open;
  }

  #release(open: Open): void {
    open.users--;
    if (open.users > 0) return;
    if (open.retired) open.database.close();
    else void this.#closeWhenIdle(open, open.used);
  }

  #retire(open: Open): void {
    open.retired = true;
    if (this.#open === open) this.#open = null;
    if (open.users === 0) open.database.close();
  }

  async #closeWhenIdle(open: Open, used: number): Promise<void> {
    await this.#timers.sleep(IDLE_MS);
    if (open.used === used && open.users === 0) this.#retire(open);
  }
}
