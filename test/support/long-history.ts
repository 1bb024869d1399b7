import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/platform/random.ts';
import { AgentsviewWriter } from './agentsview-databases.ts';

export interface LongHistory {
  /** Messages in all; the first fifth of them, at most 20,000, are one session. */
  messages: number;
  /** UTF-16 units of each second message's tool output, beside about 300 of talk. */
  output_chars: number;
  /** The folder that all sessions say they worked in. */
  cwd: string;
}

const WORDS =
  'the order list fails when a cart is empty so read the handler and fix the test then build the router again'.split(
    ' ',
  );
const SESSION_MESSAGES = 250;
const BEGAN_MS = Date.parse('2025-01-06T08:00:00Z');

/** Writes a database of agentsview at `folder`, as years of work leave it. Returns the number of sessions. */
export function writeLongHistory(folder: string, { messages, output_chars, cwd }: LongHistory): number {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'sessions.db');
  using writer = new AgentsviewWriter(path);
  const random = seededRandom(7);
  const talk = (length: number): string => {
    let text = '';
    while (text.length < length) text += `${WORDS[Math.floor(random.unit() * WORDS.length)] ?? ''} `;
    return text;
  };
  const addMessage = writer.database.prepare(
    `INSERT INTO messages (session_id, ordinal, role, content, content_length, timestamp, has_tool_use)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const addCall = writer.database.prepare(
    `INSERT INTO tool_calls (session_id, message_id, tool_name, category, tool_use_id, input_json, result_content, result_content_length)
     VALUES (?, ?, 'Bash', 'Bash', ?, '{"command":"npm test"}', ?, ?)`,
  );
  const longest = Math.min(20_000, Math.floor(messages / 5));
  let sessions = 0;
  for (let written = 0; written < messages; sessions++) {
    const count = Math.min(sessions === 0 ? longest : SESSION_MESSAGES, messages - written);
    const id = `session-${sessions}`;
    const at = (ordinal: number): string => new Date(BEGAN_MS + sessions * 3_600_000 + ordinal * 100).toISOString();
    writer.transaction(() => {
      writer.session(id, {
        ...{ agent: 'claude', cwd, started_at: at(0), ended_at: at(count), file_size: sessions },
        ...{ message_count: count, user_message_count: count / 2, transcript_revision: '1' },
      });
      for (let ordinal = 0; ordinal < count; ordinal++) {
        const by_user = ordinal % 2 === 0;
        const content = `${id} turn ${ordinal}: ${talk(300)}`;
        const role = by_user ? 'user' : 'assistant';
        const row = addMessage.run(id, ordinal, role, content, content.length, at(ordinal), by_user ? 0 : 1);
        if (by_user) continue;
        const output = 'x'.repeat(output_chars);
        addCall.run(id, row.lastInsertRowid, `call-${ordinal}`, output, output_chars);
      }
    });
    written += count;
  }
  // Long ago: what was written within the last seconds is looked at again whatever its time says.
  writer.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  writer.close();
  utimesSync(path, 1_772_000_000, 1_772_000_000);
  return sessions;
}
