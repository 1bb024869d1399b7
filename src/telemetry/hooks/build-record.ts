import { workspaceOf, type Workspace } from '../../agents/workspace.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Hashing } from '../../redaction/hash-forms.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import type { Tally } from '../../redaction/report.ts';
import type { HookInput } from './input.ts';
import {
  agentOf,
  contentOf,
  cwdOf,
  eventOf,
  factsOf,
  isKnownEvent,
  sessionIdOf,
  toolCallIdOf,
  toolOf,
  type HookAgent,
  type Payload,
} from './payload.ts';
import type { SpoolRecord } from './record.ts';

export interface HookContext {
  /** The agent that the installed line names. */
  declared: HookAgent;
  clock: Clock;
  hashing: Hashing;
  salt: Uint8Array;
  /** Whether prompts and tool input and output are kept, redacted. */
  content: 'none' | 'redacted';
  /** SYNCLINE_PRIVATE=1 in the agent's environment. */
  private: boolean;
}

/** A hook has 100 ms for everything; what cannot be scanned in this time is replaced, not passed (R23). */
const LIMITS = { max_ms: 30, max_nodes: 20_000, max_text_chars: 262_144 };

/** Makes a spool record of a payload: ids hashed, names and content redacted, nothing else kept. */
export function buildRecord(input: HookInput & { payload: Payload }, context: HookContext): SpoolRecord {
  const { payload } = input;
  const { hashing, salt } = context;
  const removed: Tally = new Map();
  const redactor = createRedactor({ hashing, salt, limits: LIMITS, clock: context.clock });
  const hashed = (id: string | null): string | null => (id === null ? null : hashing.hashWithSalt(salt, id));
  const name = (word: string | null): string | null => (word === null ? null : redactor.redactText(word, removed));
  const event = eventOf(payload);
  const known = isKnownEvent(event);
  const workspace = workspaceAt(cwdOf(payload));
  const facts = known ? factsOf(payload) : {};
  const content = known && context.content === 'redacted' && !context.private ? contentOf(payload) : null;
  const agent_id = payload['agent_id'];
  return {
    v: 1,
    ts_ms: context.clock.now_ms(),
    agent: agentOf(payload, context.declared),
    event: name(event) ?? event,
    salt_tag: saltTag(hashing, salt),
    session: hashed(sessionIdOf(payload)),
    subagent: typeof agent_id === 'string' && agent_id !== '' ? hashed(agent_id) : null,
    tool: known ? name(toolOf(payload)) : null,
    tool_call_id: known ? name(toolCallIdOf(payload)) : null,
    workspace: workspace && hashing.workspaceHash(salt, workspace.identity),
    workspace_kind: workspace?.kind ?? null,
    private: context.private,
    payload_bytes: input.bytes,
    truncated: input.truncated,
    facts: redactor.redactValue(facts, removed) as typeof facts,
    content: content && redactor.redactValue(content, removed),
    rule_set: redactor.rule_set,
    removed: Object.fromEntries(removed),
  };
}

/** Tells the reader which of its salts a record was made under, and nobody else anything: a salt has 256 bits. */
export function saltTag(hashing: Hashing, salt: Uint8Array): string {
  return hashing.hashWithSalt(salt, 'syncline hook salt').slice('blake3:'.length, 'blake3:'.length + 8);
}

function workspaceAt(cwd: string | null): Workspace | null {
  if (cwd === null) return null;
  try {
    return workspaceOf(cwd);
  } catch {
    // A folder that cannot be looked at (no permission, too long a name): the record is worth more than its workspace.
    return null;
  }
}
