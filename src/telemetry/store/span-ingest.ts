import type { SQLInputValue } from 'node:sqlite';
import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { insertRows } from '../../storage/sqlite/insert-rows.ts';
import type { ParsedBody } from '../wire/body.ts';
import type { WireToolSpan } from '../wire/tool-span.ts';
import { KnownOrigins, ofOrigin } from './known-origins.ts';
import type { Interner } from './interner.ts';
import type { Owner } from './owner.ts';
import type { Principal } from './principal.ts';
import { mergeSpans, spanContentOf, type SpanContent, type SpanRecord } from './span-merge.ts';
import { TouchedCalls } from './tool-calls.ts';
import { UsageLedger, quarterOf } from './usage-ledger.ts';

const CONTENT_COLUMNS = [
  'tool',
  'tool_call_id',
  'status',
  'outcome',
  'started_at_ms',
  'ended_at_ms',
  'lead_time_ms',
  'tokens_in',
  'tokens_out',
  'reasoning_tokens',
  'cost_usd_e6',
  'path_hashes',
] as const satisfies (keyof SpanContent)[];

const OWNER_COLUMNS = [
  'workspace_key',
  'session_key',
  'span_id_hash',
  'owner_rank',
  'subagent_id_hash',
  'member',
  'device',
  'received_ms',
] as const;

const COLUMNS = ['team_id', 'origin_id_hash', ...OWNER_COLUMNS, ...CONTENT_COLUMNS];

const INSERTED = `tool_span (${COLUMNS.join(', ')})`;
const INSERT_ONE = `INSERT INTO ${INSERTED} VALUES (${COLUMNS.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`;

/** Rows gathered until they are inserted: each statement costs, and so does what it is given. */
const ROWS_AT_ONCE = 32;

const JOINED = 'JOIN session s USING (session_key) JOIN workspace w USING (workspace_key)';
const FIND = 'SELECT t.*, s.session_id_hash, w.workspace_hash FROM tool_span t';
const FIND_BY_ORIGIN = `${FIND} INDEXED BY tool_span_origin ${JOINED} WHERE ${ofOrigin('t')}`;
const FIND_BY_IDENTITY = `${FIND} ${JOINED} WHERE t.team_id = ? AND t.workspace_key = ? AND t.span_id_hash = ?
  AND t.origin_id_hash IS NULL`;

const UPDATE = `UPDATE tool_span SET ${[...OWNER_COLUMNS, ...CONTENT_COLUMNS].map((column) => `${column} = ?`).join(', ')}
  WHERE span_key = ?`;

type StoredSpan = SpanContent &
  Omit<Owner, 'item'> & {
    span_key: number;
    workspace_key: number;
    session_key: number;
    span_id_hash: string;
    received_ms: number;
  };

/**
 * Stores tool spans inside the caller's transaction; returns how many were already known. The contract names no key for
 * spans; ours is `(team, workspace, span)` (telemetry specification §6.6), or the origin where a span names one.
 */
export function ingestSpans(
  db: Database,
  interner: Interner,
  body: ParsedBody<'tool_spans'>,
  principal: Principal,
  received_ms: number,
): number {
  const { team_id } = principal;
  const workspace_key = interner.workspace(team_id, body.workspace_hash, body.project_name);
  const books: Books = { ledger: new UsageLedger(), calls: new TouchedCalls() };
  const origins = new KnownOrigins(db, 'tool_span', team_id, body.items);
  let gathered: SQLInputValue[][] = [];
  const insertGathered = (): void => {
    insertRows(db, INSERTED, gathered);
    gathered = [];
  };
  let deduped = 0;
  for (const span of body.items) {
    const place: Place = {
      team_id,
      workspace_key,
      session_key: interner.session(principal, span.session_id_hash, received_ms),
      received_ms,
    };
    const record = { owner: ownerOf(span, body.workspace_hash, principal), content: spanContentOf(span) };
    const copy = origins.has(span);
    const origin = span.origin_id_hash ?? null;
    const row = copy ? [] : [team_id, origin, ...rowOf(place, record)];
    // No index says whether an origin is new; `origins` does. Without one, only the insert tells.
    if (!copy && origin !== null) {
      gathered.push(row);
      if (gathered.length === ROWS_AT_ONCE) insertGathered();
      bookInserted(books, place, record.content);
      continue;
    }
    if (!copy && db.run(INSERT_ONE, ...row) === 1) {
      bookInserted(books, place, record.content);
      continue;
    }
    deduped++;
    // The other one may be among those.
    insertGathered();
    mergeIntoStored(db, span, record, place, books);
  }
  insertGathered();
  books.calls.write(db, team_id, books.ledger);
  books.ledger.write(db, team_id);
  return deduped;
}

interface Place {
  team_id: string;
  workspace_key: number;
  session_key: number;
  received_ms: number;
}

function ownerOf(span: WireToolSpan, workspace_hash: string, principal: Principal): Owner {
  return {
    owner_rank: span.owner_rank ?? null,
    session_id_hash: span.session_id_hash,
    workspace_hash,
    item: span.span_id_hash,
    subagent_id_hash: span.subagent_id_hash ?? null,
    member: principal.member,
    device: principal.device,
  };
}

function rowOf(place: Omit<Place, 'team_id'>, { owner, content }: SpanRecord): (string | number | null)[] {
  return [
    place.workspace_key,
    place.session_key,
    owner.item,
    owner.owner_rank,
    owner.subagent_id_hash,
    owner.member,
    owner.device,
    place.received_ms,
    ...CONTENT_COLUMNS.map((column) => content[column]),
  ];
}

/** What the transaction must bring up to date at its end, besides the rows themselves. */
interface Books {
  ledger: UsageLedger;
  calls: TouchedCalls;
}

function bookInserted(books: Books, place: Place, content: SpanContent): void {
  if (content.tool_call_id === null) bookWithoutCall(books.ledger, 1, place, content);
  else books.calls.insertedSpan(place, content.tool_call_id, content);
}

/** Of a span that was there before, as it was or as it is now. */
function bookChanged(
  { ledger, calls }: Books,
  sign: 1 | -1,
  place: { session_key: number; workspace_key: number },
  content: SpanContent,
): void {
  if (content.tool_call_id === null) bookWithoutCall(ledger, sign, place, content);
  else calls.changed(place.session_key, content.tool_call_id);
}

/** A span with a call id counts through its call; one without stands for a call of its own. */
function bookWithoutCall(
  ledger: UsageLedger,
  sign: 1 | -1,
  { session_key, workspace_key }: { session_key: number; workspace_key: number },
  { tool, outcome, started_at_ms, ended_at_ms }: SpanContent,
): void {
  const quarter_ms = quarterOf(started_at_ms ?? ended_at_ms ?? 0);
  const key = { session_key, quarter_ms, workspace_key, agent: '', model: '', tool: tool ?? 'unknown', price_date: '' };
  ledger.book(sign, key, { span_calls: 1, ...(outcome === 'failed' ? { span_failures: 1 } : {}) });
}

function mergeIntoStored(db: Database, span: WireToolSpan, arrived: SpanRecord, place: Place, books: Books): void {
  const { origin_id_hash } = span;
  const stored =
    typeof origin_id_hash === 'string'
      ? db.get<StoredSpan>(FIND_BY_ORIGIN, place.team_id, origin_id_hash)
      : db.get<StoredSpan>(FIND_BY_IDENTITY, place.team_id, place.workspace_key, span.span_id_hash);
  invariant(stored, 'a span that was not inserted is stored already');
  const owner: Owner = { ...stored, item: stored.span_id_hash };
  const merged = mergeSpans({ owner, content: stored }, arrived);
  const moved = merged.owner !== owner;
  if (!moved && CONTENT_COLUMNS.every((column) => merged.content[column] === stored[column])) return;
  const kept_at = moved ? place : stored;
  bookChanged(books, -1, stored, stored);
  bookChanged(books, 1, kept_at, merged.content);
  db.run(UPDATE, ...rowOf(kept_at, merged), stored.span_key);
}
