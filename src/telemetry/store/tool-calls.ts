import type { Database } from '../../storage/sqlite/database.ts';
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

const STORE = `INSERT INTO tool_call (team_id, session_key, call_id, workspace_key, quarter_ms, agent, model, tool, called, failed)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET workspace_key = excluded.workspace_key, quarter_ms = excluded.quarter_ms,
    agent = excluded.agent, model = excluded.model, tool = excluded.tool, called = excluded.called, failed = excluded.failed`;
const REMOVE = 'DELETE FROM tool_call WHERE team_id = ? AND session_key = ? AND call_id = ?';

/**
 * The calls that one transaction touched. A call is recorded up to three times, as call, result and span, by hooks and
 * transcripts, in any order; it is one call, told by its id within its session. Each touched call is joined anew from
 * its records at the end, which is right whatever happened to them: four queries for all, where four for each took
 * a quarter of an ingest.
 */
export class TouchedCalls {
  readonly #calls = new Map<string, [session_key: number, call_id: string]>();

  add(session_key: number, call_id: string | null): void {
    if (call_id !== null) this.#calls.set(`${session_key}\n${call_id}`, [session_key, call_id]);
  }

  write(db: Database, team_id: string, ledger: UsageLedger): void {
    if (this.#calls.size === 0) return;
    const calls = [...this.#calls.values()];
    const touched = JSON.stringify(calls);
    const stored_calls = byCall(db.all<CountedCall & OfCall>(STORED, team_id, touched));
    const join = joiner(db, team_id, touched);
    for (const [i, [session_key, call_id]] of calls.entries()) {
      const stored = stored_calls.get(i);
      const joined = join(i);
      if (joined && stored && equal(stored, joined)) continue;
      if (stored) ledger.book(-1, keyOf(session_key, stored), measuresOf(stored));
      if (joined) ledger.book(1, keyOf(session_key, joined), measuresOf(joined));
      if (joined) storeCall(db, team_id, session_key, call_id, joined);
      else if (stored) db.run(REMOVE, team_id, session_key, call_id);
    }
  }
}

function storeCall(db: Database, team_id: string, session_key: number, call_id: string, call: CountedCall): void {
  const { workspace_key, quarter_ms, agent, model, tool, called, failed } = call;
  db.run(STORE, team_id, session_key, call_id, workspace_key, quarter_ms, agent, model, tool, called, failed);
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
  call: CallEvent | undefined,
  result: CallEvent | undefined,
  span: CallSpan | undefined,
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
