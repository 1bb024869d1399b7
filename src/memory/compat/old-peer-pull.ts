import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { formatInstant, instantOfMilliseconds, parseInstant } from './instant.ts';
import { isObject } from '../json.ts';
import type { OldPeerClient, PeerAway } from './old-peer-client.ts';
import { MAX_LIST_ITEMS, readMemoryList, type PushBody } from './push-body.ts';
import type { PushReceiver } from './receive-push.ts';
import { MAX_LIMIT } from './since.ts';

/** Rows asked for at once, as the original does; more only where one time has more. */
const PAGE_ROWS = 500;

/** `Date` has whole seconds, and a row may have been dated just before the page was read. */
const CLOCK_MARGIN_MS = 2000;

/** How often everything is looked at again, from the beginning. */
const WHOLE_EVERY_MS = 24 * 3_600_000;

export interface OldPeerPullOptions {
  /** Its configured id. */
  peer: string;
  client: Pick<OldPeerClient, 'since'>;
  receiver: Pick<PushReceiver, 'receive'>;
  db: Database;
  clock: Clock;
  /** Holds the peer to its namespaces; null: to none. */
  allows: ((namespace: string) => boolean) | null;
}

export interface Pulled {
  rows: number;
  /** Rows that were not taken. */
  skipped: number;
  away: PeerAway | null;
}

/**
 * Reads what an old peer has and does not push: the original fans out only what comes over HTTP, never what its MCP server
 * or command line writes (§1.2). Rows that say nothing new change nothing.
 *
 * The peer's cursor is the time of its rows, as text, and is exclusive: rows of one time at the end of a full page would be
 * lost with it (D10). So the mark stops before the last time of a full page, and a page that holds one time alone is asked
 * for larger. Nor does it go ahead of the peer's own clock: what the peer got from others, from us too, may be dated later than
 * what its users write next (D9). What reaches the peer late under an old time is behind the mark (D11), and deletions are in no page at all: the
 * first is what reading all of it once a day is for, the second nothing on this wire tells.
 */
export class OldPeerPull {
  readonly #options: OldPeerPullOptions;

  constructor(options: OldPeerPullOptions) {
    this.#options = options;
  }

  /** Pulls until the peer has no more, or is away. */
  async pass(signal: AbortSignal): Promise<Pulled> {
    const pulled: Pulled = { rows: 0, skipped: 0, away: null };
    let limit = PAGE_ROWS;
    let mark = this.#begin();
    while (!signal.aborted) {
      const page = await this.#options.client.since(mark, limit, signal);
      if (page.outcome === 'away') return { ...pulled, away: page };
      pulled.rows += page.memories.length;
      pulled.skipped += await this.#receive(page.memories);
      const next = markAfter(page.memories, limit);
      if (next === null && limit < MAX_LIMIT) {
        limit = Math.min(limit * 4, MAX_LIMIT);
        continue;
      }
      // A page of one time as large as pages get: the rest of that time is left to what the peer pushes.
      mark = (next ?? lastTime(page.memories)) || mark;
      this.#keep(notAhead(mark, page.served_ms));
      if (page.memories.length < limit) return pulled;
      limit = PAGE_ROWS;
    }
    return pulled;
  }

  /** The mark to go on from; '' when it is time to look at everything. */
  #begin(): string {
    const { db, peer, clock } = this.#options;
    const now_ms = clock.now_ms();
    const row = db.get<{ since: string; whole_ms: number }>(
      'SELECT since, whole_ms FROM compat_pulled WHERE peer = ?',
      peer,
    );
    // A clock that stepped back must not put it off for longer than the interval.
    if (row && now_ms >= row.whole_ms && now_ms - row.whole_ms < WHOLE_EVERY_MS) return row.since;
    db.run('INSERT OR REPLACE INTO compat_pulled (peer, since, whole_ms) VALUES (?, ?, ?)', peer, '', now_ms);
    return '';
  }

  #keep(since: string): void {
    this.#options.db.run('UPDATE compat_pulled SET since = ? WHERE peer = ?', since, this.#options.peer);
  }

  async #receive(rows: readonly unknown[]): Promise<number> {
    const { peer, receiver, allows } = this.#options;
    let skipped = 0;
    for (let at = 0; at < rows.length; at += MAX_LIST_ITEMS) {
      const body: PushBody = readMemoryList(peer, rows.slice(at, at + MAX_LIST_ITEMS));
      const { tally } = await receiver.receive(peer, body, allows);
      skipped += tally.skipped.length;
    }
    return skipped;
  }
}

/** As the peer would spell the beginning of a second, which is before whatever it spells within it. */
function notAhead(mark: string, served_ms: number | null): string {
  const at = parseInstant(mark);
  if (at === null || served_ms === null) return mark;
  const cap_ms = served_ms - CLOCK_MARGIN_MS;
  if (at <= instantOfMilliseconds(cap_ms)) return mark;
  return `${formatInstant(instantOfMilliseconds(cap_ms)).slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}+00:00`;
}

/** The time to go on from after a page; null when a full page holds one time alone. */
function markAfter(rows: readonly unknown[], limit: number): string | null {
  const last = lastTime(rows);
  if (rows.length < limit) return last ?? '';
  return rows.map(timeOf).findLast((time) => time !== null && time !== last) ?? null;
}

function lastTime(rows: readonly unknown[]): string | null {
  return rows.map(timeOf).findLast((time) => time !== null) ?? null;
}

/** As the peer spelled it, which is how it compares. */
function timeOf(row: unknown): string | null {
  const time = isObject(row) ? row['updated_at'] : null;
  return typeof time === 'string' && parseInstant(time) !== null ? time : null;
}
