import { markColumns, markOf, type MarkRow, type SessionMark } from './marks.ts';
import type { AgentsviewDatabase } from './open.ts';

/** One read transaction lists this many sessions, 15 to 20 ms of work, so that no listing pins the WAL. */
const PAGE_SIZE = 1_000;

/**
 * How far before the last complete listing a recent one starts. A session's marker comes from its file's time, which is
 * older than the moment at which agentsview took the file in: its periodic pass comes every 15 minutes.
 */
const MARKER_ALLOWANCE_MS = 20 * 60_000;

/** Where a page ends, as bytes: an id that is no UTF-8 reads as another text, behind which it would be found again. */
const POSITION = 'CAST(id AS BLOB) AS position';
interface Position {
  position: Uint8Array<ArrayBuffer>;
}

/**
 * The marks of all sessions, by id. Each page is a transaction of its own, so the listing is of no single moment; but
 * each session in it is as it was at one moment, and one that is missing was missing when its page was read.
 *
 * Costs one pass over the rows of `sessions` (1.4 s for 100,000 where a recent listing takes 0.3 ms) and reads no
 * message. Between pages, every 1,000 sessions, the caller may let others run.
 * @throws StaleError `agentsview.replaced`: what was listed so far is of no use then
 */
export function* allSessions(database: AgentsviewDatabase): Generator<SessionMark, void> {
  const sql = `SELECT ${markColumns(database.schema)}, ${POSITION} FROM sessions
    WHERE id > CAST(? AS TEXT) AND typeof(id) = 'text' ORDER BY id LIMIT ${PAGE_SIZE}`;
  let position = new Uint8Array();
  for (;;) {
    const page = database.read((rows) => rows.all<MarkRow & Position>(sql, position));
    yield* page.map(markOf);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_SIZE) return;
    position = last.position;
  }
}

/** True when `recentSessions` works on this file: from 0.39 on, with an index on the marker (§2.3). */
export function listsRecentSessions(database: AgentsviewDatabase): boolean {
  return database.schema.has('sessions', 'sync_marker');
}

/**
 * The marks of the sessions whose `sync_marker` is at or after `recentSince(last_listing_ms)`; `last_listing_ms` is when
 * the last listing began, never the greatest marker seen: one session from the future would hide all others (§2.3).
 * There is no upper bound for the same reason. Costs by the number of recent sessions, not of all.
 *
 * A hint, no proof (rule A9): a star, a removed pin or a moved project moves no marker, so list everything from time to
 * time. The same session may be listed twice when it changes meanwhile.
 */
export function* recentSessions(database: AgentsviewDatabase, last_listing_ms: number): Generator<SessionMark, void> {
  const sql = `SELECT ${markColumns(database.schema)}, sync_marker, ${POSITION} FROM sessions
    WHERE (sync_marker, id) > (?, CAST(? AS TEXT)) AND typeof(id) = 'text'
    ORDER BY sync_marker, id LIMIT ${PAGE_SIZE}`;
  let last: Position & { sync_marker: string } = {
    sync_marker: recentSince(last_listing_ms),
    position: new Uint8Array(),
  };
  for (;;) {
    const { sync_marker, position } = last;
    const page = database.read((rows) => rows.all<MarkRow & typeof last>(sql, sync_marker, position));
    yield* page.map(markOf);
    const end = page.at(-1);
    if (end === undefined || page.length < PAGE_SIZE) return;
    last = end;
  }
}

/** The marks of these sessions; one that is not there is left out. One transaction: ask for at most 1,000. */
export function sessionsById(database: AgentsviewDatabase, ids: readonly string[]): SessionMark[] {
  const sql = `SELECT ${markColumns(database.schema)} FROM sessions WHERE id = ?`;
  return database.read((rows) => ids.flatMap((id) => rows.all<MarkRow>(sql, id))).map(markOf);
}

/** The least marker that a recent listing asks for, in agentsview's own form: UTC with milliseconds. */
function recentSince(last_listing_ms: number): string {
  return new Date(last_listing_ms - MARKER_ALLOWANCE_MS).toISOString();
}
