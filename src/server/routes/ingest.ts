import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { ForbiddenError, FullError } from '../../platform/errors.ts';
import type { IngestCounts } from '../../telemetry/store/idempotency.ts';
import type { IngestResult } from '../../telemetry/store/telemetry-store.ts';
import { SCHEMA_VERSION, type AnyParsedBody, type TelemetryKind } from '../../telemetry/wire/body.ts';
import { parseBody } from '../../telemetry/wire/parse.ts';
import { authenticate } from '../access/authenticate.ts';
import type { Caller } from '../access/scope.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { readBody, tooLarge } from '../http/read-body.ts';
import { Refusal } from '../http/refusal.ts';
import { requireJson } from '../http/require-json.ts';

const KEY_HEADERS = ['X-Syncline-Idempotency-Key', 'X-Kaizen-Idempotency-Key'];
const VERSION_HEADERS = ['X-Syncline-Schema-Version', 'X-Kaizen-Schema-Version'];
const MAX_KEY_LENGTH = 200;

/**
 * `POST` of every telemetry kind (telemetry specification §6). The checks come cheapest first; the
 * key is looked up before the body is parsed, so that a storm of repeats costs a hash and a read.
 */
export async function ingest(c: Context<ServerEnv>, context: ServerContext, kind: TelemetryKind): Promise<Response> {
  const caller = authenticate(c, context, ['ingest']);
  context.quota.takeRequest(caller.token_id);
  context.removals?.requireWritable('telemetry');
  requireJson(c);
  requireSchemaVersion(c);
  const key = requireKey(c);
  const reservation = context.in_flight.reserve();
  try {
    const bytes = await readBody(c.env.incoming, context.limits, reservation);
    const batch = { key, body_sha256: createHash('sha256').update(bytes).digest() };
    const known = context.store.findKey(caller.team_id, kind, batch);
    if (known.state === 'replayed') return answer(409, known.counts);
    if (known.state === 'reused') throw keyReused();
    const body = parse(kind, bytes.toString('utf8'));
    if (body.items.length > context.limits.max_items) throw tooLarge('max_items', context.limits);
    context.quota.takeItems(caller.token_id, body.items.length);
    const result = store(context, body, caller, batch);
    if (result.outcome === 'key_reused') throw keyReused();
    if (result.outcome === 'replayed') return answer(409, result);
    context.metrics.ingested(kind, result.received, result.deduped, bytes.length);
    return answer(202, result);
  } finally {
    reservation.release();
  }
}

/** A replay gets the very bytes of the first answer: they are made of the counts alone. */
function answer(status: 202 | 409, { received, deduped }: IngestCounts): Response {
  return Response.json({ received, deduped }, { status });
}

function requireSchemaVersion(c: Context<ServerEnv>): void {
  for (const field of VERSION_HEADERS) {
    const version = c.req.header(field);
    if (version === undefined || version.trim() === String(SCHEMA_VERSION)) continue;
    throw new Refusal(426, 'schema_version', `This server takes schema version ${SCHEMA_VERSION}`, {
      field,
      headers: { upgrade: `syncline-schema/${SCHEMA_VERSION}` },
      more: { schema_versions: [SCHEMA_VERSION] },
    });
  }
}

/** The original's own header name is as good as ours; the key need not be a UUID of any version. */
function requireKey(c: Context<ServerEnv>): string {
  const key = KEY_HEADERS.map((field) => c.req.header(field)?.trim()).find((value) => value !== undefined);
  const [field] = KEY_HEADERS;
  if (key === undefined || key === '')
    throw new Refusal(400, 'idempotency_key_missing', `The header ${KEY_HEADERS.join(' or ')} is missing`, {
      field: field ?? '',
    });
  if (key.length > MAX_KEY_LENGTH)
    throw new Refusal(400, 'idempotency_key', `The idempotency key is longer than ${MAX_KEY_LENGTH} characters`, {
      field: field ?? '',
    });
  return key;
}

function keyReused(): Refusal {
  return new Refusal(422, 'idempotency_key_reused', 'This idempotency key came before with another body', {
    field: KEY_HEADERS[0] ?? '',
  });
}

function parse(kind: TelemetryKind, text: string): AnyParsedBody {
  const parsed = parseBody(kind, text);
  if (parsed.ok) return parsed.body;
  if (parsed.reason === 'json') throw new Refusal(400, 'json', parsed.message);
  const [first] = parsed.errors;
  throw new Refusal(400, 'schema', first ? `${first.field}: ${first.message}` : 'The body does not fit the schema', {
    ...(first ? { field: first.field } : {}),
    more: { errors: parsed.errors },
  });
}

function store(
  context: ServerContext,
  body: AnyParsedBody,
  caller: Caller,
  batch: { key: string; body_sha256: Buffer },
): IngestResult {
  try {
    return context.store.ingest(body, caller, batch);
  } catch (error) {
    if (error instanceof ForbiddenError)
      throw new Refusal(403, error.code, error.message, { field: 'team_id', cause: error });
    if (error instanceof FullError)
      throw new Refusal(507, 'full', 'The server has reached its storage limit; nothing was stored', {
        headers: { 'retry-after': '300' },
        more: { limit: 'store_max_bytes' },
        cause: error,
      });
    throw error;
  }
}
