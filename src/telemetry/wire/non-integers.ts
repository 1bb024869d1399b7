/**
 * The original's readers refuse `1.0` where an integer belongs (telemetry specification §2.4), but `JSON.parse` turns it
 * into 1 and the difference is gone. A scan of the text finds whether any such number may be there at all; only then is
 * the text read a second time with the source of every number. The scan costs about 1 ms per MiB; reading every body
 * with a reviver would cost four times the whole parse.
 */
const INTEGER_FIELDS = [
  'event_seq',
  'ts_ms',
  'tokens_in',
  'tokens_out',
  'reasoning_tokens',
  'cost_usd_e6',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'web_searches',
  'started_at_ms',
  'ended_at_ms',
  'lead_time_ms',
  'last_at_ms',
  'indexed_at_ms',
  'chunk_index',
  'chunk_total',
];

const SUSPECT = new RegExp(`"(?:${INTEGER_FIELDS.join('|')})"\\s{0,64}:\\s{0,64}-?\\d{1,32}[.eE]`);
const IS_INTEGER_FIELD = new Set(INTEGER_FIELDS);

export interface NonInteger {
  /** Place in the body's array; -1 when it stands beside the envelope. */
  index: number;
  field: string;
}

/** Integer fields of the body or its items (not of payloads) that are written with a fraction or an exponent. */
export function findNonIntegers(body_text: string, items_field: string): NonInteger[] {
  if (!SUSPECT.test(body_text)) return [];
  const holders = new Map<unknown, string[]>();
  const body: unknown = JSON.parse(body_text, function (this: unknown, key, value: unknown, context?: unknown) {
    const source = (context as { source?: string } | undefined)?.source;
    if (typeof value === 'number' && IS_INTEGER_FIELD.has(key) && source !== undefined && /[.eE]/.test(source))
      holders.set(this, [...(holders.get(this) ?? []), key]);
    return value;
  });
  const own = (holders.get(body) ?? []).map((field) => ({ index: -1, field }));
  const items = (body as Record<string, unknown> | null)?.[items_field];
  if (!Array.isArray(items)) return own;
  return own.concat(items.flatMap((item, index) => (holders.get(item) ?? []).map((field) => ({ index, field }))));
}
