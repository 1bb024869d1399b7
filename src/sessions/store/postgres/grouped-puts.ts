import { UnreachableError } from '../../../platform/errors.ts';
import { endOfTurn } from '../../../platform/turns.ts';
import type { PutResult, TranscriptPut } from '../transcript.ts';

/** Transactions at once: while PostgreSQL writes one, the next one is made. */
const AT_ONCE = 2;
/** Of one transaction. */
const MOST_PUTS = 64;
const MOST_SEGMENTS = 256;

interface WaitingPut {
  team_id: string;
  put: TranscriptPut;
  signal: AbortSignal | undefined;
  resolve: (result: PutResult) => void;
  reject: (error: unknown) => void;
}

type WriteAll = (team_id: string, puts: readonly TranscriptPut[]) => Promise<PutResult[]>;

/**
 * Takes puts that come while others are written together into one transaction, as a database does with commits: what a
 * transaction costs apart from its rows is then shared. Nobody waits for company: a put that comes alone goes alone.
 */
export class GroupedPuts {
  readonly #writeAll: WriteAll;
  #waiting: WaitingPut[] = [];
  #running = 0;

  /** `write_all` stores all of the puts or throws. */
  constructor(write_all: WriteAll) {
    this.#writeAll = write_all;
  }

  /** @throws what `write_all` throws for this put, whatever the others of its transaction are */
  put(team_id: string, put: TranscriptPut, signal: AbortSignal | undefined): Promise<PutResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ team_id, put, signal, resolve, reject });
      if (this.#waiting.length > 1) return;
      // What else comes in this turn goes along.
      void endOfTurn().then(() => this.#next());
    });
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const group = this.#group();
      if (group.length === 0) return;
      this.#running++;
      void this.#write(group).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  /** The next puts that go together: of one team, each of another session. The rest keeps its order. */
  #group(): WaitingPut[] {
    const group: WaitingPut[] = [];
    const rest: WaitingPut[] = [];
    const keys = new Set<string>();
    let segments = 0;
    for (const waiting of this.#waiting) {
      if (waiting.signal?.aborted === true) {
        waiting.reject(waiting.signal.reason);
        continue;
      }
      const { team_id, put } = waiting;
      const fits = group.length < MOST_PUTS && segments + put.segments.length <= MOST_SEGMENTS;
      const belongs = group.length === 0 || (fits && team_id === group[0]?.team_id && !keys.has(put.key));
      (belongs ? group : rest).push(waiting);
      // Also when it stays: what comes after it for the same session must not overtake it.
      keys.add(put.key);
      if (belongs) segments += put.segments.length;
    }
    this.#waiting = rest;
    return group;
  }

  async #write(group: readonly WaitingPut[]): Promise<void> {
    const [first] = group;
    if (!first) return;
    try {
      const results = await this.#writeAll(
        first.team_id,
        group.map(({ put }) => put),
      );
      for (const [i, { resolve, reject }] of group.entries()) {
        const result = results[i];
        if (result) resolve(result);
        else reject(new Error('a put has no result'));
      }
    } catch (error) {
      // What is wrong with one of them must not fail the others.
      if (group.length > 1 && !(error instanceof UnreachableError)) for (const one of group) await this.#write([one]);
      else for (const { reject } of group) reject(error);
    }
  }
}
