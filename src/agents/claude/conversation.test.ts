import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  TranscriptFolder,
  assistantLine,
  fixture,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
  type LineFields,
} from '../../../test/support/claude-transcripts.ts';
import { wholeConversation, type WholeConversation } from '../../../test/support/claude-conversations.ts';
import { openConversation } from './conversation.ts';
import type { ConversationMessage, ConversationToolCall } from '../conversation.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

/** Each line's parent is the line before, unless it names another. */
function chain(...lines: string[]): string {
  let before: unknown = null;
  return lines
    .map((line) => {
      const body = JSON.parse(line) as LineFields;
      const linked = { ...body, parentUuid: body['parentUuid'] ?? before };
      before = body['uuid'] ?? before;
      return `${JSON.stringify(linked)}\n`;
    })
    .join('');
}

async function read(...lines: string[]): Promise<WholeConversation> {
  return readText(chain(...lines));
}

async function readText(text: string): Promise<WholeConversation> {
  folder.write('S1.jsonl', text);
  const conversation = await wholeConversation([folder.file('S1.jsonl')]);
  if (conversation === null) throw new Error('nothing was said');
  return conversation;
}

const said = ({ messages }: WholeConversation): [string, string][] =>
  messages.map(({ role, content }) => [role, content]);
const text = (words: string): LineFields => ({ type: 'text', text: words });
const answer = (uuid: string, words: string, fields: LineFields = {}): string =>
  assistantLine({ uuid, id: `msg_${uuid}`, content: [text(words)], stop_reason: 'end_turn', fields });
const callsOf = ({ messages }: WholeConversation): ConversationToolCall[] =>
  messages.flatMap(({ tool_calls }) => tool_calls);
const PICTURE = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(164_000) } };

describe('the worked example (specification §2.11) as conversation', () => {
  const at = (name: string): string => `worked-example/-home-ada-shop/${name}`;

  it('tells the active branch 1 2 3 4 5 6 7 10 11 12 of S1', async () => {
    folder.write('S1.jsonl', fixture(at('S1.jsonl')));
    const conversation = (await wholeConversation([folder.file('S1.jsonl')]))!;
    const told = conversation.messages.map(({ ordinal, role, content, source_uuid }) => [
      ordinal,
      role,
      content,
      source_uuid,
    ]);
    expect(told).toEqual([
      [0, 'user', 'fix the test', 'u1'],
      [1, 'assistant', '', 'a1'],
      [2, 'system', 'This session is being continued from a previous conversation.', 'c1'],
      [3, 'user', 'other way', 'u3'],
      [4, 'assistant', 'API Error: rate limit', 'e1'],
      [5, 'assistant', '', 'd1'],
    ]);
    expect(
      conversation.messages.filter((message) => message.is_compact_boundary).map(({ ordinal }) => ordinal),
    ).toEqual([2]);
    expect(conversation.messages.filter((message) => message.is_system).map(({ ordinal }) => ordinal)).toEqual([2, 4]);
    expect(callsOf(conversation)).toMatchObject([
      { index: 0, tool_use_id: 'toolu_t1', category: 'Bash', result: '1 test failed', is_error: true },
      { index: 1, tool_use_id: 'toolu_t2', category: 'Task', result: 'a typo', subagent_native_id: 'agent-ag1' },
      { index: 0, tool_use_id: 'toolu_t3', category: 'Read', file_path: '/home/ada/shop/src/cart.ts', result: null },
    ]);
    expect(conversation.messages[1]).toMatchObject({
      model: 'claude-opus-5',
      usage: {
        input_tokens: 10,
        output_tokens: 120,
        cache_read_tokens: 2000,
        cache_write_tokens: 1000,
        context_tokens: 3010,
      },
    });
    expect(conversation.messages[4]).toMatchObject({ model: null, usage: null });
    expect(conversation.head).toMatchObject({
      native_id: 'S1',
      agent_session_id: 'S1',
      agent: 'claude',
      agent_version: '2.1.233',
      project_label: 'shop',
      cwd: '/home/ada/shop',
      git_branch: 'main',
      title: null,
      first_message: 'fix the test',
      started_at_ms: Date.parse('2026-10-20T09:00:00Z'),
      ended_at_ms: Date.parse('2026-10-20T09:00:50Z'),
      parent_native_id: null,
      relationship: '',
      termination_status: 'tool_call_pending',
      total_output_tokens: 180,
      peak_context_tokens: 3010,
      is_automated: false,
      presence: { kind: 'present' },
    });
  });

  it('tells the subagent as a session of its own, of the same name as agentsview', async () => {
    folder.write('S1/subagents/agent-ag1.jsonl', fixture(at('S1/subagents/agent-ag1.jsonl')));
    folder.write('S1/subagents/agent-ag1.meta.json', '{"agentType":"Explore","description":"look"}');
    const file = folder.file('S1/subagents/agent-ag1.jsonl', { session_id: 'S1', subagent_id: 'ag1' });
    const { head, messages } = (await wholeConversation([file]))!;
    expect(head).toMatchObject({
      native_id: 'agent-ag1',
      agent_session_id: 'S1',
      parent_native_id: 'S1',
      relationship: 'subagent',
      title: 'look',
      total_output_tokens: 20,
    });
    expect(messages).toMatchObject([{ ordinal: 0, role: 'assistant', is_sidechain: true, source_uuid: 'x1' }]);
  });
});

describe('what is said', () => {
  it('leaves out what is only put before the model, and shows commands as they were typed', async () => {
    const conversation = await read(
      promptLine('m1', '<local-command-caveat>Caveat: …</local-command-caveat>', { isMeta: true }),
      promptLine('u1', '<command-name>/review</command-name>\n<command-args>the cart</command-args>'),
      promptLine('u2', '<local-command-stdout>two findings</local-command-stdout>'),
      promptLine('u3', '<bash-input>ls</bash-input>'),
      promptLine('u4', '<bash-stdout>a.ts</bash-stdout><bash-stderr></bash-stderr>'),
      promptLine('u5', '<system-reminder>nobody says this</system-reminder>'),
      promptLine('u6', '<ide_opened_file>cart.ts</ide_opened_file>\nfix it'),
      promptLine('u7', [text('[Request interrupted by user]')]),
      promptLine('u8', 'Stop hook feedback:\n- tests fail'),
      transcriptLine({ type: 'system', uuid: 'y1', subtype: 'turn_duration', durationMs: 5 }),
      transcriptLine({
        type: 'system',
        uuid: 'y2',
        subtype: 'local_command',
        content: '<command-name>/rename</command-name>\n<command-args>the cart</command-args>',
      }),
      promptLine('u9', 'put in by the program', { promptSource: 'system' }),
      answer('a1', 'done'),
    );
    expect(said(conversation)).toEqual([
      ['user', '/review the cart'],
      ['system', 'two findings'],
      ['user', '!ls'],
      ['system', 'a.ts'],
      ['user', 'fix it'],
      ['system', '[Request interrupted by user]'],
      ['system', 'Stop hook feedback:\n- tests fail'],
      ['user', '/rename the cart'],
      ['system', 'put in by the program'],
      ['assistant', 'done'],
    ]);
    // Pitfall 16: the prompt only, and no command while there is a prompt.
    expect(conversation.head.first_message).toBe('fix it');
    expect(conversation.head.title).toBe('the cart');
  });

  it('pitfalls 12, 14, 15: a queued prompt between the pieces of one response, and a notice that is none', async () => {
    const queued = (uuid: string | undefined, prompt: unknown, commandMode = 'prompt'): string =>
      transcriptLine({ type: 'attachment', uuid, attachment: { type: 'queued_command', prompt, commandMode } });
    const conversation = await read(
      promptLine('u1', 'go'),
      assistantLine({ uuid: 'a1', id: 'msg_1', content: [{ type: 'thinking', thinking: 'hm', signature: 's' }] }),
      queued('q1', 'also the docs'),
      assistantLine({ uuid: 'a2', id: 'msg_1', content: [text('Both.')], output: 7 }),
      queued('q2', '<task-notification><summary>build ended</summary></task-notification>', 'task-notification'),
      queued('q3', [text('and this'), PICTURE]),
      answer('a3', 'ok', { parentUuid: 'q3' }),
    );
    expect(said(conversation)).toEqual([
      ['user', 'go'],
      ['assistant', 'Both.'],
      ['user', 'also the docs'],
      ['system', 'build ended'],
      ['user', 'and this\n[image image/png 120 KiB]'],
      ['assistant', 'ok'],
    ]);
    expect(conversation.messages[1]).toMatchObject({ thinking: 'hm', source_uuid: 'a1', usage: { output_tokens: 7 } });
    expect(conversation.messages[2]?.is_system).toBe(false);
  });

  it('tells a queued prompt that has no uuid, in its place', async () => {
    const queued = transcriptLine({ type: 'attachment', attachment: { type: 'queued_command', prompt: 'more' } });
    expect(said(await read(promptLine('u1', 'go'), queued, answer('a1', 'ok')))).toEqual([
      ['user', 'go'],
      ['user', 'more'],
      ['assistant', 'ok'],
    ]);
  });

  it('pitfall 17: a compaction is one message, whichever line has the summary', async () => {
    const boundary = (fields: LineFields = {}): string =>
      transcriptLine({
        type: 'system',
        uuid: 'c1',
        subtype: 'compact_boundary',
        content: 'Conversation compacted',
        ...fields,
      });
    const onAssistant = assistantLine({
      uuid: 's1',
      id: 'msg_s',
      content: [text('summary')],
      fields: { isCompactSummary: true },
    });
    expect(said(await read(promptLine('u1', 'go'), boundary(), onAssistant, answer('a1', 'on')))).toEqual([
      ['user', 'go'],
      ['system', 'summary'],
      ['assistant', 'on'],
    ]);
    expect(said(await read(promptLine('u1', 'go'), boundary(), answer('a1', 'on')))).toContainEqual([
      'system',
      'Conversation compacted',
    ]);
    const old = promptLine('s1', 'This session is being continued from another.');
    expect((await read(old, answer('a1', 'on'))).messages[0]).toMatchObject({
      role: 'system',
      is_compact_boundary: true,
    });
  });

  it('keeps a compaction that preserved the end of the talk, which later lines hang on', async () => {
    const preserved = { logicalParentUuid: 'a1', compactMetadata: { preservedSegment: { tailUuid: 'a1' } } };
    const conversation = await readText(
      [
        promptLine('u1', 'go'),
        answer('a1', 'half', { parentUuid: 'u1' }),
        transcriptLine({ type: 'system', uuid: 'c1', subtype: 'compact_boundary', ...preserved }),
        promptLine('s1', 'summary', { parentUuid: 'c1', isCompactSummary: true }),
        // Appended again under its own id: it is told once.
        answer('a1', 'half', { parentUuid: 's1' }),
        promptLine('u2', 'on', { parentUuid: 'a1' }),
      ].join(''),
    );
    expect(said(conversation).map(([, content]) => content)).toEqual(['go', 'half', 'summary', 'on']);
  });

  it('pitfall 19: a rewind leaves the first try out, and its figures', async () => {
    const conversation = await read(
      promptLine('u1', 'first'),
      answer('a1', 'yes'),
      promptLine('u2', 'try'),
      answer('a2', 'no'),
      promptLine('u3', 'try better', { parentUuid: 'a1' }),
      answer('a3', 'good'),
    );
    expect(said(conversation).map(([, content]) => content)).toEqual(['first', 'yes', 'try better', 'good']);
    expect(conversation.head).toMatchObject({ total_output_tokens: 2, termination_status: 'awaiting_user' });
  });

  it('pitfalls 6, 19: a gateway that uses one id for all tells each response, and only those of the branch', async () => {
    const reply = (uuid: string, words: string): string =>
      assistantLine({ uuid, id: 'msg-1', content: [text(words)], fields: { requestId: undefined } });
    const conversation = await read(
      promptLine('u1', 'one'),
      reply('a1', 'first'),
      reply('a1b', 'and more'),
      promptLine('u2', 'two'),
      reply('a2', 'abandoned'),
      promptLine('u3', 'three', { parentUuid: 'a1b' }),
      reply('a3', 'third'),
    );
    expect(said(conversation).map(([, content]) => content)).toEqual(['one', 'first\nand more', 'three', 'third']);
  });

  it('merges cumulative snapshots and pieces of their own alike', async () => {
    const conversation = await read(
      promptLine('u1', 'go'),
      assistantLine({ uuid: 'a1', id: 'msg_1', content: [text('Let')] }),
      assistantLine({
        uuid: 'a2',
        id: 'msg_1',
        content: [text('Let me'), toolUse('toolu_1', 'Bash', { command: 'l' })],
      }),
      assistantLine({ uuid: 'a3', id: 'msg_1', content: [toolUse('toolu_1', 'Bash', { command: 'ls' })] }),
      assistantLine({ uuid: 'a4', id: 'msg_1', content: [text('Then.')], output: 9 }),
    );
    expect(said(conversation)).toEqual([
      ['user', 'go'],
      ['assistant', 'Let me\nThen.'],
    ]);
    expect(callsOf(conversation)).toMatchObject([{ input_json: '{"command":"ls"}' }]);
  });

  it('shows what side questions and subagents without a file said, once, beside the conversation', async () => {
    const beside = { isSidechain: true };
    const conversation = await readText(
      [
        promptLine('u1', 'go'),
        answer('a1', 'yes', { parentUuid: 'u1' }),
        // Pitfall 5: the answer asked about, under a new requestId.
        assistantLine({
          uuid: 'x0',
          id: 'msg_a1',
          output: 50,
          content: [text('yes!')],
          fields: { ...beside, requestId: 'req_b' },
        }),
        promptLine('x1', 'look at it', beside),
        answer('x2', 'looked', { ...beside, parentUuid: 'x1' }),
        promptLine('u2', 'on', { parentUuid: 'a1' }),
      ].join(''),
    );
    expect(conversation.messages.map(({ content, is_sidechain }) => [content, is_sidechain])).toEqual([
      ['go', false],
      ['yes', false],
      ['look at it', true],
      ['looked', true],
      ['on', false],
    ]);
    expect(conversation.head).toMatchObject({
      first_message: 'go',
      termination_status: 'clean',
      total_output_tokens: 2,
    });
  });
});

describe('tool calls and results', () => {
  it('pitfall 18: results of parallel calls with different parents are all told', async () => {
    const call = (uuid: string, id: string): string =>
      assistantLine({ uuid, id: 'msg_1', content: [toolUse(id)], stop_reason: 'tool_use' });
    const conversation = await read(
      promptLine('u1', 'go'),
      call('a1', 'toolu_1'),
      call('a2', 'toolu_2'),
      resultLine('r1', 'toolu_1', { parentUuid: 'a1', timestamp: '2026-10-20T09:00:07.000Z' }, { content: 'one' }),
      resultLine('r2', 'toolu_2', { parentUuid: 'a2' }, { content: [text('two'), PICTURE] }),
      answer('b1', 'ok'),
    );
    expect(conversation.messages).toHaveLength(3);
    expect(callsOf(conversation)).toMatchObject([
      { result: 'one', result_bytes: 3, result_at_ms: Date.parse('2026-10-20T09:00:07Z'), is_error: false },
      { result: 'two\n[image image/png 120 KiB]' },
    ]);
  });

  it('pitfall 13: a result that comes on message 40 of 500 stands at its call, and moves nothing', async () => {
    const lines: string[] = [];
    for (let index = 0; index < 250; index++) {
      lines.push(promptLine(`u${index}`, `question ${index}`));
      const calls = index === 19 ? [toolUse('toolu_late')] : [];
      lines.push(
        assistantLine({ uuid: `a${index}`, id: `msg_${index}`, content: [text(`answer ${index}`), ...calls] }),
      );
    }
    const before = await read(...lines);
    const result = { content: 'at last' };
    const after = await read(...lines, resultLine('r', 'toolu_late', { parentUuid: 'a19' }, result));
    // Whether its parent is the line before or that of its call: it answers, it does not rewind.
    const late = await read(...lines, resultLine('r', 'toolu_late', {}, result), answer('z', 'thanks'));
    expect(before.messages).toHaveLength(500);
    expect(late.messages).toHaveLength(501);
    expect(before.messages[39]?.tool_calls[0]?.result).toBeNull();
    expect(late.messages[39]?.tool_calls[0]?.result).toBe('at last');
    const changed = before.messages.filter(
      (message, index) => JSON.stringify(message) !== JSON.stringify(late.messages[index]),
    );
    expect(changed.map(({ ordinal }) => ordinal)).toEqual([39]);
    expect(after.messages).toEqual(late.messages.slice(0, 500));
  });

  it('takes the first of two results of one call, which a compaction may append again', async () => {
    const conversation = await read(
      promptLine('u1', 'go'),
      assistantLine({ uuid: 'a1', id: 'msg_1', content: [toolUse('toolu_1')] }),
      resultLine('r1', 'toolu_1', {}, { content: 'whole' }),
      resultLine('r2', 'toolu_1', {}, { content: '[old result cleared]' }),
    );
    expect(callsOf(conversation).map(({ result }) => result)).toEqual(['whole']);
  });

  it('tells calls without id apart (E11)', async () => {
    const anonymous = { type: 'tool_use', name: 'Bash', input: { command: 'ls' } };
    const conversation = await read(
      promptLine('u1', 'go'),
      assistantLine({ uuid: 'a1', id: 'msg_1', content: [anonymous, anonymous] }),
    );
    expect(callsOf(conversation).map(({ index, tool_use_id }) => [index, tool_use_id])).toEqual([
      [0, null],
      [1, null],
    ]);
    expect(conversation.messages[1]?.content).toBe('');
  });

  it('names skills, files and categories, and the answers of tools that the API runs', async () => {
    const conversation = await read(
      promptLine('u1', 'go'),
      assistantLine({
        uuid: 'a1',
        id: 'msg_1',
        content: [
          toolUse('toolu_1', 'Skill', { skill: 'release' }),
          toolUse('toolu_2', 'NotebookEdit', { notebook_path: '/n.ipynb' }),
          toolUse('toolu_3', 'mcp__db__query', {}),
          { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'q' } },
          {
            type: 'web_search_tool_result',
            tool_use_id: 'srvtoolu_1',
            content: [{ type: 'web_search_result', title: 'Title', url: 'https://a.example', encrypted_content: 'x' }],
          },
        ],
      }),
      resultLine('r1', 'toolu_3', { toolUseResult: 'User rejected tool use' }, { is_error: true, content: 'no' }),
    );
    const told = callsOf(conversation).map(({ category, skill_name, file_path, result }) => [
      category,
      skill_name,
      file_path,
      result,
    ]);
    expect(told).toEqual([
      ['Tool', 'release', null, null],
      ['Write', null, '/n.ipynb', null],
      ['Other', null, null, 'no'],
      ['Other', null, null, 'Title\nhttps://a.example'],
    ]);
    expect(callsOf(conversation)[2]?.is_error).toBe(true);
  });

  it('pitfall 21: takes a saved output from the session’s own folder, and refuses a planted path', async () => {
    const saved = folder.write('S1/tool-results/1.txt', 'the whole output');
    const secret = folder.write('secret.txt', 'TOP SECRET');
    const shown = (path: string): string =>
      `<persisted-output>\nFull output saved to: ${path}\nPreview</persisted-output>`;
    const conversation = await read(
      promptLine('u1', 'go'),
      assistantLine({ uuid: 'a1', id: 'msg_1', content: ['1', '2', '3', '4'].map((id) => toolUse(`toolu_${id}`)) }),
      resultLine('r1', 'toolu_1', { toolUseResult: { persistedOutputPath: saved } }, { content: shown(saved) }),
      resultLine('r2', 'toolu_2', {}, { content: shown(saved) }),
      resultLine('r3', 'toolu_3', { toolUseResult: { persistedOutputPath: secret } }, { content: 'preview' }),
      resultLine(
        'r4',
        'toolu_4',
        { toolUseResult: { persistedOutputPath: '/etc/passwd' } },
        { content: shown('/etc/passwd') },
      ),
    );
    expect(callsOf(conversation).map(({ result }) => result)).toEqual([
      'the whole output',
      'the whole output',
      'preview',
      shown('/etc/passwd'),
    ]);
    expect(callsOf(conversation)[0]?.result_bytes).toBe(16);
    expect(JSON.stringify(conversation)).not.toContain('TOP SECRET');
  });

  it('links a call to its subagent by the evidence of §2.9, in its order', async () => {
    folder.write('S1/subagents/agent-side.meta.json', '{"agentType":"Explore","toolUseId":"toolu_4"}');
    const ids = ['1', '2', '3', '4', '5'];
    const enqueued = (content: string): string =>
      transcriptLine({ type: 'queue-operation', operation: 'enqueue', content });
    const conversation = await read(
      promptLine('u1', 'go'),
      assistantLine({
        uuid: 'a1',
        id: 'msg_1',
        content: [...ids.map((id) => toolUse(`toolu_${id}`, id === '1' ? 'Task' : 'Agent')), toolUse('toolu_bash')],
      }),
      transcriptLine({
        type: 'progress',
        uuid: 'p1',
        parentToolUseID: 'toolu_1',
        data: { type: 'agent_progress', agentId: 'wrong' },
      }),
      transcriptLine({
        type: 'progress',
        uuid: 'p2',
        parentToolUseID: 'toolu_2',
        data: { type: 'agent_progress', agentId: 'prog' },
      }),
      enqueued('<task-notification><task-id>note</task-id><tool-use-id>toolu_3</tool-use-id></task-notification>'),
      enqueued('{"task_id":"b1","tool_use_id":"toolu_bash"}'),
      resultLine('r1', 'toolu_1', { toolUseResult: { agentId: 'told', usage: { output_tokens: 9 } } }),
    );
    expect(callsOf(conversation).map(({ subagent_native_id }) => subagent_native_id)).toEqual([
      'agent-told',
      'agent-prog',
      'agent-note',
      'agent-side',
      null,
      null,
    ]);
  });
});

describe('limits and damage', () => {
  it('pitfall 51: counts lines that are malformed or too long, and reads the rest', async () => {
    const oversize = promptLine('big', 'x'.repeat(33 * 1024 * 1024), { parentUuid: 'u1' });
    const conversation = await readText(
      `${promptLine('u1', 'go')}not json\n\n${oversize}{"type":"new-thing","uuid":"n1","parentUuid":"u1"}\n${answer('a1', 'ok', { parentUuid: 'n1' })}`,
    );
    expect(said(conversation).map(([, content]) => content)).toEqual(['go', 'ok']);
    expect(conversation.skipped).toEqual({ malformed: 1, oversize: 1, 'type:new-thing': 1 });
  });

  it('cuts texts at 1 MiB between characters and says by how much', async () => {
    const long = 'é'.repeat(600_000);
    const conversation = await read(
      promptLine('u1', `a${long}`),
      assistantLine({ uuid: 'a1', id: 'msg_1', content: [toolUse('toolu_1', 'Write', { content: long })] }),
      resultLine('r1', 'toolu_1', {}, { content: long }),
    );
    const [prompt, response] = conversation.messages;
    expect(Buffer.byteLength(prompt!.content)).toBe(1024 * 1024 - 1);
    expect(prompt!.cut_bytes).toBe(1_200_001 - (1024 * 1024 - 1));
    expect(response!.tool_calls[0]!.result_bytes).toBe(1_200_000);
    expect(Buffer.byteLength(response!.tool_calls[0]!.result!)).toBe(1024 * 1024);
    expect(conversation.cut_bytes).toBe(prompt!.cut_bytes + response!.cut_bytes);
    expect(conversation.head.first_message?.length).toBeLessThan(5000);
  });

  it('tells the same when texts are not held but read again', async () => {
    const lines = [promptLine('u1', 'go')];
    for (let index = 0; index < 100; index++) {
      lines.push(
        assistantLine({
          uuid: `a${index}`,
          id: `msg_${index}`,
          content: [text(`part ${index}`), toolUse(`toolu_${index}`)],
        }),
      );
      lines.push(resultLine(`r${index}`, `toolu_${index}`, {}, { content: `result ${index}` }));
    }
    folder.write('S1.jsonl', chain(...lines));
    const held = await wholeConversation([folder.file('S1.jsonl')]);
    const read_again = await wholeConversation([folder.file('S1.jsonl')], { max_held_chars: 50 });
    expect(read_again).toEqual(held);
    expect(held?.segments.map(({ index, messages }) => [index, messages.length])).toEqual([
      [0, 64],
      [1, 37],
    ]);
  });

  it('says that a transcript was rewritten under its hands', async () => {
    const turn = (index: number): string =>
      promptLine(`u${index}`, 'go') + answer(`a${index}`, 'ok', { parentUuid: `u${index}` });
    folder.write('S1.jsonl', turn(1));
    const controller = new AbortController();
    let checks = 0;
    // The first check comes before anything is read, the second before texts that were not held are read again.
    const throwIfAborted = (): void => {
      if (++checks === 2) folder.write('S1.jsonl', turn(2));
    };
    const signal = Object.assign(controller.signal, { throwIfAborted });
    await expect(wholeConversation([folder.file('S1.jsonl')], { max_held_chars: 0, signal })).rejects.toMatchObject({
      code: 'agents.transcript_rewritten',
    });
    expect(checks).toBe(2);
  });

  it('gives back what the visitor throws, stops where it has enough, and goes on from there', async () => {
    const lines = Array.from({ length: 130 }, (_none, index) => promptLine(`u${index}`, `go ${index}`));
    folder.write('S1.jsonl', chain(...lines));
    const file = folder.file('S1.jsonl');
    const options = { forked_from: null, signal: new AbortController().signal };
    const conversation = (await openConversation([file], options))!;
    const failure = Object.assign(new Error('store is full'), { code: 'ERR_SQLITE_ERROR' });
    const fail = (): boolean => {
      throw failure;
    };
    await expect(conversation.tell(fail, options)).rejects.toBe(failure);
    const told: number[] = [];
    await conversation.tell(({ index }) => told.push(index) < 1, options);
    await conversation.tell(({ index }) => told.push(index) > 0, options, 1);
    expect(told).toEqual([0, 1, 2]);
    expect(await conversation.isCurrent()).toBe(true);
    folder.append('S1.jsonl', promptLine('more', 'go'));
    expect(await conversation.isCurrent()).toBe(false);
    await conversation.close();
    await expect(wholeConversation([file], { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });

  it('pitfall 52: a file of titles alone is no session; neither is an empty one', async () => {
    folder.write('S1.jsonl', transcriptLine({ type: 'ai-title', aiTitle: 'a title', sessionId: 'S1' }));
    expect(await wholeConversation([folder.file('S1.jsonl')])).toBeNull();
    folder.write('S2.jsonl', '');
    expect(await wholeConversation([folder.file('S2.jsonl')])).toBeNull();
    await expect(wholeConversation([{ ...folder.file('S2.jsonl'), path: '/nowhere/S3.jsonl' }])).rejects.toMatchObject({
      code: 'agents.transcript_gone',
    });
  });
});

describe('the head', () => {
  const titles = {
    ai: { type: 'ai-title', aiTitle: 'by the agent' },
    named: { type: 'custom-title', customTitle: 'by me' },
  };
  const titleOf = async (...lines: LineFields[]): Promise<string | null> =>
    (await read(promptLine('u1', 'go'), ...lines.map(transcriptLine))).head.title;

  it('is titled by a person, then by the agent, then by a summary of this session', async () => {
    const summary = { type: 'summary', summary: 'in short', leafUuid: 'u1' };
    expect(await titleOf(summary)).toBe('in short');
    expect(await titleOf({ ...summary, leafUuid: 'another' })).toBeNull();
    expect(await titleOf(titles.ai, { ...summary })).toBe('by the agent');
    expect(await titleOf(titles.named, titles.ai)).toBe('by me');
    expect(await titleOf(titles.named, titles.ai, { type: 'custom-title', customTitle: '' })).toBe('by the agent');
  });

  it.each([
    ['awaiting_user', [answer('a1', 'ok')]],
    ['awaiting_user', [answer('a1', 'ok'), promptLine('n', '<local-command-stdout>x</local-command-stdout>')]],
    ['clean', [answer('a1', 'ok'), promptLine('u2', 'more')]],
    ['clean', [assistantLine({ uuid: 'a1', id: 'msg_1', content: [text('cut')], stop_reason: 'max_tokens' })]],
    [
      'tool_call_pending',
      [assistantLine({ uuid: 'a1', id: 'msg_1', content: [toolUse('toolu_1')], stop_reason: 'tool_use' })],
    ],
    ['clean', [assistantLine({ uuid: 'a1', id: 'msg_1', content: [toolUse('toolu_1')] }), resultLine('r1', 'toolu_1')]],
  ])('ends %s (§2.10)', async (status, lines) => {
    expect((await read(promptLine('u1', 'go'), ...lines)).head).toMatchObject({
      termination_status: status,
      is_truncated: false,
    });
  });

  it('pitfall 11: ends truncated within a line, whose beginning is not told', async () => {
    const whole = promptLine('u1', 'go') + answer('a1', 'ok', { parentUuid: 'u1' });
    const conversation = await readText(whole.slice(0, -20));
    expect(conversation.head).toMatchObject({ termination_status: 'truncated', is_truncated: true });
    expect(conversation.messages).toHaveLength(1);
    // A whole line whose newline is still to come is no damage.
    expect((await readText(whole.slice(0, -1))).head.termination_status).toBe('clean');
  });

  it('pitfall 23: another session’s lines under their own id make it that session’s continuation', async () => {
    const copied = [promptLine('u0', 'first', { sessionId: 'S0' }), promptLine('u1', 'second', { sessionId: 'S0b' })];
    const { head, messages } = await read(
      ...copied,
      promptLine('u2', 'third'),
      promptLine('u3', 'x', { sessionId: 'S9' }),
    );
    expect(head).toMatchObject({ native_id: 'S1', parent_native_id: 'S0b', relationship: 'continuation' });
    expect(messages.map(({ source_uuid }) => source_uuid)).toEqual(['u0', 'u1', 'u2', 'u3']);
  });

  it('is automated when a program asked once', async () => {
    expect((await read(promptLine('u1', 'go', { promptSource: 'sdk' }))).head.is_automated).toBe(true);
    expect((await read(promptLine('u1', 'go', { entrypoint: 'sdk-cli' }))).head.is_automated).toBe(true);
    expect((await read(promptLine('u1', 'go', { entrypoint: 'cli' }))).head.is_automated).toBe(false);
    expect(
      (await read(promptLine('u1', 'go', { promptSource: 'sdk' }), promptLine('u2', 'on', { promptSource: 'sdk' })))
        .head.is_automated,
    ).toBe(false);
  });

  it('joins the files of one session, each line once', async () => {
    const queued = { type: 'attachment', uuid: 'q1', attachment: { type: 'queued_command', prompt: 'also' } };
    const copied = promptLine('u1', 'go') + transcriptLine({ ...queued, parentUuid: 'u1' });
    folder.write('a/S1.jsonl', copied + answer('a1', 'ok', { parentUuid: 'u1' }));
    folder.write('b/S1.jsonl', copied + promptLine('u2', 'on', { parentUuid: 'a1' }));
    const { messages } = (await wholeConversation([folder.file('a/S1.jsonl'), folder.file('b/S1.jsonl')]))!;
    expect(messages.map(({ content }: ConversationMessage) => content)).toEqual(['go', 'also', 'ok', 'on']);
  });
});
