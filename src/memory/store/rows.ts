/** The rows that members share: joins states into them, and keeps their columns, terms and hashes in step. */
import type { SQLInputValue } from 'node:sqlite';
import type { Database } from '../../storage/sqlite/database.ts';
import { insertRows } from '../../storage/sqlite/insert-rows.ts';
import type { Stamp } from '../clock/stamp.ts';
import type { JsonObject } from '../json.ts';
import type { LinkState } from '../merge/link.ts';
import type { MemoryState } from '../merge/memory.ts';
import { joinStates, linkOf, readMemoryState, stateText, FLOOR_KEY, type Row, type States } from '../merge/row.ts';
import { ROW_KINDS, type RowKind } from '../operation.ts';
import type { DigestChange } from './digest-tree.ts';
import { columnsOf, type MemoryStatus } from './memory-columns.ts';
import { hashOfRow, placeOfRow } from './row-hash.ts';
import { Terms, haveSameTerms, type TermsMark } from './terms.ts';

interface Kept<K extends RowKind = RowKind> {
  state: States[K] | null;
  /** As the table has it. */
  stored: States[K] | null;
  hash: Uint8Array | null;
  memory_key: number | null;
  status: MemoryStatus | null;
}

interface StoredRow {
  key: string;
  state: string;
  hash: Uint8Array;
  memory_key?: number;
  status?: MemoryStatus;
}

const NOT_KEPT: Kept = { state: null, stored: null, hash: null, memory_key: null, status: null };

export interface RowsMark {
  changes: number;
  terms: TermsMark;
}

/** One for a database; holds what a transaction has changed until it commits. */
export class Rows {
  readonly #db: Database;
  readonly #terms: Terms;
  #changes: DigestChange[] = [];
  #next_key: number;
  /** Null: to be read again. */
  #floor: Stamp | null = null;

  constructor(db: Database) {
    this.#db = db;
    this.#terms = new Terms(db);
    this.#next_key = db.value<number | null>('SELECT max(memory_key) FROM memory') ?? 0;
  }

  /** How far the changes have gone; `rollBack` returns there. */
  mark(): RowsMark {
    return { changes: this.#changes.length, terms: this.#terms.mark() };
  }

  /** After the database went back to where it was then; without a mark: to where the transaction began. */
  rollBack({ changes, terms }: RowsMark = { changes: 0, terms: { changes: 0, written: 0 } }): void {
    this.#changes.length = changes;
    this.#terms.rollBack(terms);
    this.#floor = null;
  }

  /** Brings the index of terms up to date: before a search inside the transaction, and at its end. */
  writeTerms(): void {
    this.#terms.write();
  }

  /** After the commit: what the digest tree has to know. */
  takeChanges(): DigestChange[] {
    const changes = this.#changes;
    this.#changes = [];
    this.#terms.forget();
    return changes;
  }

  floor(): Stamp {
    this.#floor ??= this.#readFloor();
    return this.#floor;
  }

  #readFloor(): Stamp {
    const text = this.#db.value<string | undefined>(
      `SELECT state FROM coordination WHERE row = 'floor' AND key = ?`,
      FLOOR_KEY,
    );
    return text === undefined ? '' : (JSON.parse(text) as { before: Stamp }).before;
  }

  /** Joins states in this order, inside the caller's transaction; tells for each whether it changed its row. */
  join(deltas: readonly Row[]): boolean[] {
    const kept = this.#load(deltas);
    const changed = new Set<string>();
    const floor = this.floor();
    const effects = deltas.map((delta) => {
      const place = placeKey(delta.row, delta.key);
      const row = kept.get(place) ?? NOT_KEPT;
      const state = joined(delta, row.state, floor);
      if (!differs(delta.row, row.state, state)) return false;
      kept.set(place, { ...row, state });
      changed.add(place);
      return true;
    });
    const fresh: SQLInputValue[][] = [];
    for (const place of changed) this.#save(place, kept.get(place), fresh);
    if (fresh.length > 0) insertRows(this.#db, INTO_MEMORY, fresh);
    if (deltas.some(({ row }, i) => row === 'floor' && effects[i])) {
      this.#floor = null;
      this.#purge(this.floor());
    }
    return effects;
  }

  /** Removes rows as if they had never been; inside the caller's transaction. */
  remove(rows: readonly Pick<Row, 'row' | 'key'>[]): void {
    const kept = this.#load(rows);
    for (const { row, key } of rows) {
      const known = kept.get(placeKey(row, key));
      if (known) this.#drop(row, key, known);
      if (row === 'floor') this.#floor = null;
    }
  }

  /** Whether joining would change anything. */
  adds(delta: Row): boolean {
    const known = this.#load([delta]).get(placeKey(delta.row, delta.key))?.state ?? null;
    return differs(delta.row, known, joined(delta, known, this.floor()));
  }

  #load(deltas: readonly Pick<Row, 'row' | 'key'>[]): Map<string, Kept> {
    const kept = new Map<string, Kept>();
    for (const row of ROW_KINDS) {
      const keys = [...new Set(deltas.filter((delta) => delta.row === row).map(({ key }) => key))];
      if (keys.length === 0) continue;
      for (const found of this.#read(row, keys)) kept.set(placeKey(row, found.key), keptOf(row, found));
    }
    return kept;
  }

  #read(row: RowKind, keys: readonly string[]): StoredRow[] {
    const given = JSON.stringify(keys);
    if (row === 'memory')
      return this.#db.all<StoredRow>(
        `SELECT m.id AS key, m.state, m.hash, m.memory_key, m.status FROM json_each(?) g CROSS JOIN memory m ON m.id = g.value`,
        given,
      );
    if (row === 'link')
      return this.#db.all<StoredRow>(
        'SELECT l.key, l.state, l.hash FROM json_each(?) g CROSS JOIN link l ON l.key = g.value',
        given,
      );
    return this.#db.all<StoredRow>(
      'SELECT c.key, c.state, c.hash FROM json_each(?2) g CROSS JOIN coordination c ON c.row = ?1 AND c.key = g.value',
      row,
      given,
    );
  }

  /** `fresh` takes memories that are new here, to be inserted together. */
  #save(place: string, kept: Kept | undefined, fresh: SQLInputValue[][]): void {
    if (!kept) return;
    const [row, key] = ofPlaceKey(place);
    if (kept.state === null) return this.#drop(row, key, kept);
    const text = stateText(row, kept.state);
    const hash = hashOfRow(row, key, text);
    const at = placeOfRow(row, key);
    this.#changes.push({ place: at, before: kept.hash, after: hash });
    if (row === 'memory') this.#saveMemory(key, kept as Kept<'memory'>, { text, at, hash }, fresh);
    else if (row === 'link') this.#saveLink(key, kept.state as LinkState, text, at, hash);
    else
      this.#db.run(
        `INSERT INTO coordination (row, key, place, hash, state) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (row, key) DO UPDATE SET hash = excluded.hash, state = excluded.state`,
        row,
        key,
        at,
        hash,
        text,
      );
  }

  #saveMemory(
    id: string,
    { state, stored, status, memory_key: known_key }: Kept<'memory'>,
    { text, at, hash }: { text: string; at: number; hash: Uint8Array },
    fresh: SQLInputValue[][],
  ): void {
    if (!state) return;
    const columns = columnsOf(state);
    const memory_key = known_key ?? ++this.#next_key;
    const values = [
      columns.status,
      at,
      hash,
      columns.dead,
      columns.life,
      columns.namespace,
      columns.title,
      columns.tier,
      columns.priority,
      columns.confidence,
      columns.created_ms,
      columns.updated,
      columns.expires_ms,
      columns.archived,
      columns.agent_id,
      columns.scope,
      text,
      id,
      memory_key,
    ];
    if (known_key === null) fresh.push(values);
    else this.#db.run(UPDATE_MEMORY, ...values);
    const [indexed, is_live] = [status === 'live', columns.status === 'live'];
    if (!(indexed && is_live && stored && haveSameTerms(stored, state)))
      this.#terms.change({ memory_key, indexed, state: is_live ? state : null });
    if (columns.status === 'dead' && known_key !== null)
      this.#db.run('DELETE FROM access WHERE memory_key = ?', memory_key);
  }

  #saveLink(key: string, state: LinkState, text: string, place: number, hash: Uint8Array): void {
    const names = linkOf(key);
    if (!names) return;
    this.#db.run(
      `INSERT INTO link (key, source_id, target_id, relation, present, stamp, place, hash, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
         present = excluded.present, stamp = excluded.stamp, hash = excluded.hash, state = excluded.state`,
      key,
      names.source_id,
      names.target_id,
      names.relation,
      state.value === null ? 0 : 1,
      state.stamp,
      place,
      hash,
      text,
    );
  }

  #drop(row: RowKind, key: string, kept: Kept): void {
    if (!kept.hash) return;
    this.#changes.push({ place: placeOfRow(row, key), before: kept.hash, after: null });
    if (row === 'memory') {
      this.#terms.change({ memory_key: kept.memory_key ?? 0, indexed: kept.status === 'live', state: null });
      this.#db.run('DELETE FROM memory WHERE id = ?', key);
    } else if (row === 'link') this.#db.run('DELETE FROM link WHERE key = ?', key);
    else this.#db.run('DELETE FROM coordination WHERE row = ? AND key = ?', row, key);
  }

  /** Lets go of what the floor has passed. By stamps alone, so that it does not matter what came before the purge. */
  #purge(floor: Stamp): void {
    const dead = this.#db.all<{ id: string; place: number; hash: Uint8Array }>(
      `SELECT id, place, hash FROM memory WHERE dead <> '' AND dead < ? AND life = ''`,
      floor,
    );
    this.#db.run(`DELETE FROM memory WHERE dead <> '' AND dead < ? AND life = ''`, floor);
    const links = this.#db.all<{ key: string; place: number; hash: Uint8Array }>(
      'SELECT key, place, hash FROM link WHERE present = 0 AND stamp < ?',
      floor,
    );
    const keys = JSON.stringify(links.map(({ key }) => key));
    this.#db.run('DELETE FROM link WHERE key IN (SELECT value FROM json_each(?))', keys);
    for (const { place, hash } of [...dead, ...links]) this.#changes.push({ place, before: hash, after: null });
    this.#strip(floor);
  }

  /** Memories that live again lose the mark of an earlier death; cleared namespaces go. */
  #strip(floor: Stamp): void {
    const again = this.#db.all<{ id: string }>(
      `SELECT id FROM memory WHERE dead <> '' AND dead < ? AND life <> ''`,
      floor,
    );
    const cleared = this.#db.all<{ key: string; state: string }>(
      `SELECT key, state FROM coordination WHERE row = 'namespace' AND json_extract(state, '$.value') IS NULL`,
    );
    const rows: Row[] = again.map(({ id }) => ({ row: 'memory', key: id, state: NOTHING }));
    for (const { key, state } of cleared)
      rows.push({ row: 'namespace', key, state: JSON.parse(state) as States['namespace'] });
    if (rows.length > 0) this.join(rows);
  }
}

const NOTHING: MemoryState = { dead: '', life: '', stored: false, registers: {} };

const MEMORY_COLUMNS =
  'status, place, hash, dead, life, namespace, title, tier, priority, confidence, created_ms, updated, expires_ms, archived, agent_id, scope, state';
const INTO_MEMORY = `memory (${MEMORY_COLUMNS}, id, memory_key)`;
const UPDATE_MEMORY = `UPDATE memory SET ${MEMORY_COLUMNS.split(', ')
  .map((column) => `${column} = ?`)
  .join(', ')} WHERE id = ? AND memory_key = ?`;

function keptOf(row: RowKind, { state: text, hash, memory_key, status }: StoredRow): Kept {
  const state = row === 'memory' ? readMemoryState(text) : (JSON.parse(text) as States[typeof row]);
  return { state, stored: state, hash, memory_key: memory_key ?? null, status: status ?? null };
}

/** Null: nothing is left of the row. */
function joined({ row, state }: Row, known: States[RowKind] | null, floor: Stamp): States[RowKind] | null {
  return aboveFloor(row, known === null ? state : joinStates(row, known, state), floor);
}

/** Null: nothing is left of the row. The same for a row that is joined before the floor moved and after it. */
function aboveFloor<K extends RowKind>(row: K, state: States[K], floor: Stamp): States[K] | null {
  if (floor === '') return state;
  if (row === 'memory') return memoryAboveFloor(state as MemoryState, floor) as States[K] | null;
  if (row === 'link' || row === 'namespace') {
    const { value, stamp } = state as { value: JsonObject | null; stamp: Stamp };
    return value === null && stamp < floor ? null : state;
  }
  return state;
}

function memoryAboveFloor(state: MemoryState, floor: Stamp): MemoryState | null {
  if (state.dead === '' || state.dead >= floor) return state;
  return state.life === '' ? null : { ...state, dead: '' };
}

/** The joins of memories return what they were given when nothing changed; the others are small. */
function differs<K extends RowKind>(row: K, known: States[K] | null, state: States[K] | null): boolean {
  if (known === null || state === null) return known !== state;
  if (row === 'memory' || known === state) return known !== state;
  return stateText(row, known) !== stateText(row, state);
}

function placeKey(row: RowKind, key: string): string {
  return `${row}\n${key}`;
}

function ofPlaceKey(place: string): [RowKind, string] {
  const at = place.indexOf('\n');
  return [place.slice(0, at) as RowKind, place.slice(at + 1)];
}
