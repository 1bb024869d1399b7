import type { ConversationMessage } from '../../../agents/conversation.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import { ftsMatch, parseSearch, type SearchExpression } from '../../search/query.ts';
import { snippetOf, type Snippet } from '../../search/snippet.ts';
import { parseSearchCursor, searchCursor } from '../cursor.ts';
import { doneTexts, saidTexts } from '../message-texts.ts';
import type {
  Page,
  Reader,
  SearchHit,
  SearchPage,
  SearchQuery,
  SearchScope,
  SessionSummary,
} from '../session-store.ts';
import { OLDEST_FIRST } from './happening.ts';
import { SAID, SESSION_OF_DOCUMENT, placeOf, type DocumentPlace } from './ids.ts';
import { limitOf } from './lists.ts';
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

/** Copies of one turn: a turn whose id is the agent's own has copies anywhere, another one within its tree. */
const GROUP = 'd.turn + d.in_tree * s.tree';

const NOTHING: SearchPage = { hits: [], total: 0, next: null };

/** One result: a turn, whatever the number of its copies. */
interface Group {
  group_id: string;
  turn: string;
  total: number;
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
    const groups = groupsOf(db, match, readable, limit, shown);
    const total = groups[0]?.total ?? 0;
    const hits = hitsOf(db, reader, groups, placesOf(db, match, readable, groups), expression, scopes);
    const next = shown + groups.length < total ? searchCursor(shown + groups.length, query) : null;
    return { hits, total, next };
  });
}

/** One pass over everything that matches: ranked, copies joined, counted. */
function groupsOf(db: Database, match: string, readable: Condition, limit: number, shown: number): Group[] {
  return db.all<Group>(
    `SELECT CAST(group_id AS TEXT) AS group_id, CAST(turn AS TEXT) AS turn, total FROM (
       SELECT group_id, turn, min(rank) AS rank, max(at_ms) AS at_ms, count(*) OVER () AS total FROM (
         SELECT ${GROUP} AS group_id, d.turn, d.at_ms, search.rank AS rank
         FROM search CROSS JOIN document d ON d.document_id = search.rowid
           CROSS JOIN session s ON s.session_id = d.document_id ${SESSION_OF_DOCUMENT}
         WHERE search MATCH ? AND ${readable.sql})
       GROUP BY group_id ORDER BY ${RANK_STEP} DESC, at_ms DESC, group_id LIMIT ? OFFSET ?)`,
    match,
    ...readable.parameters,
    limit,
    shown,
  );
}

/** For each result the oldest session whose copy matches, and the number of other sessions that hold one. */
function placesOf(db: Database, match: string, readable: Condition, groups: readonly Group[]): Map<string, Shown> {
  const rows = db.all<{ group_id: string; document_id: number; session_id: number; matches: number }>(
    `SELECT CAST(${GROUP} AS TEXT) AS group_id, d.document_id, s.session_id,
       EXISTS (SELECT 1 FROM search WHERE search MATCH ? AND search.rowid = d.document_id) AS matches
     FROM document d CROSS JOIN session s ON s.session_id = d.document_id ${SESSION_OF_DOCUMENT}
     WHERE d.turn IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
       AND ${GROUP} IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND ${readable.sql}
     ORDER BY ${OLDEST_FIRST}, d.document_id`,
    match,
    JSON.stringify(groups.map(({ turn }) => turn)),
    JSON.stringify(groups.map(({ group_id }) => group_id)),
    ...readable.parameters,
  );
  const places = new Map<string, Shown>();
  for (const [group_id, copies] of Map.groupBy(rows, (row) => row.group_id)) {
    const first = copies.find(({ matches }) => matches === 1);
    const sessions = new Set(copies.map(({ session_id }) => session_id));
    if (first) places.set(group_id, { document_id: first.document_id, copies: sessions.size - 1 });
  }
  return places;
}

function hitsOf(
  db: Database,
  { team_id }: Reader,
  groups: readonly Group[],
  places: ReadonlyMap<string, Shown>,
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): SearchHit[] {
  const shown = groups.flatMap(({ group_id }) => {
    const found = places.get(group_id);
    return found ? [{ copies: found.copies, place: placeOf(found.document_id) }] : [];
  });
  const sessions = summariesById(
    db,
    team_id,
    shown.map(({ place }) => place.session_id),
  );
  const messages = messagesById(
    db,
    shown.map(({ place }) => place.message_id),
  );
  return shown.flatMap(({ copies, place }) => {
    const session = sessions.get(place.session_id);
    return session ? [hitOf(session, messages.get(place.message_id), place, copies, expression, scopes)] : [];
  });
}

function hitOf(
  session: SessionSummary,
  message: ConversationMessage | undefined,
  { ordinal, part }: DocumentPlace,
  copies: number,
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): SearchHit {
  const texts = message ? (part === SAID ? saidTexts(message) : doneTexts(message)) : [];
  const searched: { scope: SearchScope; text: string }[] = message
    ? texts.filter(({ scope }) => scopes.includes(scope))
    : [{ scope: 'title', text: session.title ?? '' }];
  let best: (Snippet & { scope: SearchScope }) | null = null;
  for (const { scope, text } of searched) {
    const snippet = snippetOf(text, expression);
    if (best === null || snippet.found > best.found) best = { ...snippet, scope };
    // Nothing can hold more.
    if (best.found === expression.required.length) break;
  }
  const { scope, snippet, highlights } = best ?? { scope: 'title' as const, snippet: '', highlights: [] };
  return { session, ordinal, scope, role: message?.role ?? '', snippet, highlights, copies };
}
