import type { BatchLimits, ItemError, Replied } from '../ordered/destination.ts';
import { z } from 'zod';

/** A server's words reach logs and screens; they are cut here and stripped of control characters. */
const MAX_MESSAGE = 500;
const MAX_ITEM_ERRORS = 1000;

const count = z.int().min(0).catch(0);
const positive = z.int().min(1).optional().catch(undefined);
const words = z.string().transform(printable).optional().catch(undefined);

const itemError = z.object({
  index: z.int().min(0),
  code: z.string().transform(printable).catch('invalid'),
  message: z.string().transform(printable).catch(''),
  field: words,
});

const answer = z.object({
  received: count.optional(),
  deduped: count.optional(),
  code: words,
  message: words,
  errors: z.array(z.unknown()).max(MAX_ITEM_ERRORS).optional().catch(undefined),
  limits: z.object({ max_items: positive, max_body_bytes: positive }).optional().catch(undefined),
});

/**
 * Reads what a server answered. The status alone decides what happens next, so an unreadable body is no error: its
 * counts are then 0 (telemetry specification §5.4).
 */
export function readReply(status: number, retry_after: string | undefined, body: string): Replied {
  const parsed = answer.safeParse(parseJson(body));
  const said = parsed.success ? parsed.data : {};
  return {
    status,
    retry_after,
    code: said.code,
    message: said.message,
    received: said.received ?? 0,
    deduped: said.deduped ?? 0,
    item_errors: said.errors?.flatMap(readItemError),
    limits: said.limits === undefined ? undefined : known(said.limits),
  };
}

function readItemError(value: unknown): ItemError[] {
  const parsed = itemError.safeParse(value);
  return parsed.success ? [parsed.data] : [];
}

function known(limits: { max_items?: number | undefined; max_body_bytes?: number | undefined }): Partial<BatchLimits> {
  return {
    ...(limits.max_items === undefined ? {} : { max_items: limits.max_items }),
    ...(limits.max_body_bytes === undefined ? {} : { max_body_bytes: limits.max_body_bytes }),
  };
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, MAX_MESSAGE);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's HTML page, a cut body: the status says all that counts.
    return {};
  }
}
