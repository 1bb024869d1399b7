import { hash } from 'node:crypto';
import { SynclineError } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { checkShortText } from '../fields.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { WriteOptions } from '../memories.ts';

/** Keys are kept so long; a repeat after that is a new request. */
export const KEPT_MS = 7 * 86_400_000;
const REMOVED_AT_ONCE = 100;

export interface Outcome {
  result: Json;
  operations: string[];
  redacted: Record<string, number>;
}

export interface Keyed {
  key: string;
  fingerprint: string;
}

/** A key belongs to the agent that gave it. Null: none was given. */
export function keyedRequest(
  verb: string,
  request: () => Json,
  { caller, idempotency_key }: WriteOptions,
): Keyed | null {
  if (idempotency_key === undefined) return null;
  const key = checkShortText('idempotency_key', idempotency_key, 255);
  return { key: `${caller.agent_id}\n${key}`, fingerprint: hash('sha256', canonicalJson([verb, request()]), 'hex') };
}

/** The first outcome of this request. @throws SynclineError `memory.idempotency_key_reused` */
export function firstOutcome(db: Database, { key, fingerprint }: Keyed): Outcome | null {
  const row = db.get<{ fingerprint: string; outcome: string }>(
    'SELECT fingerprint, outcome FROM idempotency WHERE key = ?',
    key,
  );
  if (!row) return null;
  if (row.fingerprint !== fingerprint)
    throw new SynclineError('memory.idempotency_key_reused', 'This idempotency key was used for another request', {
      field: 'idempotency_key',
      hint: 'Take a new key for a new request.',
    });
  return JSON.parse(row.outcome) as Outcome;
}

/** In the transaction of what it is the outcome of. */
export function keepOutcome(db: Database, { key, fingerprint }: Keyed, outcome: Outcome, now_ms: number): void {
  db.run(
    `DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE at_ms < ? ORDER BY at_ms LIMIT ${REMOVED_AT_ONCE})`,
    now_ms - KEPT_MS,
  );
  db.run(
    'INSERT INTO idempotency (key, fingerprint, outcome, at_ms) VALUES (?, ?, ?, ?)',
    key,
    fingerprint,
    JSON.stringify(outcome),
    now_ms,
  );
}
