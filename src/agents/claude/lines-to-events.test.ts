import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  TranscriptFolder,
  TranscriptTail,
  assistantLine,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
} from '../../../test/support/claude-transcripts.ts';
import type { AgentEvent } from '../event.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

async function tailOf(...lines: string[]): Promise<TranscriptTail> {
  folder.write('S1.jsonl', lines.join(''));
  const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
  await tail.toEnd();
  return tail;
}

const read = async (...lines: string[]): Promise<AgentEvent[]> => (await tailOf(...lines)).events;
const of = (events: AgentEvent[], kind: string): AgentEvent[] => events.filter((event) => event.kind === kind);

describe('tool calls and results', () => {
  it('makes one event of every block, also of several in one line', async () => {
    const calls = [
      toolUse('toolu_1', 'Read', { file_path: '/a' }),
      toolUse('toolu_2', 'Bash'),
      toolUse('call_3', 'Bash'),
    ];
    const content = ['toolu_1', 'toolu_2', 'call_3'].map((id) => ({
      type: 'tool_result',
      tool_use_id: id,
      content: 'ok',
    }));
    const events = await read(assistantLine({ uuid: 'a', id: 'msg_1', content: calls }), promptLine('r', content));
    expect(of(events, 'tool_call').map((event) => [event.identity, event.tool])).toEqual([
      ['claude:tool_use:toolu_1', 'Read'],
      ['claude:tool_use:toolu_2', 'Bash'],
      ['claude:tool_use:call_3:claude:message:msg_1', 'Bash'],
    ]);
    expect(of(events, 'tool_result').map((event) => [event.identity, event.tool])).toEqual([
      ['claude:tool_result:toolu_1', 'Read'],
      ['claude:tool_result:toolu_2', 'Bash'],
      ['claude:tool_result:call_3:r', 'Bash'],
    ]);
  });

  it.each([
    [{}, {}, 'ok'],
    [{ is_error: true }, {}, 'failed'],
    [{ is_error: true, content: 'boom' }, { toolUseResult: 'Error: boom' }, 'failed'],
    [{ is_error: true }, { toolUseResult: 'User rejected tool use' }, 'rejected'],
    [{ is_error: true }, { toolUseResult: 'Error: [Request interrupted by user for tool use]' }, 'rejected'],
    [
      { is_error: true, content: "The user doesn't want to proceed with this tool use. The tool use was rejected" },
      {},
      'rejected',
    ],
    [{ content: "The user doesn't want to proceed with this tool use" }, {}, 'ok'],
  ])('keeps rejected apart from failed: %o with %o is %s', async (block, fields, outcome) => {
    const [event] = await read(resultLine('r', 'toolu_1', fields, block));
    expect(event?.outcome).toBe(outcome);
  });

  it('finds paths by their keys at any depth, also in nested JSON', async () => {
    const input = {
      file_path: '/b',
      edits: [{ path: '/a' }],
      other: '/c',
      raw: '{"file":"/d","x":[{"target_file":"/a"}]}',
    };
    const [call] = await read(assistantLine({ uuid: 'a', id: 'msg_1', content: [toolUse('toolu_1', 'Edit', input)] }));
    expect(call?.paths).toEqual(['/a', '/b', '/d']);
    expect(call?.content).toEqual(input);
  });

  it('tells sizes and replaces inline pictures by theirs', async () => {
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(400) } };
    const content = [{ type: 'text', text: 'grün' }, picture];
    const detail = { persistedOutputPath: '/x/tool-results/1.txt', totalDurationMs: 12 };
    const [event] = await read(resultLine('r', 'toolu_1', { toolUseResult: detail }, { content }));
    expect(event?.facts).toEqual({ result_bytes: 5, images: 1, persisted_output: true, duration_ms: 12 });
    expect(event?.content).toEqual([content[0], { type: 'image', media_type: 'image/png', bytes: 300 }]);
  });

  it('reads calls and results of tools that the API ran', async () => {
    const content = [
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'q' } },
      { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: { type: 'web_search_tool_result_error' } },
    ];
    const events = await read(assistantLine({ uuid: 'a', id: 'msg_1', content }));
    expect(of(events, 'tool_call')[0]?.facts).toEqual({ server_tool: true });
    expect(of(events, 'tool_result')[0]).toMatchObject({ tool: 'web_search', outcome: 'failed' });
  });
});

describe('other lines', () => {
  it('make one event of a compaction, with or without its boundary', async () => {
    const metadata = { trigger: 'manual', preTokens: 5000, postTokens: 900 };
    const boundary = transcriptLine({
      type: 'system',
      uuid: 'c',
      subtype: 'compact_boundary',
      compactMetadata: metadata,
    });
    const summary = promptLine('s', 'summary', { isCompactSummary: true });
    const [event, ...more] = await read(boundary, summary);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      kind: 'lifecycle',
      identity: 'claude:compaction:c',
      facts: { type: 'compaction', trigger: 'manual', pre_tokens: 5000, post_tokens: 900 },
    });
    expect((await read(summary)).map((one) => one.identity)).toEqual(['claude:compaction:s']);
  });

  it('make an error of a retried request, and an interruption of an interruption', async () => {
    const retry = { retryAttempt: 2, maxRetries: 10, retryInMs: 1500, error: { status: 529 } };
    const events = await read(
      transcriptLine({ type: 'system', uuid: 'e', subtype: 'api_error', ...retry }),
      promptLine('i', [{ type: 'text', text: '[Request interrupted by user]' }]),
      transcriptLine({ type: 'system', uuid: 'd', subtype: 'turn_duration', durationMs: 5 }),
    );
    expect(events.map((event) => [event.kind, event.facts])).toEqual([
      ['error', { retry: true, api_status: 529, retry_attempt: 2, max_retries: 10, retry_in_ms: 1500 }],
      ['lifecycle', { type: 'interruption', during_tool: false }],
    ]);
  });

  it('tell commands as prompts of their own source, and drop what the program itself put in', async () => {
    const events = await read(
      promptLine('c', '<command-name>/review</command-name><command-args>it</command-args>', { promptId: 'p1' }),
      promptLine('b', '<bash-input>ls</bash-input>'),
      promptLine('s', 'wake up', { promptSource: 'system' }),
      promptLine('k', 'from a program', { promptSource: 'sdk' }),
    );
    expect(events.map((event) => [event.content, event.facts['prompt_source'], event.facts['command']])).toEqual([
      ['/review it', 'slash_command', '/review'],
      ['ls', 'bash_input', undefined],
      ['from a program', 'sdk', undefined],
    ]);
    expect(events[0]?.facts['prompt_id']).toBe('p1');
  });

  it('are counted when damaged or unknown, and never end the reading', async () => {
    const tail = await tailOf(
      '{"type":"user"\n',
      '[]\n',
      '\n',
      '{"type":"brand-new"}\n',
      '{"message":{},"type":"newer"}\n',
      'null\n',
      promptLine('u', 'hi'),
    );
    expect(tail.skipped).toEqual({ malformed: 3, 'type:brand-new': 1, 'type:newer': 1 });
    expect(tail.events).toHaveLength(1);
  });

  it('without a time have that of the line before, marked as inexact', async () => {
    const events = await read(promptLine('u', 'a'), promptLine('v', 'b', { timestamp: undefined }));
    expect(events.map((event) => [event.ts_ms, event.ts_exact])).toEqual([
      [Date.parse('2026-10-20T09:00:00Z'), true],
      [Date.parse('2026-10-20T09:00:00Z'), false],
    ]);
  });
});

describe('the session', () => {
  const plain = (fields: Record<string, unknown>): string => `${JSON.stringify(fields)}\n`;
  const custom = plain({ type: 'custom-title', customTitle: 'mine' });
  const generated = plain({ type: 'ai-title', aiTitle: 'generated' });
  const clear = transcriptLine({
    type: 'system',
    uuid: 'n',
    subtype: 'local_command',
    content: '<command-name>/rename</command-name><command-args></command-args>',
  });

  it('is named by the person before the model, by the model before a summary, by the latest of a kind', async () => {
    const prompt = promptLine('u', 'hi');
    const summary = (leafUuid: string): string => plain({ type: 'summary', summary: 'sum', leafUuid });
    const title = async (...lines: string[]): Promise<unknown> => (await tailOf(...lines)).session?.title;
    expect(await title(prompt, custom, generated)).toBe('mine');
    expect(await title(prompt, generated, plain({ type: 'ai-title', aiTitle: 'later' }))).toBe('later');
    expect(await title(prompt, summary('u'), generated)).toBe('generated');
    expect(await title(prompt, generated, summary('u'))).toBe('generated');
    expect(await title(summary('elsewhere'), prompt, summary('elsewhere'))).toBeNull();
    expect(await title(prompt, custom, clear, generated)).toBe('generated');
    expect(await title(prompt, clear.replace('args></', 'args>new name</'))).toBe('new name');
  });

  it('has a title that came before anything was said, in whatever step that is', async () => {
    folder.write('S1.jsonl', custom);
    const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
    await tail.toEnd();
    folder.append('S1.jsonl', promptLine('u', 'hi'));
    await tail.toEnd();
    expect(tail.session?.title).toBe('mine');
  });

  it('tells where, when and with what it was held', async () => {
    const { session } = await tailOf(
      promptLine('u', 'hi', { timestamp: '2026-10-20T09:00:00Z' }),
      promptLine('v', 'ho', { timestamp: '2026-10-20T09:05:00Z', cwd: '/elsewhere', gitBranch: 'next' }),
      assistantLine({ uuid: 'a', id: 'msg_1', fields: { timestamp: '2026-10-20T09:04:00Z' } }),
    );
    expect(session).toEqual({
      agent: 'claude',
      session_id: 'S1',
      parent_session_id: null,
      cwd: '/home/ada/shop',
      git_branch: 'main',
      agent_version: '2.1.233',
      model: 'claude-opus-5',
      title: null,
      started_at_ms: Date.parse('2026-10-20T09:00:00Z'),
      last_at_ms: Date.parse('2026-10-20T09:05:00Z'),
    });
  });
});
