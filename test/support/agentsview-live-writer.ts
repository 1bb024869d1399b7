/**
 * agentsview in a process of its own, at work: `node agentsview-live-writer.ts FILE`. Until its input ends it rewrites
 * two sessions, whole, in one transaction each, so that every text of a session bears the session's revision; it
 * checkpoints now and then, as agentsview does, and prints one line when it begins and one with the last revision.
 */
import { AgentsviewWriter } from './agentsview-databases.ts';

export const LIVE_SESSIONS = ['L1', 'L2'] as const;

/** How many messages a session has at a revision: it grows over several segments, and shrinks again. */
export function liveMessages(revision: number): number {
  return 1 + ((revision * 37) % 150);
}

function rewrite(writer: AgentsviewWriter, id: string, revision: number): void {
  const text = `revision ${revision}`;
  writer.transaction(() => {
    writer.run('DELETE FROM tool_result_events WHERE session_id = ?', id);
    writer.run('DELETE FROM tool_calls WHERE session_id = ?', id);
    writer.run('DELETE FROM messages WHERE session_id = ?', id);
    for (let i = 0; i < liveMessages(revision); i++) {
      const row = { session_id: id, ordinal: i * 2, role: 'user', content: text };
      const message_id = writer.insert('messages', row);
      writer.call(id, message_id, { input_json: text, call_index: 0 });
      writer.event(id, i * 2, { content: text });
    }
    const sql = 'UPDATE sessions SET transcript_revision = ?, message_count = ?, first_message = ? WHERE id = ?';
    writer.run(sql, String(revision), liveMessages(revision), text, id);
  });
}

async function main(path: string): Promise<void> {
  using writer = new AgentsviewWriter(path, null);
  let ended = false;
  process.stdin.on('end', () => (ended = true)).resume();
  for (let revision = 1; !ended; revision++) {
    for (const id of LIVE_SESSIONS) rewrite(writer, id, revision);
    if (revision % 7 === 0) writer.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    if (revision === 1) process.stdout.write('begun\n');
    // Lets the end of the input be heard.
    await new Promise((resolve) => setImmediate(resolve));
    if (ended) process.stdout.write(`${revision}\n`);
  }
}

if (import.meta.main) await main(process.argv[2] ?? '');
