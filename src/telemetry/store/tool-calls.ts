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

interface CallEvent {
  workspace_key: number;
  ts_ms: number;
  agent: string;
  model: string;
  tool: string | null;
}

interface CallSpan {
  workspace_key: number;
  at_ms: number;
  tool: string | null;
  failed: number;
}

/** Ties go by what the records say, never by which came first. */
const BY_WORKSPACE = '(SELECT w.workspace_hash FROM workspace w WHERE w.workspace_key = x.workspace_key)';
const EVENT_ORDER = `ORDER BY ts_ms, event_seq, origin_id_hash, ${BY_WORKSPACE} LIMIT 1`;

const EVENT_OF_CALL = `SELECT workspace_key, ts_ms, agent, model, tool FROM event x
  WHERE team_id = ? AND session_key = ? AND tool_call_id = ?`;
const FIRST_CALL = `${EVENT_OF_CALL} AND kind = 'tool_call' ${EVENT_ORDER}`;
const FAILED_RESULT = `${EVENT_OF_CALL} AND kind = 'tool_result' AND outcome = 'failed' ${EVENT_ORDER}`;
const FIRST_SPAN = `SELECT workspace_key, at_ms, tool, outcome IS 'failed' AS failed FROM tool_span x
  WHERE team_id = ? AND session_key = ? AND tool_call_id = ?
  ORDER BY outcome IS 'failed' DESC, at_ms, span_id_hash, origin_id_hash, ${BY_WORKSPACE} LIMIT 1`;

const STORED = `SELECT workspace_key, quarter_ms, agent, model, tool, called, failed FROM tool_call
  WHERE team_id = ? AND session_key = ? AND call_id = ?`;
const STORE = `INSERT INTO tool_call (team_id, session_key, call_id, workspace_key, quarter_ms, agent, model, tool, called, failed)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET workspace_key = excluded.workspace_key, quarter_ms = excluded.quarter_ms,
    agent = excluded.agent, model = excluded.model, tool = excluded.tool, called = excluded.called, failed = excluded.failed`;
const REMOVE = 'DELETE FROM tool_call WHERE team_id = ? AND session_key = ? AND call_id = ?';

/**
 * The calls that one transaction touched. A call is recorded up to three times, as call, result and span, by hooks and
 * transcripts, in any order; it is one call, told by its id within its session. Each touched call is joined anew from
 * its records at the end, which is right whatever happened to them (three index probes, 15 µs).
 */
export class TouchedCalls {
  readonly #calls = new Map<string, { session_key: number; call_id: string }>();

  add(session_key: number, call_id: string | null): void {
    if (call_id !== null) this.#calls.set(`${session_key}\n${call_id}`, { session_key, call_id });
  }

  write(db: Database, team_id: string, ledger: UsageLedger): void {
    for (const { session_key, call_id } of this.#calls.values()) {
      const stored = db.get<CountedCall>(STORED, team_id, session_key, call_id);
      const joined = joinCall(db, team_id, session_key, call_id);
      if (stored) ledger.book(-1, keyOf(session_key, stored), measuresOf(stored));
      if (joined) ledger.book(1, keyOf(session_key, joined), measuresOf(joined));
      if (joined && !equal(stored, joined))
        db.run(
          STORE,
          team_id,
          session_key,
          call_id,
          joined.workspace_key,
          joined.quarter_ms,
          joined.agent,
          joined.model,
          joined.tool,
          joined.called,
          joined.failed,
        );
      if (stored && !joined) db.run(REMOVE, team_id, session_key, call_id);
    }
  }
}

/** Null when nothing of it is left that counts. The call tells the place; else a span; else the failed result. */
function joinCall(db: Database, team_id: string, session_key: number, call_id: string): CountedCall | null {
  const call = db.get<CallEvent>(FIRST_CALL, team_id, session_key, call_id);
  const result = db.get<CallEvent>(FAILED_RESULT, team_id, session_key, call_id);
  const span = db.get<CallSpan>(FIRST_SPAN, team_id, session_key, call_id);
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

function equal(a: CountedCall | undefined, b: CountedCall): boolean {
  return (
    a !== undefined &&
    a.workspace_key === b.workspace_key &&
    a.quarter_ms === b.quarter_ms &&
    a.agent === b.agent &&
    a.model === b.model &&
    a.tool === b.tool &&
    a.called === b.called &&
    a.failed === b.failed
  );
}
