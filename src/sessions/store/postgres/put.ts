import { hash } from 'node:crypto';
import pg from 'pg';
import type { Clock } from '../../../platform/clock.ts';
import { InvalidInputError } from '../../../platform/errors.ts';
import type { Postgres, PostgresConnection } from '../../../storage/postgres/postgres.ts';
import type { CopyChunks } from '../../../storage/postgres/copy-rows.ts';
import { arrayText, storable, type Step } from '../../../storage/postgres/steps.ts';
import { checkPut, isComplete } from '../check-put.ts';
import { contextOf, type LinkFinder } from '../link-finder.ts';
import { MAX_ORDINAL } from '../sqlite/ids.ts';
import type {
  PutResult,
  SegmentHash,
  SourceGone,
  TranscriptHead,
  TranscriptPut,
  TranscriptState,
} from '../transcript.ts';
import type { BlockWriter } from './block-writer.ts';
import { keptLinks } from './links.ts';
import { PutRows, type SessionRows } from './put-rows.ts';
import { TREE_LOCK, treeStep } from './trees.ts';

/** What writes need besides the database. */
export interface WriteParts {
  clock: Clock;
  links: LinkFinder;
  blocks: BlockWriter;
  chunks: CopyChunks;
}

type Removal = 'unshared' | 'erased';

/** What is known of a key when its write begins. */
interface Found {
  /** Of the session, or for the one that comes. */
  id: number;
  removal: Removal | null;
  stored: Stored | null;
}

interface Stored {
  owner: string;
  fingerprint: string;
  arriving: boolean;
  head: TranscriptHead;
  segments: readonly SegmentHash[];
}

interface Write {
  put: TranscriptPut;
  found: Found;
}

/**
 * Several puts in one transaction of two round trips, whatever their number and size: one locks the keys and says what is
 * there, one writes everything and commits. The keys are different ones. Results in their order.
 * @throws InvalidInputError `sessions.put`: one of them contradicts itself, and none is written; and what `Postgres` throws
 */
export async function putAll(
  postgres: Postgres,
  parts: WriteParts,
  team_id: string,
  puts: readonly TranscriptPut[],
  signal: AbortSignal | undefined,
): Promise<PutResult[]> {
  for (const put of puts) checkPut(put, MAX_ORDINAL);
  const keys = puts.map(({ key }) => key);
  if (new Set(keys).size < keys.length)
    throw new InvalidInputError('sessions.put', 'Two puts of one transaction are of the same session', {
      field: 'key',
    });
  return postgres.transaction(async (connection) => {
    const known = await beginWith(connection, team_id, keys);
    const writes: Write[] = [];
    const steps: Step[] = [];
    const results = puts.map((put, i): PutResult => {
      const found = known[i] ?? NOTHING;
      const result = answerTo(put, found);
      if (result === null) writes.push({ put, found });
      else if (result.kind === 'already' && found.stored?.arriving !== put.partial)
        steps.push(arrivalStep(found.id, put.partial));
      return result ?? { kind: 'stored' };
    });
    if (writes.length > 0) steps.push(...(await stepsOf(connection, parts, team_id, writes)));
    if (steps.length > 0) await connection.commit(steps);
    for (const step of steps) if ('copy' in step) parts.chunks.giveBack(step.copy);
    return results;
  }, signal);
}

/** Marks that a session's source is gone; everything else stays. */
export async function markGone(
  postgres: Postgres,
  { clock }: WriteParts,
  team_id: string,
  gone: SourceGone,
  signal: AbortSignal | undefined,
): Promise<PutResult> {
  return postgres.transaction(async (connection): Promise<PutResult> => {
    const [{ id, removal, stored } = NOTHING] = await beginWith(connection, team_id, [gone.key]);
    if (removal !== null) return { kind: 'erased' };
    if (!stored) return { kind: 'stale', fingerprint: null, segment_hashes: [] };
    if (stored.owner !== gone.owner) return { kind: 'foreign', owner: stored.owner };
    if (stored.fingerprint === gone.fingerprint) return { kind: 'already' };
    if (stored.fingerprint !== gone.base)
      return { kind: 'stale', fingerprint: stored.fingerprint, segment_hashes: stored.segments };
    const presence: TranscriptHead['presence'] = { kind: 'source_gone', since_ms: gone.since_ms };
    await connection.commit([
      {
        sql: `UPDATE syncline_sessions.session SET fingerprint = $2, presence = $3, head = $4, stored_at_ms = $5
              WHERE session_id = $1`,
        values: [
          String(id),
          storable(gone.fingerprint),
          presence.kind,
          JSON.stringify({ ...stored.head, presence }),
          String(clock.now_ms()),
        ],
      },
    ]);
    return { kind: 'stored' };
  }, signal);
}

/** Takes a session out and leaves a tombstone, also of what has not come yet. An erasure is never weakened. */
export async function remove(
  postgres: Postgres,
  { clock }: WriteParts,
  team_id: string,
  key: string,
  owner: string,
  reason: Removal,
  signal: AbortSignal | undefined,
): Promise<'removed' | 'absent' | 'foreign'> {
  return postgres.transaction(async (connection) => {
    const [{ id, stored } = NOTHING] = await beginWith(connection, team_id, [key]);
    if (stored && stored.owner !== owner) return 'foreign';
    const tombstone: Step = {
      sql: `INSERT INTO syncline_sessions.tombstone AS t (team_id, key, owner, reason, at_ms) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (team_id, key) DO UPDATE SET owner = excluded.owner, reason = excluded.reason, at_ms = excluded.at_ms
            WHERE t.reason = 'unshared'`,
      values: [storable(team_id), storable(key), storable(owner), reason, String(clock.now_ms())],
    };
    if (!stored) {
      await connection.commit([tombstone]);
      return 'absent';
    }
    const has_parent = stored.head.parent_key !== null;
    await connection.commit([
      ...(has_parent ? [lockStep(TREE_LOCK, team_id)] : []),
      tombstone,
      ...['message', 'tool_call', 'git_link', 'text_block', 'segment', 'session'].map((table) => ({
        sql: `DELETE FROM syncline_sessions.${table} WHERE session_id = $1`,
        values: [String(id)],
      })),
      ...(has_parent ? [treeStep(team_id, key)] : []),
    ]);
    return 'removed';
  }, signal);
}

/** What the store has of a key; null: nothing. */
export async function stateOf(postgres: Postgres, team_id: string, key: string): Promise<TranscriptState | null> {
  const [row] = await postgres.query<{ fingerprint: string; owner: string; segments: SegmentHash[] | null }>(
    `SELECT s.fingerprint, s.owner, ${SEGMENTS} AS segments FROM syncline_sessions.session s
     WHERE s.team_id = $1 AND s.key = $2`,
    [storable(team_id), storable(key)],
  );
  return row ? { fingerprint: row.fingerprint, owner: row.owner, segment_hashes: row.segments ?? [] } : null;
}

const NOTHING: Found = { id: 0, removal: null, stored: null };

const SEGMENTS = `(SELECT json_agg(json_build_array(g.segment_index, g.hash) ORDER BY g.segment_index)
  FROM syncline_sessions.segment g WHERE g.session_id = s.session_id)`;

/** The advisory lock of a key, also of one that nothing is known of yet; 64 bits of a hash. */
function lockOf(...words: string[]): string {
  return hash('sha256', JSON.stringify(['syncline sessions', ...words]), 'buffer')
    .readBigInt64BE()
    .toString();
}

function lockStep(...words: string[]): Step {
  return { sql: 'SELECT pg_advisory_xact_lock($1)', values: [lockOf(...words)] };
}

/**
 * Begins a transaction, locks the keys (each writer in the same order) and says what is known of them: the second statement
 * sees what was committed until the locks were there.
 */
async function beginWith(connection: PostgresConnection, team_id: string, keys: readonly string[]): Promise<Found[]> {
  const locks = keys.map((key) => lockOf('key', team_id, key)).sort();
  const team = pg.escapeLiteral(storable(team_id));
  const wanted = pg.escapeLiteral(arrayText(keys.map(storable)));
  const [, rows = []] = await connection.begin(
    `SELECT pg_advisory_xact_lock(lock) FROM unnest('${arrayText(locks)}'::bigint[]) AS lock;
     SELECT coalesce(s.session_id, nextval('syncline_sessions.session_id')) AS id, t.reason AS removal,
       s.owner, s.fingerprint, s.arriving, s.head, ${SEGMENTS} AS segments
     FROM unnest(${wanted}::text[]) WITH ORDINALITY AS w (key, n)
       LEFT JOIN syncline_sessions.session s ON s.team_id = ${team} AND s.key = w.key
       LEFT JOIN syncline_sessions.tombstone t ON t.team_id = ${team} AND t.key = w.key
     ORDER BY w.n`,
  );
  return (rows as unknown as FoundRow[]).map(({ id, removal, owner, fingerprint, arriving, head, segments }) => {
    if (owner === null) return { id, removal, stored: null };
    const stored = { owner, fingerprint, arriving, head: JSON.parse(head) as TranscriptHead, segments: segments ?? [] };
    return { id, removal, stored };
  });
}

interface FoundRow {
  id: number;
  removal: Removal | null;
  /** Null: there is no session. */
  owner: string | null;
  fingerprint: string;
  arriving: boolean;
  head: string;
  segments: SegmentHash[] | null;
}

/** Null: it is to be written. */
function answerTo(put: TranscriptPut, { removal, stored }: Found): PutResult | null {
  if (removal === 'erased' || (removal === 'unshared' && put.restores !== true)) return { kind: 'erased' };
  if (stored && stored.owner !== put.owner) return { kind: 'foreign', owner: stored.owner };
  if (stored?.fingerprint === put.fingerprint) return { kind: 'already' };
  const segments = stored?.segments ?? [];
  if (put.base === (stored?.fingerprint ?? null) && isComplete(put, segments)) return null;
  return { kind: 'stale', fingerprint: stored?.fingerprint ?? null, segment_hashes: segments };
}

function arrivalStep(id: number, partial: boolean): Step {
  return {
    sql: 'UPDATE syncline_sessions.session SET arriving = $2 WHERE session_id = $1',
    values: [String(id), String(partial)],
  };
}

async function stepsOf(
  connection: PostgresConnection,
  { clock, links, blocks, chunks }: WriteParts,
  team_id: string,
  writes: readonly Write[],
): Promise<Step[]> {
  const rows = new PutRows(team_id, clock.now_ms(), blocks, chunks);
  const in_trees: string[] = [];
  for (const { put, found } of writes) {
    const { id, stored, removal } = found;
    const session: SessionRows = { session_id: id, head: put.head, links, context: contextOf(put.head) };
    if (removal !== null) rows.restore(put.key);
    rows.session(id, put);
    const hashes = new Map(put.segment_hashes);
    const sent = new Set(put.segments.map(({ index }) => index));
    const former = stored?.segments ?? [];
    const replaced = former.map(([index]) => index).filter((index) => sent.has(index) || !hashes.has(index));
    rows.remove(id, replaced);
    for (const segment of put.segments) rows.segment(session, segment, hashes.get(segment.index) ?? '');
    const before = stored?.head;
    if (before !== undefined && contextOf(before).repository !== session.context.repository)
      rows.relink(id, await keptLinks(connection, session, new Set(replaced)));
    if (before?.title !== put.head.title) rows.title(id, put.head, before !== undefined);
    if ((before?.parent_key ?? null) !== put.head.parent_key) in_trees.push(put.key);
  }
  return [
    // Before any row is locked, so that two writers of one tree cannot wait for each other.
    ...(in_trees.length > 0 ? [lockStep(TREE_LOCK, team_id)] : []),
    ...rows.steps(),
    ...in_trees.map((key) => treeStep(team_id, key)),
  ];
}
