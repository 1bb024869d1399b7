import type { Database } from '../../storage/sqlite/database.ts';
import { linkKey } from '../merge/row.ts';
import type { OperationId, OriginId, VersionVector } from '../origin.ts';
import { isObject, type JsonObject } from '../json.ts';

/** Rows that the dialect has a lane for. */
export type OutboxRow = 'memory' | 'link' | 'pending' | 'namespace';

export interface Waiting {
  queued: number;
  row: OutboxRow;
  key: string;
  /** The last operation that touched it: what goes out as `Idempotency-Key`. */
  operation: OperationId;
  attempts: number;
}

/** A row that a peer refuses by itself. It stays and is tried again, ever more seldom; others do not wait for it. */
export interface Refused {
  row: OutboxRow;
  key: string;
  attempts: number;
  reason: string;
  since_ms: number;
}

/**
 * What each old peer has still to be told, as rows: the dialect carries states, not operations, so ten changes of one memory
 * are sent once, as it is then. This is the hinted handoff for peers that no vector can be asked of.
 */
export class Outbox {
  readonly #db: Database;
  readonly #peer: string;

  constructor(db: Database, peer: string) {
    this.#db = db;
    this.#peer = peer;
  }

  through(): VersionVector {
    const rows = this.#db.all<{ origin: OriginId; sequence: number }>(
      'SELECT origin, sequence FROM compat_outbox_through WHERE peer = ?',
      this.#peer,
    );
    return Object.fromEntries(rows.map(({ origin, sequence }) => [origin, sequence]));
  }

  /** Queues rows and moves on in their origins, in one transaction. A row that waits already waits as a new one. */
  queue(
    rows: readonly { row: OutboxRow; key: string; operation: OperationId }[],
    through: VersionVector,
    now_ms: number,
  ): void {
    this.#db.transaction(() => {
      // REPLACE gives a new number, by which `settle` sees that the row changed while it was being sent.
      this.#db.run(
        `INSERT OR REPLACE INTO compat_outbox (peer, row, key, operation, since_ms)
         SELECT ?1, value ->> 'row', value ->> 'key', value ->> 'operation', coalesce((SELECT since_ms FROM compat_outbox
           WHERE peer = ?1 AND row = value ->> 'row' AND key = value ->> 'key'), ?2) FROM json_each(?3)`,
        this.#peer,
        now_ms,
        JSON.stringify(rows),
      );
      this.#db.run(
        `INSERT OR REPLACE INTO compat_outbox_through (peer, origin, sequence) SELECT ?, key, value FROM json_each(?)`,
        this.#peer,
        JSON.stringify(through),
      );
    });
  }

  due(now_ms: number, limit: number): Waiting[] {
    return this.#db.all<Waiting>(
      'SELECT queued, row, key, operation, attempts FROM compat_outbox WHERE peer = ? AND due_ms <= ? ORDER BY due_ms, queued LIMIT ?',
      this.#peer,
      now_ms,
      limit,
    );
  }

  /** The peer has these; one that was queued again meanwhile stays. */
  settle(sent: readonly Waiting[]): void {
    this.#db.run(
      'DELETE FROM compat_outbox WHERE queued IN (SELECT value FROM json_each(?))',
      JSON.stringify(sent.map(({ queued }) => queued)),
    );
  }

  postpone(waiting: Waiting, due_ms: number, reason: string): void {
    this.#db.run(
      'UPDATE compat_outbox SET attempts = attempts + 1, due_ms = ?, reason = ? WHERE queued = ?',
      due_ms,
      reason,
      waiting.queued,
    );
  }

  /** When the first of those that wait is due; null: none waits. */
  nextDue(): number | null {
    return this.#db.value<number | null>('SELECT min(due_ms) FROM compat_outbox WHERE peer = ?', this.#peer);
  }

  /** Those that wait, due or not, in the order in which they go out. */
  next(limit: number): Waiting[] {
    return this.due(Number.MAX_SAFE_INTEGER, limit);
  }

  /** Since when the row that waits longest does so. */
  oldest(): number | null {
    return this.#db.value<number | null>('SELECT min(since_ms) FROM compat_outbox WHERE peer = ?', this.#peer);
  }

  /** Notes that the peer is, or may be, told of these memories. */
  share(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#db.run(
      'INSERT OR IGNORE INTO compat_shared (peer, memory_id) SELECT ?, value FROM json_each(?)',
      this.#peer,
      JSON.stringify(ids),
    );
  }

  shared(ids: readonly string[]): Set<string> {
    const rows = this.#db.all<{ memory_id: string }>(
      'SELECT memory_id FROM compat_shared WHERE peer = ? AND memory_id IN (SELECT value FROM json_each(?))',
      this.#peer,
      JSON.stringify(ids),
    );
    return new Set(rows.map(({ memory_id }) => memory_id));
  }

  /** Looks through everything once more: more may be shared than before. */
  beginAnew(): void {
    this.#db.run('DELETE FROM compat_outbox_through WHERE peer = ?', this.#peer);
  }

  size(): number {
    return this.#db.value<number>('SELECT count(*) FROM compat_outbox WHERE peer = ?', this.#peer);
  }

  refused(): Refused[] {
    return this.#db.all<Refused>(
      'SELECT row, key, attempts, reason, since_ms FROM compat_outbox WHERE peer = ? AND reason IS NOT NULL ORDER BY queued',
      this.#peer,
    );
  }
}

/** The rows that an operation touches, as far as the dialect can say them. */
export function rowsTouched(text: string): { row: OutboxRow; key: string }[] {
  const operation = read(text);
  if (operation === null) return [];
  switch (operation['kind']) {
    case 'store':
    case 'update':
    case 'archive':
    case 'restore':
    case 'delete':
      return [{ row: 'memory', key: textOf(operation['id']) }];
    case 'link':
      return [{ row: 'link', key: keyOfLink(operation) }];
    case 'pending':
    case 'vote':
    case 'decide':
      return [{ row: 'pending', key: textOf(operation['id']) }];
    case 'namespace_set':
    case 'namespace_clear':
      return [{ row: 'namespace', key: textOf(operation['namespace']) }];
    case 'state':
      return isOutboxRow(operation['row']) ? [{ row: operation['row'], key: textOf(operation['key']) }] : [];
    default:
      // `unlink` and `embedding` have no lane, `purge` concerns members only; a newer kind is nothing old peers know.
      return [];
  }
}

/** What a `store` says of a memory that may be gone by now: enough to know whether a peer could have been told of it. */
export function storedBy(text: string): { id: string; namespace: string; metadata: JsonObject }[] {
  const operation = read(text);
  if (operation?.['kind'] !== 'store') return [];
  const { fields, metadata } = operation;
  const namespace = isObject(fields) ? textOf(fields['namespace']) : '';
  return [{ id: textOf(operation['id']), namespace, metadata: isObject(metadata) ? metadata : {} }];
}

/** The memory that an operation brings back from the archive, if that is what it does. */
export function restoredBy(text: string): string[] {
  const operation = read(text);
  return operation?.['kind'] === 'restore' ? [textOf(operation['id'])] : [];
}

/** Null for one that was erased: its place is there, and what it said is not. */
function read(text: string): JsonObject | null {
  if (text === '') return null;
  const operation: unknown = JSON.parse(text);
  return isObject(operation) ? operation : null;
}

function keyOfLink(operation: JsonObject): string {
  return linkKey(textOf(operation['source_id']), textOf(operation['target_id']), textOf(operation['relation']));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isOutboxRow(value: unknown): value is OutboxRow {
  return value === 'memory' || value === 'link' || value === 'pending' || value === 'namespace';
}
