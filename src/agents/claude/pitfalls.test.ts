import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  LATER_MS,
  TranscriptFolder,
  TranscriptTail,
  assistantLine,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
  type AssistantFields,
} from '../../../test/support/claude-transcripts.ts';
import type { AgentEvent } from '../event.ts';
import { mergeByIdentity } from '../merge.ts';
import { CLAUDE_READ_LIMITS, claudeSource } from './index.ts';

/** The pitfalls of specification §8 that concern Claude Code transcripts, each by its number. */

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

async function read(name: string, ...lines: string[]): Promise<AgentEvent[]> {
  folder.write(name, lines.join(''));
  return new TranscriptTail(() => folder.file(name)).toEnd();
}

const responses = (events: Iterable<AgentEvent>): AgentEvent[] =>
  [...mergeByIdentity(events).values()].filter((event) => event.facts['role'] === 'assistant');
const prompts = (events: AgentEvent[]): AgentEvent[] => events.filter((event) => event.facts['role'] === 'user');
const outputs = (events: AgentEvent[]): unknown[] => responses(events).map((event) => event.usage?.output);
const text = (said: string): Record<string, unknown> => ({ type: 'text', text: said });

describe('pitfalls: one response over several lines', () => {
  it('1: three lines of one message.id, out 9, 9, 159: 159, not the first and not the sum', async () => {
    const events = await read(
      'S1.jsonl',
      assistantLine({ uuid: 'a', id: 'msg_1', output: 9, content: [text('I')] }),
      assistantLine({ uuid: 'b', id: 'msg_1', output: 9, content: [toolUse('toolu_1')] }),
      assistantLine({ uuid: 'c', id: 'msg_1', output: 159, content: [toolUse('toolu_2')], stop_reason: 'tool_use' }),
    );
    expect(outputs(events)).toEqual([159]);
    expect(responses(events)[0]?.facts).toMatchObject({
      lines: 3,
      text_blocks: 1,
      tool_calls: 2,
      stop_reason: 'tool_use',
    });
  });

  it('1b: a placeholder that comes last does not win either', async () => {
    const events = await read(
      'S1.jsonl',
      assistantLine({ uuid: 'a', id: 'msg_1', output: 159 }),
      assistantLine({ uuid: 'b', id: 'msg_1', output: 9, stop_reason: 'end_turn' }),
    );
    expect(outputs(events)).toEqual([159]);
  });

  it('2: the same id without requestId counts once', async () => {
    const piece: AssistantFields = { uuid: 'a', id: 'msg_1', output: 7, fields: { requestId: undefined } };
    expect(outputs(await read('S1.jsonl', assistantLine(piece), assistantLine({ ...piece, uuid: 'b' })))).toEqual([7]);
  });

  it('5: a /btw sidechain that repeats a message under a new requestId counts once, outside the sidechain', async () => {
    const answer: AssistantFields = { uuid: 'a', id: 'msg_1', output: 7, stop_reason: 'end_turn' };
    const events = await read(
      'S1.jsonl',
      assistantLine({ ...answer, uuid: 'x', fields: { isSidechain: true, requestId: 'req_other' } }),
      assistantLine(answer),
    );
    expect(outputs(events)).toEqual([7]);
    expect(responses(events)[0]?.facts['sidechain']).toBeUndefined();
    expect(responses(events)[0]?.owner_rank).toMatch(/^0/);
  });

  it('12: a run split by a scan, a queued command between: one response with the final figures', async () => {
    folder.write('S1.jsonl', assistantLine({ uuid: 'a', id: 'msg_1', output: 9, content: [text('Let me')] }));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    const just_after_ms = Date.parse('2026-10-20T09:00:01Z');
    expect((await tail.step(just_after_ms)).events).toEqual([]);
    const queued = { type: 'queued_command', prompt: 'also lint', commandMode: 'prompt' };
    folder.append('S1.jsonl', transcriptLine({ type: 'attachment', uuid: 'q', attachment: queued }));
    folder.append(
      'S1.jsonl',
      assistantLine({ uuid: 'b', id: 'msg_1', output: 159, content: [text('see.')], stop_reason: 'end_turn' }),
    );
    const events = await tail.toEnd(just_after_ms);
    expect(events.filter((event) => event.usage !== null)).toHaveLength(1);
    expect(outputs(events)).toEqual([159]);
    expect(responses(events)[0]?.content).toEqual([text('Let me'), text('see.')]);
    expect(prompts(events).map((event) => event.content)).toEqual(['also lint']);
  });

  it('12b: a response cut off is emitted after a minute, and again when its end comes after all', async () => {
    folder.write('S1.jsonl', assistantLine({ uuid: 'a', id: 'msg_1', output: 9, content: [text('So')] }));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    const said_ms = Date.parse('2026-10-20T09:00:00Z');
    const held = await tail.step(said_ms + 1000);
    expect([held.events.length, held.due_ms]).toEqual([0, said_ms + 60_000]);
    expect((await tail.step(said_ms + 59_999)).events).toEqual([]);
    const idle = await tail.step(said_ms + 60_000);
    expect([idle.read_bytes, idle.due_ms, idle.events.map(({ event }) => event.usage?.output)]).toEqual([
      0,
      undefined,
      [9],
    ]);
    expect((await tail.step(said_ms + 70_000)).events).toEqual([]);
    folder.append('S1.jsonl', assistantLine({ uuid: 'b', id: 'msg_1', output: 40, stop_reason: 'end_turn' }));
    const again = await tail.step(said_ms + 80_000);
    expect(again.events.map(({ event }) => [event.identity, event.usage?.output])).toEqual([
      ['claude:message:msg_1', 40],
    ]);
    expect(again.events[0]?.cursor).not.toBe(idle.events[0]?.cursor);
    expect(outputs(tail.events)).toEqual([40]);
  });

  it('12c: another response on the chain ends the one before, though it has no stop reason', async () => {
    folder.write('S1.jsonl', assistantLine({ uuid: 'a', id: 'msg_1', output: 9 }));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    folder.append('S1.jsonl', assistantLine({ uuid: 'b', id: 'msg_2', output: 3 }));
    const step = await tail.step(Date.parse('2026-10-20T09:00:01Z'));
    expect(step.events.map(({ event }) => event.identity)).toEqual(['claude:message:msg_1']);
  });

  it('12d: while more of the file is to be read, age alone ends no response', async () => {
    const pieces = ['a', 'b', 'c'].map((uuid, index) => assistantLine({ uuid, id: 'msg_1', output: index + 1 }));
    folder.write('S1.jsonl', pieces.join(''));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    const events = await tail.toEnd(LATER_MS, { ...CLAUDE_READ_LIMITS, max_bytes: 1 });
    expect(events.map((event) => event.usage?.output)).toEqual([3]);
  });

  it('17: isCompactSummary on an assistant line is a compaction, no answer', async () => {
    const summary = assistantLine({ uuid: 'a', id: 'msg_1', output: 500, fields: { isCompactSummary: true } });
    const events = await read('S1.jsonl', summary);
    expect(events.map((event) => [event.kind, event.facts['type']])).toEqual([['lifecycle', 'compaction']]);
  });

  it('20: a <synthetic> line is an error event only', async () => {
    const events = await read(
      'S1.jsonl',
      assistantLine({
        uuid: 'a',
        id: '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed',
        model: '<synthetic>',
        content: [text('API Error')],
        fields: { isApiErrorMessage: true, error: 'rate_limit' },
      }),
    );
    expect(events.map((event) => [event.kind, event.model, event.usage])).toEqual([['error', null, null]]);
    expect(events[0]?.facts).toMatchObject({ retry: false, api_error: true, error: 'rate_limit' });
  });

  it('22: a search of the CLI counts for the response that asked, and is never added to a counter', async () => {
    const search = (id: string, counter: number): string[] => [
      assistantLine({
        uuid: `a_${id}`,
        id: `msg_${id}`,
        content: [toolUse(`toolu_${id}`, 'WebSearch')],
        stop_reason: 'tool_use',
        usage: { server_tool_use: { web_search_requests: counter } },
      }),
      resultLine(`r_${id}`, `toolu_${id}`, { toolUseResult: { query: 'q', searchCount: 1 } }),
    ];
    const [call, result] = search('1', 0) as [string, string];
    // The result line stands twice, as after a compaction that kept it.
    const lines = [call, result, result, ...search('2', 3)];
    const searches = (events: AgentEvent[]): unknown[] => responses(events).map((event) => event.usage?.web_searches);
    expect(searches(await read('S1.jsonl', ...lines))).toEqual([1, 3]);

    folder.write('grown.jsonl', '');
    const tail = new TranscriptTail(() => folder.file('grown.jsonl'));
    for (const line of lines) {
      folder.append('grown.jsonl', line);
      await tail.toEnd();
    }
    expect(searches(tail.events)).toEqual([1, 3]);
  });

  it('24: cache writes are split by duration; a total without parts, or its remainder, is 5 m', async () => {
    const writes = async (usage: Record<string, unknown>): Promise<unknown[]> => {
      const [event] = await read('S1.jsonl', assistantLine({ uuid: 'a', id: 'msg_1', usage, stop_reason: 'end_turn' }));
      return [event?.usage?.cache_write_5m, event?.usage?.cache_write_1h];
    };
    const split = { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 600 };
    expect(await writes({ cache_creation_input_tokens: 1000, cache_creation: split })).toEqual([400, 600]);
    expect(await writes({ cache_creation_input_tokens: 1200, cache_creation: split })).toEqual([600, 600]);
    expect(await writes({ cache_creation_input_tokens: '1000' })).toEqual([1000, 0]);
  });
});

describe('pitfalls: copies', () => {
  const turn = (sessionId: string, extra: Record<string, unknown> = {}): string[] => [
    promptLine('u1', 'hello', { sessionId, ...extra }),
    assistantLine({ uuid: 'a1', id: 'msg_1', output: 7, stop_reason: 'end_turn', fields: { sessionId, ...extra } }),
  ];
  const owners = (...occurrences: AgentEvent[][]): unknown[] =>
    [...mergeByIdentity(occurrences.flat()).values()].map((event) => event.session_id);

  it('3: a fork with copied lines and another sessionId counts once, for the first owner', async () => {
    const original = await read('S1.jsonl', ...turn('S1'));
    const fork = await read(
      'S2.jsonl',
      ...turn('S2'),
      assistantLine({ uuid: 'a2', id: 'msg_2', fields: { sessionId: 'S2' } }),
    );
    const merged = responses([...original, ...fork]);
    expect(merged.map((event) => [event.identity, event.session_id])).toEqual([
      ['claude:message:msg_1', 'S1'],
      ['claude:message:msg_2', 'S2'],
    ]);
  });

  it('4: fork read before its parent: the same as after it', async () => {
    const original = await read('S1.jsonl', ...turn('S1'));
    const fork = await read('S2.jsonl', ...turn('S2'));
    expect(owners(fork, original)).toEqual(owners(original, fork));
    expect(owners(fork, original)).toEqual(['S1', 'S1']);
  });

  it('evidence before birth: a background stamp marks the copy, a kept older sessionId names the owner', async () => {
    const hand_off = await read('B0.jsonl', ...turn('B0', { sessionKind: 'bg' })); // born first
    const original = await read('S1.jsonl', ...turn('S1'));
    expect(owners(hand_off, original)).toEqual(['S1', 'S1']);
    const resumed = await read('S9.jsonl', ...turn('S0'));
    expect(owners(hand_off, original, resumed)).toEqual(['S0', 'S0']);
  });

  it('evidence before birth: a line without uuid inside the shared part stands only in the original', async () => {
    const [prompt, answer] = turn('A1') as [string, string];
    const fork = await read('A1.jsonl', transcriptLine({ type: 'mode', mode: 'normal' }), prompt, answer);
    const [prompt_1, answer_1] = turn('S1') as [string, string];
    const snapshot = `${JSON.stringify({ type: 'file-history-snapshot', messageId: 'u1', snapshot: {} })}\n`;
    const original = await read('S1.jsonl', prompt_1, snapshot, answer_1);
    const merged = mergeByIdentity([...fork, ...original]);
    expect(merged.get('claude:message:msg_1')?.session_id).toBe('S1');
  });

  it('6: a gateway’s msg-1 in two unrelated sessions is two responses', async () => {
    const answer = (uuid: string): string => assistantLine({ uuid, id: 'msg-1', output: 7, stop_reason: 'end_turn' });
    const events = [...(await read('S1.jsonl', answer('a'))), ...(await read('S2.jsonl', answer('b')))];
    expect(outputs(events)).toEqual([7, 7]);
    expect(responses(events)[0]?.facts['response_id_kind']).toBe('gateway');
  });

  it('6b: the same id twice in one session is two responses, its pieces still one', async () => {
    const piece = (uuid: string, parentUuid: string, output: number): string =>
      assistantLine({ uuid, id: 'chatcmpl-1', output, fields: { parentUuid, requestId: undefined } });
    const lines = [piece('a1', 'u1', 3), piece('a2', 'a1', 9), promptLine('u2', 'more'), piece('b1', 'u2', 4)];
    expect(outputs(await read('S1.jsonl', ...lines))).toEqual([9, 4]);
  });

  it('6c: a piece after a parallel call’s result still belongs to its gateway response', async () => {
    const piece = (uuid: string, parentUuid: string, call: string): string =>
      assistantLine({ uuid, id: 'chatcmpl-1', content: [toolUse(call)], output: 5, fields: { parentUuid } });
    const result = resultLine('r1', 'call_1', { parentUuid: 'a1' });
    expect(outputs(await read('S1.jsonl', piece('a1', 'u1', 'call_1'), result, piece('a2', 'a1', 'call_2')))).toEqual([
      5,
    ]);
  });

  it('6d: a piece behind an attachment belongs to the open response, one behind another response does not', async () => {
    const piece = (uuid: string, id: string, output: number, parentUuid: string): string =>
      assistantLine({ uuid, id, output, fields: { parentUuid, requestId: undefined } });
    const lines = [piece('a1', 'msg-1', 1, 'u1'), piece('a2', 'msg-1', 2, 't1')];
    expect(outputs(await read('S1.jsonl', ...lines))).toEqual([2]);
    const others = [...lines, piece('b1', 'msg-2', 3, 'a2'), piece('c1', 'msg-1', 4, 'b1')];
    expect(outputs(await read('S2.jsonl', ...others))).toEqual([2, 3, 4]);
  });

  it('5b: a compaction subagent that replays the parent’s messages owns none, though its file is older', async () => {
    const answer: AssistantFields = { uuid: 'a', id: 'msg_1', output: 7, stop_reason: 'end_turn' };
    folder.write(
      'agent-acompact-1.jsonl',
      assistantLine({ ...answer, fields: { isSidechain: true, agentId: 'acompact-1' } }),
    );
    const file = () => folder.file('agent-acompact-1.jsonl', { session_id: 'S1', subagent_id: 'acompact-1' });
    const replay = await new TranscriptTail(file).toEnd();
    const [merged] = responses([...replay, ...(await read('S1.jsonl', assistantLine(answer)))]);
    expect([merged?.session_id, merged?.subagent_id]).toEqual(['S1', null]);
  });

  it('7, 8: a subagent’s usage comes from its own file only, under its parent', async () => {
    const detail = { agentId: 'ag1', totalTokens: 5000, usage: { output_tokens: 5000 } };
    const parent = await read(
      'S1.jsonl',
      assistantLine({
        uuid: 'a',
        id: 'msg_1',
        output: 3,
        content: [toolUse('toolu_1', 'Agent')],
        stop_reason: 'tool_use',
      }),
      resultLine('r', 'toolu_1', { toolUseResult: detail }),
    );
    const inside = { isSidechain: true, agentId: 'ag1' };
    folder.write(
      'agent-ag1.jsonl',
      promptLine('p', 'find it', inside) + assistantLine({ uuid: 'x', id: 'msg_2', output: 20, fields: inside }),
    );
    const file = () => folder.file('agent-ag1.jsonl', { session_id: 'S1', subagent_id: 'ag1' });
    const child = await new TranscriptTail(file).toEnd();
    expect(outputs([...parent, ...child])).toEqual([3, 20]);
    expect(responses(child)[0]).toMatchObject({ session_id: 'S1', subagent_id: 'ag1' });
    expect(parent.find((event) => event.kind === 'tool_result')?.facts['subagent_id']).toBe('ag1');
    expect(prompts(child)).toEqual([]);
  });

  it('23: the file name is the session, another sessionId in its first lines is its parent', async () => {
    folder.write('S2.jsonl', turn('S1').join('') + promptLine('u9', 'go on', { sessionId: 'S2' }));
    const tail = new TranscriptTail(() => folder.file('S2.jsonl'));
    await tail.toEnd();
    expect(tail.session).toMatchObject({ session_id: 'S2', parent_session_id: 'S1' });
    expect(prompts(tail.events).map((event) => [event.content, event.session_id])).toEqual([
      ['hello', 'S1'],
      ['go on', 'S2'],
    ]);
  });
});

describe('pitfalls: files that change', () => {
  const answer = (index: number): string =>
    assistantLine({ uuid: `a${index}`, id: `msg_${index}`, output: index, stop_reason: 'end_turn' });

  it('9: a rewritten file is read again in a new epoch; what it lost stays in the events', async () => {
    folder.write('S1.jsonl', [1, 2, 3, 4, 5, 6].map(answer).join(''));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    folder.write('S1.jsonl', [5, 6, 7].map(answer).join(''));
    const step = await tail.step();
    expect([step.restarted, tail.restarts]).toEqual([true, 1]);
    expect(outputs(tail.events)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('10: other content under the same size and modification time is noticed', async () => {
    const path = folder.write('S1.jsonl', answer(1) + 'x'.repeat(20_000) + '\n' + answer(2));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    const { atime, mtime, size } = statSync(path);
    writeFileSync(path, answer(1) + 'x'.repeat(9_999) + 'y' + 'x'.repeat(10_000) + '\n' + answer(2));
    utimesSync(path, atime, mtime);
    expect(statSync(path).size).toBe(size);
    expect((await tail.step()).restarted).toBe(true);
  });

  it('10b: a replaced file (other inode) is noticed though it grew and begins alike', async () => {
    folder.write('S1.jsonl', answer(1));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    folder.write('new', answer(1) + answer(2));
    renameSync(join(folder.path, 'new'), join(folder.path, 'S1.jsonl'));
    expect((await tail.step()).restarted).toBe(true);
  });

  it('10c: a truncated file is noticed; an emptied one gives nothing', async () => {
    folder.write('S1.jsonl', answer(1) + answer(2));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    folder.write('S1.jsonl', '');
    expect(await tail.step()).toMatchObject({ restarted: true, events: [], read_bytes: 0, more: false });
    folder.append('S1.jsonl', answer(3));
    expect(await tail.step()).toMatchObject({
      restarted: false,
      events: [{ event: { identity: 'claude:message:msg_3' } }],
    });
  });

  it('an untouched file keeps its very checkpoint; a touched one only gets a new mark', async () => {
    const path = folder.write('S1.jsonl', answer(1));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    const { checkpoint } = tail;
    expect((await tail.step()).checkpoint).toBe(checkpoint);
    utimesSync(path, new Date(), new Date());
    expect(await tail.step()).toMatchObject({ restarted: false, events: [] });
  });

  it('11: a last line without newline is held, and the position stays before it', async () => {
    const whole = promptLine('u1', 'grüße');
    const bytes = Buffer.from(answer(1) + whole);
    const cut = bytes.indexOf(0xc3) + 1; // in the middle of a letter
    folder.write('S1.jsonl', bytes.subarray(0, cut));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    const first = await tail.step();
    expect([first.read_bytes, first.more, first.skipped]).toEqual([Buffer.byteLength(answer(1)), false, {}]);
    folder.append('S1.jsonl', bytes.subarray(cut));
    const second = await tail.step();
    expect(second.read_bytes).toBe(Buffer.byteLength(whole));
    expect(prompts(tail.events).map((event) => event.content)).toEqual(['grüße']);
  });

  it('13: a result in a later scan than its call has the tool’s name', async () => {
    folder.write('S1.jsonl', assistantLine({ uuid: 'a', id: 'msg_1', content: [toolUse('toolu_1', 'Grep')] }));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    folder.append('S1.jsonl', resultLine('r', 'toolu_1'));
    await tail.toEnd();
    const result = tail.events.find((event) => event.kind === 'tool_result');
    expect(result).toMatchObject({ tool: 'Grep', tool_call_id: 'toolu_1', outcome: 'ok' });
  });

  it('50: a transcript of many steps is read whole', async () => {
    folder.write('S1.jsonl', Array.from({ length: 3000 }, (_, index) => answer(index)).join(''));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    expect(statSync(folder.file('S1.jsonl').path).size).toBeGreaterThan(256 * 1024);
    await tail.toEnd(LATER_MS, { ...CLAUDE_READ_LIMITS, max_bytes: 50_000 });
    expect(responses(tail.events)).toHaveLength(3000);
    expect(tail.positioned).toHaveLength(3000);
  });

  it('51: a 64 MB line is skipped and counted, the rest read', async () => {
    const picture = promptLine('p', [
      { type: 'image', source: { type: 'base64', data: 'A'.repeat(64 * 1024 * 1024) } },
    ]);
    folder.write('S1.jsonl', answer(1) + picture + answer(2));
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    expect(outputs(tail.events)).toEqual([1, 2]);
    expect(tail.skipped).toEqual({ oversize: 1 });
  });

  it('52: a file of titles alone is no session', async () => {
    folder.write('S1.jsonl', `${JSON.stringify({ type: 'ai-title', aiTitle: 'A title', sessionId: 'S1' })}\n`);
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    expect(await tail.toEnd()).toEqual([]);
    expect(tail.session).toBeNull();
  });

  it('53: the working directory is the line’s cwd, never the folder’s name', async () => {
    const file = folder.write('-a-b-c/S1.jsonl', promptLine('u1', 'hi', { cwd: '/a/b-c' }));
    const [event] = await new TranscriptTail(() => folder.file('-a-b-c/S1.jsonl')).toEnd();
    expect([file.includes('-a-b-c'), event?.cwd]).toEqual([true, '/a/b-c']);
  });

  it('throws a coded error without a path when the file is gone or no file', async () => {
    const gone = { ...folder.file('.', { path: join(folder.path, 'none.jsonl') }) };
    const read = (path: string) => claudeSource.read({ ...gone, path }, null, CLAUDE_READ_LIMITS, LATER_MS);
    await expect(read(gone.path)).rejects.toMatchObject({ code: 'agents.transcript_gone' });
    await expect(read(folder.path)).rejects.toMatchObject({ code: 'agents.transcript_unreadable' });
    await expect(read(gone.path)).rejects.not.toThrow(folder.path);
  });
});

describe('pitfalls: what counts as a prompt', () => {
  const queued = (prompt: unknown, commandMode: string): string =>
    transcriptLine({ type: 'attachment', uuid: 'q', attachment: { type: 'queued_command', prompt, commandMode } });

  it('14: a queued command is a prompt at its own time', async () => {
    const [event] = await read('S1.jsonl', queued('also lint', 'prompt'));
    expect(event).toMatchObject({
      kind: 'message',
      identity: 'claude:prompt:q',
      content: 'also lint',
      facts: { role: 'user', prompt_source: 'queued', text_bytes: 9 },
      ts_ms: Date.parse('2026-10-20T09:00:00Z'),
    });
  });

  it('15: a task notification in a queued command is a notice', async () => {
    expect(await read('S1.jsonl', queued('<task-notification>done</task-notification>', 'task-notification'))).toEqual(
      [],
    );
    expect(await read('S1.jsonl', queued('<task-notification>done</task-notification>', 'prompt'))).toEqual([]);
  });

  it('16: an editor prefix is taken off the prompt', async () => {
    const prefix = '<ide_opened_file>The user opened a.ts</ide_opened_file>';
    const one_text = promptLine('u1', `${prefix}\nfix it`);
    const two_blocks = promptLine('u2', [text(prefix), text('<ide_selection>x</ide_selection>'), text('fix that')]);
    const alone = promptLine('u3', [text(prefix)]);
    const events = await read('S1.jsonl', one_text, two_blocks, alone);
    expect(events.map((event) => event.content)).toEqual(['fix it', 'fix that']);
  });
});
