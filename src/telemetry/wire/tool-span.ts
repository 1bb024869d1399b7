import { z } from 'zod';
import { originFields, toolOutcome } from './event.ts';
import { MAX_HASHES, optionalSafeInteger, optionalSafeUnsigned, optionalText, optionalU32, text } from './scalars.ts';

/** `OutboundToolSpan` of telemetry specification §2.4, and our optional additions. */
export const wireToolSpan = z.object({
  session_id_hash: text,
  span_id_hash: text,
  tool: optionalText,
  /** `done` or `orphaned`; open like an event's kind. */
  status: text,
  started_at_ms: optionalSafeUnsigned,
  ended_at_ms: optionalSafeUnsigned,
  lead_time_ms: optionalSafeUnsigned,
  tokens_in: optionalU32,
  tokens_out: optionalU32,
  reasoning_tokens: optionalU32,
  cost_usd_e6: optionalSafeInteger,
  path_hashes: z.array(text).max(MAX_HASHES),
  ...originFields,
  /** Joins the span to the events of the same call: the same value as their `tool_call_id`. */
  tool_call_id: optionalText,
  outcome: toolOutcome.nullish(),
});

/** One span as it stands in the body of `POST /v1/tool-spans`. */
export type WireToolSpan = z.infer<typeof wireToolSpan>;
