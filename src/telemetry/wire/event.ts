import { z } from 'zod';
import {
  optionalBoolean,
  optionalSafeInteger,
  optionalText,
  optionalU32,
  requiredJson,
  safeUnsigned,
  text,
} from './scalars.ts';

/** How a tool call ended. */
export const toolOutcome = z.enum(['ok', 'failed', 'rejected']);
export type WireToolOutcome = z.infer<typeof toolOutcome>;

/**
 * What identifies an item over its copies, ours and additive within v1: agents copy whole conversations into new
 * sessions (fork, resume), and a turn counts once, for the session that had it first (R4).
 */
export const originFields = {
  /** The same for every copy of the item in any session; absent: the item has no copies to merge. */
  origin_id_hash: optionalText,
  /** The session that names the smallest rank owns the item. Compared as UTF-16 code units. */
  owner_rank: optionalText,
  /** The subagent of the session that did it; absent: the session itself. */
  subagent_id_hash: optionalText,
};

/** `OutboundEvent` of §2.4, and our optional additions. Unknown fields are ignored. */
export const wireEvent = z.object({
  session_id_hash: text,
  event_seq: safeUnsigned,
  ts_ms: safeUnsigned,
  agent: text,
  /** Literally `unknown` when the sender does not know. */
  model: text,
  /** Open: a kind of a newer client is stored as it is (§6.1). */
  kind: text,
  source: text,
  tool: optionalText,
  tool_call_id: optionalText,
  /** Uncached input only; cache reads and writes have fields of their own. */
  tokens_in: optionalU32,
  tokens_out: optionalU32,
  reasoning_tokens: optionalU32,
  cost_usd_e6: optionalSafeInteger,
  payload: requiredJson,
  ...originFields,
  outcome: toolOutcome.nullish(),
  cache_read_tokens: optionalU32,
  cache_write_5m_tokens: optionalU32,
  cache_write_1h_tokens: optionalU32,
  web_searches: optionalU32,
  /** Date of the price table behind `cost_usd_e6`, `YYYY-MM-DD`. */
  price_date: optionalText,
  /** False where the agent's file gives the line no time of its own. */
  ts_exact: optionalBoolean,
});

/** One event as it stands in the body of `POST /v1/events`. */
export type WireEvent = z.infer<typeof wireEvent>;
