/** Capture of sessions on a real journal, with a clock of the test's own. */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ConversationMessage } from '../../src/agents/conversation.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { EngineStore } from '../../src/engine/store.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Timers } from '../../src/platform/timers.ts';
import { loadHashing } from '../../src/redaction/hashing.ts';
import { conversationKey } from '../../src/sessions/conversation-key.ts';
import { migrateSessionTables } from '../../src/sessions/flow-tables.ts';
import { SessionSweep, type SessionSweepOptions, type SweepOutcome } from '../../src/sessions/capture/session-sweep.ts';
import type { ConversationReading, SessionSource } from '../../src/sessions/capture/session-source.ts';
import { Database } from '../../src/storage/sqlite/database.ts';

export const DEVICE = 'device-one';
const hashing = await loadHashing();

/** The key that capture gives a session. */
export const keyOf = (archive: string, native_id: string): string =>
  conversationKey(hashing, DEVICE, archive, native_id);

/** Lets others run; no time passes. */
export const idleTimers: Timers = { sleep: async () => setImmediate() };

export class CaptureRig implements Disposable {
  readonly db: Database;
  readonly store: EngineStore;
  /** A minute ahead of the files that the test writes, so that their times are settled. */
  now_ms = Date.now() + 60_000;
  readonly clock: Clock = { now_ms: () => this.now_ms, monotonic_ms: () => this.now_ms };
  readonly #options: Partial<SessionSweepOptions>;
  #sources: readonly SessionSource[];
  #sweep: SessionSweep;
  /** The last offset told of each partition. */
  readonly #seen = new Map<number, number>();

  constructor(folder: string, sources: readonly SessionSource[], options: Partial<SessionSweepOptions> = {}) {
    this.db = new Database(join(folder, 'engine.db'));
    this.store = openSqliteStore(this.db, { clock: this.clock, random: systemRandom, cap_bytes: 1024 ** 3 });
    migrateSessionTables(this.db, this.now_ms);
    this.#sources = sources;
    this.#options = options;
    this.#sweep = this.#newSweep();
  }

  get sweep(): SessionSweep {
    return this.#sweep;
  }

  /** As after a restart of the program: what only memory held is gone. */
  restart(sources = this.#sources, options: Partial<SessionSweepOptions> = {}): void {
    this.#sources = sources;
    this.#sweep = this.#newSweep(options);
  }

  /** One sweep, a second after the last. */
  async look(hinted = false): Promise<SweepOutcome> {
    this.now_ms += 1_000;
    return this.#sweep.sweep(new AbortController().signal, hinted);
  }

  /** The keys noticed since the last call, by partition, in the journal's order. */
  noticed(): string[] {
    const rows = this.db.all<{ partition_id: number; offset: number; key: string }>(
      'SELECT partition_id, offset, key FROM entry ORDER BY entry_id',
    );
    const news = rows.filter(({ partition_id, offset }) => offset > (this.#seen.get(partition_id) ?? 0));
    for (const { partition_id, offset } of news) this.#seen.set(partition_id, offset);
    return news.map(({ key }) => key);
  }

  /** What a delivery would read of a key now. Null: nothing. */
  async read(key: string): Promise<{ reading: ConversationReading; messages: ConversationMessage[] } | null> {
    const known = this.#sweep.known.find(key);
    const source = this.#sources.find(({ name }) => name === known?.source);
    if (!known || !source) return null;
    const messages: ConversationMessage[] = [];
    const visit: Parameters<SessionSource['read']>[2] = (segment) => messages.push(...segment.messages) > 0;
    const reading = await source.read(known.native_id, known.archive, visit, new AbortController().signal);
    return reading && { reading, messages };
  }

  [Symbol.dispose](): void {
    this.db.close();
  }

  #newSweep(options: Partial<SessionSweepOptions> = {}): SessionSweep {
    const { db, store, clock } = this;
    const own = { db, store, clock, timers: idleTimers, hashing, device: DEVICE, sources: this.#sources };
    return new SessionSweep({ ...own, ...this.#options, ...options });
  }
}
