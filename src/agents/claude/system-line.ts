import type { AgentEvent } from '../event.ts';
import { countField, objectField, stringField, wordField } from './field.ts';
import { eventOf, lineIdentity, type LineFacts } from './line-event.ts';
import type { ChainLine } from './line.ts';

type Facts = Record<string, string | number | boolean>;

/** The event of a `system` line, or null: most subtypes are notes to the screen (§2.6). */
export function systemEvent(line: ChainLine, facts: LineFacts): AgentEvent | null {
  switch (line.body['subtype']) {
    case 'compact_boundary':
      return eventOf('lifecycle', lineIdentity('compaction', line, facts), facts, {
        facts: { type: 'compaction', ...compactionFacts(line, 'compactMetadata') },
      });
    case 'microcompact_boundary':
      return eventOf('lifecycle', lineIdentity('microcompaction', line, facts), facts, {
        facts: { type: 'microcompaction', ...compactionFacts(line, 'microcompactMetadata') },
      });
    case 'api_error':
      return apiErrorEvent(line, facts);
    default:
      return null;
  }
}

/** A compaction whose boundary line is missing (older versions): its summary stands for it. */
export function compactionWithoutBoundary(line: ChainLine, facts: LineFacts): AgentEvent {
  return eventOf('lifecycle', lineIdentity('compaction', line, facts), facts, { facts: { type: 'compaction' } });
}

/** The new name in a `local_command` line of `/rename`; null when it clears the name, undefined when it is another. */
export function renamedTo(line: ChainLine): string | null | undefined {
  if (line.body['subtype'] !== 'local_command') return undefined;
  const content = stringField(line.body, 'content') ?? '';
  if (!content.includes('<command-name>/rename</command-name>')) return undefined;
  const name = /<command-args>([^<]*)<\/command-args>/.exec(content)?.[1]?.trim() ?? '';
  return name === '' ? null : name;
}

function compactionFacts(line: ChainLine, key: string): Facts {
  const metadata = objectField(line.body, key);
  if (metadata === null) return {};
  const facts: Facts = {};
  const trigger = wordField(metadata, 'trigger');
  if (trigger !== null) facts['trigger'] = trigger;
  const counts = {
    pre_tokens: 'preTokens',
    post_tokens: 'postTokens',
    tokens_saved: 'tokensSaved',
    duration_ms: 'durationMs',
  };
  for (const [name, field] of Object.entries(counts)) {
    const count = countField(metadata, field);
    if (count !== null) facts[name] = count;
  }
  return facts;
}

/** A request that failed and is tried again: no response, no usage. */
function apiErrorEvent(line: ChainLine, facts: LineFacts): AgentEvent {
  const error = objectField(line.body, 'error');
  const own: Facts = { retry: true };
  const status = error === null ? null : countField(error, 'status');
  if (status !== null) own['api_status'] = status;
  const counts = { retry_attempt: 'retryAttempt', max_retries: 'maxRetries', retry_in_ms: 'retryInMs' };
  for (const [name, field] of Object.entries(counts)) {
    const count = countField(line.body, field);
    if (count !== null) own[name] = count;
  }
  const content = stringField(line.body, 'content') ?? (error === null ? null : stringField(error, 'message'));
  return eventOf('error', lineIdentity('api_error', line, facts), facts, { facts: own, content });
}
