import type { FieldDefinition, FieldValue, Row } from './fields.ts';
import type { ObjectDefinition } from './object-definition.ts';

/** The rows of one object, those in the recycle bin among them, and an index for each field that finds records. */
export class Table {
  readonly definition: ObjectDefinition;
  readonly #rows = new Map<string, Row>();
  readonly #indexes: ReadonlyMap<string, Index>;
  /** Every row in the order of SystemModstamp and id; made when it is asked for after a change. */
  #by_modstamp: Row[] | null = null;
  /** What left the recycle bin for good, and when it had been deleted. */
  readonly purged: { id: string; deleted_ms: number }[] = [];

  constructor(definition: ObjectDefinition) {
    this.definition = definition;
    this.#indexes = new Map(
      definition.fields.filter(isIndexed).map((field) => [field.name, { field, ids: new Map<string, Set<string>>() }]),
    );
  }

  /** Of a record by its id of 18 characters, also in the recycle bin. */
  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** Puts a row where none or another was; undefined takes it away. Returns what was there. */
  put(id: string, row: Row | undefined): Row | undefined {
    const before = this.#rows.get(id);
    this.#by_modstamp = null;
    if (row) this.#rows.set(id, row);
    else this.#rows.delete(id);
    for (const { field, ids } of this.#indexes.values()) {
      const [from, to] = [keyOf(field, before), keyOf(field, row)];
      if (from === to) continue;
      if (from !== null) remove(ids, from, id);
      if (to !== null) add(ids, to, id);
    }
    return before;
  }

  /** Ids of live records with a value in an indexed field; null when the field has no index. */
  find(field_name: string, value: FieldValue): readonly string[] | null {
    const index = this.#indexes.get(field_name);
    if (!index) return null;
    return [...(index.ids.get(indexKey(index.field, value)) ?? [])];
  }

  rows(): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** Rows whose SystemModstamp lies from one moment to another, both included; by it, and of one second by id. */
  *rowsByModstamp(from_ms: number, to_ms: number): Generator<Row> {
    this.#by_modstamp ??= [...this.#rows.values()].sort(byModstamp);
    const rows = this.#by_modstamp;
    for (let i = firstAtOrAfter(rows, from_ms); i < rows.length; i++) {
      const row = rows[i];
      if (!row || modstampOf(row) > to_ms) return;
      yield row;
    }
  }

  get size(): number {
    return this.#rows.size;
  }
}

function modstampOf(row: Row): number {
  return Number(row['SystemModstamp']);
}

function byModstamp(a: Row, b: Row): number {
  return modstampOf(a) - modstampOf(b) || (String(a['Id']) < String(b['Id']) ? -1 : 1);
}

function firstAtOrAfter(rows: readonly Row[], ms: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && modstampOf(row) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Index {
  field: FieldDefinition;
  ids: Map<string, Set<string>>;
}

function isIndexed(field: FieldDefinition): boolean {
  return field.external_id || field.unique || field.type === 'reference' || (field.id_lookup && field.type !== 'id');
}

/** Live rows only: what is in the recycle bin is found by its id alone. */
function keyOf(field: FieldDefinition, row: Row | undefined): string | null {
  const value = row?.[field.name] ?? null;
  return value === null || row?.['IsDeleted'] === true ? null : indexKey(field, value);
}

/** External ids match without case unless the field is unique and case-sensitive (records.md §12.3). */
function indexKey(field: FieldDefinition, value: FieldValue): string {
  const key = String(value);
  return (field.unique && field.case_sensitive) || field.type === 'reference' ? key : key.toLowerCase();
}

function add(ids: Map<string, Set<string>>, key: string, id: string): void {
  const known = ids.get(key);
  if (known) known.add(id);
  else ids.set(key, new Set([id]));
}

function remove(ids: Map<string, Set<string>>, key: string, id: string): void {
  const known = ids.get(key);
  known?.delete(id);
  if (known?.size === 0) ids.delete(key);
}
