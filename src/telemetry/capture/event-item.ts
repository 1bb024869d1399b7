import type { AgentEvent, JsonValue } from '../../agents/event.ts';
import { priceOf } from '../../agents/pricing/price.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import type { Tally } from '../../redaction/report.ts';
import type { HashedIds } from './hashed-ids.ts';
import type { WireEvent } from '../wire/event.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/** What of an event's content is kept: nothing, or everything after redaction. */
export type ContentPolicy = 'none' | 'redacted';

/** Longest payload of one item; content beyond it is cut with a marker and counted (design §5 rule 12). */
export const MAX_PAYLOAD_CHARS = 256 * 1024;

const U32_MAX = 0xffff_ffff;

/** An event and where it belongs. */
export interface LocatedEvent {
  event: AgentEvent;
  /** Under the salt of its context. */
  ids: HashedIds;
  context: WorkspaceContext;
}

/**
 * An event in wire form (telemetry specification §2.4): ids hashed, names and payload redacted, content only when the
 * policy says so. The text is made once, here, and travels as it is to every destination.
 */
export function eventItem(
  { event, ids, context }: LocatedEvent,
  hashing: Hashing,
  content: ContentPolicy,
  tally: Tally,
): string {
  const { redactor } = context;
  const price = priceOf(event.usage, event.model, event.ts_ms);
  const text = (value: string | null): string | undefined =>
    value === null ? undefined : redactor.redactText(value, tally);
  const item: WireEvent = {
    session_id_hash: ids.session,
    event_seq: ids.seq,
    ts_ms: Math.max(0, Math.trunc(event.ts_ms)),
    agent: event.agent,
    model: text(event.model) ?? 'unknown',
    kind: event.kind,
    source: event.source,
    tool: text(event.tool),
    tool_call_id: ids.call ?? undefined,
    ...usageFields(event),
    cost_usd_e6: price.micro_usd ?? undefined,
    price_date: price.micro_usd === null ? undefined : price.price_date,
    payload: payloadOf(event, context, hashing, content, tally),
    origin_id_hash: ids.origin,
    owner_rank: event.owner_rank,
    subagent_id_hash: ids.subagent ?? undefined,
    outcome: event.outcome ?? undefined,
    ts_exact: event.ts_exact ? undefined : false,
  };
  return JSON.stringify(item);
}

function usageFields({ usage }: AgentEvent): Partial<WireEvent> {
  if (!usage) return {};
  return {
    tokens_in: u32(usage.input),
    tokens_out: u32(usage.output),
    reasoning_tokens: usage.reasoning === null ? undefined : u32(usage.reasoning),
    cache_read_tokens: u32(usage.cache_read),
    cache_write_5m_tokens: u32(usage.cache_write_5m),
    cache_write_1h_tokens: u32(usage.cache_write_1h),
    web_searches: usage.web_searches > 0 ? u32(usage.web_searches) : undefined,
  };
}

function u32(count: number): number {
  return Math.min(U32_MAX, Math.max(0, Math.trunc(count)));
}

/** Facts whose value is a native id of the agent's; like every id they leave as a hash alone (§3.2). */
const ID_FACTS = ['subagent_id', 'prompt_id'];

function factsOf({ facts }: AgentEvent, { salt }: WorkspaceContext, hashing: Hashing): AgentEvent['facts'] {
  const ids = ID_FACTS.filter((name) => typeof facts[name] === 'string');
  if (ids.length === 0) return facts;
  const { ...rest } = facts;
  for (const name of ids) {
    rest[`${name}_hash`] = hashing.hashWithSalt(salt.bytes, String(facts[name]));
    delete rest[name];
  }
  return rest;
}

function payloadOf(
  event: AgentEvent,
  context: WorkspaceContext,
  hashing: Hashing,
  content: ContentPolicy,
  tally: Tally,
): JsonValue {
  const facts = context.redactor.redactValue(factsOf(event, context, hashing), tally) as Record<string, JsonValue>;
  if (content === 'none' || event.content === null) return facts;
  const kept = context.redactor.redactValue(event.content, tally);
  const size = JSON.stringify(kept).length;
  if (size <= MAX_PAYLOAD_CHARS) return { ...facts, content: kept };
  tally.set('content-too-long', (tally.get('content-too-long') ?? 0) + 1);
  return { ...facts, content: `[TRUNCATED chars=${size}]` };
}
