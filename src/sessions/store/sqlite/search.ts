import type { Database } from '../../../storage/sqlite/database.ts';
import { ftsMatch, parseSearch, type SearchExpression } from '../../search/query.ts';
import { satisfies } from '../../search/snippet.ts';
import { limitOf, parseSearchCursor, searchCursor } from '../cursor.ts';
import { DONE, textsOf } from '../message-texts.ts';
import { hitOf } from '../search-hit.ts';
import type { Page, Reader, SearchHit, SearchPage, SearchQuery, SearchScope } from '../session-store.ts';
import { OLDEST_FIRST } from './happening.ts';
import { SESSION_OF_DOCUMENT, placeOf } from './ids.ts';
import { messagesById } from './messages.ts';
import { summariesById } from './summary.ts';
import { visible, type Condition } from './visible.ts';

/** The columns of the index that a scope looks at. */
const COLUMNS: Readonly<Record<SearchScope, readonly string[]>> = {
  title: ['title'],
  message: ['person', 'reply'],
  thinking: ['thinking'],
  tool_input: ['tool_input'],
  tool_output: ['tool_output'],
};
const SCOPES = Object.keys(COLUMNS) as SearchScope[];

/** Ranks closer than about 5 % count as equal; then the newer one comes first. */
const RANK_STEP = 'CAST(ln(max(-rank, 1e-9)) * 20 AS INTEGER)';

/** Equal for copies of one turn: one that the agent gave an id has copies anywhere, another one within its tree. */
const GROUP = 'd.turn + d.in_tree * s.tree';

const DOCUMENTS = `document d CROSS JOIN session s ON s.session_id = d.document_id ${SESSION_OF_DOCUMENT}`;

/** Matches that are read beyond the results wanted, as some are copies. */
const SPARE = 64;

const NOTHING: SearchPage = { hits: [], total: 0, next: null };

/** A document that matches. */
interface Match {
  document_id: number;
  group_id: string;
  turn: string;
}

/** One page of results, in their order, by what their copies have in common. */
interface Results {
  results: ReadonlyMap<string, Result>;
  total: number;
  /** Every document that matches is named in its result: one that is not does not match. */
  is_complete: boolean;
}

/** One result: a turn, with the documents that are known to match. */
interface Result {
  turn: string;
  matches: Set<number>;
}

/** Where a result is shown, and how many other sessions hold a copy. */
interface Shown {
  document_id: number;
  copies: number;
}

/** One page of a search, best first. @throws InvalidInputError `sessions.cursor` */
export function search(db: Database, reader: Reader, query: SearchQuery, page: Page): SearchPage {
  const shown = page.after === null ? 0 : parseSearchCursor(page.after, query);
  const limit = limitOf(page);
  const expression = parseSearch(query.text);
  const scopes = SCOPES.filter((scope) => query.scopes?.includes(scope) ?? true);
  if (expression === null || scopes.length === 0) return NOTHING;
  const match = ftsMatch(
    expression,
    scopes.flatMap((scope) => COLUMNS[scope]),
  );
  return db.snapshot(() => {
    const readable = visible(db, reader, query);
    const page_of_results = resultsOf(db, match, readable, shown, limit);
    const places = placesOf(db, readable, page_of_results, expression, scopes);
    const hits = hitsOf(db, reader, places, expression, scopes);
    const { results, total } = page_of_results;
    const next = shown + results.size < total ? searchCursor(shown + results.size, query) : null;
    return { hits, total, next };
  });
}

/** The results from `shown` on by rank, and the number of all. */
function resultsOf(db: Database, match: string, readable: Condition, shown: number, limit: number): Results {
  for (let wanted = shown + limit + SPARE; ; wanted *= 2) {
    const rows = bestMatches(db, match, readable, wanted);
    const results = new Map<string, Result>();
    for (const { group_id, turn, document_id } of rows) {
      const result = results.get(group_id);
      if (result) result.matches.add(document_id);
      else results.set(group_id, { turn, matches: new Set([document_id]) });
    }
    if (results.size < shown + limit && rows.length === wanted) continue;
    const page = [...results].slice(shown, shown + limit);
    return { results: new Map(page), total: rows[0]?.total ?? 0, is_complete: rows.length < wanted };
  }
}

/** One pass over everything that matches: ranked, and counted without copies. */
function bestMatches(db: Database, match: string, readable: Condition, limit: number): (Match & { total: number })[] {
  return db.all<Match & { total: number }>(
    `WITH matched AS MATERIALIZED (
       SELECT d.document_id, d.turn, ${GROUP} AS group_id, d.at_ms, search.rank AS rank
       FROM search CROSS JOIN document d ON d.document_id = search.rowid
         CROSS JOIN session s ON s.session_id = d.document_id ${SESSION_OF_DOCUMENT}
       WHERE search MATCH ? AND ${readable.sql})
     SELECT document_id, CAST(group_id AS TEXT) AS group_id, CAST(turn AS TEXT) AS turn,
       (SELECT count(DISTINCT group_id) FROM matched) AS total
     FROM matched ORDER BY ${RANK_STEP} DESC, at_ms DESC, matched.group_id, document_id LIMIT ?`,
    match,
    ...readable.parameters,
    limit,
  );
}

/** For each result the oldest session whose copy matches, and the number of other sessions that hold one. */
function placesOf(
  db: Database,
  readable: Condition,
  { results, is_complete }: Results,
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): Shown[] {
  const turns = [...results.values()].map(({ turn }) => turn);
  const rows = db.all<{ group_id: string; document_id: number; session_id: number }>(
    `SELECT CAST(${GROUP} AS TEXT) AS group_id, d.document_id, s.session_id FROM ${DOCUMENTS}
     WHERE d.turn IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
       AND ${GROUP} IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND ${readable.sql}
     ORDER BY ${OLDEST_FIRST}, d.document_id`,
    JSON.stringify(turns),
    JSON.stringify([...results.keys()]),
    ...readable.parameters,
  );
  const copies = Map.groupBy(rows, ({ group_id }) => group_id);
  return [...results].flatMap(([group_id, { matches }]) => {
    const group = copies.get(group_id) ?? [];
    // Copies mostly are equal, and then they are known to match; one with another text is looked at.
    const first = group.find(
      ({ document_id }) =>
        matches.has(document_id) || (!is_complete && matchesAlone(db, document_id, expression, scopes)),
    );
    const sessions = new Set(group.map(({ session_id }) => session_id));
    return first ? [{ document_id: first.document_id, copies: sessions.size - 1 }] : [];
  });
}

function matchesAlone(
  db: Database,
  document_id: number,
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): boolean {
  const { message_id, part } = placeOf(document_id);
  const message = messagesById(db, [message_id], part === DONE ? [message_id] : []).get(message_id);
  return (
    message !== undefined &&
    satisfies(
      textsOf(message, part, scopes).map(({ text }) => text),
      expression,
    )
  );
}

function hitsOf(
  db: Database,
  { team_id }: Reader,
  places: readonly Shown[],
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): SearchHit[] {
  const shown = places.map(({ document_id, copies }) => ({ copies, place: placeOf(document_id) }));
  const sessions = summariesById(
    db,
    team_id,
    shown.map(({ place }) => place.session_id),
  );
  const messages = messagesById(
    db,
    shown.map(({ place }) => place.message_id),
    // Of a place in what was said, the outputs of tools, which may be long, are not read.
    shown.filter(({ place }) => place.part === DONE).map(({ place }) => place.message_id),
  );
  return shown.flatMap(({ copies, place }) => {
    const session = sessions.get(place.session_id);
    const message = messages.get(place.message_id) ?? null;
    return session ? [hitOf({ session, message, part: place.part, copies }, expression, scopes)] : [];
  });
}
