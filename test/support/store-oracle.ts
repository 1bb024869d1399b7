/** What a store holds against what is true: the same things, each once, with the same figures. */
import { DatabaseSync } from 'node:sqlite';
import { loadHashing } from '../../src/redaction/hashing.ts';
import type { Truth } from './conversations.ts';

export interface StoreUnderTest {
  /** Path of `store.db`. */
  file: string;
  salt: Uint8Array;
  team_id: string;
}

/** Where a store differs from the truth, a sentence each; nothing when all is well. */
export async function differences(store: StoreUnderTest, truth: Truth): Promise<string[]> {
  const hashing = await loadHashing();
  const hash = (text: string): string => hashing.hashWithSalt(store.salt, text);
  const db = new DatabaseSync(store.file, { readOnly: true });
  try {
    return [...eventDifferences(db, store.team_id, truth, hash), ...callDifferences(db, store.team_id, truth, hash)];
  } finally {
    db.close();
  }
}

type Hash = (text: string) => string;
type Row = Record<string, string | number | null>;

const EVENTS = `SELECT e.origin_id_hash, e.kind, s.session_id_hash AS session, e.subagent_id_hash AS subagent, e.tool,
    e.outcome, e.tokens_in, e.tokens_out, e.cache_read_tokens, e.cache_write_5m_tokens, e.cache_write_1h_tokens
  FROM event e JOIN session s USING (session_key) WHERE e.team_id = ? AND e.kind <> 'hook'`;

function eventDifferences(db: DatabaseSync, team_id: string, truth: Truth, hash: Hash): string[] {
  const rows = db.prepare(EVENTS).all(team_id) as Row[];
  const found = new Map<string, string[]>();
  for (const { origin_id_hash, ...row } of rows) {
    const key = String(origin_id_hash);
    found.set(key, [...(found.get(key) ?? []), JSON.stringify(row)]);
  }
  const problems: string[] = [];
  for (const [identity, event] of truth.events) {
    const key = hash(identity);
    const expected = JSON.stringify({
      kind: event.kind,
      session: hash(event.session),
      subagent: event.subagent === null ? null : hash(event.subagent),
      tool: event.tool,
      outcome: event.outcome,
      tokens_in: event.usage?.tokens_in ?? null,
      tokens_out: event.usage?.tokens_out ?? null,
      cache_read_tokens: event.usage?.cache_read_tokens ?? null,
      cache_write_5m_tokens: event.usage?.cache_write_5m_tokens ?? null,
      cache_write_1h_tokens: event.usage?.cache_write_1h_tokens ?? null,
    });
    const copies = found.get(key) ?? [];
    found.delete(key);
    if (copies.length !== 1) problems.push(`${identity} is there ${copies.length} times`);
    else if (copies[0] !== expected) problems.push(`${identity} is ${copies[0]}, not ${expected}`);
  }
  for (const [key, copies] of found) problems.push(`nothing true is behind ${key}: ${copies.join(' ')}`);
  return problems;
}

const SPANS = `SELECT origin_id_hash, status, outcome FROM tool_span WHERE team_id = ?`;

/** A call without an answer has no span yet: it is told after an hour. */
function callDifferences(db: DatabaseSync, team_id: string, truth: Truth, hash: Hash): string[] {
  const rows = db.prepare(SPANS).all(team_id) as Row[];
  const found = new Map(rows.map((row) => [String(row['origin_id_hash']), row]));
  const problems = rows.length === found.size ? [] : [`${rows.length - found.size} spans are there twice`];
  for (const [call, outcome] of truth.calls) {
    const row = found.get(hash(`span:${call}`));
    found.delete(hash(`span:${call}`));
    if (outcome === null ? row?.['status'] === 'done' : row?.['status'] !== 'done' || row['outcome'] !== outcome)
      problems.push(`the span of ${call} is ${JSON.stringify(row)}, its outcome ${outcome}`);
  }
  for (const key of found.keys()) problems.push(`nothing true is behind the span ${key}`);
  return problems;
}

/** How often hooks were told, by the agent's name of the event. */
export function hookCounts(store: StoreUnderTest): Record<string, number> {
  using db = new DatabaseSync(store.file, { readOnly: true });
  const rows = db
    .prepare(
      `SELECT payload ->> 'event' AS event, count(*) AS times FROM event WHERE team_id = ? AND kind = 'hook' GROUP BY 1`,
    )
    .all(store.team_id);
  return Object.fromEntries(rows.map(({ event, times }) => [String(event), Number(times)]));
}

/** Everything in the tables that a reader can see, as text that is equal for equal stores: no keys and no arrival times. */
export function canonicalDump(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const dump = (sql: string): string[] =>
      (db.prepare(sql).all() as Row[]).map((row) => JSON.stringify(row, Object.keys(row).sort())).sort();
    const without = (table: string, keys: readonly string[]): string => {
      const columns = (db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[]).map(({ name }) => name);
      return columns.filter((name) => !keys.includes(name)).join(', ');
    };
    const keys = ['event_key', 'span_key', 'session_key', 'workspace_key', 'received_ms'];
    const joins = 'JOIN session s USING (session_key) JOIN workspace w USING (workspace_key)';
    return [
      ...dump('SELECT team_id, workspace_hash, project_name FROM workspace'),
      ...dump(`SELECT ${without('session', [...keys, 'event_workspace', 'account_workspace'])} FROM session`),
      ...['event', 'tool_span'].flatMap((table) => {
        const columns = without(table, [...keys, 'team_id']).replaceAll(/\b(\w+)\b/g, `${table}.$1`);
        return dump(`SELECT ${table}.team_id, s.session_id_hash, w.workspace_hash, ${columns} FROM ${table} ${joins}`);
      }),
    ].join('\n');
  } finally {
    db.close();
  }
}
