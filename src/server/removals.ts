import { existsSync, readFileSync, rmSync } from 'node:fs';
import { Wakeup } from '../engine/wakeup.ts';
import type { Clock } from '../platform/clock.ts';
import { SynclineError } from '../platform/errors.ts';
import type { Timers } from '../platform/timers.ts';
import { writeDurably } from '../platform/write-file.ts';
import { Refusal } from './http/refusal.ts';

export type ScrubbedStore = 'sessions' | 'telemetry';

export interface RemovalsOptions {
  /** Where it stands which stores have removed something since they were last written anew. */
  file: string;
  /** Writes a store's file anew, so that nothing is left in it of what was removed; rejects where a reader holds old pages. */
  scrub: Readonly<Record<ScrubbedStore, () => Promise<void>>>;
  clock: Clock;
  timers: Timers;
  /** Told by its code why a scrub failed; it is tried again. */
  report: (store: ScrubbedStore, code: string) => void;
}

/** Nothing was removed for so long: a member who erases many sends a request for each. */
const QUIET_MS = 3_000;
/** Who goes on removing does not put it off for longer. */
const LONGEST_MS = 5 * 60_000;
/** Between two scrubs, in units of what the last one took: at most a twentieth of the time goes into them. */
const REST_FACTOR = 19;
const AFTER_FAILURE_MS = 60_000;
/** Without anything to do it is woken; this is for nothing but a look. */
const IDLE_MS = 60 * 60_000;
const RETRY_AFTER_S = '2';

interface Due {
  first_ms: number;
  last_ms: number;
  /** Counts removals: one that comes while its store is written anew is due still. */
  removals: number;
}

/**
 * What members delete leaves the server's files as well (R11): once nothing more was deleted for some seconds, each store
 * is written anew, once for all of it. What is due is on disk before the deletion is made, so that no end of the process loses it.
 */
export class Removals {
  readonly #options: RemovalsOptions;
  readonly #due = new Map<ScrubbedStore, Due>();
  readonly #wakeup = new Wakeup();
  #scrubbing: ScrubbedStore | null = null;
  #not_before_ms = 0;

  constructor(options: RemovalsOptions) {
    this.#options = options;
    const noted = existsSync(options.file) ? readFileSync(options.file, 'utf8').split('\n') : [];
    for (const store of noted) if (isStore(store)) this.#add(store);
  }

  /** Something is about to be removed from a store. Throws what the file system throws: then nothing may be removed. */
  note(store: ScrubbedStore): void {
    const is_new = !this.#due.has(store);
    this.#add(store);
    if (is_new) this.#write();
    this.#wakeup.notify();
  }

  /** Stores that may still hold bytes of what was removed. */
  due(): ScrubbedStore[] {
    return [...this.#due.keys()];
  }

  /** @throws Refusal 503 `busy` while the store is written anew: its file takes no other writer. */
  requireWritable(store: ScrubbedStore): void {
    if (this.#scrubbing !== store) return;
    throw new Refusal(503, 'busy', 'The server removes what was deleted from its files; try again', {
      headers: { 'retry-after': RETRY_AFTER_S },
      more: { limit: 'scrub' },
    });
  }

  /** Scrubs what is due, one store after another, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { timers, clock } = this.#options;
    while (!signal.aborted) {
      if (this.#due.size === 0) {
        await this.#wakeup.wait(IDLE_MS, timers, signal);
        continue;
      }
      const now_ms = clock.monotonic_ms();
      const wait_ms = Math.max(this.#quietAt() - now_ms, this.#not_before_ms - now_ms);
      if (wait_ms > 0) await timers.sleep(wait_ms, signal);
      else for (const store of this.due()) if (!signal.aborted) await this.#scrub(store);
    }
  }

  #quietAt(): number {
    const all = [...this.#due.values()];
    const quiet_ms = Math.max(...all.map(({ last_ms }) => last_ms)) + QUIET_MS;
    return Math.min(quiet_ms, Math.min(...all.map(({ first_ms }) => first_ms)) + LONGEST_MS);
  }

  async #scrub(store: ScrubbedStore): Promise<void> {
    const { clock, scrub, report } = this.#options;
    const removals = this.#due.get(store)?.removals;
    const began_ms = clock.monotonic_ms();
    this.#scrubbing = store;
    try {
      await scrub[store]();
      if (this.#due.get(store)?.removals === removals) this.#due.delete(store);
      this.#write();
      this.#not_before_ms = clock.monotonic_ms() + REST_FACTOR * (clock.monotonic_ms() - began_ms);
    } catch (error) {
      report(store, error instanceof SynclineError ? error.code : ((error as NodeJS.ErrnoException).code ?? 'unknown'));
      this.#not_before_ms = clock.monotonic_ms() + AFTER_FAILURE_MS;
    } finally {
      this.#scrubbing = null;
    }
  }

  #add(store: ScrubbedStore): void {
    const now_ms = this.#options.clock.monotonic_ms();
    const before = this.#due.get(store);
    this.#due.set(store, {
      first_ms: before?.first_ms ?? now_ms,
      last_ms: now_ms,
      removals: (before?.removals ?? 0) + 1,
    });
  }

  #write(): void {
    if (this.#due.size === 0) rmSync(this.#options.file, { force: true });
    else writeDurably(this.#options.file, `${this.due().join('\n')}\n`);
  }
}

function isStore(name: string): name is ScrubbedStore {
  return name === 'sessions' || name === 'telemetry';
}
