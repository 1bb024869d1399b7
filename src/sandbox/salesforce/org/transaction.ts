/** Writes of one transaction: seen at once by itself, undone whole when it fails, committed as changes when it does not. */
import { randomUuid } from './random-uuid.ts';
import type { Random } from '../../../platform/random.ts';
import { changeOriginOf, type ChangeKind, type CommittedChange, type WriteContext } from './commit.ts';
import type { FieldDefinition, FieldValue, Row } from './fields.ts';
import { wholeSecond, type ValueForm } from './field-values.ts';
import { incomingValues, type GivenValues, type Tables } from './incoming-record.ts';
import type { ObjectDefinition } from './object-definition.ts';
import { keyPrefixOf, parseRecordId } from './record-id.ts';
import { notFound, OrgRefusal } from './refusal.ts';
import type { Table } from './table.ts';

export interface WriteOptions {
  /** None: JSON. */
  form?: ValueForm;
}

export interface UpsertOptions extends WriteOptions {
  /** A record that is not there is not made but NOT_FOUND. */
  update_only?: boolean;
}

/** What a guard is asked about before a row is written. */
export interface RowWrite {
  verb: 'create' | 'update' | 'delete' | 'undelete';
  entity: string;
  /** None of a record that is being made. */
  record_id: string | null;
  /** As it would be. */
  row: Row;
  /** None: not through an API. */
  api: WriteContext['api'] | null;
}

/** What a transaction needs of its organisation. */
export interface Store extends Tables {
  readonly random: Random;
  readonly admin_id: string;
  userId(name_or_id: string): string;
  nextId(definition: ObjectDefinition): string;
  objectOf(id: string): ObjectDefinition | undefined;
  findByExternalId(entity: string, field_name: string, value: unknown): string | null;
  referencesTo(entity: string): { table: Table; field: FieldDefinition }[];
  /** @throws OrgRefusal */
  guard(write: RowWrite): void;
}

interface PendingChange {
  entity: string;
  record_id: string;
  kind: ChangeKind;
  before: Row | null;
  after: Row | null;
}

/** Made by `Org.transaction`. */
export class Transaction {
  readonly #org: Store;
  readonly #context: WriteContext;
  readonly #user_id: string;
  readonly #commit_ms: number;
  readonly #stamp_ms: number;
  readonly #undo: (() => void)[] = [];
  /** In the order in which records were first written; null: made and deleted again. */
  readonly #pending: (PendingChange | null)[] = [];
  /** Where in `#pending` the newest change of a record stands. */
  readonly #newest = new Map<string, number>();

  constructor(org: Store, context: WriteContext, now_ms: number) {
    this.#org = org;
    this.#context = context;
    this.#user_id = context.user === undefined ? org.admin_id : org.userId(context.user);
    this.#commit_ms = now_ms;
    this.#stamp_ms = wholeSecond(context.stamp_ms ?? now_ms);
  }

  /**
   * Makes a record and returns its id.
   * @throws OrgRefusal
   */
  create(entity: string, given: GivenValues, options: WriteOptions = {}): string {
    const table = this.#org.table(entity);
    const values = incomingValues(this.#org, table.definition, given, 'create', options.form ?? 'json');
    const row: Record<string, FieldValue> = {};
    for (const field of table.definition.fields) {
      const value = values.get(field.name) ?? defaultOf(field, this.#user_id);
      if (value !== null) row[field.name] = value;
    }
    const id = this.#org.nextId(table.definition);
    const stamps = { CreatedDate: this.#stamp_ms, CreatedById: this.#user_id, ...this.#modified() };
    const made: Row = { ...row, Id: id, IsDeleted: false, ...stamps };
    this.#check(table, made, null, 'create');
    this.#put(table, id, made, 'CREATE');
    return id;
  }

  /**
   * Changes the given fields of a record; the others stay.
   * @throws OrgRefusal NOT_FOUND, ENTITY_IS_DELETED and what is wrong with the values
   */
  update(entity: string, id: string, given: GivenValues, options: WriteOptions = {}): void {
    const table = this.#org.table(entity);
    const before = this.#live(table, id);
    const values = incomingValues(this.#org, table.definition, given, 'update', options.form ?? 'json');
    const row: Record<string, FieldValue> = { ...before, ...this.#modified() };
    for (const [name, value] of values) {
      if (value === null) delete row[name];
      else row[name] = value;
    }
    this.#check(table, row, before, 'update');
    this.#put(table, rowId(before), row, 'UPDATE');
  }

  /**
   * Updates the one record with an external id, or makes it.
   * @throws OrgRefusal, of several records `MultipleChoices`
   */
  upsert(
    entity: string,
    field_name: string,
    value: FieldValue,
    given: GivenValues,
    options: UpsertOptions = {},
  ): { id: string; created: boolean } {
    const id = this.#org.findByExternalId(entity, field_name, value);
    if (id !== null) {
      this.update(entity, id, given, options);
      return { id, created: false };
    }
    if (options.update_only === true) throw notFound();
    return { id: this.create(entity, { ...given, [field_name]: value }, options), created: true };
  }

  /**
   * Puts a record into the recycle bin, and with it those that go with it.
   * @throws OrgRefusal NOT_FOUND, ENTITY_IS_DELETED, DELETE_FAILED when another must not lose it
   */
  delete(entity: string, id: string): void {
    const table = this.#org.table(entity);
    const before = this.#live(table, id);
    this.#guard('delete', table, before, before);
    this.#put(table, rowId(before), { ...before, IsDeleted: true, ...this.#modified() }, 'DELETE');
    this.#releaseChildren(rowId(before));
  }

  /**
   * Takes a record out of the recycle bin, with those that went with it.
   * @throws OrgRefusal NOT_FOUND, UNDELETE_FAILED
   */
  undelete(entity: string, id: string): void {
    const table = this.#org.table(entity);
    const before = this.#known(table, id);
    if (before['IsDeleted'] !== true)
      throw new OrgRefusal('UNDELETE_FAILED', 'Entity is not in the recycle bin', ['Id']);
    const row: Row = { ...before, IsDeleted: false, ...this.#modified() };
    this.#check(table, row, null, 'undelete');
    this.#put(table, rowId(before), row, 'UNDELETE');
    for (const { table: children, field } of this.#org.referencesTo(table.definition.name))
      if (field.on_parent_delete === 'cascade')
        for (const child of [...children.rows()])
          if (child[field.name] === rowId(before) && child['IsDeleted'] === true)
            if (child['SystemModstamp'] === before['SystemModstamp'])
              this.undelete(children.definition.name, rowId(child));
  }

  /**
   * Takes a record away for good; of this there is no change event (records.md §12.9).
   * @throws OrgRefusal NOT_FOUND
   */
  purge(entity: string, id: string): void {
    const table = this.#org.table(entity);
    const before = this.#known(table, id);
    if (before['IsDeleted'] !== true) this.delete(entity, id);
    const last = table.put(rowId(before), undefined);
    table.purged.push({ id: rowId(before), deleted_ms: Number(last?.['SystemModstamp']) });
    this.#undo.push(() => {
      table.purged.pop();
      table.put(rowId(before), last);
    });
  }

  /** Runs a part that may fail alone: its writes are undone and the refusal goes on. */
  attempt<T>(part: () => T): T {
    const undo = this.#undo.length;
    try {
      return part();
    } catch (error) {
      while (this.#undo.length > undo) this.#undo.pop()?.();
      throw error;
    }
  }

  /** For `Org` alone. */
  rollback(): void {
    while (this.#undo.length > 0) this.#undo.pop()?.();
  }

  /** For `Org` alone: the changes in the order they were made, those of one record together. */
  changes(commit_number: number): CommittedChange[] {
    const pending = this.#pending.filter((change) => change !== null);
    if (pending.length === 0) return [];
    const transaction_key = randomUuid(this.#org.random);
    const change_origin = changeOriginOf(this.#context);
    return pending.map((change, index) => ({
      commit_number,
      commit_ms: this.#commit_ms,
      transaction_key,
      sequence_number: index + 1,
      commit_user: this.#user_id,
      change_origin,
      ...change,
      ...differenceOf(change),
    }));
  }

  #modified(): Row {
    return { LastModifiedDate: this.#stamp_ms, LastModifiedById: this.#user_id, SystemModstamp: this.#stamp_ms };
  }

  #known(table: Table, id: string): Row {
    const parsed = parseRecordId(id);
    const { definition } = table;
    if (parsed === null || keyPrefixOf(parsed) !== definition.key_prefix)
      throw new OrgRefusal('MALFORMED_ID', `${definition.label} ID: id value of incorrect type: ${id}`, ['Id']);
    const row = table.get(parsed);
    if (!row) throw notFound();
    return row;
  }

  #live(table: Table, id: string): Row {
    const row = this.#known(table, id);
    if (row['IsDeleted'] === true) throw new OrgRefusal('ENTITY_IS_DELETED', 'entity is deleted', [], 404);
    return row;
  }

  /** Required fields, unique fields, the object's rules, and then whoever else has a say. */
  #check(table: Table, row: Row, before: Row | null, verb: RowWrite['verb']): void {
    const { definition } = table;
    const missing = definition.fields.filter(
      ({ name, nillable, calculated }) => !nillable && calculated === null && row[name] === undefined,
    );
    if (missing.length > 0) {
      const names = missing.map(({ name }) => name);
      throw new OrgRefusal('REQUIRED_FIELD_MISSING', `Required fields are missing: [${names.join(', ')}]`, names);
    }
    for (const field of definition.fields) {
      if (!field.unique || row[field.name] === undefined || row[field.name] === before?.[field.name]) continue;
      const other = table.find(field.name, row[field.name] ?? null)?.find((id) => id !== row['Id']);
      if (other !== undefined)
        throw new OrgRefusal(
          'DUPLICATE_VALUE',
          `duplicate value found: ${field.name} duplicates value on record with id: ${other}`,
        );
    }
    for (const rule of definition.validation_rules)
      if (rule.fails(row))
        throw new OrgRefusal('FIELD_CUSTOM_VALIDATION_EXCEPTION', rule.message, rule.field ? [rule.field] : []);
    this.#guard(verb, table, before, row);
  }

  #guard(verb: RowWrite['verb'], table: Table, before: Row | null, row: Row): void {
    const record_id = before && rowId(before);
    this.#org.guard({ verb, entity: table.definition.name, record_id, row, api: this.#context.api ?? null });
  }

  #put(table: Table, id: string, row: Row, kind: ChangeKind): void {
    const before = table.put(id, row);
    this.#undo.push(() => table.put(id, before));
    const shown = kind === 'UPDATE' || kind === 'DELETE' ? (before ?? null) : null;
    const after = kind === 'DELETE' ? null : row;
    this.#note({ entity: table.definition.name, record_id: id, kind, before: shown, after });
  }

  /** Several writes of one record are one change of it, unless it went and came back. */
  #note(change: PendingChange): void {
    const index = this.#newest.get(change.record_id);
    const last = index === undefined ? null : (this.#pending[index] ?? null);
    if (index === undefined || !last || last.kind === 'DELETE' || change.kind === 'UNDELETE') {
      this.#newest.set(change.record_id, this.#pending.push(change) - 1);
      this.#undo.push(() => {
        this.#pending.pop();
        if (index === undefined) this.#newest.delete(change.record_id);
        else this.#newest.set(change.record_id, index);
      });
      return;
    }
    this.#pending[index] = mergedChange(last, change);
    this.#undo.push(() => {
      this.#pending[index] = last;
    });
  }

  #releaseChildren(id: string): void {
    const parents = this.#org.objectOf(id)?.name ?? '';
    for (const { table, field } of this.#org.referencesTo(parents))
      for (const child_id of table.find(field.name, id) ?? []) this.#releaseChild(table, field, child_id);
  }

  #releaseChild(table: Table, field: FieldDefinition, id: string): void {
    const child = table.get(id);
    if (!child) return;
    if (field.on_parent_delete === 'cascade') return this.delete(table.definition.name, id);
    if (field.on_parent_delete === 'restrict')
      throw new OrgRefusal('DELETE_FAILED', `Your attempt to delete failed: a ${table.definition.label} refers to it`);
    // The platform's own write: LastModifiedDate stays, SystemModstamp moves.
    const { [field.name]: _, ...rest } = child;
    this.#put(table, id, { ...rest, SystemModstamp: this.#stamp_ms }, 'UPDATE');
  }
}

/** Two changes of one record as one; null when it was made, or restored, and deleted again. */
function mergedChange(last: PendingChange, change: PendingChange): PendingChange | null {
  if (change.kind === 'UPDATE') return { ...change, kind: last.kind, before: last.before };
  return last.kind === 'UPDATE' ? { ...change, before: last.before } : null;
}

/** The id that every stored row has. */
export function rowId(row: Row): string {
  return String(row['Id']);
}

function defaultOf(field: FieldDefinition, user_id: string): FieldValue {
  if (field.name === 'OwnerId') return user_id;
  return field.createable || field.type === 'boolean' ? field.default_value : null;
}

/** SystemModstamp is in no change event. */
function differenceOf({ kind, before, after }: PendingChange): { changed_fields: string[]; nulled_fields: string[] } {
  if (kind !== 'UPDATE' || !before || !after) return { changed_fields: [], nulled_fields: [] };
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => name !== 'SystemModstamp' && before[name] !== after[name]);
  // Every write that is a user's says so, also within the second of the one before.
  if (!changed.includes('LastModifiedDate') && !isPlatformWrite(before, after)) changed.push('LastModifiedDate');
  return { changed_fields: changed, nulled_fields: changed.filter((name) => after[name] === undefined) };
}

function isPlatformWrite(before: Row, after: Row): boolean {
  return (
    before['LastModifiedDate'] === after['LastModifiedDate'] && before['SystemModstamp'] !== after['SystemModstamp']
  );
}
