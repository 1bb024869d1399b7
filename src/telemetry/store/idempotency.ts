import type { Database } from '../../storage/sqlite/database.ts';
import type { TelemetryKind } from '../wire/body.ts';
import type { BatchKey } from './principal.ts';

/** The contract asks for 24 h (telemetry specification §6.1); an hour more covers a client whose clock is off. */
export const KEY_KEPT_MS = 25 * 3_600_000;

/** Keys removed in one ingest: enough to outrun one key per ingest, little enough never to be felt. */
const PRUNE_STEP = 100;

export interface IngestCounts {
  received: number;
  deduped: number;
}

/** What is known of a key: the counts it was answered with, or that it came with another body. */
export type KeyState = { state: 'new' } | { state: 'replayed'; counts: IngestCounts } | { state: 'reused' };

/** Looks a key up. A key belongs to its team, its kind and the decoded body it came with. */
export function findKey(db: Database, team_id: string, kind: TelemetryKind, batch: BatchKey): KeyState {
  const row = db.get<{ kind: string; body_sha256: Uint8Array; received: number; deduped: number }>(
    'SELECT kind, body_sha256, received, deduped FROM idempotency_key WHERE team_id = ? AND key = ?',
    team_id,
    batch.key,
  );
  if (!row) return { state: 'new' };
  if (row.kind !== kind || Buffer.compare(row.body_sha256, batch.body_sha256) !== 0) return { state: 'reused' };
  return { state: 'replayed', counts: { received: row.received, deduped: row.deduped } };
}

/** Remembers a key with its answer, inside the transaction that stores the rows. */
export function rememberKey(
  db: Database,
  team_id: string,
  kind: TelemetryKind,
  batch: BatchKey,
  counts: IngestCounts,
  now_ms: number,
): void {
  db.run(
    `INSERT INTO idempotency_key (team_id, key, kind, body_sha256, received, deduped, created_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    team_id,
    batch.key,
    kind,
    batch.body_sha256,
    counts.received,
    counts.deduped,
    now_ms,
  );
}

/** Removes some keys past their time; called with every ingest, so that no pass over all of them is ever needed. */
export function pruneKeys(db: Database, now_ms: number): void {
  db.run(
    `DELETE FROM idempotency_key WHERE rowid IN
       (SELECT rowid FROM idempotency_key WHERE created_ms < ? ORDER BY created_ms LIMIT ${PRUNE_STEP})`,
    now_ms - KEY_KEPT_MS,
  );
}
