import type { Clock } from '../../platform/clock.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { listSpool, readSpool, type SpoolFile } from '../hooks/spool.ts';
import type { Salts } from '../salts.ts';

export interface PrivateSessionsOptions {
  /** The journal's file. `migrateFlowTables` must have run on it. */
  db: Database;
  spool_dir: string;
  hashing: Hashing;
  salts: Salts;
  clock: Clock;
}

/**
 * The sessions that a person started with `SYNCLINE_PRIVATE=1`, as their hooks told. A hook writes before its agent writes
 * the first line of a transcript, so a look at the spool before each reading of transcripts knows of a session in time.
 */
export class PrivateSessions {
  readonly #options: PrivateSessionsOptions;
  readonly #known: Set<string>;
  /** How far each file of the spool was looked through by this process; hooks are taken in at a pace of their own. */
  #offsets = new Map<string, number>();

  constructor(options: PrivateSessionsOptions) {
    this.#options = options;
    const rows = options.db.all<{ session: string }>('SELECT session FROM private_session');
    this.#known = new Set(rows.map(({ session }) => session));
  }

  /** Whether a session is private, by its agent's own id. */
  has(session_id: string): boolean {
    if (this.#known.size === 0) return false;
    const { hashing, salts } = this.#options;
    const bytes = [salts.machine, salts.team].flatMap((salt) => (salt === null ? [] : [salt.bytes]));
    return bytes.some((salt) => this.#known.has(hashing.hashWithSalt(salt, session_id)));
  }

  /** How many sessions are known to be private. */
  get count(): number {
    return this.#known.size;
  }

  /** Looks through what hooks have left since the last look. Throws what the file system throws. */
  async look(signal: AbortSignal): Promise<void> {
    const offsets = new Map<string, number>();
    for (const file of await listSpool(this.#options.spool_dir)) {
      const from = this.#offsets.get(file.name) ?? 0;
      const is_new = file.size_bytes > from && !signal.aborted;
      offsets.set(file.name, is_new ? await unlessRemoved(() => this.#through(file, from), from) : from);
    }
    this.#offsets = offsets;
  }

  async #through(file: SpoolFile, from: number): Promise<number> {
    const { db, clock } = this.#options;
    let offset = from;
    for (let more = true; more;) {
      const step = await readSpool(file, offset, clock.now_ms());
      for (const { record } of step.records) {
        if (!record.private || record.session === null || this.#known.has(record.session)) continue;
        db.run(
          'INSERT INTO private_session (session, noted_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
          record.session,
          clock.now_ms(),
        );
        this.#known.add(record.session);
      }
      more = step.more && step.next_offset > offset;
      offset = step.next_offset;
    }
    return offset;
  }
}

/** A file that was taken in and removed since it was listed was looked through before that. */
async function unlessRemoved(read: () => Promise<number>, offset: number): Promise<number> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return offset;
    throw error;
  }
}
