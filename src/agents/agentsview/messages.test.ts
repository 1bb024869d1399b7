import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import type { AgentsviewMessage } from './message.ts';
import { SessionPass, readSession, type MessageSegment, type SessionReading } from './messages.ts';
import { openAgentsview } from './open.ts';
import type { ToolCall } from './tool-call.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
});
afterEach(() => {
  writer.close();
  scratch.remove();
});

function database(release = '0.41'): void {
  writer = new AgentsviewWriter(path, release);
  writer.session('S1');
}

function read(max_text_bytes?: number): {
  reading: SessionReading;
  segments: MessageSegment[];
  messages: AgentsviewMessage[];
} {
  using reader = openAgentsview(path);
  const segments: MessageSegment[] = [];
  const reading = readSession(reader, 'S1', (segment) => segments.push(segment), { max_text_bytes });
  return { reading: reading!, segments, messages: segments.flatMap(({ messages }) => messages) };
}
const calls = (ordinal: number): ToolCall[] =>
  read().messages.find((message) => message.ordinal === ordinal)!.tool_calls;

describe('segments', () => {
  it('hold the ordinals of 64 each, in order, whatever the order of the rows and the gaps', () => {
    database();
    for (const ordinal of [200, 64, 3, 63, 0, 127]) writer.message('S1', ordinal);
    const { segments, reading } = read();
    expect(segments.map(({ index, messages }) => [index, messages.map(({ ordinal }) => ordinal)])).toEqual([
      [0, [0, 3, 63]],
      [1, [64, 127]],
      [3, [200]],
    ]);
    expect(reading).toMatchObject({ messages: 6, tool_calls: 0, unmatched_results: 0, cut_bytes: 0 });
  });

  it('are none for a session without messages, and a session that is not there is null', () => {
    database();
    expect(read()).toMatchObject({ segments: [], reading: { messages: 0, session: { id: 'S1' } } });
    using reader = openAgentsview(path);
    const seen: unknown[] = [];
    expect(readSession(reader, 'S2', (segment) => seen.push(segment))).toBeNull();
    expect(seen).toEqual([]);
  });

  it('are read from one on, and until there are enough', () => {
    database();
    for (let i = 0; i < 200; i++) writer.message('S1', i);
    using reader = openAgentsview(path);
    const seen: number[] = [];
    const visit = ({ index }: MessageSegment): boolean => seen.push(index) < 2;
    expect(readSession(reader, 'S1', visit, { first_index: 1 })).toMatchObject({ messages: 128 });
    expect(seen).toEqual([1, 2]);
    expect(readSession(reader, 'S1', visit, { first_index: 9 })).toMatchObject({ messages: 0 });
  });

  it('come with the session of the same moment', () => {
    database();
    for (let i = 0; i < 200; i++) writer.message('S1', i);
    using reader = openAgentsview(path);
    const revisions: (string | null)[] = [];
    const reading = readSession(reader, 'S1', (segment, session) => {
      writer.message('S1', 1_000 + segment.index);
      revisions.push(session.transcript_revision);
    });
    expect(reading).toMatchObject({ messages: 200, session: { transcript_revision: '200', message_count: 200 } });
    expect(revisions).toEqual(['200', '200', '200', '200']);
  });
});

describe('a reading in steps', () => {
  it('is the same as one in a single transaction, and holds none between its steps', () => {
    database();
    for (let i = 0; i < 300; i++) writer.call('S1', writer.message('S1', i), { tool_use_id: `t${i}` });
    writer.event('S1', 290, { tool_use_id: 't290', content: 'late' });
    const whole = read();
    using reader = openAgentsview(path);
    const pass = new SessionPass(reader, 'S1');
    const seen: MessageSegment[] = [];
    let reading: SessionReading | null = null;
    for (let steps = 1; !pass.done; steps++) {
      reading = pass.read((segment) => seen.push(segment), 2);
      expect(seen.length).toBe(Math.min(2 * steps, 5));
      // A reader in a transaction would keep the log from being emptied.
      expect(writer.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 });
    }
    expect(seen).toEqual(whole.segments);
    expect(reading).toEqual(whole.reading);
  });

  it.each([
    ['changed', () => writer.message('S1', 999)],
    ['was removed', () => writer.run("DELETE FROM sessions WHERE id = 'S1'")],
  ])('of a session that %s meanwhile is given up', (_name, change) => {
    database();
    for (let i = 0; i < 300; i++) writer.message('S1', i);
    using reader = openAgentsview(path);
    const pass = new SessionPass(reader, 'S1');
    pass.read(() => undefined, 2);
    change();
    expect(() => pass.read(() => undefined, 2)).toThrow(
      expect.objectContaining({ code: 'agentsview.session_changed' }) as Error,
    );
  });

  it('is not trusted where no revision vouches for it', () => {
    database('0.35');
    for (let i = 0; i < 300; i++) writer.message('S1', i);
    using reader = openAgentsview(path);
    const pass = new SessionPass(reader, 'S1');
    pass.read(() => undefined, 2);
    expect(() => pass.read(() => undefined, 2)).toThrow(
      expect.objectContaining({ code: 'agentsview.session_changed' }) as Error,
    );
  });
});

describe('A7: tool calls', () => {
  it('are found by message, not by ordinal, and ordered by index, then by age', () => {
    database();
    const first = writer.message('S1', 10);
    const second = writer.message('S1', 5);
    writer.call('S1', first, { tool_name: 'b', call_index: 1 });
    writer.call('S1', second, { tool_name: 'x', call_index: 0 });
    writer.call('S1', first, { tool_name: 'a', call_index: 0 });
    writer.call('S1', second, { tool_name: 'z' });
    expect(calls(10).map(({ index, tool_name }) => [index, tool_name])).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
    expect(calls(5).map(({ tool_name }) => tool_name)).toEqual(['z', 'x']);
    expect(read().reading.tool_calls).toBe(4);
  });

  it('without an id stay apart (E11), also in a release that stores no index', () => {
    for (const release of ['0.10', '0.41']) {
      path = join(scratch.path, `${release}.db`);
      database(release);
      const message = writer.message('S1', 0);
      for (const result_content of ['one', 'two', 'three']) writer.call('S1', message, { result_content });
      expect(calls(0).map(({ index, tool_use_id, result }) => [index, tool_use_id, result.content])).toEqual([
        [0, null, 'one'],
        [1, null, 'two'],
        [2, null, 'three'],
      ]);
      writer.close();
    }
  });

  it('of another session never appear', () => {
    database();
    writer.session('S2');
    const mine = writer.message('S1', 0);
    const other = writer.message('S2', 0);
    writer.call('S2', other, { tool_name: 'theirs' });
    writer.event('S2', 0, { content: 'theirs' });
    writer.call('S1', mine, { tool_name: 'mine' });
    expect(calls(0)).toMatchObject([{ tool_name: 'mine', result: { events: [] } }]);
  });
});

describe('A8: results', () => {
  const contents = (ordinal = 0): (string | null | string[])[] =>
    calls(ordinal).map(({ result }) =>
      result.events.length > 0 ? result.events.map(({ content }) => content) : result.content,
    );

  it('are the events where a call has any, else the content; a withheld one keeps its length', () => {
    database();
    const message = writer.message('S1', 0);
    writer.call('S1', message, { call_index: 0, result_content: 'old', result_content_length: 3 });
    writer.call('S1', message, { call_index: 1, result_content: 'whole', result_content_length: 5 });
    writer.call('S1', message, { call_index: 2, result_content_length: 900 });
    writer.event('S1', 0, { call_index: 0, event_index: 1, content: 'then', agent_id: 'a1', status: 'running' });
    writer.event('S1', 0, { call_index: 0, event_index: 0, content: 'first', timestamp: '2026-03-05T08:00:00Z' });
    expect(contents()).toEqual([['first', 'then'], 'whole', null]);
    const [events, , withheld] = calls(0);
    expect(withheld!.result).toEqual({ content: null, length: 900, events: [] });
    expect(events!.result.events[0]).toEqual({
      source: 'tool_execution',
      status: 'completed',
      content: 'first',
      timestamp: '2026-03-05T08:00:00Z',
      agent_id: null,
      subagent_session_id: null,
    });
  });

  it('that arrive late are part of the next reading (E3)', () => {
    database();
    const call = writer.call('S1', writer.message('S1', 0), { call_index: 0 });
    for (let i = 1; i < 200; i++) writer.message('S1', i);
    expect(contents()).toEqual([null]);
    writer.run('UPDATE tool_calls SET result_content = ? WHERE id = ?', 'late', call);
    expect(contents()).toEqual(['late']);
  });

  it('find their call by id, else by index, else by place', () => {
    database('0.17');
    const message = writer.message('S1', 0);
    for (const tool_use_id of ['t0', 't1', null, 'same', 'same']) writer.call('S1', message, { tool_use_id });
    writer.event('S1', 0, { tool_use_id: 't1', call_index: 0, content: 'by id' });
    writer.event('S1', 0, { tool_use_id: null, call_index: 2, content: 'by place' });
    writer.event('S1', 0, { tool_use_id: 'same', call_index: 4, content: 'id of two, by place' });
    expect(contents()).toEqual([null, ['by id'], ['by place'], null, ['id of two, by place']]);
  });

  it('find their call by its index even when calls before it are gone', () => {
    database();
    const message = writer.message('S1', 0);
    writer.call('S1', message, { call_index: 4 });
    writer.event('S1', 0, { call_index: 4, content: 'mine' });
    expect(contents()).toEqual([['mine']]);
  });

  it('without a call or a message are counted', () => {
    database();
    writer.call('S1', writer.message('S1', 0), { call_index: 0 });
    writer.event('S1', 0, { call_index: 7, content: 'no such call' });
    writer.event('S1', 99, { content: 'no such message' });
    writer.event('S1', 0, { call_index: -1, content: 'no such place' });
    expect(read().reading.unmatched_results).toBe(3);
  });
});

describe('A14: what rows may hold', () => {
  it('other roles, system messages, sidechains and compactions', () => {
    database();
    writer.message('S1', 0, { role: 'system', is_system: 1, source_type: 'system', source_subtype: 'init' });
    writer.message('S1', 1, { role: 'tool', is_sidechain: 1 });
    writer.message('S1', 2, { role: 'oracle', is_compact_boundary: 1 });
    expect(read().messages).toMatchObject([
      { role: 'system', is_system: true, is_sidechain: false, source_type: 'system', source_subtype: 'init' },
      { role: 'tool', is_system: false, is_sidechain: true, is_compact_boundary: false, timestamp: null },
      { role: 'oracle', is_compact_boundary: true },
    ]);
  });

  it('bytes that are no UTF-8, NUL characters, blobs and numbers for text, integers beyond 2^53', () => {
    database();
    writer.message('S1', 0, { content: 'x' });
    writer.run("UPDATE messages SET content = CAST(x'62ff73' AS TEXT), model = x'6f707573', timestamp = 17");
    writer.run(
      "UPDATE messages SET context_tokens = 9007199254740993, output_tokens = 'many', token_usage = 'a' || char(0) || 'b'",
    );
    expect(read().messages).toMatchObject([
      {
        content: 'b\ufffds',
        model: 'opus',
        timestamp: '17',
        context_tokens: 9007199254740992,
        output_tokens: null,
        token_usage: 'a\0b',
      },
    ]);
  });

  it('texts beyond the limit, cut before a character and counted, wherever they stand', () => {
    database();
    const message = writer.message('S1', 0, { content: 'aé'.repeat(10), thinking_text: 'fits' });
    writer.call('S1', message, { call_index: 0, input_json: 'i'.repeat(12), result_content: 'r'.repeat(15) });
    writer.call('S1', message, { call_index: 1, result_content: 'not told, so not counted' });
    writer.event('S1', 0, { call_index: 1, content: 'e'.repeat(11) });
    const { messages, reading } = read(8);
    expect(messages[0]).toMatchObject({ content: 'aéaéa', thinking_text: 'fits', content_length: 20 });
    expect(
      messages[0]!.tool_calls.map(({ input_json, result }) => [input_json, result.content, result.events.length]),
    ).toEqual([
      ['i'.repeat(8), 'r'.repeat(8), 0],
      [null, null, 1],
    ]);
    expect(messages[0]!.tool_calls[1]!.result.events[0]!.content).toBe('e'.repeat(8));
    expect(reading.cut_bytes).toBe(30 - 8 + (4 + 7) + 3);
    expect(read(30).messages[0]!.content).toBe('aé'.repeat(10));
  });

  it('a row of many megabytes without holding it whole', () => {
    database();
    writer.run(
      "INSERT INTO messages (session_id, ordinal, role, content) VALUES ('S1', 0, 'user', replace(hex(zeroblob(20000000)), '0', 'x'))",
    );
    const { messages, reading } = read();
    expect([messages[0]!.content.length, reading.cut_bytes]).toEqual([1024 * 1024, 40_000_000 - 1024 * 1024]);
  });
});

describe('E4, E5: the transcript is read whole each time', () => {
  it('an edit at the start, a cut end and new ordinals are what is read next', () => {
    writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    const texts = (): [number, string][] => read().messages.map(({ ordinal, content }) => [ordinal, content]);
    writer.run("UPDATE messages SET content = 'edited' WHERE ordinal = 0");
    expect(texts()[0]).toEqual([0, 'edited']);
    writer.run('DELETE FROM messages WHERE ordinal = 2');
    expect(texts()).toEqual([[0, 'edited']]);
    writer.run('UPDATE messages SET ordinal = 70');
    expect(texts()).toEqual([[70, 'edited']]);
  });
});
