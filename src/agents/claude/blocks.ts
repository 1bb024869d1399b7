import { objectsField, stringField, type JsonObject } from './field.ts';

/** What is kept of a content block to describe a response: its text, never a tool's input. */
export interface Block {
  type: string;
  /** Id of a `tool_use`. */
  id: string | null;
  text: string;
}

/** The blocks of an assistant message; `content` may also be one string. */
export function blocksOf(message: JsonObject): Block[] {
  const content = message['content'];
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', id: null, text: content }];
  return objectsField(message, 'content').map((block) => {
    const type = stringField(block, 'type') ?? '';
    return { type, id: stringField(block, 'id'), text: stringField(block, textKey(type)) ?? '' };
  });
}

/**
 * The blocks of a response after one more of its lines (§2.3). Two shapes occur: each line adds other blocks, or each
 * line repeats all blocks, longer. So: a tool call replaces the one of the same id; a text that continues the one at its
 * place replaces it; anything not present is appended. `additive` (after `end_turn`) aligns nothing.
 */
export function mergeBlocks<B extends Block>(known: readonly B[], more: readonly B[], additive: boolean): B[] {
  const merged = [...known];
  more.forEach((block, place) => {
    const same = merged.findIndex((other) => isSameBlock(other, block));
    const here = additive ? undefined : merged[place];
    if (same !== -1) merged[same] = block;
    else if (here !== undefined && continues(here, block)) merged[place] = longer(here, block);
    else merged.push(block);
  });
  return merged;
}

function textKey(type: string): string {
  if (type === 'thinking') return 'thinking';
  return type === 'redacted_thinking' ? 'data' : 'text';
}

function isSameBlock(a: Block, b: Block): boolean {
  return a.type === b.type && a.id === b.id && (a.id !== null || a.text === b.text);
}

/** Both of one type without id, and one the beginning of the other. */
function continues(a: Block, b: Block): boolean {
  if (a.type !== b.type || a.id !== null || b.id !== null) return false;
  return a.text.startsWith(b.text) || b.text.startsWith(a.text);
}

function longer<B extends Block>(a: B, b: B): B {
  return b.text.length > a.text.length ? b : a;
}
