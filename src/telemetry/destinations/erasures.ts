import type { Reply } from '../../engine/ordered/destination.ts';
import { backoff_ms, retryAfter_ms, type RetryPolicy } from '../../engine/retry.ts';
import type { EngineStore } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** A destination that can take back what it was sent. */
export interface SessionEraser {
  /** Asks it to erase one session; every answer and failure of the transport is a value. */
  eraseSession(session_id_hash: string, signal: AbortSignal): Promise<Reply>;
}

export interface ErasuresOptions {
  /** The journal's file. `migrateFlowTables` must have run on it. */
  db: Database;
  engine: EngineStore;
  /** By their ids; null: it has no delete verb. Without the local store. */
  destinations: ReadonlyMap<string, SessionEraser | null>;
  retry: RetryPolicy;
  clock: Clock;
  random: Random;
}

export type ErasureState = 'waiting' | 'done' | 'cannot' | 'failed';

/** What became of some sessions at one destination. */
export interface ErasuresAt {
  destination: string;
  sessions: number;
  waiting: number;
  /** The least good of all: `failed`, then `waiting`, `cannot`, `done`. */
  state: ErasureState;
  reason: string | null;
}

const NO_VERB = 'it has no way to delete; what has left stays, nothing more follows';
const NO_SUCH_ROUTE = new Set([404, 405, 501]);
const AT_ONCE = 200;

/**
 * Has destinations erase telemetry of sessions that a person erased (R11). What is asked for is on disk before it is erased
 * here, and asked again until it is answered; asking twice is as once.
 */
export class Erasures {
  readonly #options: ErasuresOptions;
  /** Of destinations that did not answer well: how often in a row, and when they are asked again. */
  readonly #patience = new Map<string, { failures: number; due_ms: number }>();

  constructor(options: ErasuresOptions) {
    this.#options = options;
  }

  /** Which of the sessions (with the workspaces they worked in) were or may have been sent where. Changes nothing. */
  async reached(sessions: ReadonlyMap<string, readonly string[]>): Promise<ReadonlyMap<string, string[]>> {
    const found = new Map<string, string[]>();
    const sent = await this.#options.engine.sentTo();
    for (const [destination, rows] of Map.groupBy(sent, ({ destination_id }) => destination_id)) {
      const workspaces = new Set(rows.map(({ header }) => header['workspace_hash']));
      const there = [...sessions].filter(([, named]) => named.some((hash) => workspaces.has(hash)));
      if (there.length > 0)
        found.set(
          destination,
          there.map(([hash]) => hash),
        );
    }
    return found;
  }

  /** Notes what destinations are to erase; what was refused before is asked again. */
  ask(reached: ReadonlyMap<string, readonly string[]>): void {
    const { db, destinations, clock } = this.#options;
    db.transaction(() => {
      for (const [destination, hashes] of reached) {
        const eraser = destinations.get(destination);
        const state: ErasureState = eraser === undefined ? 'failed' : eraser === null ? 'cannot' : 'waiting';
        const reason = eraser === undefined ? 'it is configured no more' : eraser === null ? NO_VERB : null;
        for (const hash of hashes)
          db.run(
            `INSERT INTO telemetry_erasure (destination_id, session, asked_ms, state, reason) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason WHERE state <> 'done'`,
            destination,
            hash,
            clock.now_ms(),
            state,
            reason,
          );
      }
    });
  }

  /** What became of these sessions where they were asked for. */
  at(hashes: readonly string[]): ErasuresAt[] {
    return this.#options.db.all<ErasuresAt>(
      `SELECT destination_id AS destination, count(*) AS sessions, count(*) FILTER (WHERE state = 'waiting') AS waiting,
         CASE min(CASE state WHEN 'failed' THEN 0 WHEN 'waiting' THEN 1 WHEN 'cannot' THEN 2 ELSE 3 END)
           WHEN 0 THEN 'failed' WHEN 1 THEN 'waiting' WHEN 2 THEN 'cannot' ELSE 'done' END AS state,
         max(reason) FILTER (WHERE state <> 'done') AS reason
       FROM telemetry_erasure WHERE session IN (SELECT value FROM json_each(?))
       GROUP BY destination_id ORDER BY destination_id`,
      JSON.stringify(hashes),
    );
  }

  /** How many sessions wait for each destination. */
  waiting(): { destination: string; sessions: number; reason: string | null }[] {
    return this.#options.db.all(
      `SELECT destination_id AS destination, count(*) AS sessions, max(reason) AS reason
       FROM telemetry_erasure WHERE state = 'waiting' GROUP BY destination_id ORDER BY destination_id`,
    );
  }

  /** Asks for what waits, at destinations that are neither paused nor to be left alone yet. Returns how many were answered. */
  async pass(signal: AbortSignal): Promise<number> {
    const rows = await this.#options.engine.destinations();
    const active = new Set(rows.filter(({ state }) => state === 'active').map(({ destination_id }) => destination_id));
    let answered = 0;
    for (const [destination, eraser] of this.#options.destinations)
      if (eraser && active.has(destination) && this.#isDue(destination))
        answered += await this.#passAt(destination, eraser, signal);
    return answered;
  }

  #isDue(destination: string): boolean {
    const { due_ms = 0 } = this.#patience.get(destination) ?? {};
    return due_ms <= this.#options.clock.monotonic_ms();
  }

  async #passAt(destination: string, eraser: SessionEraser, signal: AbortSignal): Promise<number> {
    let answered = 0;
    for (let hashes = this.#waitingAt(destination); hashes.length > 0; hashes = this.#waitingAt(destination))
      for (const hash of hashes) {
        if (signal.aborted) return answered;
        const reply = await eraser.eraseSession(hash, signal);
        if (!this.#take(destination, hash, reply)) return answered;
        answered++;
      }
    return answered;
  }

  #waitingAt(destination: string): string[] {
    return this.#options.db
      .all<{ session: string }>(
        `SELECT session FROM telemetry_erasure WHERE destination_id = ? AND state = 'waiting' LIMIT ?`,
        destination,
        AT_ONCE,
      )
      .map(({ session }) => session);
  }

  /** Writes down an answer; false: the destination is left alone for a while. */
  #take(destination: string, hash: string, reply: Reply): boolean {
    const verdict = verdictOf(reply);
    const { db, retry, random, clock } = this.#options;
    db.run(
      'UPDATE telemetry_erasure SET state = ?, reason = ? WHERE destination_id = ? AND session = ?',
      verdict.state,
      verdict.reason,
      destination,
      hash,
    );
    if (verdict.state !== 'waiting') {
      this.#patience.delete(destination);
      return true;
    }
    const failures = (this.#patience.get(destination)?.failures ?? 0) + 1;
    const asked_ms = reply.status === null ? null : retryAfter_ms(reply.retry_after, clock.now_ms(), retry);
    const wait_ms = Math.max(asked_ms ?? 0, backoff_ms(retry, failures, random));
    this.#patience.set(destination, { failures, due_ms: clock.monotonic_ms() + wait_ms });
    return false;
  }
}

function verdictOf(reply: Reply): { state: ErasureState; reason: string | null } {
  const { status, message = '' } = reply;
  if (status === 200 || status === 204) return { state: 'done', reason: null };
  if (status !== null && NO_SUCH_ROUTE.has(status))
    return { state: 'cannot', reason: 'this server has no way to delete; what has left stays, nothing more follows' };
  const said = message === '' ? `status ${String(status)}` : message;
  // What the server will not do tomorrow either; a token may be put right, and an outage ends.
  const is_final = status === 400 || status === 409 || (status === 403 && reply.code === 'no_member');
  return { state: is_final ? 'failed' : 'waiting', reason: said };
}
