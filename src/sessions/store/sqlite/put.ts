import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import { insertRows } from '../../../storage/sqlite/insert-rows.ts';
import { indexText } from '../../search/tokens.ts';
import { checkPut, isComplete } from '../check-put.ts';
import { contextOf, type LinkFinder } from '../link-finder.ts';
import { treeOf, turnOfTitle } from '../message-texts.ts';
import type {
  PutResult,
  SegmentHash,
  SourceGone,
  TranscriptHead,
  TranscriptPut,
  TranscriptState,
} from '../transcript.ts';
import { MAX_ORDINAL, segmentRanges, sessionRange, titleDocumentId } from './ids.ts';
import { messagesById } from './messages.ts';
import { deleteDocuments, deleteMessages, insertSegments, replaceLinks, type SessionRows } from './segment-rows.ts';
import { noteTree } from './trees.ts';

/** What writes need besides the database. */
export interface WriteParts {
  clock: Clock;
  links: LinkFinder;
}

interface Stored {
  session_id: number;
  owner: string;
  fingerprint: string;
  arriving: number;
}

type Removal = 'unshared' | 'erased';

/** Messages whose links are found anew at once. */
const RELINKED_AT_ONCE = 256;

/**
 * One put in one transaction.
 * @throws InvalidInputError `sessions.put`, FullError
 */
export function put(db: Database, parts: WriteParts, team_id: string, wanted: TranscriptPut): PutResult {
  checkPut(wanted, MAX_ORDINAL);
  return db.transaction(() => {
    const removal = tombstoneOf(db, team_id, wanted.key);
    if (removal === 'erased' || (removal === 'unshared' && wanted.restores !== true)) return { kind: 'erased' };
    const stored = storedOf(db, team_id, wanted.key);
    if (stored && stored.owner !== wanted.owner) return { kind: 'foreign', owner: stored.owner };
    if (stored?.fingerprint === wanted.fingerprint) {
      noteArrival(db, stored, wanted.partial);
      return { kind: 'already' };
    }
    const segments = stored ? segmentsOf(db, stored.session_id) : [];
    if (wanted.base !== (stored?.fingerprint ?? null) || !isComplete(wanted, segments))
      return { kind: 'stale', fingerprint: stored?.fingerprint ?? null, segment_hashes: segments };
    if (removal !== null) db.run('DELETE FROM tombstone WHERE team_id = ? AND key = ?', team_id, wanted.key);
    write(db, parts, team_id, wanted, stored ?? null, segments);
    return { kind: 'stored' };
  });
}

/** Marks that a session's source is gone; everything else stays. */
export function markGone(db: Database, { clock }: WriteParts, team_id: string, gone: SourceGone): PutResult {
  return db.transaction(() => {
    if (tombstoneOf(db, team_id, gone.key) !== null) return { kind: 'erased' };
    const stored = storedOf(db, team_id, gone.key);
    if (!stored) return { kind: 'stale', fingerprint: null, segment_hashes: [] };
    if (stored.owner !== gone.owner) return { kind: 'foreign', owner: stored.owner };
    if (stored.fingerprint === gone.fingerprint) return { kind: 'already' };
    if (stored.fingerprint !== gone.base) {
      const segment_hashes = segmentsOf(db, stored.session_id);
      return { kind: 'stale', fingerprint: stored.fingerprint, segment_hashes };
    }
    const head = headOf(db, stored);
    const presence: TranscriptHead['presence'] = { kind: 'source_gone', since_ms: gone.since_ms };
    db.run(
      'UPDATE session SET fingerprint = ?, presence = ?, stored_at_ms = ? WHERE session_id = ?',
      gone.fingerprint,
      presence.kind,
      clock.now_ms(),
      stored.session_id,
    );
    writeHead(db, stored.session_id, { ...head, presence });
    return { kind: 'stored' };
  });
}

/** What the store has of a key; null: nothing. */
export function stateOf(db: Database, team_id: string, key: string): TranscriptState | null {
  return db.snapshot(() => {
    const stored = storedOf(db, team_id, key);
    if (!stored) return null;
    const { fingerprint, owner, session_id } = stored;
    return { fingerprint, owner, segment_hashes: segmentsOf(db, session_id) };
  });
}

/** Takes a session out and leaves a tombstone, also of what has not come yet. An erasure is never weakened. */
export function remove(
  db: Database,
  { clock }: WriteParts,
  team_id: string,
  key: string,
  owner: string,
  reason: Removal,
): 'removed' | 'absent' | 'foreign' {
  return db.transaction(() => {
    const stored = storedOf(db, team_id, key);
    if (stored && stored.owner !== owner) return 'foreign';
    db.run(
      `INSERT INTO tombstone (team_id, key, owner, reason, at_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (team_id, key) DO UPDATE SET owner = excluded.owner, reason = excluded.reason, at_ms = excluded.at_ms
       WHERE tombstone.reason = 'unshared'`,
      team_id,
      key,
      owner,
      reason,
      clock.now_ms(),
    );
    if (!stored) return 'absent';
    deleteMessages(db, [sessionRange(stored.session_id)]);
    for (const table of ['segment', 'session_head', 'session'])
      db.run(`DELETE FROM ${table} WHERE session_id = ?`, stored.session_id);
    noteTree(db, team_id, key);
    return 'removed';
  });
}

function tombstoneOf(db: Database, team_id: string, key: string): Removal | null {
  const row = db.get<{ reason: Removal }>('SELECT reason FROM tombstone WHERE team_id = ? AND key = ?', team_id, key);
  return row?.reason ?? null;
}

function storedOf(db: Database, team_id: string, key: string): Stored | undefined {
  return db.get<Stored>(
    'SELECT session_id, owner, fingerprint, arriving FROM session WHERE team_id = ? AND key = ?',
    team_id,
    key,
  );
}

function headOf(db: Database, { session_id }: Stored): TranscriptHead {
  return JSON.parse(
    db.value<string>('SELECT head FROM session_head WHERE session_id = ?', session_id),
  ) as TranscriptHead;
}

function writeHead(db: Database, session_id: number, head: TranscriptHead): void {
  db.run(
    'INSERT INTO session_head (session_id, head) VALUES (?, ?) ON CONFLICT DO UPDATE SET head = excluded.head',
    session_id,
    JSON.stringify(head),
  );
}

function segmentsOf(db: Database, session_id: number): SegmentHash[] {
  return db
    .all<{ segment_index: number; hash: string }>(
      'SELECT segment_index, hash FROM segment WHERE session_id = ? ORDER BY segment_index',
      session_id,
    )
    .map(({ segment_index, hash }) => [segment_index, hash] as const);
}

function noteArrival(db: Database, { session_id, arriving }: Stored, partial: boolean): void {
  if (arriving !== Number(partial))
    db.run('UPDATE session SET arriving = ? WHERE session_id = ?', Number(partial), session_id);
}

function write(
  db: Database,
  { clock, links }: WriteParts,
  team_id: string,
  { head, segments, ...wanted }: TranscriptPut,
  stored: Stored | null,
  former: readonly SegmentHash[],
): void {
  const before = stored === null ? null : headOf(db, stored);
  const session_id = writeSession(db, clock, team_id, { head, segments, ...wanted }, stored);
  writeHead(db, session_id, head);
  const session = { session_id, started_at_ms: head.started_at_ms, links, context: contextOf(head) };

  const hashes = new Map(wanted.segment_hashes);
  const sent = new Set(segments.map(({ index }) => index));
  const replaced = former.map(([index]) => index).filter((index) => sent.has(index) || !hashes.has(index));
  deleteSegments(db, session_id, replaced);
  insertSegments(db, session, segments);
  insertRows(
    db,
    'segment (session_id, segment_index, hash, messages)',
    segments.map(({ index, messages }) => [session_id, index, hashes.get(index) ?? '', messages.length]),
  );

  const moved = before !== null && contextOf(before).repository !== session.context.repository;
  if (moved) findLinksAnew(db, session);
  if (moved || replaced.length > 0 || segments.length > 0) countLinks(db, session_id);
  if (before !== null && before.title !== head.title) deleteTitle(db, session_id);
  if (before?.title !== head.title) insertTitle(db, team_id, session_id, head);
  if (before === null || before.parent_key !== head.parent_key) noteTree(db, team_id, head.key);
}

/** The session's own row; returns its id. */
function writeSession(
  db: Database,
  clock: Clock,
  team_id: string,
  { head, owner, fingerprint, partial }: TranscriptPut,
  stored: Stored | null,
): number {
  const columns = {
    team_id,
    key: head.key,
    // Until its tree is looked up, a session is one of its own.
    ...(stored === null ? { tree: treeOf(head.key) } : {}),
    started_at_ms: head.started_at_ms,
    relationship: head.relationship,
    presence: head.presence.kind,
    is_automated: Number(head.is_automated),
    user_message_count: head.user_message_count,
    starred: Number(head.starred_at_ms !== null),
    agent: head.agent,
    member: head.member,
    device: head.device,
    project: head.project,
    models: JSON.stringify(head.models),
    parent_key: head.parent_key,
    native_id: head.native_id,
    owner,
    fingerprint,
    arriving: Number(partial),
    stored_at_ms: clock.now_ms(),
    redactions: JSON.stringify(head.redactions),
  };
  const names = Object.keys(columns);
  const values = Object.values(columns);
  if (stored === null)
    return db.value<number>(
      `INSERT INTO session (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) RETURNING session_id`,
      ...values,
    );
  db.run(
    `UPDATE session SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE session_id = ?`,
    ...values,
    stored.session_id,
  );
  return stored.session_id;
}

function deleteSegments(db: Database, session_id: number, indexes: readonly number[]): void {
  if (indexes.length === 0) return;
  deleteMessages(db, segmentRanges(session_id, indexes));
  db.run(
    'DELETE FROM segment WHERE session_id = ? AND segment_index IN (SELECT value FROM json_each(?))',
    session_id,
    JSON.stringify(indexes),
  );
}

/** The session is known to be of another repository now: its links are, too. */
function findLinksAnew(db: Database, session: SessionRows): void {
  const { first, last } = sessionRange(session.session_id);
  const ids = db
    .all<{ message_id: number }>(
      'SELECT DISTINCT message_id FROM tool_call WHERE message_id BETWEEN ? AND ?',
      first,
      last,
    )
    .map(({ message_id }) => message_id);
  for (let at = 0; at < ids.length; at += RELINKED_AT_ONCE)
    replaceLinks(db, session, messagesById(db, ids.slice(at, at + RELINKED_AT_ONCE)));
}

function countLinks(db: Database, session_id: number): void {
  const { first, last } = sessionRange(session_id);
  db.run(
    `UPDATE session SET (commits, pull_requests) = (
       SELECT count(DISTINCT sha) FILTER (WHERE kind = 'commit'), count(DISTINCT url) FILTER (WHERE kind = 'pull_request')
       FROM git_link WHERE message_id BETWEEN ? AND ?)
     WHERE session_id = ?`,
    first,
    last,
    session_id,
  );
}

function deleteTitle(db: Database, session_id: number): void {
  const document_id = titleDocumentId(session_id);
  deleteDocuments(db, document_id, document_id);
}

function insertTitle(
  db: Database,
  team_id: string,
  session_id: number,
  { key, title, started_at_ms }: TranscriptHead,
): void {
  const document_id = titleDocumentId(session_id);
  const terms = indexText(title ?? '');
  if (terms === '') return;
  const { id, in_tree } = turnOfTitle(team_id, key);
  insertRows(db, 'document (document_id, turn, in_tree, at_ms)', [[document_id, id, in_tree, started_at_ms ?? 0]]);
  insertRows(db, 'search (rowid, title)', [[document_id, terms]]);
}
