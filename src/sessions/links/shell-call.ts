import type { ConversationToolCall } from '../../agents/conversation.ts';

/** What a shell was told and what it answered, whichever agent's shell it was. */
export interface ShellCall {
  /** Empty: the call told nothing to run (it waits for, or writes to, a command that runs). */
  script: string;
  /** The folder the tool was told to run it in. */
  folder: string | null;
  output: string;
}

const SCRIPT_FIELDS = ['command', 'cmd', 'script', 'code', 'CommandLine', 'commands', 'input'];
const FOLDER_FIELDS = ['workdir', 'cwd', 'working_directory', 'workingDirectory', 'dir_path', 'directory', 'Cwd'];
const OUTPUT_FIELDS = [
  'stdout',
  'output',
  'aggregated_output',
  'formatted_output',
  'text',
  'content',
  'result',
  'stderr',
];
/** How deep and wide an output that is JSON is searched for texts. */
const MAX_DEPTH = 6;
const MAX_ITEMS = 1_000;
const MAX_CODE_CHARS = 256 * 1024;

export function shellCallOf(call: ConversationToolCall): ShellCall {
  const input = parseJson(call.input_json ?? '');
  const fields = isRecord(input) ? input : {};
  const told =
    typeof input === 'string'
      ? input
      : SCRIPT_FIELDS.map((name) => fields[name]).find((value) => value !== null && value !== undefined);
  const folder = FOLDER_FIELDS.map((name) => fields[name]).find((value) => typeof value === 'string' && value !== '');
  return {
    script: scriptOf(told),
    folder: typeof folder === 'string' ? folder : null,
    output: outputOf(call.result ?? ''),
  };
}

/** A text, or an argument list whose words are quoted again so that the splitter reads them as they were. */
function scriptOf(told: unknown): string {
  if (typeof told === 'string') return commandsInCode(told) ?? told;
  if (!Array.isArray(told)) return '';
  const words = told.filter((word): word is string => typeof word === 'string');
  // A list of one is a script: no program has blanks in its name.
  return words.length === 1 ? (words[0] ?? '') : words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]{1,200}$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Codex may write a program that runs commands: `tools.exec_command({"cmd":"git commit …"})`. Null: it is no such one. */
function commandsInCode(code: string): string | null {
  if (!code.includes('exec_command(')) return null;
  const commands: string[] = [];
  for (const [, literal] of code
    .slice(0, MAX_CODE_CHARS)
    .matchAll(/"?cmd"?\s{0,4}:\s{0,4}("(?:[^"\\\n]|\\.){0,20000}")/g)) {
    const command = parseJson(literal ?? '');
    if (typeof command === 'string') commands.push(command);
  }
  return commands.length === 0 ? null : commands.join('\n');
}

/** The text of an output; some agents' outputs are JSON that holds it (`{"output":"…","metadata":{…}}`, content blocks). */
function outputOf(result: string): string {
  const value = /^\s{0,20}[{[]/.test(result) ? parseJson(result) : undefined;
  if (typeof value !== 'object' || value === null) return result;
  const texts: string[] = [];
  collectTexts(value, texts, 0);
  return texts.length === 0 ? result : texts.join('\n');
}

function collectTexts(value: unknown, texts: string[], depth: number): void {
  if (depth > MAX_DEPTH || texts.length >= MAX_ITEMS) return;
  if (typeof value === 'string') texts.push(value);
  else if (Array.isArray(value)) {
    for (const item of value.slice(0, MAX_ITEMS)) if (typeof item === 'object') collectTexts(item, texts, depth + 1);
  } else if (isRecord(value)) {
    for (const name of OUTPUT_FIELDS) if (Object.hasOwn(value, name)) collectTexts(value[name], texts, depth + 1);
  }
}

/** Undefined: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Cut or masked inputs may be no JSON any more; then they tell nothing.
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
