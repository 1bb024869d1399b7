import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { separateContent } from './content-markers.ts';
import type { AgentsviewMessage } from './message.ts';
import type { ToolCall } from './tool-call.ts';

function call(tool_name: string, category: string, input: unknown, fields: Partial<ToolCall> = {}): ToolCall {
  return {
    ...{ index: 0, tool_use_id: null, tool_name, category, skill_name: null, file_path: null },
    ...{ subagent_session_id: null, result: { content: null, length: null, events: [] }, cut_bytes: 0 },
    input_json: typeof input === 'string' ? input : JSON.stringify(input),
    ...fields,
  };
}

function separate(content: string, message: Partial<AgentsviewMessage>): { content: string; thinking: string | null } {
  return separateContent({ content, has_thinking: false, thinking_text: null, tool_calls: [], ...message } as never);
}

/** What agentsview writes for a call, as its releases do (§2.4). */
const MARKED: [marker: string, call: ToolCall][] = [
  ['[Bash]\n$ npm test', call('Bash', 'Bash', { command: 'npm test' })],
  ['[Bash: run the tests]\n$ npm test', call('Bash', 'Bash', { command: 'npm test', description: 'run the tests' })],
  ['[Bash]\n$ a\n\nb', call('exec_command', 'Bash', { cmd: 'a\n\nb' })],
  ['[Bash]\n$ bash -lc ls', call('shell', 'Bash', { command: ['bash', '-lc', 'ls'] })],
  ['[Bash]\n$ ', call('write_stdin', 'Bash', {})],
  ['[Read: src/a b.ts]', call('Read', 'Read', { file_path: 'src/a b.ts' })],
  ['[Edit: a.ts]', call('edit_file', 'Edit', { path: 'a.ts' })],
  ['[Write: a.ts]', call('Write', 'Write', { file_path: 'a.ts', content: 'x' })],
  ['[Patch: a.ts]', call('apply_patch', 'Edit', '*** Begin Patch', { file_path: 'a.ts' })],
  ['[Patch]', call('apply_patch', 'Edit', '*** Begin Patch')],
  ['[Grep: x.*y]', call('Grep', 'Grep', { pattern: 'x.*y' })],
  ['[Glob: **/*.ts in src]', call('Glob', 'Glob', { pattern: '**/*.ts', path: 'src' })],
  ['[Glob: **/*.ts in .]', call('Glob', 'Glob', { pattern: '**/*.ts' })],
  ['[Task: look around (Explore)]', call('Task', 'Task', { description: 'look around', subagent_type: 'Explore' })],
  ['[Task: look around]', call('Agent', 'Task', { prompt: 'look around' })],
  ['[Skill: pdf]', call('Skill', 'Tool', { skill: 'pdf' })],
  ['[TaskUpdate: #3 done]', call('TaskUpdate', 'Tool', { taskId: '3', status: 'done' })],
  ['[SendMessage: note to lead]', call('SendMessage', 'Tool', { type: 'note', recipient: 'lead' })],
  ['[Entering Plan Mode]', call('EnterPlanMode', 'Tool', {})],
  ['[Tool: mcp__shop__order]', call('mcp__shop__order', 'Tool', { id: 4 })],
  [
    '[Todo List]\n  ✓ one\n  ○ two',
    call('TodoWrite', 'Tool', {
      todos: [
        { status: 'completed', content: 'one' },
        { status: 'pending', content: 'two' },
      ],
    }),
  ],
  [
    '[Question: AskUserQuestion]\n  Which?\n    - A: first',
    call('AskUserQuestion', 'Tool', {
      questions: [{ question: 'Which?', options: [{ label: 'A', description: 'first' }] }],
    }),
  ],
];

describe('markers of tool calls', () => {
  it.each(MARKED)('%j goes, since the call tells it', (marker, told) => {
    expect(separate(`before\n${marker}\nafter`, { tool_calls: [told] }).content).toBe('before\nafter');
    expect(separate(marker, { tool_calls: [told] }).content).toBe('');
    expect(separate(`before\n${marker}`, { tool_calls: [told] }).content).toBe('before');
  });

  it('goes once for each call, in their order', () => {
    const read = call('Read', 'Read', { file_path: 'a' });
    const content = '[Read: a]\nfirst\n[Read: b]\n[Read: a]\nlast';
    expect(separate(content, { tool_calls: [read, call('Read', 'Read', { file_path: 'b' }), read] }).content).toBe(
      'first\nlast',
    );
    expect(separate(content, { tool_calls: [read] }).content).toBe('first\n[Read: b]\n[Read: a]\nlast');
  });

  it.each([
    ['says something else than the call', '[Read: b.ts]'],
    ['is only the beginning of a line', '[Read: a.ts] is what I did'],
    ['stands inside a line', 'I did [Read: a.ts]'],
    ['is of a form that is not known', '[Read file: a.ts]'],
  ])('one that %s stays', (_name, content) => {
    expect(separate(content, { tool_calls: [call('Read', 'Read', { file_path: 'a.ts' })] }).content).toBe(content);
  });

  it('stays where there is no call, and where the input cannot be read', () => {
    expect(separate('[Bash]\n$ ls', {}).content).toBe('[Bash]\n$ ls');
    expect(separate('[Bash]\n$ ls', { tool_calls: [call('Bash', 'Bash', '{"command":"l')] }).content).toBe(
      '[Bash]\n$ ls',
    );
  });
});

describe('thinking', () => {
  it('goes where thinking_text tells it, one block or several', () => {
    const content = '[Thinking]\none\n[/Thinking]\nsaid\n[Thinking]\ntwo\n[/Thinking]';
    const message = { has_thinking: true, thinking_text: 'one\n\ntwo' };
    expect(separate(content, message)).toEqual({ content: 'said', thinking: 'one\n\ntwo' });
  });

  it('that speaks of the end mark goes whole', () => {
    const thought = 'ends with\n[/Thinking]\nor not';
    const message = { has_thinking: true, thinking_text: thought };
    expect(separate(`[Thinking]\n${thought}\n[/Thinking]\nsaid`, message).content).toBe('said');
  });

  it('without an end mark goes where thinking_text tells how far it reaches, else stays', () => {
    const message = { has_thinking: true, thinking_text: 'hm' };
    expect(separate('[Thinking]\nhm\nsaid', message)).toEqual({ content: 'said', thinking: 'hm' });
    const old = separate('[Thinking]\nhm\nsaid', { has_thinking: true });
    expect(old).toEqual({ content: '[Thinking]\nhm\nsaid', thinking: null });
  });

  it('of releases without thinking_text becomes it', () => {
    const content = '[Thinking]\none\n[/Thinking]\nsaid\n[Thinking]\ntwo\n[/Thinking]';
    expect(separate(content, { has_thinking: true })).toEqual({ content: 'said', thinking: 'one\n\ntwo' });
  });

  it('that thinking_text does not tell, and a mark that a person typed, stay', () => {
    const content = '[Thinking]\nother\n[/Thinking]\nsaid';
    expect(separate(content, { has_thinking: true, thinking_text: 'hm' }).content).toBe(content);
    expect(separate(content, {}).content).toBe(content);
  });
});

it('what was said comes out whole, whatever stands between it', () => {
  const said = fc.stringMatching(/^[^[\n][^\n]{0,20}$/);
  const part = fc.oneof(
    said.map((text) => ({ kind: 'said' as const, text })),
    said.map((text) => ({ kind: 'thinking' as const, text })),
    fc.constantFrom(...MARKED).map(([text, told]) => ({ kind: 'call' as const, text, told })),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const content = parts.map((one) => (one.kind === 'thinking' ? `[Thinking]\n${one.text}\n[/Thinking]` : one.text));
      const thinking = parts.filter(({ kind }) => kind === 'thinking').map(({ text }) => text);
      const separated = separate(content.join('\n'), {
        has_thinking: thinking.length > 0,
        thinking_text: thinking.join('\n\n') || null,
        tool_calls: parts.flatMap((one) => (one.kind === 'call' ? [one.told] : [])),
      });
      const words = parts.filter(({ kind }) => kind === 'said').map(({ text }) => text);
      expect(separated.content).toBe(words.join('\n'));
    }),
  );
});
