import type { AgentEvent } from '../event.ts';
import { isObject, objectField, stringField, wordField } from './field.ts';
import { eventOf, lineIdentity, type LineFacts } from './line-event.ts';
import type { ChainLine } from './line.ts';
import { classifyUserText, textOf, type UserLine } from './user-line.ts';

/**
 * The event of what a person typed or did, or null for a line that is neither. The first line of a subagent is its
 * parent agent's instruction (the input of a tool call already told), so nothing on a sidechain counts as typed.
 */
export function promptEvent(user_line: UserLine, line: ChainLine, facts: LineFacts): AgentEvent | null {
  if (user_line.is === 'interruption') {
    return eventOf('lifecycle', lineIdentity('interruption', line, facts), facts, {
      facts: { type: 'interruption', during_tool: user_line.during_tool },
    });
  }
  if (line.sidechain) return null;
  switch (user_line.is) {
    case 'prompt': {
      const prompt_source = wordField(line.body, 'promptSource') ?? 'typed';
      // `system` marks text that the program itself put in as a prompt (§2.2).
      if (prompt_source === 'system') return null;
      const images: Record<string, number> = user_line.images > 0 ? { images: user_line.images } : {};
      return typedEvent(user_line.text, prompt_source, line, facts, images);
    }
    case 'slash_command': {
      const known = /^\/[\w:.-]{1,64}$/.test(user_line.name);
      return typedEvent(user_line.text, 'slash_command', line, facts, known ? { command: user_line.name } : {});
    }
    case 'bash_input':
      return typedEvent(user_line.text, 'bash_input', line, facts, {});
    default:
      return null;
  }
}

/**
 * The event of a `queued_command` attachment: text typed while the agent worked, a real prompt at its own time (§2.1);
 * null for a background task's notice that travels the same way.
 */
export function queuedPromptEvent(line: ChainLine, facts: LineFacts): AgentEvent | null {
  const attachment = objectField(line.body, 'attachment');
  if (attachment === null || attachment['type'] !== 'queued_command') return null;
  const mode = stringField(attachment, 'commandMode');
  if ((mode !== null && mode !== 'prompt') || line.meta || line.sidechain) return null;
  const prompt = attachment['prompt'];
  const images = Array.isArray(prompt) ? prompt.filter((part) => isObject(part) && part['type'] === 'image').length : 0;
  const user_line = classifyUserText(textOf(prompt), images);
  if (user_line.is !== 'prompt') return promptEvent(user_line, line, facts);
  return typedEvent(user_line.text, 'queued', line, facts, images > 0 ? { images } : {});
}

function typedEvent(
  text: string,
  prompt_source: string,
  line: ChainLine,
  facts: LineFacts,
  own: Record<string, string | number>,
): AgentEvent {
  const prompt_id = wordField(line.body, 'promptId');
  return eventOf('message', lineIdentity('prompt', line, facts), facts, {
    facts: {
      role: 'user',
      prompt_source,
      ...(prompt_id === null ? {} : { prompt_id }),
      text_bytes: Buffer.byteLength(text),
      ...own,
    },
    content: text,
  });
}
