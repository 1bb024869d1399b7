import type { AgentEvent } from '../event.ts';
import { countField, flagField, wordField, type JsonObject } from './field.ts';
import { eventOf, lineIdentity, type LineFacts } from './line-event.ts';
import type { ChainLine } from './line.ts';
import { textOf } from './user-line.ts';

/** An assistant line that no model wrote: a rate limit, a login error (§2.3). No response, no count, no price. */
export function isSynthetic(line: ChainLine, message: JsonObject): boolean {
  return message['model'] === '<synthetic>' || flagField(line.body, 'isApiErrorMessage');
}

export function syntheticErrorEvent(line: ChainLine, message: JsonObject, facts: LineFacts): AgentEvent {
  const error = wordField(line.body, 'error');
  const api_status = countField(line.body, 'apiErrorStatus');
  return eventOf('error', lineIdentity('error', line, facts), facts, {
    facts: {
      retry: false,
      // Some synthetic lines only fill a gap ("No response requested."); this tells them apart.
      api_error: flagField(line.body, 'isApiErrorMessage'),
      ...(error === null ? {} : { error }),
      ...(api_status === null ? {} : { api_status }),
    },
    content: textOf(message['content']),
  });
}
