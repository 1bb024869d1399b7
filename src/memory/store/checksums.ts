/**
 * Rows that are not what was written: a disk may change a byte, and nobody would see it, since the digest tree knows the hash that
 * stands beside a row and not the row. The hash is the row's checksum: here rows are read and compared with it, a few at a
 * time, and what another member has is put in place when it is, by the same hash, what stood here.
 */
import type { Database } from '../../storage/sqlite/database.ts';
import type { RowKind } from '../operation.ts';
import type { RowState } from '../replica.ts';
import type { DigestTree } from './digest-tree.ts';
import { hashOfRow } from './row-hash.ts';
import { allHashes } from './snapshot.ts';

interface CheckedRow extends RowState {
  place: number;
  hash: Uint8Array;
}

type RowKey = Pick<RowState, 'row' | 'key'>;

const TABLES = [
  `SELECT place, 'memory' AS row, id AS key, hash, state FROM memory`,
  `SELECT place, 'link' AS row, key, hash, state FROM link`,
  'SELECT place, row, key, hash, state FROM coordination',
] as const;

export class Checksums {
  readonly #db: Database;
  readonly #digests: DigestTree;
  readonly #damaged = new Map<string, RowKey>();
  /** Where the next step begins. */
  #table = 0;
  #place = -1;

  constructor(db: Database, digests: DigestTree) {
    this.#db = db;
    this.#digests = digests;
  }

  /** Rows that were found to be damaged and are not mended. */
  get damaged(): readonly RowKey[] {
    return [...this.#damaged.values()];
  }

  /** Looks at the next rows, at most so many; after the last ones it begins again. */
  check(most: number): void {
    const sql = TABLES[this.#table] ?? TABLES[0];
    const rows = this.#db.all<CheckedRow>(`${sql} WHERE place > ? ORDER BY place LIMIT ?`, this.#place, most);
    for (const row of rows) this.#note(row);
    this.#place = rows.at(-1)?.place ?? -1;
    if (rows.length < most) {
      this.#place = -1;
      this.#table = (this.#table + 1) % TABLES.length;
    }
  }

  #note({ row, key, hash, state }: CheckedRow): boolean {
    const name = `${row} ${key}`;
    const whole = Buffer.compare(hash, hashOfRow(row, key, state)) === 0;
    if (whole) this.#damaged.delete(name);
    else this.#damaged.set(name, { row, key });
    return whole;
  }

  /** Puts in place what another member has of damaged rows. Returns how many were mended; others are left as they are. */
  mend(theirs: readonly RowState[]): number {
    const mended = theirs.filter((given) => this.#mendOne(given)).length;
    if (mended > 0) this.#digests.rebuild(allHashes(this.#db));
    return mended;
  }

  #mendOne({ row, key, state }: RowState): boolean {
    const ours = this.#read(row, key);
    if (!ours || this.#note(ours)) return false;
    const hash = hashOfRow(row, key, state);
    // Either the text was damaged, and the other one's has the hash that stood beside ours; or the hash was.
    if (Buffer.compare(hash, ours.hash) !== 0 && state !== ours.state) return false;
    this.#write(row, key, state, hash);
    this.#damaged.delete(`${row} ${key}`);
    return true;
  }

  #read(row: RowKind, key: string): CheckedRow | undefined {
    const [memory, link, coordination] = TABLES;
    if (row === 'memory') return this.#db.get<CheckedRow>(`${memory} WHERE id = ?`, key);
    if (row === 'link') return this.#db.get<CheckedRow>(`${link} WHERE key = ?`, key);
    return this.#db.get<CheckedRow>(`${coordination} WHERE row = ? AND key = ?`, row, key);
  }

  #write(row: RowKind, key: string, state: string, hash: Uint8Array): void {
    if (row === 'memory') this.#db.run('UPDATE memory SET state = ?, hash = ? WHERE id = ?', state, hash, key);
    else if (row === 'link') this.#db.run('UPDATE link SET state = ?, hash = ? WHERE key = ?', state, hash, key);
    else this.#db.run('UPDATE coordination SET state = ?, hash = ? WHERE row = ? AND key = ?', state, hash, row, key);
  }
}
