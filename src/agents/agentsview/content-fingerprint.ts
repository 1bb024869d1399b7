import { hash } from 'node:crypto';
import type { AgentsviewDatabase } from './open.ts';
import { textOf, type Rows, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/** Messages at the end whose text is looked at itself: where transcripts are streamed, merged and rewound. */
const TAIL_MESSAGES = 4;

/**
 * A cheap fingerprint of what a session holds, whatever its row says (§2.6, rule A9): number, last ordinal and lengths
 * of messages, number and lengths of calls' inputs and results, and the texts of the last few messages.
 *
 * For files without `transcript_revision` (before 0.38), and for all sessions of a new epoch: equal fingerprints mean
 * that nothing was appended, taken away, answered late or rewritten at the end. An edit in the middle that keeps every
 * length is not seen; only reading the session shows that. Null when the session is not there.
 */
export function contentFingerprint(database: AgentsviewDatabase, session_id: string): string | null {
  const { schema } = database;
  return database.read((rows) => {
    if (!rows.get('SELECT 1 FROM sessions WHERE id = ?', session_id)) return null;
    const parts = [
      totals(rows, 'messages', [...aggregates('ordinal'), ...aggregates(messageLength(schema))], session_id),
      callTotals(rows, schema, session_id),
      eventTotals(rows, schema, session_id),
      ...tailTexts(rows, session_id),
    ];
    return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 16);
  });
}

/** agentsview's own length where there is one: an index holds it, so the texts stay unread. */
function messageLength(schema: Schema): string {
  return schema.has('messages', 'content_length') ? 'content_length' : 'octet_length(content)';
}

function callTotals(rows: Rows, schema: Schema, session_id: string): unknown {
  if (!schema.has('tool_calls', 'session_id')) return null;
  const lengths = (['result_content_length', 'input_json', 'result_content'] as const)
    .filter((column) => schema.has('tool_calls', column))
    .flatMap((column) => aggregates(column === 'result_content_length' ? column : `octet_length(${column})`));
  return totals(rows, 'tool_calls', lengths, session_id);
}

function eventTotals(rows: Rows, schema: Schema, session_id: string): unknown {
  if (!schema.has('tool_result_events', 'session_id', 'content')) return null;
  return totals(rows, 'tool_result_events', aggregates('octet_length(content)'), session_id);
}

function aggregates(expression: string): string[] {
  return ['count', 'sum', 'min', 'max'].map((name) => `${name}(${expression})`);
}

function totals(rows: Rows, table: string, expressions: readonly string[], session_id: string): unknown {
  const list = ['count(*)', ...expressions].map((expression, place) => `${expression} AS v${place}`).join(', ');
  const row = rows.get<Record<string, Stored>>(`SELECT ${list} FROM ${table} WHERE session_id = ?`, session_id) ?? {};
  return Object.values(row).map(textOf);
}

function tailTexts(rows: Rows, session_id: string): unknown[] {
  const sql = `SELECT ordinal, role, substr(content, 1, 65536) AS content FROM messages WHERE session_id = ?
    ORDER BY ordinal DESC LIMIT ${TAIL_MESSAGES}`;
  return rows
    .all<Record<'ordinal' | 'role' | 'content', Stored>>(sql, session_id)
    .map((row) => [row.ordinal, row.role, row.content].map(textOf));
}
