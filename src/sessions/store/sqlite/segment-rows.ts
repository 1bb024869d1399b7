import type { SQLInputValue } from 'node:sqlite';
import type { ConversationMessage, ConversationSegment } from '../../../agents/conversation.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import { insertRows } from '../../../storage/sqlite/insert-rows.ts';
import { GAP, indexText } from '../../search/tokens.ts';
import type { LinkContext } from '../../links/links-of.ts';
import { DOUBT, type LinkFinder } from '../link-finder.ts';
import { bodiesOf } from '../message-bodies.ts';
import { DONE, SAID, isOfPerson, textsOf, turnOf, type Part, type ScopedText, type Turn } from '../message-texts.ts';
import { editedFile, fileName } from '../edited-file.ts';
import { documentId, messageId, type MessageRange } from './ids.ts';

type Values = SQLInputValue[];

/** What the rows of a session's messages need to know about it. */
export interface SessionRows {
  session_id: number;
  started_at_ms: number | null;
  links: LinkFinder;
  context: LinkContext;
}

/** Writes the messages of segments with all that is derived from them: calls, links, documents and their index. */
export function insertSegments(db: Database, session: SessionRows, segments: readonly ConversationSegment[]): void {
  const rows = { message: [] as Values[], call: [] as Values[], document: [] as Values[], search: [] as Values[] };
  const links: Values[] = [];
  for (const message of segments.flatMap(({ messages }) => messages)) {
    const message_id = messageId(session.session_id, message.ordinal);
    const turn = turnOf(message);
    const { body, calls } = bodiesOf(message);
    rows.message.push([message_id, turn.id, turn.in_tree, message.timestamp_ms, body]);
    rows.call.push(...callRows(message_id, message, calls));
    links.push(...linkRows(session, message_id, message));
    const at_ms = message.timestamp_ms ?? session.started_at_ms ?? 0;
    for (const part of [SAID, DONE] as const) addDocument(rows, message_id, part, message, turn, at_ms);
  }
  insertRows(db, 'message (message_id, turn, in_tree, timestamp_ms, body)', rows.message);
  insertRows(db, 'tool_call (message_id, position, tool_name, category, edited, file_name, body)', rows.call);
  insertRows(db, LINK_COLUMNS, links);
  insertRows(db, 'document (document_id, turn, in_tree, at_ms)', rows.document);
  insertRows(db, 'search (rowid, person, reply, thinking, tool_input, tool_output)', rows.search);
}

function callRows(message_id: number, { tool_calls }: ConversationMessage, bodies: readonly string[]): Values[] {
  return tool_calls.map((call, position) => {
    const edited = editedFile(call);
    const file_name = edited === null ? null : fileName(edited);
    return [message_id, position, call.tool_name, call.category, edited, file_name, bodies[position] ?? ''];
  });
}

const LINK_COLUMNS = 'git_link (session_id, message_id, kind, sha, url, repository, branch, doubt)';

function linkRows(
  { session_id, links, context }: SessionRows,
  message_id: number,
  message: ConversationMessage,
): Values[] {
  return links
    .linksOf(message, context)
    .map(({ kind, sha, url, repository, branch, confidence }) => [
      session_id,
      message_id,
      kind,
      sha,
      url,
      repository,
      branch,
      DOUBT[confidence],
    ]);
}

/** Finds the links of messages anew that are stored already. */
export function replaceLinks(
  db: Database,
  session: SessionRows,
  messages: ReadonlyMap<number, ConversationMessage>,
): void {
  db.run(
    'DELETE FROM git_link WHERE message_id IN (SELECT value FROM json_each(?))',
    JSON.stringify([...messages.keys()]),
  );
  insertRows(
    db,
    LINK_COLUMNS,
    [...messages].flatMap(([message_id, message]) => linkRows(session, message_id, message)),
  );
}

function addDocument(
  rows: { document: Values[]; search: Values[] },
  message_id: number,
  part: Part,
  message: ConversationMessage,
  turn: Turn,
  at_ms: number,
): void {
  const texts = textsOf(message, part);
  const terms = (scope: ScopedText['scope']): string =>
    texts
      .filter((text) => text.scope === scope)
      .map(({ text }) => indexText(text))
      .filter((indexed) => indexed !== '')
      .join(` ${GAP} `);
  const said = terms('message');
  const by_person = isOfPerson(message);
  const columns = [
    by_person ? said : '',
    by_person ? '' : said,
    terms('thinking'),
    terms('tool_input'),
    terms('tool_output'),
  ];
  if (columns.every((column) => column === '')) return;
  const id = documentId(message_id, part);
  rows.document.push([id, turn.id, turn.in_tree, at_ms]);
  rows.search.push([id, ...columns]);
}

/** Removes messages and all that was derived from them. */
export function deleteMessages(db: Database, ranges: readonly MessageRange[]): void {
  for (const { first, last } of ranges) {
    for (const table of ['message', 'tool_call', 'git_link'])
      db.run(`DELETE FROM ${table} WHERE message_id BETWEEN ? AND ?`, first, last);
    deleteDocuments(db, documentId(first, SAID), documentId(last, DONE));
  }
}

/** Removes documents, both ends included. The index is asked for rows that are there: over a range it looks at all it has. */
export function deleteDocuments(db: Database, first: number, last: number): void {
  db.run(
    'DELETE FROM search WHERE rowid IN (SELECT document_id FROM document WHERE document_id BETWEEN ? AND ?)',
    first,
    last,
  );
  db.run('DELETE FROM document WHERE document_id BETWEEN ? AND ?', first, last);
}
