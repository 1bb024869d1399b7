import { TRANSACTION_LIMITS } from '../../engine/transaction.ts';
import type { Clock } from '../../platform/clock.ts';
import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { HybridClock, ClockMark } from '../clock/hybrid-clock.ts';
import { deltaOf } from '../merge/delta.ts';
import { formatOperation, OPERATION_VERSION, type Author, type Operation, type OperationBody } from '../operation.ts';
import { operationId, type OperationId, type OriginId } from '../origin.ts';
import { checkOperation } from '../parse-operation.ts';
import { MAX_OPERATION_BYTES } from '../limits.ts';
import { invalid } from '../fields.ts';
import type { DigestTree } from './digest-tree.ts';
import type { LogEntry, OperationLog } from './operation-log.ts';
import type { Rows } from './rows.ts';

export interface WorkParts {
  db: Database;
  log: OperationLog;
  rows: Rows;
  digests: DigestTree;
  hybrid: HybridClock;
  clock: Clock;
  origin: OriginId;
  /** How far the own origin was confirmed by another member. */
  confirmed: number;
  /** How long a commit waited for the disk lately. */
  commit_ms: number;
}

/**
 * One transaction over rows, log and clock. What it reads it reads as it has written so far, so the writers of one group
 * commit see each other.
 */
export class Work {
  readonly db: Database;
  readonly now_ms: number;
  readonly #parts: WorkParts;
  readonly #entries: LogEntry[] = [];
  readonly #first: number;
  #bytes = 0;
  /** Operations of the request that is being served. */
  #group: OperationId[] = [];

  constructor(parts: WorkParts) {
    this.#parts = parts;
    this.db = parts.db;
    this.now_ms = parts.clock.now_ms();
    this.#first = parts.log.last(parts.origin) + 1;
  }

  get rows(): Rows {
    return this.#parts.rows;
  }

  get log(): OperationLog {
    return this.#parts.log;
  }

  get hybrid(): HybridClock {
    return this.#parts.hybrid;
  }

  get origin(): OriginId {
    return this.#parts.origin;
  }

  /** Ids of what the request has written so far. */
  get written(): readonly OperationId[] {
    return this.#group;
  }

  get entries(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Makes an operation of this member and its effect. @throws InvalidInputError when it is not one */
  write(body: OperationBody, by: Author): Operation {
    const operation = checkOperation({
      v: OPERATION_VERSION,
      stamp: this.hybrid.next(),
      by,
      ...body,
      ...(this.#group[0] === undefined ? {} : { group: this.#group[0] }),
    });
    const text = formatOperation(operation);
    if (text.length * 3 > MAX_OPERATION_BYTES && Buffer.byteLength(text) > MAX_OPERATION_BYTES)
      throw invalid('memory', `is larger than ${MAX_OPERATION_BYTES} bytes as a whole`);
    this.rows.join([deltaOf(operation)]);
    this.#push(operation, text);
    return operation;
  }

  /** Numbers an operation of this member whose effect its rows have already. */
  tell(operation: Operation, text: string): void {
    this.#push(operation, text);
  }

  #push(operation: Operation, text: string): void {
    this.#group.push(operationId(this.origin, this.#first + this.#entries.length));
    this.#entries.push({ subject: subjectOf(operation), text });
    this.#bytes += text.length;
  }

  /** Runs one request: all of what it writes, or, when it throws, none. Returns its operations too. */
  request<T>(run: (work: Work) => T): { result: T; operations: OperationId[] } {
    this.#group = [];
    const before = {
      entries: this.#entries.length,
      rows: this.rows.mark(),
      clock: this.hybrid.mark(),
      bytes: this.#bytes,
    };
    this.db.run('SAVEPOINT request');
    try {
      const result = run(this);
      this.db.run('RELEASE request');
      return { result, operations: this.#group };
    } catch (error) {
      this.db.run('ROLLBACK TO request');
      this.db.run('RELEASE request');
      this.#entries.length = before.entries;
      this.rows.rollBack(before.rows);
      this.hybrid.reset(before.clock);
      this.#bytes = before.bytes;
      throw error;
    }
  }

  /** The last step of the transaction: the log, the clock, the terms. */
  finish(): void {
    let first = this.#first;
    for (const entries of withinLimits(this.#entries)) {
      const { refused } = this.log.append(this.origin, first, entries, this.now_ms);
      invariant(refused === null, 'nobody else numbers the operations of this origin');
      first += entries.length;
    }
    keepClock(this.db, this.hybrid.mark(), this.#parts.confirmed);
    this.rows.writeTerms();
  }
}

/** A request that is larger than most still has each append within its bounds. */
function* withinLimits(entries: readonly LogEntry[]): Generator<LogEntry[]> {
  let part: LogEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.text);
    if (
      part.length === TRANSACTION_LIMITS.max_rows ||
      (part.length > 0 && bytes + size > TRANSACTION_LIMITS.max_bytes)
    ) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

/** Of so many commits, the last ones counting most. */
const COMMITS_AVERAGED = 8;

/** Runs `run` in a transaction, and what is kept in memory follows it: forward on commit, back on failure. */
export function transact<T>(parts: WorkParts, run: (work: Work) => T): T {
  const { db, rows, log, hybrid, digests } = parts;
  const clock = hybrid.mark();
  let worked_ms = 0;
  let result: T;
  try {
    result = db.transaction(() => {
      const work = new Work(parts);
      const value = run(work);
      work.finish();
      worked_ms = parts.clock.monotonic_ms();
      return value;
    });
    parts.commit_ms += (parts.clock.monotonic_ms() - worked_ms - parts.commit_ms) / COMMITS_AVERAGED;
  } catch (error) {
    rows.rollBack();
    hybrid.reset(clock);
    log.rolledBack();
    throw error;
  }
  for (const change of rows.takeChanges()) digests.change(change);
  return result;
}

export function readClock(db: Database): ClockMark & { confirmed: number } {
  return (
    db.get<ClockMark & { confirmed: number }>('SELECT ms, counter, confirmed FROM clock') ?? {
      ms: 0,
      counter: 0,
      confirmed: 0,
    }
  );
}

function keepClock(db: Database, { ms, counter }: ClockMark, confirmed: number): void {
  db.run(
    `UPDATE clock SET ms = ?1, counter = ?2, confirmed = ?3 WHERE ms <> ?1 OR counter <> ?2 OR confirmed <> ?3`,
    ms,
    counter,
    confirmed,
  );
}

/** The row that an operation is about: what erasing and history go by. */
export function subjectOf(operation: Operation): string | null {
  switch (operation.kind) {
    case 'link':
    case 'unlink':
      return operation.source_id;
    case 'namespace_set':
    case 'namespace_clear':
    case 'purge':
      return null;
    case 'state':
      return operation.row === 'memory' || operation.row === 'pending' ? operation.key : null;
    default:
      return operation.id;
  }
}
