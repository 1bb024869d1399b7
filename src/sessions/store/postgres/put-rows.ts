import { SEGMENT_ORDINALS, type ConversationMessage, type ConversationSegment } from '../../../agents/conversation.ts';
import { CopyRows, type CopyChunks } from '../../../storage/postgres/copy-rows.ts';
import { arrayText, storable, type Step } from '../../../storage/postgres/steps.ts';
import type { LinkContext } from '../../links/links-of.ts';
import { editedFile, fileName } from '../edited-file.ts';
import { DOUBT, type LinkFinder } from '../link-finder.ts';
import { bodiesOf } from '../message-bodies.ts';
import { DONE, SAID, isOfPerson, textsOf, treeOf, turnOf, turnOfTitle, type ScopedText } from '../message-texts.ts';
import type { GitLink } from '../session-store.ts';
import type { TranscriptHead, TranscriptPut } from '../transcript.ts';
import type { BlockWriter } from './block-writer.ts';
import { type TextBlock } from './block-writer.ts';
import { TITLE_SEGMENT, type Field } from './block.ts';

/** What the rows of a session's messages need to know about it. */
export interface SessionRows {
  session_id: number;
  head: TranscriptHead;
  links: LinkFinder;
  context: LinkContext;
}

type Cell = string | number | boolean | bigint | null;

/** Columns of `session`, their types, and what a put has for them. Those before `UPDATED_FROM` stay as they are afterwards. */
const SESSION_COLUMNS = {
  session_id: 'bigint',
  team_id: 'text',
  key: 'text',
  tree: 'bigint',
  commits: 'integer',
  pull_requests: 'integer',
  started_at_ms: 'bigint',
  relationship: 'text',
  presence: 'text',
  is_automated: 'boolean',
  user_message_count: 'bigint',
  starred: 'boolean',
  agent: 'text',
  member: 'text',
  device: 'text',
  project: 'text',
  models: 'text[]',
  parent_key: 'text',
  native_id: 'text',
  owner: 'text',
  fingerprint: 'text',
  arriving: 'boolean',
  stored_at_ms: 'bigint',
  redacted_rules: 'text[]',
  redacted_counts: 'bigint[]',
  head: 'text',
} as const;
const UPDATED_FROM = 6;

const LINK_COLUMNS = {
  session_id: 'bigint',
  ordinal: 'integer',
  kind: 'text',
  sha: 'text',
  url: 'text',
  repository: 'text',
  branch: 'text',
  doubt: 'smallint',
} as const;

const SEGMENT_COLUMNS = { session_id: 'bigint', segment_index: 'integer', hash: 'text', messages: 'integer' } as const;

/** Everything that the puts of one transaction write, collected table by table. */
export class PutRows {
  readonly #team_id: string;
  readonly #now_ms: number;
  readonly #sessions: Cell[][] = [];
  readonly #segments: Cell[][] = [];
  readonly #links: Cell[][] = [];
  readonly #messages: CopyRows;
  readonly #calls: CopyRows;
  readonly #blocks: CopyRows;
  readonly #restored: string[] = [];
  readonly #removed: Cell[][] = [];
  readonly #untitled: number[] = [];
  readonly #relinked: number[] = [];
  /** Sessions whose links are counted anew. */
  readonly #counted = new Set<number>();

  readonly #writer: BlockWriter;

  /** `writer` and `chunks` may serve others, before and after. */
  constructor(team_id: string, now_ms: number, writer: BlockWriter, chunks: CopyChunks) {
    this.#writer = writer;
    this.#messages = new CopyRows(chunks);
    this.#calls = new CopyRows(chunks);
    this.#blocks = new CopyRows(chunks);
    this.#team_id = team_id;
    this.#now_ms = now_ms;
  }

  /** Its tombstone goes. */
  restore(key: string): void {
    this.#restored.push(storable(key));
  }

  session(session_id: number, { head, owner, fingerprint, partial }: TranscriptPut): void {
    const rules = Object.entries(head.redactions);
    const cells: Record<keyof typeof SESSION_COLUMNS, Cell> = {
      session_id,
      team_id: this.#team_id,
      key: head.key,
      // Until its tree is looked up, a session is one of its own.
      tree: treeOf(head.key),
      commits: 0,
      pull_requests: 0,
      started_at_ms: head.started_at_ms,
      relationship: head.relationship,
      presence: head.presence.kind,
      is_automated: head.is_automated,
      user_message_count: head.user_message_count,
      starred: head.starred_at_ms !== null,
      agent: head.agent,
      member: head.member,
      device: head.device,
      project: head.project,
      models: arrayText(head.models.map(storable)),
      parent_key: head.parent_key,
      native_id: head.native_id,
      owner,
      fingerprint,
      arriving: partial,
      stored_at_ms: this.#now_ms,
      redacted_rules: arrayText(rules.map(([rule]) => storable(rule))),
      redacted_counts: arrayText(rules.map(([, count]) => count)),
      head: JSON.stringify(head),
    };
    this.#sessions.push(Object.values(cells).map((cell) => (typeof cell === 'string' ? storable(cell) : cell)));
  }

  /** The segments of a session that go or are replaced. */
  remove(session_id: number, indexes: readonly number[]): void {
    for (const index of indexes) this.#removed.push([session_id, index]);
    if (indexes.length > 0) this.#counted.add(session_id);
  }

  segment(session: SessionRows, { index, messages }: ConversationSegment, segment_hash: string): void {
    const { session_id } = session;
    this.#segments.push([session_id, index, storable(segment_hash), messages.length]);
    for (const message of messages) this.#message(session, index, message);
    this.#block(session_id, index, this.#writer.finish());
  }

  /** All links of a session are written anew: these, and those of its segments that come. */
  relink(session_id: number, kept: readonly GitLink[]): void {
    this.#relinked.push(session_id);
    this.#counted.add(session_id);
    this.#addLinks(session_id, kept);
  }

  title(session_id: number, { key, title, started_at_ms }: TranscriptHead, was_there: boolean): void {
    if (was_there) this.#untitled.push(session_id);
    this.#writer.text('title', title ?? '');
    this.#writer.document(0, SAID, turnOfTitle(this.#team_id, key), started_at_ms ?? 0);
    this.#block(session_id, TITLE_SEGMENT, this.#writer.finish());
  }

  /** In an order in which every row finds its place free. */
  steps(): Step[] {
    return [...this.#removals(), ...this.#additions(), ...this.#counts()];
  }

  #message(session: SessionRows, index: number, message: ConversationMessage): void {
    const { session_id, head, links, context } = session;
    const { ordinal, timestamp_ms, tool_calls } = message;
    const turn = turnOf(message);
    const { body, calls } = bodiesOf(message);
    const rows = this.#messages;
    rows.row(6);
    rows.int8(session_id);
    rows.int4(ordinal);
    rows.int8(turn.id);
    rows.int2(turn.in_tree);
    rows.int8(timestamp_ms);
    rows.text(body);
    for (const [position, call] of tool_calls.entries()) {
      const edited = editedFile(call);
      this.#calls.row(8);
      this.#calls.int8(session_id);
      this.#calls.int4(ordinal);
      this.#calls.int4(position);
      this.#calls.text(storable(call.tool_name));
      this.#calls.text(storable(call.category));
      this.#calls.text(edited === null ? null : storable(edited));
      this.#calls.text(edited === null ? null : storable(fileName(edited)));
      this.#calls.text(calls[position] ?? '');
    }
    this.#addLinks(session_id, links.linksOf(message, context));
    const at_ms = timestamp_ms ?? head.started_at_ms ?? 0;
    const by_person = isOfPerson(message);
    for (const part of [SAID, DONE] as const) {
      for (const { scope, text } of textsOf(message, part)) this.#writer.text(fieldOf(scope, by_person), text);
      this.#writer.document(ordinal - index * SEGMENT_ORDINALS, part, turn, at_ms);
    }
  }

  #block(session_id: number, index: number, block: TextBlock | null): void {
    if (block === null) return;
    const rows = this.#blocks;
    rows.row(8);
    rows.int8(session_id);
    rows.int4(index);
    rows.int4(block.documents);
    rows.int4(block.tokens);
    rows.bool(block.is_partial);
    rows.int4Array(block.bounds);
    rows.bytes(block.terms);
    rows.bytes(block.postings);
  }

  #addLinks(session_id: number, links: readonly GitLink[]): void {
    if (links.length > 0) this.#counted.add(session_id);
    const text = (value: string | null): string | null => (value === null ? null : storable(value));
    for (const { ordinal, kind, sha, url, repository, branch, confidence } of links)
      this.#links.push([
        session_id,
        ordinal,
        kind,
        text(sha),
        text(url),
        text(repository),
        text(branch),
        DOUBT[confidence],
      ]);
  }

  #removals(): Step[] {
    const steps: Step[] = [];
    if (this.#restored.length > 0)
      steps.push({
        sql: 'DELETE FROM syncline_sessions.tombstone WHERE team_id = $1 AND key = ANY ($2::text[])',
        values: [storable(this.#team_id), arrayText(this.#restored)],
      });
    if (this.#removed.length > 0) {
      const values = [0, 1].map((i) => arrayText(this.#removed.map((cells) => cells[i] ?? null)));
      for (const table of ['message', 'tool_call', 'git_link'])
        steps.push({
          sql: `DELETE FROM syncline_sessions.${table} t USING unnest($1::bigint[], $2::integer[]) AS gone (session_id, index)
                WHERE t.session_id = gone.session_id
                  AND t.ordinal BETWEEN gone.index * ${SEGMENT_ORDINALS} AND gone.index * ${SEGMENT_ORDINALS} + ${SEGMENT_ORDINALS - 1}`,
          values,
        });
      for (const table of ['text_block', 'segment'])
        steps.push({
          sql: `DELETE FROM syncline_sessions.${table} t USING unnest($1::bigint[], $2::integer[]) AS gone (session_id, index)
                WHERE t.session_id = gone.session_id AND t.segment_index = gone.index`,
          values,
        });
    }
    if (this.#untitled.length > 0)
      steps.push({
        sql: `DELETE FROM syncline_sessions.text_block
              WHERE session_id = ANY ($1::bigint[]) AND segment_index = ${TITLE_SEGMENT}`,
        values: [arrayText(this.#untitled)],
      });
    if (this.#relinked.length > 0)
      steps.push({
        sql: 'DELETE FROM syncline_sessions.git_link WHERE session_id = ANY ($1::bigint[])',
        values: [arrayText(this.#relinked)],
      });
    return steps;
  }

  #additions(): Step[] {
    const updated = Object.keys(SESSION_COLUMNS).slice(UPDATED_FROM);
    const assignments = updated.map((name) => `${name} = excluded.${name}`).join(', ');
    const steps = [
      insertStep('session', SESSION_COLUMNS, this.#sessions, `ON CONFLICT (session_id) DO UPDATE SET ${assignments}`),
      insertStep('segment', SEGMENT_COLUMNS, this.#segments),
      insertStep('git_link', LINK_COLUMNS, this.#links),
    ].filter((step) => step !== null);
    const tables = { message: this.#messages, tool_call: this.#calls, text_block: this.#blocks };
    for (const [table, rows] of Object.entries(tables))
      if (rows.rows > 0) steps.push({ sql: COPY[table as keyof typeof COPY], copy: rows.finish() });
    return steps;
  }

  #counts(): Step[] {
    if (this.#counted.size === 0) return [];
    return [
      {
        sql: `UPDATE syncline_sessions.session s SET (commits, pull_requests) = (
                SELECT count(DISTINCT l.sha) FILTER (WHERE l.kind = 'commit'),
                  count(DISTINCT l.url) FILTER (WHERE l.kind = 'pull_request')
                FROM syncline_sessions.git_link l WHERE l.session_id = s.session_id)
              WHERE s.session_id = ANY ($1::bigint[])`,
        values: [arrayText([...this.#counted])],
      },
    ];
  }
}

const COPY = {
  message:
    'COPY syncline_sessions.message (session_id, ordinal, turn, in_tree, timestamp_ms, body) FROM STDIN (FORMAT binary)',
  tool_call:
    'COPY syncline_sessions.tool_call (session_id, ordinal, position, tool_name, category, edited, file_name, body) FROM STDIN (FORMAT binary)',
  text_block:
    'COPY syncline_sessions.text_block (session_id, segment_index, documents, tokens, is_partial, bounds, terms, postings) FROM STDIN (FORMAT binary)',
} as const;

function fieldOf(scope: ScopedText['scope'], by_person: boolean): Field {
  if (scope === 'message') return by_person ? 'person' : 'reply';
  return scope;
}

/** One statement for all rows: an array for each column. Columns that are arrays come as their text, as `unnest` would flatten them. */
function insertStep(
  table: string,
  columns: Readonly<Record<string, string>>,
  rows: readonly (readonly Cell[])[],
  on_conflict = '',
): Step | null {
  if (rows.length === 0) return null;
  const names = Object.keys(columns);
  const types = Object.values(columns);
  const arrays = types.map((type, i) => `$${i + 1}::${type.endsWith('[]') ? 'text' : type}[]`);
  const values = types.map((type, i) => (type.endsWith('[]') ? `r.${names[i]}::${type}` : `r.${names[i]}`));
  return {
    sql: `INSERT INTO syncline_sessions.${table} (${names.join(', ')})
          SELECT ${values.join(', ')} FROM unnest(${arrays.join(', ')}) AS r (${names.join(', ')}) ${on_conflict}`,
    values: names.map((_, i) => arrayText(rows.map((cells) => cells[i] ?? null))),
  };
}
