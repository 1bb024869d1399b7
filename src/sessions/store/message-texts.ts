import { hash } from 'node:crypto';
import type { ConversationMessage } from '../../agents/conversation.ts';
import type { SearchScope } from './session-store.ts';

/** A text of a message that is searched. */
export interface ScopedText {
  scope: Exclude<SearchScope, 'title'>;
  text: string;
}

/** Parts of a message that are indexed apart, as the length of one would hide the other from ranking. */
export const SAID = 0;
export const DONE = 1;
export type Part = typeof SAID | typeof DONE;

/** The texts of a part: what was said and thought, or what tools were given and returned; of these scopes, default all. */
export function textsOf(message: ConversationMessage, part: Part, scopes?: readonly SearchScope[]): ScopedText[] {
  const texts = part === SAID ? saidTexts(message) : doneTexts(message);
  return scopes ? texts.filter(({ scope }) => scopes.includes(scope)) : texts;
}

function saidTexts({ content, thinking }: ConversationMessage): ScopedText[] {
  const said: ScopedText[] = [{ scope: 'message', text: content }];
  return thinking === null ? said : [...said, { scope: 'thinking', text: thinking }];
}

function doneTexts({ tool_calls }: ConversationMessage): ScopedText[] {
  return tool_calls.flatMap(({ input_json, result }) => {
    const texts: ScopedText[] = [];
    if (input_json !== null) texts.push({ scope: 'tool_input', text: inputText(input_json) });
    if (result !== null) texts.push({ scope: 'tool_output', text: result });
    return texts;
  });
}

/** The values of a JSON text, a line each: what people look for, without escapes and names of fields. Other text as it is. */
export function inputText(input_json: string): string {
  let value: unknown;
  try {
    value = JSON.parse(input_json);
  } catch {
    // Cut or masked to something else; the text is what there is.
    return input_json;
  }
  const lines: string[] = [];
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next === 'string') lines.push(next);
    else if (typeof next === 'number') lines.push(String(next));
    else if (next !== null && typeof next === 'object')
      for (const inner of Object.values(next).reverse()) waiting.push(inner);
  }
  return lines.join('\n');
}

/** True when a person said it: what an agent's program writes as `user` is not. */
export function isOfPerson({ role, is_system }: ConversationMessage): boolean {
  return role === 'user' && !is_system;
}

/** What copies of a message have in common (R25). */
export interface Turn {
  /** 61 bits of a hash: two of them can be added. */
  id: bigint;
  /** 1: a copy only within one tree, as the agent gave no id and other sessions say the same. */
  in_tree: 0 | 1;
}

export function turnOf(message: ConversationMessage): Turn {
  const { source_uuid, role, content, thinking, tool_calls } = message;
  if (source_uuid !== null) return { id: hash61(`uuid ${source_uuid}`), in_tree: 0 };
  const calls = tool_calls.map(({ tool_name, input_json, result }) => [tool_name, input_json, result]);
  return { id: hash61(JSON.stringify([role, content, thinking, calls])), in_tree: 1 };
}

/** A title is a copy of nothing. */
export function turnOfTitle(team_id: string, key: string): Turn {
  return { id: hash61(`title ${team_id} ${key}`), in_tree: 0 };
}

export function treeOf(root_key: string): bigint {
  return hash61(`tree ${root_key}`);
}

function hash61(text: string): bigint {
  return hash('sha256', text, 'buffer').readBigUInt64BE(0) >> 3n;
}
