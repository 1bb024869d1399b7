import { hash as hashOf } from 'node:crypto';
import { invariant } from '../../platform/errors.ts';
import { appendAt, cutBack, skipTo } from '../../engine/sqlite/append-at.ts';
import { OFFSET_BITS } from '../../engine/sqlite/entry-id.ts';
import { allPartitions, openPartition, openSource } from '../../engine/sqlite/partitions.ts';
import { readEntries } from '../../engine/sqlite/plan.ts';
import { trim } from '../../engine/sqlite/retention.ts';
import { forgetSubjects } from '../../engine/sqlite/subjects.ts';
import type { AppendAtResult } from '../../engine/store.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { MAX_OPERATION_BYTES, PAGE_LIMITS } from '../limits.ts';
import { operationId, type OperationId, type OriginId, type VersionVector } from '../origin.ts';
import type { PageLimits, ReadPage } from '../replica.ts';

export const STREAM = 'memory';

/** Hashes of operations that are remembered. */
const HASHES_KEPT = 256;

interface Tail {
  partition_id: number;
  source_id: number;
  first: number;
  last: number;
}

export interface LogEntry {
  /** Whom or what it is about: the id of a memory or of a pending action. */
  subject: string | null;
  text: string;
}

export interface LogOptions {
  cap_bytes: number;
  newId: () => string;
}

/**
 * The operations of all origins: one partition of the engine's journal each. What is appended counts from the moment the
 * caller's transaction has committed (`committed`); `rolledBack` forgets it.
 */
export class OperationLog {
  readonly #db: Database;
  readonly #options: LogOptions;
  #tails: Map<OriginId, Tail>;
  #written: OriginId[] = [];
  /** By operation id, of those that were asked for lately: each exchange asks for the newest several times. */
  readonly #hashes = new Map<OperationId, string>();
  /** Null: to be made anew. */
  #vector: VersionVector | null = null;

  constructor(db: Database, options: LogOptions) {
    this.#db = db;
    this.#options = options;
    this.#tails = this.#readTails();
  }

  vector(): VersionVector {
    this.#vector ??= Object.freeze(
      Object.fromEntries([...this.#tails].flatMap(([origin, { last }]) => (last > 0 ? [[origin, last]] : []))),
    );
    return this.#vector;
  }

  last(origin: OriginId): number {
    return this.#tails.get(origin)?.last ?? 0;
  }

  /** Where the log of an origin begins; 1 for one that is not known. */
  first(origin: OriginId): number {
    return this.#tails.get(origin)?.first ?? 1;
  }

  /** Appends what follows the last operation of an origin; known ones are compared. Inside the caller's transaction. */
  append(origin: OriginId, first: number, entries: readonly LogEntry[], now_ms: number): AppendAtResult {
    const tail = this.#tails.get(origin) ?? this.#open(origin, now_ms);
    const result = appendAt(
      this.#db,
      {
        partition_id: tail.partition_id,
        source_id: tail.source_id,
        first_offset: first,
        // An empty text stands for an operation that was erased where it comes from.
        entries: entries.map(({ subject, text }) => ({
          subject,
          observed_ms: now_ms,
          payload: text === '' ? null : text,
        })),
        now_ms,
      },
      this.#options.cap_bytes,
    );
    tail.last += result.appended;
    if (result.appended > 0) this.#moved(origin);
    return result;
  }

  /** Last sequences of the origins that were appended to since the last call. */
  committed(): Map<OriginId, number> {
    const origins = new Map(this.#written.map((origin) => [origin, this.last(origin)]));
    this.#written = [];
    return origins;
  }

  rolledBack(): void {
    // Some of them may not exist.
    forgetSubjects(this.#db);
    this.#written = [];
    this.#vector = null;
    this.#tails = this.#readTails();
    this.#hashes.clear();
  }

  /** Null: past retention. Erased operations are empty texts, so that those after them keep their places. */
  read(origin: OriginId, after: number, limits: PageLimits = {}): ReadPage | null {
    const tail = this.#tails.get(origin);
    const first = after + 1;
    if (!tail || after >= tail.last) return { origin, first, follows: '', operations: [], more: false };
    if (first < tail.first) return null;
    const items = Math.max(1, Math.min(limits.max_items ?? PAGE_LIMITS.max_items, PAGE_LIMITS.max_items));
    const most = Math.min(after + items, tail.last);
    const max_bytes = Math.min(limits.max_bytes ?? PAGE_LIMITS.max_bytes, PAGE_LIMITS.max_bytes);
    const until = (most - after) * MAX_OPERATION_BYTES <= max_bytes ? most : this.#within(tail, first, most, max_bytes);
    const operations = readEntries(this.#db, tail.partition_id, first, until).map(({ payload }) => payload ?? '');
    invariant(operations.length === until - after, 'operations of an origin are dense');
    return { origin, first, follows: this.hashAt(origin, after), operations, more: until < tail.last };
  }

  /**
   * Hash of the text at a place, 16 hex digits; '' when it is not there, past retention or erased. Members compare these to
   * see that they speak of the same operation (M2).
   */
  hashAt(origin: OriginId, sequence: number): string {
    const tail = this.#tails.get(origin);
    if (!tail || sequence < tail.first || sequence > tail.last) return '';
    const id = operationId(origin, sequence);
    const known = this.#hashes.get(id);
    if (known !== undefined) return known;
    const text = this.#db.value<string | null>(
      `SELECT payload FROM entry WHERE entry_id = ((?1 << ${OFFSET_BITS}) | ?2)`,
      tail.partition_id,
      sequence,
    );
    if (text === null) return '';
    const hash = hashOfText(text);
    if (this.#hashes.size >= HASHES_KEPT) this.#hashes.clear();
    this.#hashes.set(id, hash);
    return hash;
  }

  /** After texts were emptied: their hashes are known no more. */
  forgetHashes(): void {
    this.#hashes.clear();
  }

  /** When it was taken; null when it is not there. */
  takenAt(origin: OriginId, sequence: number): number | null {
    const tail = this.#tails.get(origin);
    if (!tail) return null;
    const found = this.#db.value<number | undefined>(
      `SELECT observed_ms FROM entry WHERE entry_id = ((?1 << ${OFFSET_BITS}) | ?2)`,
      tail.partition_id,
      sequence,
    );
    return found ?? null;
  }

  /** Forgets what follows `kept`, inside the caller's transaction; the place is another's to fill. */
  cutBack(origin: OriginId, kept: number): void {
    const tail = this.#tails.get(origin);
    if (!tail) return;
    tail.last -= cutBack(this.#db, tail.partition_id, kept);
    this.#vector = null;
    this.#hashes.clear();
  }

  /** Of these, in the order in which this member took them. */
  ofSubject(subject: string, most: number): { origin: OriginId; sequence: number; text: string | null }[] {
    return this.#db.all(
      `SELECT p.name AS origin, e.offset AS sequence, e.payload AS text
       FROM subject s JOIN entry e ON e.subject_id = s.subject_id JOIN partition p ON p.partition_id = e.partition_id
       WHERE s.name = ? AND p.stream = '${STREAM}' LIMIT ?`,
      subject,
      most,
    );
  }

  count(): number {
    return [...this.#tails.values()].reduce((total, { first, last }) => total + last - first + 1, 0);
  }

  skipTo(origin: OriginId, sequence: number, now_ms: number): void {
    const tail = this.#tails.get(origin) ?? this.#open(origin, now_ms);
    if (sequence <= tail.last) return;
    skipTo(this.#db, tail.partition_id, sequence, now_ms, this.#options.newId);
    tail.first = sequence + 1;
    tail.last = sequence;
    this.#moved(origin);
  }

  #moved(origin: OriginId): void {
    this.#written.push(origin);
    this.#vector = null;
  }

  trim(origin: OriginId, through: number, before_ms: number, now_ms: number): { removed: number; more: boolean } {
    const tail = this.#tails.get(origin);
    if (!tail) return { removed: 0, more: false };
    const { partition_id } = tail;
    const trimmed = trim(this.#db, { partition_id, through, before_ms, now_ms }, this.#options.newId);
    tail.first += trimmed.removed;
    return trimmed;
  }

  /** The last place of a page: by bytes without reading a text. */
  #within(tail: Tail, first: number, most: number, max_bytes: number): number {
    const place = (offset: number): number => tail.partition_id * 2 ** 40 + offset;
    return this.#db.value<number>(
      `SELECT coalesce(max(offset), ?3) FROM (
         SELECT offset, sum(bytes) OVER (ORDER BY entry_id) AS total FROM entry WHERE entry_id BETWEEN ?1 AND ?2)
       WHERE total <= ?4`,
      place(first),
      place(most),
      first,
      max_bytes,
    );
  }

  #open(origin: OriginId, now_ms: number): Tail {
    const partition = openPartition(this.#db, { stream: STREAM, name: origin, header: { kind: STREAM } });
    const { source_id } = openSource(this.#db, STREAM, origin, now_ms);
    const tail = {
      partition_id: partition.partition_id,
      source_id,
      first: partition.first_offset,
      last: partition.last_offset,
    };
    this.#tails.set(origin, tail);
    return tail;
  }

  #readTails(): Map<OriginId, Tail> {
    const sources = this.#db.all<{ name: string; source_id: number }>(
      `SELECT name, source_id FROM source WHERE stream = '${STREAM}'`,
    );
    const source = new Map(sources.map(({ name, source_id }) => [name, source_id]));
    const partitions = allPartitions(this.#db).filter(({ stream }) => stream === STREAM);
    return new Map(
      partitions.map(({ name, partition_id, first_offset, last_offset }) => [
        name,
        { partition_id, source_id: source.get(name) ?? 0, first: first_offset, last: last_offset },
      ]),
    );
  }
}

function hashOfText(text: string): string {
  return hashOf('sha256', text, 'hex').slice(0, 16);
}
