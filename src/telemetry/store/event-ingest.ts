import type { SQLInputValue } from 'node:sqlite';
import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { insertRows } from '../../storage/sqlite/insert-rows.ts';
import type { ParsedBody } from '../wire/body.ts';
import type { WireEvent } from '../wire/event.ts';
import { contentOf, mergeEvents, type EventContent, type EventRecord } from './event-merge.ts';
import { KnownOrigins, ofOrigin } from './known-origins.ts';
import type { Interner } from './interner.ts';
import type { Owner } from './owner.ts';
import type { Principal } from './principal.ts';
import { SessionActivity } from './session-activity.ts';
import { TouchedCalls } from './tool-calls.ts';
import { UsageLedger } from './usage-ledger.ts';

const CONTENT_COLUMNS = [
  'ts_ms',
  'ts_exact',
  'agent',
  'model',
  'kind',
  'source',
  'tool',
  'tool_call_id',
  'outcome',
  'tokens_in',
  'tokens_out',
  'reasoning_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'web_searches',
  'cost_usd_e6',
  'price_date',
  'payload',
] as const satisfies (keyof EventContent)[];

const OWNER_COLUMNS = [
  'workspace_key',
  'session_key',
  'event_seq',
  'owner_rank',
  'subagent_id_hash',
  'member',
  'device',
  'received_ms',
] as const;

const COLUMNS = ['team_id', 'origin_id_hash', ...OWNER_COLUMNS, ...CONTENT_COLUMNS];

const INSERTED = `event (${COLUMNS.join(', ')})`;
const INSERT_ONE = `INSERT INTO ${INSERTED} VALUES (${COLUMNS.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`;

/** Rows gathered until they are inserted: each statement costs, and so does what it is given. */
const ROWS_AT_ONCE = 32;

const JOINED = 'JOIN session s USING (session_key) JOIN workspace w USING (workspace_key)';
const FIND = 'SELECT e.*, s.session_id_hash, w.workspace_hash FROM event e';
const FIND_BY_ORIGIN = `${FIND} INDEXED BY event_origin ${JOINED} WHERE ${ofOrigin('e')}`;
const FIND_BY_IDENTITY = `${FIND} ${JOINED} WHERE e.team_id = ? AND e.workspace_key = ? AND e.session_key = ? AND e.event_seq = ?
  AND e.origin_id_hash IS NULL`;

const UPDATE = `UPDATE event SET ${[...OWNER_COLUMNS, ...CONTENT_COLUMNS].map((column) => `${column} = ?`).join(', ')}
  WHERE event_key = ?`;

type StoredEvent = EventContent &
  Omit<Owner, 'item'> & {
    event_key: number;
    workspace_key: number;
    session_key: number;
    event_seq: number;
    received_ms: number;
  };

/**
 * Stores events inside the caller's transaction; returns how many were already known. An event is identified by
 * `(team, workspace, session, event_seq)` (telemetry specification §6.1), or by its origin where it names one.
 */
export function ingestEvents(
  db: Database,
  interner: Interner,
  body: ParsedBody<'events'>,
  principal: Principal,
  received_ms: number,
): number {
  const { team_id } = principal;
  const workspace_key = interner.workspace(team_id, body.workspace_hash, body.project_name);
  const activity = new SessionActivity();
  const books: Books = { ledger: new UsageLedger(), calls: new TouchedCalls() };
  const origins = new KnownOrigins(db, 'event', team_id, body.items);
  let gathered: SQLInputValue[][] = [];
  const insertGathered = (): void => {
    insertRows(db, INSERTED, gathered);
    gathered = [];
  };
  let deduped = 0;
  for (const event of body.items) {
    const session_key = interner.session(principal, event.session_id_hash, received_ms);
    activity.add(session_key, event);
    const content = contentOf(event);
    const place: Place = { team_id, workspace_key, session_key, received_ms };
    const copy = origins.has(event);
    // No index says whether an origin is new; `origins` does. Without one, only the insert tells.
    if (!copy && typeof event.origin_id_hash === 'string') {
      gathered.push(rowOf(event, place, principal, content));
      if (gathered.length === ROWS_AT_ONCE) insertGathered();
      bookInserted(books, place, content);
      continue;
    }
    if (!copy && db.run(INSERT_ONE, ...rowOf(event, place, principal, content)) === 1) {
      bookInserted(books, place, content);
      continue;
    }
    deduped++;
    // The other one may be among those.
    insertGathered();
    const owner = ownerOf(event, body.workspace_hash, principal);
    mergeIntoStored(db, event, { owner, content }, place, books);
  }
  insertGathered();
  activity.write(db, interner, principal, workspace_key);
  books.calls.write(db, team_id, books.ledger);
  books.ledger.write(db, team_id);
  return deduped;
}

/** In the order of `COLUMNS`. */
function rowOf(
  event: WireEvent,
  { team_id, workspace_key, session_key, received_ms }: Place,
  { member, device }: Principal,
  content: EventContent,
): SQLInputValue[] {
  return [
    team_id,
    event.origin_id_hash ?? null,
    workspace_key,
    session_key,
    event.event_seq,
    event.owner_rank ?? null,
    event.subagent_id_hash ?? null,
    member,
    device,
    received_ms,
    content.ts_ms,
    content.ts_exact,
    content.agent,
    content.model,
    content.kind,
    content.source,
    content.tool,
    content.tool_call_id,
    content.outcome,
    content.tokens_in,
    content.tokens_out,
    content.reasoning_tokens,
    content.cache_read_tokens,
    content.cache_write_5m_tokens,
    content.cache_write_1h_tokens,
    content.web_searches,
    content.cost_usd_e6,
    content.price_date,
    content.payload,
  ];
}

function ownerOf(event: WireEvent, workspace_hash: string, principal: Principal): Owner {
  return {
    owner_rank: event.owner_rank ?? null,
    session_id_hash: event.session_id_hash,
    workspace_hash,
    item: event.event_seq,
    subagent_id_hash: event.subagent_id_hash ?? null,
    member: principal.member,
    device: principal.device,
  };
}

interface Place {
  team_id: string;
  workspace_key: number;
  session_key: number;
  received_ms: number;
}

/** What the transaction must bring up to date at its end, besides the rows themselves. */
interface Books {
  ledger: UsageLedger;
  calls: TouchedCalls;
}

function bookInserted({ ledger, calls }: Books, place: Place, content: EventContent): void {
  ledger.bookEvent(1, place, content);
  calls.insertedEvent(place, content);
}

/** Of an event that was there before, as it was or as it is now. */
function bookChanged(
  { ledger, calls }: Books,
  sign: 1 | -1,
  place: { session_key: number; workspace_key: number },
  content: EventContent,
): void {
  ledger.bookEvent(sign, place, content);
  if (content.kind === 'tool_call' || content.kind === 'tool_result')
    calls.changed(place.session_key, content.tool_call_id);
}

function mergeIntoStored(db: Database, event: WireEvent, arrived: EventRecord, place: Place, books: Books): void {
  const { origin_id_hash } = event;
  const stored =
    typeof origin_id_hash === 'string'
      ? db.get<StoredEvent>(FIND_BY_ORIGIN, place.team_id, origin_id_hash)
      : db.get<StoredEvent>(FIND_BY_IDENTITY, place.team_id, place.workspace_key, place.session_key, event.event_seq);
  invariant(stored, 'an event that was not inserted is stored already');
  const owner: Owner = { ...stored, item: stored.event_seq };
  const merged = mergeEvents({ owner, content: stored }, arrived);
  if (merged.owner === owner && merged.content === stored) return;
  const moved = merged.owner !== owner;
  const kept_at = moved ? place : stored;
  bookChanged(books, -1, stored, stored);
  bookChanged(books, 1, kept_at, merged.content);
  db.run(
    UPDATE,
    kept_at.workspace_key,
    kept_at.session_key,
    merged.owner.item,
    merged.owner.owner_rank,
    merged.owner.subagent_id_hash,
    merged.owner.member,
    merged.owner.device,
    kept_at.received_ms,
    ...CONTENT_COLUMNS.map((column) => merged.content[column]),
    stored.event_key,
  );
}
