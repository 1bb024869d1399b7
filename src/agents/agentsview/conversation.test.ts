import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter, RELEASES, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import type { ConversationHead, ConversationMessage } from '../conversation.ts';
import { conversationSegmentOf, headOf } from './conversation.ts';
import { readSession } from './messages.ts';
import { openAgentsview } from './open.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
  writer = new AgentsviewWriter(path);
});
afterEach(() => {
  writer.close();
  scratch.remove();
});

function read(id: string, file = path): { head: ConversationHead; messages: ConversationMessage[] } {
  using database = openAgentsview(file);
  const messages: ConversationMessage[] = [];
  const reading = readSession(database, id, (segment) => {
    messages.push(...conversationSegmentOf(segment).messages);
  });
  return { head: headOf(reading!.session), messages };
}

describe('a conversation of the newest release', () => {
  it('is told whole, and once', () => {
    writeConversation(writer, '0.41');
    writer.run(
      "UPDATE messages SET has_thinking = 1, content = '[Thinking]\nhm\n[/Thinking]\nI run [Bash] now\n' || content",
    );
    writer.run("UPDATE tool_result_events SET timestamp = '2026-03-05T08:00:09.500Z', subagent_session_id = 'agent-7'");
    const { head, messages } = read('S1');
    expect(head).toEqual({
      ...{ native_id: 'S1', agent_session_id: 'S1', agent: 'claude', agent_version: null, machine: 'laptop' },
      ...{ project_label: 'shop', cwd: '/home/ada/shop', git_branch: 'main', repository: 'github.com/acme/shop' },
      ...{ title: 'Green tests', first_message: 'fix the tests', parent_native_id: 'S0' },
      ...{ relationship: 'continuation', termination_status: 'clean', is_automated: false, is_truncated: false },
      ...{ started_at_ms: Date.UTC(2026, 2, 5, 8), ended_at_ms: Date.UTC(2026, 2, 5, 9) },
      ...{ total_output_tokens: 7, peak_context_tokens: 9, starred_at_ms: Date.UTC(2026, 2, 10) },
      ...{ pins: [{ ordinal: 2, note: 'here', created_at_ms: Date.UTC(2026, 2, 10) }], presence: { kind: 'present' } },
    });
    expect(messages[1]).toEqual({
      ...{ ordinal: 2, role: 'assistant', content: 'I run [Bash] now', thinking: 'hm', timestamp_ms: null },
      ...{ model: 'opus', is_system: false, is_sidechain: false, is_compact_boundary: false, source_uuid: 'u-2' },
      usage: {
        ...{ input_tokens: null, output_tokens: 7, cache_read_tokens: null, cache_write_tokens: null },
        context_tokens: null,
      },
      tool_calls: [
        {
          ...{ index: 0, tool_use_id: 't1', tool_name: 'Bash', category: 'Bash', input_json: '{"command":"npm test"}' },
          ...{ skill_name: null, file_path: null, subagent_native_id: 'agent-7', result: 'first\nsecond' },
          ...{ result_bytes: 12, is_error: false, result_at_ms: Date.UTC(2026, 2, 5, 8, 0, 9, 500) },
        },
        {
          ...{ index: 1, tool_use_id: 't2', tool_name: 'Read', category: 'Read', input_json: '{}' },
          ...{ skill_name: null, file_path: null, subagent_native_id: null, result: null },
          ...{ result_bytes: 42, is_error: false, result_at_ms: null },
        },
      ],
      cut_bytes: 0,
    });
  });

  it.each([
    ['errored', true],
    ['failed', true],
    ['completed', false],
  ])('a result whose last event %s', (status, is_error) => {
    writeConversation(writer, '0.41');
    writer.run('UPDATE tool_result_events SET status = ? WHERE event_index = 1', status);
    expect(read('S1').messages[1]!.tool_calls[0]!.is_error).toBe(is_error);
  });

  it.each([
    ['trashed', "deleted_at = '2026-04-01T00:00:00Z'", { kind: 'trashed', since_ms: Date.UTC(2026, 3, 1) }],
    [
      'without its file',
      "deleted_at = '2026-04-01 00:00:00', deletion_cause = 'source_missing'",
      { kind: 'source_gone', since_ms: Date.UTC(2026, 3, 1) },
    ],
  ])('one that is %s says so', (_name, change, presence) => {
    writer.session('S1');
    writer.run(`UPDATE sessions SET ${change}`);
    expect(read('S1').head.presence).toEqual(presence);
  });

  it.each([
    ['claude', 'c0ffee', '', 'own', 'own'],
    ['claude', 'c0ffee', '', '', 'c0ffee'],
    ['claude', 'agent-7', 'subagent', '', 'parent'],
    ['codex', 'codex:c0ffee', '', '', 'c0ffee'],
    ['codex', 'desk~codex:c0ffee', '', '', 'c0ffee'],
    ['gemini', 'gemini:c0ffee', '', '', null],
  ])('%s %s (%s): the id telemetry knows', (agent, id, relationship_type, source_session_id, known) => {
    writer.session(id, { agent, relationship_type, source_session_id, parent_session_id: 'parent' });
    expect(read(id).head.agent_session_id).toBe(known);
  });

  it('a label is never a path, a zero is no count, a time without zone is UTC, an unknown relationship none', () => {
    writer.session('S1', {
      ...{ project: '/home/ada/shop/', relationship_type: 'sequel', started_at: '2026-03-05 08:00:00' },
      ...{ ended_at: 'soon', display_name: '', session_name: '' },
    });
    expect(read('S1').head).toMatchObject({
      ...{ project_label: 'shop', relationship: '', started_at_ms: Date.UTC(2026, 2, 5, 8), ended_at_ms: null },
      ...{ title: null, total_output_tokens: null, peak_context_tokens: null },
    });
  });
});

describe.each(RELEASES.filter((release) => release !== '0.8'))('release %s', (release) => {
  it('says the same as far as it knows it', () => {
    const file = join(scratch.path, `${release}.db`);
    {
      using old = new AgentsviewWriter(file, release);
      writeConversation(old, release);
      old.run('UPDATE tool_calls SET input_json = \'{"file_path":"a.ts"}\' WHERE category = \'Read\'');
    }
    const { head, messages } = read('S1', file);
    expect(head).toMatchObject({ native_id: 'S1', agent: 'claude', agent_session_id: 'S1', parent_native_id: 'S0' });
    expect(messages.map(({ ordinal, content }) => [ordinal, content])).toEqual([
      [0, 'fix the tests'],
      [2, ''],
    ]);
    expect(messages[1]!.tool_calls.map(({ result }) => result)).toEqual([
      RELEASES.indexOf(release) >= RELEASES.indexOf('0.17') ? 'first\nsecond' : 'ok',
      null,
    ]);
    expect(messages[1]!.tool_calls[1]!.file_path).toBe('a.ts');
  });
});
