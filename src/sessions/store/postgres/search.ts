import type { ConversationMessage } from '../../../agents/conversation.ts';
import { SEGMENT_ORDINALS } from '../../../agents/conversation.ts';
import type { Postgres, PostgresConnection } from '../../../storage/postgres/postgres.ts';
import { parseSearch, type SearchExpression } from '../../search/query.ts';
import { limitOf, parseSearchCursor, searchCursor } from '../cursor.ts';
import { hitOf } from '../search-hit.ts';
import type { Page, Reader, SearchHit, SearchPage, SearchQuery, SearchScope } from '../session-store.ts';
import { readDocuments } from './block-reader.ts';
import { TITLE_SEGMENT } from './block.ts';
import { BlockSearch, blockQuery } from './matching.ts';
import { messagesAt } from './messages.ts';
import { RankedTurns, type BlockPlace, type FoundTurn } from './ranked-turns.ts';
import { summariesById } from './summary.ts';
import { Parameters, isVisible, readable, type ReadableSessions } from './visible.ts';

const SCOPES = ['title', 'message', 'thinking', 'tool_input', 'tool_output'] as const satisfies readonly SearchScope[];

const NOTHING: SearchPage = { hits: [], total: 0, next: null };

/** A block that may hold what is looked for. */
interface BlockRow {
  session_id: number;
  key: string;
  /** A 61-bit number as text. */
  tree: string;
  started_at_ms: number | null;
  is_first: boolean;
  segment_index: number;
  documents: Buffer;
  [section: `section_${number}`]: Buffer;
}

/** One page of a search, best first. @throws InvalidInputError `sessions.cursor` */
export async function search(postgres: Postgres, reader: Reader, query: SearchQuery, page: Page): Promise<SearchPage> {
  const shown = page.after === null ? 0 : parseSearchCursor(page.after, query);
  const limit = limitOf(page);
  const expression = parseSearch(query.text);
  const scopes = SCOPES.filter((scope) => query.scopes?.includes(scope) ?? true);
  if (expression === null || scopes.length === 0) return NOTHING;
  return postgres.snapshot(async (connection) => {
    const sessions = await readable(connection, reader, query);
    const turns = await foundTurns(connection, sessions, expression, scopes);
    const total = turns.total;
    const hits = await hitsOf(connection, sessions, turns.page(shown, limit), expression, scopes);
    const next = shown + limit < total ? searchCursor(shown + limit, query) : null;
    return { hits, total, next };
  });
}

/** One pass over the blocks that the index names: matched, copies joined, counted. */
async function foundTurns(
  connection: PostgresConnection,
  sessions: ReadableSessions,
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): Promise<RankedTurns> {
  const blocks = new BlockSearch(expression, scopes);
  const turns = new RankedTurns(blocks, await sizesOf(connection, sessions));
  const parameters = new Parameters();
  const condition = isVisible(sessions, parameters);
  const section = (number: number): string =>
    `substr(b.postings, b.bounds[${number + 1}], b.bounds[${number + 2}] - b.bounds[${number + 1}])`;
  const sections = blocks.sections.map((number, i) => `${section(number)} AS section_${i}`);
  await connection.stream<BlockRow>(
    `SELECT s.session_id, s.key, s.tree::text, s.started_at_ms, s.relationship = '' AS is_first,
       b.segment_index, substr(b.postings, 1, b.bounds[2] - 1) AS documents, ${sections.join(', ')}
     FROM syncline_sessions.text_block b JOIN syncline_sessions.session s USING (session_id)
     WHERE (b.terms @@ ${parameters.add(blockQuery(expression))}::tsquery OR b.is_partial) AND ${condition}`,
    parameters.values,
    (row) => {
      const found = blocks.matches(
        readDocuments(row.documents),
        blocks.sections.map((_, i) => row[`section_${i}`] ?? Buffer.alloc(0)),
      );
      if (found.length > 0) turns.add(placeOf(row), found);
    },
  );
  return turns;
}

function placeOf(row: BlockRow): BlockPlace {
  return {
    session_id: row.session_id,
    key: row.key,
    tree: BigInt(row.tree),
    started_at_ms: row.started_at_ms,
    is_first: row.is_first,
    first_ordinal: row.segment_index === TITLE_SEGMENT ? null : row.segment_index * SEGMENT_ORDINALS,
  };
}

/** How many documents the reader's team has, and their average length: what ranking compares with. */
async function sizesOf(
  connection: PostgresConnection,
  { reader }: ReadableSessions,
): Promise<{ documents: number; length: number }> {
  const parameters = new Parameters();
  const [sizes] = await connection.query<{ documents: number; tokens: number }>(
    `SELECT coalesce(sum(b.documents), 0)::bigint AS documents, coalesce(sum(b.tokens), 0)::bigint AS tokens
     FROM syncline_sessions.text_block b JOIN syncline_sessions.session s USING (session_id)
     WHERE s.team_id = ${parameters.add(reader.team_id)}`,
    parameters.values,
  );
  const { documents = 0, tokens = 0 } = sizes ?? {};
  return { documents, length: Math.max(1, tokens / Math.max(1, documents)) };
}

/** For each of these turns the number of sessions that hold it, matching or not, of those the reader sees. */
async function holdersOf(
  connection: PostgresConnection,
  sessions: ReadableSessions,
  turns: readonly FoundTurn[],
): Promise<Map<string, number>> {
  const parameters = new Parameters();
  const condition = isVisible(sessions, parameters);
  const rows = await connection.query<{ group_id: string; holders: number }>(
    `SELECT (m.turn + m.in_tree * s.tree)::text AS group_id, count(DISTINCT s.session_id) AS holders
     FROM syncline_sessions.message m JOIN syncline_sessions.session s USING (session_id)
     WHERE m.turn = ANY (${parameters.add(turns.map(({ turn }) => turn.toString()))}::bigint[])
       AND m.turn + m.in_tree * s.tree = ANY (${parameters.add(turns.map(({ group }) => group.toString()))}::bigint[])
       AND ${condition} GROUP BY 1`,
    parameters.values,
  );
  return new Map(rows.map(({ group_id, holders }) => [group_id, holders]));
}

async function hitsOf(
  connection: PostgresConnection,
  sessions: ReadableSessions,
  turns: readonly FoundTurn[],
  expression: SearchExpression,
  scopes: readonly SearchScope[],
): Promise<SearchHit[]> {
  if (turns.length === 0) return [];
  const ids = turns.map(({ place }) => place.session_id);
  const summaries = await summariesById(connection, sessions.reader.team_id, ids);
  const holders = await holdersOf(connection, sessions, turns);
  const said = turns.flatMap(({ place: { session_id, ordinal } }) =>
    ordinal === null ? [] : [{ session_id, ordinal }],
  );
  const messages = new Map<string, ConversationMessage>();
  for (const { session_id, ...message } of await messagesAt(connection, said))
    messages.set(`${session_id} ${message.ordinal}`, message);
  return turns.flatMap(({ group, place: { session_id, ordinal, part } }) => {
    const session = summaries.get(session_id);
    if (!session) return [];
    const message = ordinal === null ? null : (messages.get(`${session_id} ${ordinal}`) ?? null);
    const copies = Math.max(1, holders.get(group.toString()) ?? 1) - 1;
    return [hitOf({ session, message, part, copies }, expression, scopes)];
  });
}
