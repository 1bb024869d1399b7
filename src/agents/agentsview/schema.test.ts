import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter, RELEASES, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { fatesOf } from './deletions.ts';
import { readSession, type SessionReading } from './messages.ts';
import type { AgentsviewMessage } from './message.ts';
import { openAgentsview } from './open.ts';
import { planRound } from './round.ts';
import { allSessions } from './sessions.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
});
afterEach(() => scratch.remove());

const since = (release: string, first: string): boolean => RELEASES.indexOf(release) >= RELEASES.indexOf(first);

function read(): { release: string; reading: SessionReading; messages: AgentsviewMessage[] } {
  using database = openAgentsview(path);
  const messages: AgentsviewMessage[] = [];
  const reading = readSession(database, 'S1', (segment) => messages.push(...segment.messages));
  planRound(database, null, 0);
  expect([...allSessions(database)].map(({ id }) => id)).toEqual(['S1']);
  expect(fatesOf(database, ['S2']).get('S2')).toEqual({ kind: 'vanished' });
  return { release: database.schema.release(), reading: reading!, messages };
}

describe('A5: each column and table is probed alone', () => {
  it.each(RELEASES)('a database of %s is read with all that it has', (release) => {
    using writer = new AgentsviewWriter(path, release);
    writeConversation(writer, release);
    const { reading, messages, release: told } = read();
    const from = <T>(first: string, value: T, before: T): T => (since(release, first) ? value : before);
    // 0.18, 0.30 and 0.41 added nothing that is read, or nothing that can be told from the one before.
    expect(since(release, told)).toBe(true);
    expect(reading.session).toMatchObject({
      agent: 'claude',
      first_message: 'fix the tests',
      message_count: 2,
      relationship_type: from('0.10', 'continuation', ''),
      parent_session_id: from<string | null>('0.10', 'S0', null),
      user_message_count: from<number | null>('0.10', 1, null),
      display_name: from<string | null>('0.11', 'Green tests', null),
      starred_at: from<string | null>('0.11', '2026-03-10T00:00:00.000Z', null),
      total_output_tokens: from<number | null>('0.14', 7, null),
      place: {
        cwd: from<string | null>('0.23', '/home/ada/shop', null),
        git_branch: from<string | null>('0.23', 'main', null),
        repository: from<string | null>('0.38', 'github.com/acme/shop', null),
      },
      termination_status: from<string | null>('0.27', 'clean', null),
      session_name: from<string | null>('0.33', 'test-fixes', null),
      transcript_revision: from<string | null>('0.38', '2', null),
      presence: { kind: 'present' },
    });
    expect(reading.session.pins).toHaveLength(from('0.11', 1, 0));
    expect(messages.map(({ ordinal, role, content }) => [ordinal, role, content])).toEqual([
      [0, 'user', 'fix the tests'],
      [2, 'assistant', '[Bash]\n$ npm test'],
    ]);
    expect(messages[1]).toMatchObject({
      has_tool_use: true,
      content_length: from<number | null>('0.10', 17, null),
      model: from<string | null>('0.14', 'opus', null),
      thinking_text: from<string | null>('0.23', 'hm', null),
      source_uuid: from<string | null>('0.23', 'u-2', null),
      prompt_source: from<string | null>('0.40', 'typed', null),
    });
    const [shell, file] = messages[1]!.tool_calls;
    expect(shell).toMatchObject({
      index: 0,
      tool_name: 'Bash',
      tool_use_id: from<string | null>('0.10', 't1', null),
      input_json: from<string | null>('0.10', '{"command":"npm test"}', null),
    });
    expect(shell!.result.content).toBe(since(release, '0.10') && !since(release, '0.17') ? 'ok' : null);
    expect(shell!.result.events.map(({ content }) => content)).toEqual(from('0.17', ['first', 'second'], []));
    expect(file!.result).toEqual({ content: null, length: from<number | null>('0.10', 42, null), events: [] });
  });

  it('0.11 to 0.13 have names without tokens, and the names are told', () => {
    using writer = new AgentsviewWriter(path, '0.11');
    writeConversation(writer, '0.11');
    const { reading, release } = read();
    expect([release, reading.session.display_name, reading.session.total_output_tokens]).toEqual([
      '0.11',
      'Green tests',
      null,
    ]);
  });

  it('unknown columns, tables and types of a newer release change nothing', () => {
    using writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    const before = read();
    writer.database.exec(`
      ALTER TABLE sessions ADD COLUMN shape TEXT NOT NULL DEFAULT 'round';
      ALTER TABLE messages ADD COLUMN embedding BLOB;
      CREATE TABLE sessions_v2 (id TEXT PRIMARY KEY);
      PRAGMA user_version=4000;`);
    expect(read()).toEqual(before);
  });

  it('a column that a release dropped reads as unknown', () => {
    using writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    for (const column of ['first_message', 'message_count', 'relationship_type', 'cwd'])
      writer.run(`ALTER TABLE sessions DROP COLUMN ${column}`);
    writer.run('DROP TABLE tool_result_events');
    const { reading, messages } = read();
    expect(reading.session).toMatchObject({ first_message: null, message_count: null, relationship_type: '' });
    expect(messages[1]!.tool_calls[0]!.result.content).toBe('ok');
  });

  it('an upgrade in place is seen at the next opening', () => {
    using writer = new AgentsviewWriter(path, '0.10');
    writeConversation(writer, '0.10');
    expect(read().release).toBe('0.10');
    writer.upgrade('0.41', '0.10');
    writer.run("UPDATE sessions SET cwd = '/later'");
    const { release, reading } = read();
    expect([release, reading.session.place.cwd]).toEqual(['0.40', '/later']);
  });
});
