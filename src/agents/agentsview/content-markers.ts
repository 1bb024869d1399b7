/**
 * agentsview flattens a message to one text: what was said, its thinking in `[Thinking]` … `[/Thinking]`, and a marker for
 * each tool use (`[Read: path]`, `[Bash]` with the command below), parts joined by a line break (§2.4). Here the parts
 * that are told elsewhere are taken out again. A marker goes only when it says exactly what its call says, so that
 * nothing is lost when a release writes another form, or when a person happened to type one.
 */
import type { AgentsviewMessage } from './message.ts';
import type { ToolCall } from './tool-call.ts';

const THINKING_BEGIN = '[Thinking]\n';
const THINKING_END = '\n[/Thinking]';

/** What was said, without thinking and tool markers; and the thinking. */
export interface SeparatedContent {
  content: string;
  thinking: string | null;
}

/** Takes apart the flattened text of one message. */
export function separateContent(message: AgentsviewMessage): SeparatedContent {
  const spoken = message.has_thinking
    ? withoutThinking(message.content, message.thinking_text)
    : { content: message.content, thinking: message.thinking_text };
  return { ...spoken, content: withoutMarkers(spoken.content, message.tool_calls) };
}

/** Before 0.23 there is no `thinking_text`, and the blocks are its only place: then they become it. */
function withoutThinking(content: string, told: string | null): SeparatedContent {
  const found: string[] = [];
  let rest = content;
  for (let from = 0; ;) {
    const begin = lineStart(rest, THINKING_BEGIN, from);
    if (begin === -1) break;
    const block = thinkingAt(rest, begin + THINKING_BEGIN.length, told);
    if (block === null) {
      from = begin + THINKING_BEGIN.length;
      continue;
    }
    found.push(block.text);
    rest = withoutPart(rest, begin, block.end);
    from = begin;
  }
  return { content: rest, thinking: told ?? (found.length > 0 ? found.join('\n\n') : null) };
}

/**
 * The block that begins here, up to the last end mark up to which `told` has its words: thinking may speak of the end
 * mark. Data of the first releases have no end mark (§2.4): then the block is what is told, or cannot be told from speech.
 */
function thinkingAt(text: string, begin: number, told: string | null): { text: string; end: number } | null {
  let last: { text: string; end: number } | null = null;
  for (let end = text.indexOf(THINKING_END, begin); end !== -1; end = text.indexOf(THINKING_END, end + 1)) {
    if (!isLineEnd(text, end + THINKING_END.length)) continue;
    const block = text.slice(begin, end);
    if (told === null) return { text: block, end: end + THINKING_END.length };
    if (!told.includes(block)) break;
    last = { text: block, end: end + THINKING_END.length };
  }
  if (last === null && told !== null && text.startsWith(told, begin) && isLineEnd(text, begin + told.length))
    return { text: told, end: begin + told.length };
  return last;
}

/** Markers stand in the order of their calls; each call has at most one. */
function withoutMarkers(content: string, calls: readonly ToolCall[]): string {
  let rest = content;
  let from = 0;
  for (const call of calls) {
    if (lineStart(rest, '[', from) === -1) break;
    const found = firstOf(rest, markersOf(call), from);
    if (found === null) continue;
    rest = withoutPart(rest, found.begin, found.begin + found.length);
    from = found.begin;
  }
  return rest;
}

/** The first of these that stands as a part of its own at or after `from`; of two at one place, the longer. */
function firstOf(text: string, markers: readonly string[], from: number): { begin: number; length: number } | null {
  for (let begin = lineStart(text, '[', from); begin !== -1; begin = lineStart(text, '[', begin + 1)) {
    const lengths = markers
      .filter((marker) => text.startsWith(marker, begin) && isLineEnd(text, begin + marker.length))
      .map((marker) => marker.length);
    if (lengths.length > 0) return { begin, length: Math.max(...lengths) };
  }
  return null;
}

function lineStart(text: string, part: string, from: number): number {
  let begin = text.indexOf(part, from);
  while (begin > 0 && text[begin - 1] !== '\n') begin = text.indexOf(part, begin + 1);
  return begin;
}

function isLineEnd(text: string, at: number): boolean {
  return at === text.length || text[at] === '\n';
}

/** Without the part and the line break that joined it. */
function withoutPart(text: string, begin: number, end: number): string {
  if (end < text.length) return text.slice(0, begin) + text.slice(end + 1);
  return text.slice(0, Math.max(0, begin - 1));
}

type Input = Readonly<Record<string, unknown>>;

/** Every form in which releases write this call, from its name and input. */
function markersOf(call: ToolCall): string[] {
  const input = inputOf(call.input_json);
  return [
    `[Tool: ${call.tool_name}]`,
    ...fileMarkers(input, call),
    ...shellMarkers(input, call),
    ...searchMarkers(input),
    ...agentMarkers(input, call),
    ...planMarkers(input, call),
  ];
}

function fileMarkers(input: Input, call: ToolCall): string[] {
  const paths = texts(input, ['file_path', 'path', 'filePath', 'file', 'notebook_path']);
  if (call.file_path !== null) paths.push(call.file_path);
  const labels = ['Read', 'Edit', 'Write', 'Patch', 'Undo'];
  return [...paths.flatMap((path) => labels.map((label) => `[${label}: ${path}]`)), '[Patch]'];
}

function shellMarkers(input: Input, call: ToolCall): string[] {
  const commands = texts(input, ['command', 'cmd']);
  const parts = ['command', 'cmd'].map((name) => input[name]).filter((value) => Array.isArray(value));
  commands.push(...parts.map((words) => words.filter((word) => typeof word === 'string').join(' ')));
  if (commands.length === 0 && call.category === 'Bash') commands.push('');
  const description = textAt(input, 'description');
  return commands.flatMap((command) =>
    description === null ? [`[Bash]\n$ ${command}`] : [`[Bash: ${description}]\n$ ${command}`, `[Bash]\n$ ${command}`],
  );
}

function searchMarkers(input: Input): string[] {
  const patterns = texts(input, ['pattern', 'filePattern', 'query']);
  const path = textAt(input, 'path') ?? '.';
  return [
    ...patterns.flatMap((pattern) => [`[Grep: ${pattern}]`, `[Glob: ${pattern}]`, `[Find: ${pattern}]`]),
    ...patterns.map((pattern) => `[Glob: ${pattern} in ${path}]`),
    ...texts(input, ['url']).map((url) => `[Web: ${url}]`),
  ];
}

function agentMarkers(input: Input, call: ToolCall): string[] {
  const kind = textAt(input, 'subagent_type') ?? textAt(input, 'agent');
  const tasks = texts(input, ['description', 'prompt']).map((task) =>
    kind === null ? `[Task: ${task}]` : `[Task: ${task} (${kind})]`,
  );
  const skills = texts(input, ['skill', 'name']);
  if (call.skill_name !== null) skills.push(call.skill_name);
  const sent = textAt(input, 'type') ?? '';
  const recipient = textAt(input, 'recipient');
  return [
    ...tasks,
    ...(call.category === 'Task' ? ['[Task]'] : []),
    ...skills.map((skill) => `[Skill: ${skill}]`),
    ...(call.tool_name === 'SendMessage'
      ? [`[SendMessage: ${sent}]`, ...(recipient === null ? [] : [`[SendMessage: ${sent} to ${recipient}]`])]
      : []),
  ];
}

function planMarkers(input: Input, call: ToolCall): string[] {
  const id = textAt(input, 'taskId') ?? '';
  const status = textAt(input, 'status');
  switch (call.tool_name) {
    case 'EnterPlanMode':
      return ['[Entering Plan Mode]'];
    case 'ExitPlanMode':
      return ['[Exiting Plan Mode]'];
    case 'TodoWrite':
      return [todoMarker(input)];
    case 'AskUserQuestion':
      return [questionMarker(input, call.tool_name)];
    case 'TaskCreate':
      return ['[TaskCreate]', ...texts(input, ['subject']).map((subject) => `[TaskCreate: ${subject}]`)];
    case 'TaskUpdate':
      return [`[TaskUpdate: #${id}]`, ...(status === null ? [] : [`[TaskUpdate: #${id} ${status}]`])];
    case 'TaskGet':
      return [`[TaskGet: #${id}]`];
    case 'TaskList':
      return ['[TaskList]'];
    default:
      return [];
  }
}

const TODO_SIGNS: Readonly<Record<string, string>> = { completed: '✓', in_progress: '→', pending: '○' };

function todoMarker(input: Input): string {
  const lines = objects(input['todos']).map(
    (todo) => `  ${TODO_SIGNS[textAt(todo, 'status') ?? ''] ?? '○'} ${textAt(todo, 'content') ?? ''}`,
  );
  return ['[Todo List]', ...lines].join('\n');
}

function questionMarker(input: Input, tool_name: string): string {
  const lines = objects(input['questions']).flatMap((question) => [
    `  ${textAt(question, 'question') ?? ''}`,
    ...objects(question['options']).map(
      (option) => `    - ${textAt(option, 'label') ?? ''}: ${textAt(option, 'description') ?? ''}`,
    ),
  ]);
  return [`[Question: ${tool_name}]`, ...lines].join('\n');
}

/** An input that is no JSON object (a raw patch, one that was cut) has no fields. */
function inputOf(json: string | null): Input {
  try {
    const input: unknown = JSON.parse(json ?? '{}');
    return isObject(input) ? input : {};
  } catch {
    return {};
  }
}

function objects(value: unknown): Input[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function texts(input: Input, names: readonly string[]): string[] {
  return names.flatMap((name) => textAt(input, name) ?? []);
}

function textAt(input: Input, name: string): string | null {
  const value = input[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
