import { hash } from 'node:crypto';
import type { Reply } from '../../engine/ordered/destination.ts';
import { FullError } from '../../platform/errors.ts';
import type { Principal } from '../store/principal.ts';
import type { TelemetryStore } from '../store/telemetry-store.ts';
import type { TelemetryKind } from '../wire/body.ts';
import { parseBody } from '../wire/parse.ts';

/** One request body on its way into a store, as a server would get it. */
export interface ReceivedBatch {
  kind: TelemetryKind;
  /** The idempotency key. */
  batch_id: string;
  body: string;
}

/**
 * Parses and stores a batch and answers as a team server does, with one commit for all that come in one turn of the event
 * loop. Rejects only with what is a defect.
 */
export async function receiveBatch(store: TelemetryStore, principal: Principal, batch: ReceivedBatch): Promise<Reply> {
  const parsed = parseBody(batch.kind, batch.body);
  if (!parsed.ok) {
    const errors = parsed.reason === 'schema' ? parsed.errors : [];
    const [first] = errors;
    return {
      status: 400,
      code: parsed.reason === 'schema' ? 'schema' : 'json',
      message: first ? `${first.field}: ${first.message}` : 'the body is not valid JSON',
      item_errors: errors.filter((error) => error.index >= 0),
    };
  }
  const body_sha256 = hash('sha256', batch.body, 'buffer');
  try {
    const result = await store.ingestTogether(parsed.body, principal, { key: batch.batch_id, body_sha256 });
    if (result.outcome === 'key_reused')
      return { status: 422, code: 'idempotency_key_reused', message: 'the batch id came with another body' };
    return {
      status: result.outcome === 'stored' ? 202 : 409,
      received: result.received,
      deduped: result.deduped,
    };
  } catch (error) {
    if (error instanceof FullError) return { status: 507, code: error.code, message: error.message };
    throw error;
  }
}
