import type { EngineStore, Settlement, SettleResult } from '../../src/engine/store.ts';
import { linkedAbort } from '../../src/platform/linked-abort.ts';
import type { Timers } from '../../src/platform/timers.ts';
import type { FaultyDatabase } from '../support/faulty-database.ts';
import type { VirtualTime } from '../support/virtual-time.ts';
import type { Draw } from './draw.ts';
import type { Ledger } from './ledger.ts';

/**
 * The life of one process. When it ends, nothing of it goes on: a promise that it waits for never resolves, a call that
 * it makes is not heard, its timers are gone. What the world does (a request on its way, a reply) goes on.
 */
export class Life {
  #dead = false;
  readonly #end = new AbortController();
  readonly timers: Timers;

  constructor(time: VirtualTime) {
    this.timers = { sleep: (delay_ms, signal) => this.outlived(this.#sleep(time, delay_ms, signal)) };
  }

  /** Linked, not composed: a process sleeps thousands of times, and each composite signal would stay with its end. */
  async #sleep(time: VirtualTime, delay_ms: number, signal?: AbortSignal): Promise<void> {
    const woken = linkedAbort(this.#end.signal);
    const wake = (): void => woken.abort('woken');
    if (signal?.aborted) wake();
    signal?.addEventListener('abort', wake, { once: true });
    await time.sleep(delay_ms, woken.signal);
    signal?.removeEventListener('abort', wake);
    woken.unlink();
  }

  get dead(): boolean {
    return this.#dead;
  }

  die(): void {
    this.#dead = true;
    this.#end.abort();
  }

  /** The promise as this process sees it: it resolves only while the process lives. */
  outlived<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => void (this.#dead || resolve(value)),
        (error: unknown) => void (this.#dead || reject(error as Error)),
      );
    });
  }
}

type MethodName = Exclude<keyof EngineStore, 'keyed'>;

const never = (): Promise<never> => new Promise(() => {});

/** Where in a call of the store the process dies: before it, after its commit, or before its n-th statement. */
export type Strike = 'before' | 'after' | { statement: number };

/** Decides at which calls of the store the process dies. */
export interface Reaper {
  strike: () => Strike | null;
}

export function meddlerOf(
  draw: Draw,
  rate: number,
  process: { db: FaultyDatabase; inner: EngineStore; ledger: Ledger; now_ms: () => number; active: () => boolean },
): Meddler {
  const { db, inner, ledger, now_ms, active } = process;
  return (batch_id) => {
    if (!active() || !draw.chance(rate)) return;
    const row = db.get<{ partition_id: number; offset: number; payload: string; name: string; destination_id: string }>(
      `SELECT e.partition_id, e.offset, e.payload, s.name, b.destination_id FROM batch b JOIN entry e ON e.partition_id = b.partition_id
         AND e.offset BETWEEN b.first_offset AND b.last_offset JOIN subject s USING (subject_id)
       WHERE b.batch_id = ? AND e.payload IS NOT NULL`,
      batch_id,
    );
    if (!row || row.name === 'the last session') return;
    const deed = draw.one(['erase', 'rewrite', 'pause'] as const);
    if (deed === 'pause') {
      const { destination_id } = row;
      void inner
        .changeDestination(destination_id, 'pause', now_ms() + 600_000)
        .then(() => ledger.paused(destination_id, 'pause'));
    } else if (deed === 'erase') {
      // Noted like any other commit, after those that came before it.
      void inner.erase(row.name, now_ms()).then(() => ledger.erasedSubject(row.name));
    } else {
      void inner.rewrite(
        row.partition_id,
        new Map([[row.offset, JSON.stringify({ id: idOf(row.payload), pad: `at ${now_ms()}` })]]),
      );
      ledger.note(`rewrite item ${idOf(row.payload)}`);
    }
  };
}

export function reaperOf(draw: Draw, rate: number, most: number, active: () => boolean): Reaper {
  let left = most;
  return {
    strike: () => {
      if (left === 0 || !active() || !draw.chance(rate)) return null;
      left--;
      return draw.one<Strike>(['before', 'after', { statement: draw.between(1, 25) }]);
    },
  };
}

/**
 * The store as a process reaches it: the process may die before a call or after its commit, and the ledger learns of
 * every commit, in the order of the commits, whoever hears of it.
 */
/** Erases or rewrites an item of a batch, or pauses its destination, at the worst moment: after it was read, before it is claimed. */
export type Meddler = (batch_id: string) => void;

export function observedStore(
  db: FaultyDatabase,
  inner: EngineStore,
  life: Life,
  reaper: Reaper,
  ledger: Ledger,
  meddle: Meddler,
): EngineStore {
  const batches = new Map<string, string>();
  return mortal(inner, { db, life, reaper, note: (line) => ledger.note(line) }, ['keyed'], {
    before: (name, args) => {
      if (name === 'claim') meddle(args[0] as string);
    },
    after: async (name, args, result) => {
      record(ledger, batches, name as MethodName, args, result);
      if (name === 'settle' && (result as SettleResult).dead_letters > 0) await recordDead(ledger, inner);
    },
  });
}

/** A process that may end at any call. */
export interface Mortality {
  db: FaultyDatabase;
  life: Life;
  reaper: Reaper;
  note: (line: string) => void;
}

/**
 * An object of asynchronous methods, each one transaction, as a mortal process reaches it: it may die before a call,
 * between two of its statements, or after its commit. `after` sees every commit, whoever hears of it.
 */
export function mortal<T extends object>(
  target: T,
  { db, life, reaper, note }: Mortality,
  left_alone: readonly string[],
  watch: {
    before: (name: string, args: unknown[]) => void;
    after: (name: string, args: unknown[], result: unknown) => Promise<void>;
  },
): T {
  return new Proxy(target, {
    get: (_, name: string) => {
      const member = target[name as keyof T];
      if (left_alone.includes(name)) return member;
      const method = (member as (...args: unknown[]) => Promise<unknown>).bind(target);
      return (...args: unknown[]): Promise<unknown> => {
        if (life.dead) return never();
        watch.before(name, args);
        const strike = reaper.strike();
        if (strike === 'before') {
          note(`crash before ${name}`);
          life.die();
          return never();
        }
        // The transaction commits within this call; its promise only brings the result. An erase ends with a checkpoint
        // after its commit, and the ledger could not tell on which side of the commit it was cut.
        const statement = typeof strike === 'object' && strike && !name.startsWith('erase') ? strike.statement : null;
        if (statement !== null) db.crashAt(statement, 'before');
        const called = method(...args);
        if (statement !== null && db.crashed) {
          note(`crash in ${name} before statement ${statement}`);
          life.die();
          called.catch(() => undefined);
          return never();
        }
        db.spare();
        const done = called.then(async (result) => {
          await watch.after(name, args, result);
          return result;
        });
        if (strike !== 'after') return life.outlived(done);
        note(`crash after ${name}`);
        life.die();
        done.catch(() => undefined);
        return never();
      };
    },
  });
}

function record(
  ledger: Ledger,
  batches: Map<string, string>,
  name: MethodName,
  args: unknown[],
  result: unknown,
): void {
  switch (name) {
    case 'append': {
      const { entries } = args[0] as { entries: { payload: string }[] };
      return ledger.appended(
        entries.map(({ payload }) => idOf(payload)),
        result as { appended: number },
      );
    }
    case 'plan': {
      const { destination_id } = args[0] as { destination_id: string };
      const { open, suspect } = result as Awaited<ReturnType<EngineStore['plan']>>;
      for (const batch of suspect ? [...open, suspect] : open) batches.set(batch.batch_id, destination_id);
      return;
    }
    case 'claim':
      return ledger.claimed(args[0] as string, result as number | null);
    case 'settle': {
      const settlement = args[0] as Settlement;
      return ledger.settledAs(settlement, result as SettleResult, batches.get(settlement.batch_id));
    }
    case 'erase':
      return ledger.erasedSubject(args[0] as string);
    case 'changeDestination':
      return ledger.paused(args[0] as string, args[1] as string);
    default:
  }
}

async function recordDead(ledger: Ledger, inner: EngineStore): Promise<void> {
  for (const { destination_id, payload, class: reason } of await inner.deadLetters({ state: 'open' }))
    if (destination_id !== null && payload !== null && reason === 'refused')
      ledger.condemned(destination_id, idOf(payload));
}

export function idOf(payload: string): number {
  return (JSON.parse(payload) as { id: number }).id;
}
