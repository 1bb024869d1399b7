import type { SQLInputValue } from 'node:sqlite';
import type { Database } from '../../storage/sqlite/database.ts';
import { insertRows } from '../../storage/sqlite/insert-rows.ts';
import type { EventContent } from './event-merge.ts';
import type { SpanContent } from './span-merge.ts';
import { quarterOf, type Measures, type UsageKey, type UsageLedger } from './usage-ledger.ts';

/** One call of a tool as it is counted: where, and whether it failed. */
interface CountedCall {
  workspace_key: number;
  quarter_ms: number;
  agent: string;
  model: string;
  tool: string;
  /** 0 when only a result is there: its call was made in another session, or has not come yet. */
  called: number;
  failed: number;
}

/** A call among those a transaction touched, by its place in their list. */
interface OfCall {
  i: number;
}

interface CallEvent extends OfCall {
  workspace_key: number;
  ts_ms: number;
  agent: string;
  model: string;
  tool: string | null;
}

interface CallSpan extends OfCall {
  workspace_key: number;
  at_ms: number;
  tool: string | null;
  failed: number;
}

/** The touched calls as a table: `[session_key, call_id]` each. CROSS JOIN keeps it the outer loop. */
const TOUCHED = 'json_each(?2) c CROSS JOIN';
const OF_TOUCHED = (call_id: string): string =>
  `x.team_id = ?1 AND x.session_key = c.value ->> 0 AND x.${call_id} = c.value ->> 1`;

/** Ties go by what the records say, never by which came first. */
const BY_WORKSPACE = '(SELECT w.workspace_hash FROM workspace w WHERE w.workspace_key = x.workspace_key)';

/** One record at most of each call, however many a sender makes of it. */
const firstEvents = (which: string): string => `
  SELECT c.key AS i, e.workspace_key, e.ts_ms, e.agent, e.model, e.tool FROM ${TOUCHED} event e ON e.event_key = (
    SELECT x.event_key FROM event x WHERE ${OF_TOUCHED('tool_call_id')} AND ${which}
    ORDER BY x.ts_ms, x.event_seq, x.origin_id_hash, ${BY_WORKSPACE} LIMIT 1)`;
const FIRST_CALLS = firstEvents("x.kind = 'tool_call'");
const FAILED_RESULTS = firstEvents("x.kind = 'tool_result' AND x.outcome = 'failed'");
const FIRST_SPANS = `
  SELECT c.key AS i, t.workspace_key, t.at_ms, t.tool, t.outcome IS 'failed' AS failed FROM ${TOUCHED} tool_span t
  ON t.span_key = (
    SELECT x.span_key FROM tool_span x WHERE ${OF_TOUCHED('tool_call_id')}
    ORDER BY x.outcome IS 'failed' DESC, x.at_ms, x.span_id_hash, x.origin_id_hash, ${BY_WORKSPACE} LIMIT 1)`;
const STORED = `SELECT c.key AS i, x.workspace_key, quarter_ms, agent, model, tool, called, failed
  FROM ${TOUCHED} tool_call x ON ${OF_TOUCHED('call_id')}`;

const COLUMNS =
  'tool_call (team_id, session_key, call_id, workspace_key, quarter_ms, agent, model, tool, called, failed)';
const STORE = `INSERT INTO ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET workspace_key = excluded.workspace_key, quarter_ms = excluded.quarter_ms,
    agent = excluded.agent, model = excluded.model, tool = excluded.tool, called = excluded.called, failed = excluded.failed`;
const REMOVE = 'DELETE FROM tool_call WHERE team_id = ? AND session_key = ? AND call_id = ?';

/** Where a record that tells of a call stands. */
interface RecordPlace {
  session_key: number;
  workspace_key: number;
}

/** A call that a transaction touched. */
interface Touched {
  session_key: number;
  call_id: string;
  /** Records that the transaction inserted; one of each sort at most. */
  call?: Omit<CallEvent, 'i'>;
  failed_result?: Omit<CallEvent, 'i'>;
  span?: Omit<CallSpan, 'i'>;
  /** A record was changed, or there are two new ones of a sort: only all records together tell what the call is now. */
  anew: boolean;
}

/**
 * The calls that one transaction touched. A call is recorded up to three times, as call, result and span, by hooks and
 * transcripts, in any order; it is one call, told by its id within its session. A call that is counted nowhere yet has no
 * other records than the new ones, and a span of a call that is known mostly adds nothing; any other is joined anew
 * from all its records, which is right whatever happened to them: four queries for all of them. (Joined anew each, they
 * took a third of an ingest.)
 */
export class TouchedCalls {
  readonly #calls = new Map<string, Touched>();

  /** An event that was inserted. A result that did not fail counts for nothing. */
  insertedEvent(place: RecordPlace, event: EventContent): void {
    const { kind, tool_call_id, outcome } = event;
    if (tool_call_id === null) return;
    const sort =
      kind === 'tool_call' ? 'call' : kind === 'tool_result' && outcome === 'failed' ? 'failed_result' : null;
    if (sort === null) return;
    const touched = this.#touched(place.session_key, tool_call_id);
    touched.anew ||= touched[sort] !== undefined;
    const { ts_ms, agent, model, tool } = event;
    touched[sort] = { workspace_key: place.workspace_key, ts_ms, agent, model, tool };
  }

  /** A span with a call's id that was inserted. */
  insertedSpan(place: RecordPlace, call_id: string, span: SpanContent): void {
    const touched = this.#touched(place.session_key, call_id);
    touched.anew ||= touched.span !== undefined;
    const at_ms = span.started_at_ms ?? span.ended_at_ms ?? 0;
    const failed = span.outcome === 'failed' ? 1 : 0;
    touched.span = { workspace_key: place.workspace_key, at_ms, tool: span.tool, failed };
  }

  /** A record of the call was changed, or is another's from now on. */
  changed(session_key: number, call_id: string | null): void {
    if (call_id !== null) this.#touched(session_key, call_id).anew = true;
  }

  #touched(session_key: number, call_id: string): Touched {
    const key = `${session_key}\n${call_id}`;
    let touched = this.#calls.get(key);
    if (!touched) this.#calls.set(key, (touched = { session_key, call_id, anew: false }));
    return touched;
  }

  write(db: Database, team_id: string, ledger: UsageLedger): void {
    if (this.#calls.size === 0) return;
    const calls = [...this.#calls.values()];
    const stored = byCall(db.all<CountedCall & OfCall>(STORED, team_id, listOf(calls)));
    const fresh: SQLInputValue[][] = [];
    const rest: { touched: Touched; before: CountedCall | undefined }[] = [];
    for (const [i, touched] of calls.entries()) {
      const before = stored.get(i);
      const counted = before || touched.anew ? null : joinCall(touched.call, touched.failed_result, touched.span);
      if (counted) {
        ledger.book(1, keyOf(touched.session_key, counted), measuresOf(counted));
        fresh.push(rowOf(team_id, touched, counted));
      } else if (!before || !addsNothing(touched, before)) rest.push({ touched, before });
    }
    insertRows(db, COLUMNS, fresh);
    joinAnew(db, team_id, ledger, rest);
  }
}

/** A span beside the call's own event says no more than whether it failed, and its tool where that does not say one. */
function addsNothing({ call, failed_result, span, anew }: Touched, before: CountedCall): boolean {
  if (anew || call || failed_result || !span) return false;
  const has_call_event = before.called === 1 && before.agent !== '';
  return has_call_event && span.tool === before.tool && span.failed <= before.failed;
}

function joinAnew(
  db: Database,
  team_id: string,
  ledger: UsageLedger,
  calls: readonly { touched: Touched; before: CountedCall | undefined }[],
): void {
  if (calls.length === 0) return;
  const join = joiner(db, team_id, listOf(calls.map(({ touched }) => touched)));
  for (const [i, { touched, before }] of calls.entries()) {
    const { session_key, call_id } = touched;
    const joined = join(i);
    if (joined && before && equal(before, joined)) continue;
    if (before) ledger.book(-1, keyOf(session_key, before), measuresOf(before));
    if (joined) ledger.book(1, keyOf(session_key, joined), measuresOf(joined));
    if (joined) db.run(STORE, ...rowOf(team_id, touched, joined));
    else if (before) db.run(REMOVE, team_id, session_key, call_id);
  }
}

/** As `TOUCHED` reads them. */
function listOf(calls: readonly Touched[]): string {
  return JSON.stringify(calls.map(({ session_key, call_id }) => [session_key, call_id]));
}

function rowOf(team_id: string, { session_key, call_id }: Touched, call: CountedCall): SQLInputValue[] {
  const { workspace_key, quarter_ms, agent, model, tool, called, failed } = call;
  return [team_id, session_key, call_id, workspace_key, quarter_ms, agent, model, tool, called, failed];
}

/** Joins the records of touched calls: null when nothing is left that counts. */
function joiner(db: Database, team_id: string, touched: string): (i: number) => CountedCall | null {
  const calls = byCall(db.all<CallEvent>(FIRST_CALLS, team_id, touched));
  const results = byCall(db.all<CallEvent>(FAILED_RESULTS, team_id, touched));
  const spans = byCall(db.all<CallSpan>(FIRST_SPANS, team_id, touched));
  return (i) => joinCall(calls.get(i), results.get(i), spans.get(i));
}

function byCall<T extends OfCall>(rows: readonly T[]): Map<number, T> {
  return new Map(rows.map((row) => [row.i, row]));
}

/** The call tells the place; else a span; else the failed result. */
function joinCall(
  call: Omit<CallEvent, 'i'> | undefined,
  result: Omit<CallEvent, 'i'> | undefined,
  span: Omit<CallSpan, 'i'> | undefined,
): CountedCall | null {
  const failed = span?.failed === 1 || result ? 1 : 0;
  const tool = call?.tool ?? span?.tool ?? result?.tool ?? 'unknown';
  const told = call ?? (span ? undefined : result);
  if (told) {
    const { workspace_key, ts_ms, agent, model } = told;
    return { workspace_key, quarter_ms: quarterOf(ts_ms), agent, model, tool, called: call ? 1 : 0, failed };
  }
  if (!span) return null;
  // A span knows neither agent nor model; its session does, and is asked when reading.
  const { workspace_key, at_ms } = span;
  return { workspace_key, quarter_ms: quarterOf(at_ms), agent: '', model: '', tool, called: 1, failed };
}

function measuresOf(call: CountedCall): Measures {
  return { calls: call.called, failures: call.failed };
}

function keyOf(session_key: number, call: CountedCall): UsageKey {
  const { workspace_key, quarter_ms, agent, model, tool } = call;
  return { session_key, quarter_ms, workspace_key, agent, model, tool, price_date: '' };
}

function equal(a: CountedCall, b: CountedCall): boolean {
  return (
    a.workspace_key === b.workspace_key &&
    a.quarter_ms === b.quarter_ms &&
    a.agent === b.agent &&
    a.model === b.model &&
    a.tool === b.tool &&
    a.called === b.called &&
    a.failed === b.failed
  );
}
