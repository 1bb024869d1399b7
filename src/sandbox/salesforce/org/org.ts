/**
 * One organisation of the simulator: objects, records, recycle bin, users, and the log of what was committed. It has no
 * network; REST, Bulk and the event bus are built on it. Everything is synchronous: a transaction is one call.
 */
import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import { COMMIT_RETENTION_MS, type CommittedChange, type WriteContext } from './commit.ts';
import { storedValue } from './field-values.ts';
import type { FieldDefinition, FieldValue, Row } from './fields.ts';
import type { GivenValues } from './incoming-record.ts';
import { defineObject, type ObjectDefinition, type ObjectInput, type ValidationRule } from './object-definition.ts';
import { keyPrefixOf, makeInstanceCode, makeRecordId, parseRecordId } from './record-id.ts';
import { MultipleChoices, notFound, OrgRefusal } from './refusal.ts';
import { standardObjects } from './standard-objects.ts';
import { Table } from './table.ts';
import { Transaction, rowId, type RowWrite, type Store, type UpsertOptions } from './transaction.ts';

export interface OrgOptions {
  clock: Clock;
  /** Seeded: two organisations of one seed that see the same calls are equal. */
  random: Random;
  /** None: those of `standardObjects`. */
  objects?: readonly ObjectDefinition[];
}

export type CommitListener = (changes: readonly CommittedChange[]) => void;

/** Refuses a row by throwing an OrgRefusal: locks, duplicate rules, injected faults. */
export type RowGuard = (write: RowWrite) => void;

/** Commit numbers begin here, as those of a long-lived organisation do. */
const FIRST_COMMIT = 1_000_000_000_000;

export class Org implements Store {
  readonly clock: Clock;
  readonly random: Random;
  /** `00D…`, 18 characters. */
  readonly org_id: string;
  /** The user that writes when none is named: admin@sandbox.example. */
  readonly admin_id: string;
  readonly #instance: string;
  readonly #tables = new Map<string, Table>();
  readonly #prefixes = new Map<string, ObjectDefinition>();
  readonly #counters = new Map<string, number>();
  readonly #listeners = new Set<CommitListener>();
  readonly #guards = new Set<RowGuard>();
  #commits: CommittedChange[] = [];
  #commit_number = FIRST_COMMIT;

  constructor({ clock, random, objects = standardObjects() }: OrgOptions) {
    this.clock = clock;
    this.random = random;
    this.#instance = makeInstanceCode(() => random.unit());
    this.org_id = makeRecordId('00D', this.#instance, 1);
    this.admin_id = makeRecordId('005', this.#instance, 1);
    for (const object of objects) this.define(object);
    this.seed('User', [
      { Username: 'admin@sandbox.example', Email: 'admin@sandbox.example', FirstName: 'Ada', LastName: 'Admin' },
    ]);
  }

  /** Adds an object, or puts another definition in the place of one that has no records. */
  define(object: ObjectInput | ObjectDefinition): ObjectDefinition {
    const definition = 'relationship' in object ? object : defineObject(object);
    const existing = this.#tables.get(definition.name.toLowerCase());
    const table = new Table(definition);
    for (const row of existing?.rows() ?? []) table.put(rowId(row), row);
    this.#tables.set(definition.name.toLowerCase(), table);
    this.#prefixes.set(definition.key_prefix, definition);
    return definition;
  }

  /** Adds fields to an object as an administrator would; its records have no value there. */
  addFields(entity: string, fields: readonly FieldDefinition[]): ObjectDefinition {
    const { definition } = this.table(entity);
    return this.define(defineObject({ ...definition, fields: [...definition.fields, ...fields] }));
  }

  addValidationRule(entity: string, rule: ValidationRule): void {
    const { definition } = this.table(entity);
    this.define(defineObject({ ...definition, validation_rules: [...definition.validation_rules, rule] }));
  }

  objects(): ObjectDefinition[] {
    return [...this.#tables.values()].map(({ definition }) => definition);
  }

  table(entity: string): Table {
    const table = this.#tables.get(entity.toLowerCase());
    if (!table) throw notFound();
    return table;
  }

  /** By an id's prefix. */
  objectOf(id: string): ObjectDefinition | undefined {
    return this.#prefixes.get(keyPrefixOf(id));
  }

  /** A record, also one in the recycle bin; null when there is none. Calculated fields are not in it. */
  row(entity: string, id: string): Row | null {
    return this.table(entity).get(parseRecordId(id) ?? '') ?? null;
  }

  /** The live records of an object. */
  rows(entity: string): Row[] {
    return [...this.table(entity).rows()].filter((row) => row['IsDeleted'] === false);
  }

  /**
   * Id of the live record with a value in an external id field; null for none.
   * @throws OrgRefusal NOT_FOUND when the field is no external id, MultipleChoices when several have the value
   */
  findByExternalId(entity: string, field_name: string, value: unknown): string | null {
    const table = this.table(entity);
    const field = table.definition.field(field_name);
    if (!field || !(field.external_id || field.id_lookup)) throw notFound();
    const stored = storedValue(field, value, 'text');
    if (field.type === 'id') return table.get(String(stored))?.['IsDeleted'] === false ? String(stored) : null;
    const ids = table.find(field.name, stored) ?? [];
    if (ids.length > 1) throw new MultipleChoices(table.definition.name, field.name, ids);
    return ids[0] ?? null;
  }

  /** Fields of all objects that refer to one. */
  referencesTo(entity: string): { table: Table; field: FieldDefinition }[] {
    return [...this.#tables.values()].flatMap((table) =>
      table.definition.fields
        .filter(({ reference_to, createable }) => createable && reference_to.includes(entity))
        .map((field) => ({ table, field })),
    );
  }

  /**
   * Runs writes as one transaction: all of them or, when `part` throws, none. Listeners are told when it is committed.
   * @throws whatever `part` throws, an OrgRefusal where the organisation says no
   */
  transaction<T>(part: (transaction: Transaction) => T, context: WriteContext = {}): T {
    const transaction = new Transaction(this, context, this.clock.now_ms());
    let result: T;
    try {
      result = part(transaction);
    } catch (error) {
      transaction.rollback();
      throw error;
    }
    this.#commit(transaction);
    return result;
  }

  create(entity: string, values: GivenValues, context?: WriteContext): string {
    return this.transaction((transaction) => transaction.create(entity, values), context);
  }

  update(entity: string, id: string, values: GivenValues, context?: WriteContext): void {
    this.transaction((transaction) => transaction.update(entity, id, values), context);
  }

  upsert(
    entity: string,
    field: string,
    value: FieldValue,
    values: GivenValues,
    context?: WriteContext & UpsertOptions,
  ): { id: string; created: boolean } {
    return this.transaction((transaction) => transaction.upsert(entity, field, value, values, context), context);
  }

  delete(entity: string, id: string, context?: WriteContext): void {
    this.transaction((transaction) => transaction.delete(entity, id), context);
  }

  undelete(entity: string, id: string, context?: WriteContext): void {
    this.transaction((transaction) => transaction.undelete(entity, id), context);
  }

  purge(entity: string, id: string, context?: WriteContext): void {
    this.transaction((transaction) => transaction.purge(entity, id), context);
  }

  /** Puts records there as if they had always been: no change is logged and no listener told. Returns their ids. */
  seed(entity: string, records: readonly GivenValues[], context: WriteContext = {}): string[] {
    const transaction = new Transaction(this, context, this.clock.now_ms());
    try {
      return records.map((values) => transaction.create(entity, values));
    } catch (error) {
      transaction.rollback();
      throw error;
    }
  }

  /** A user that may sign in, by name; Email and LastName are made of it where they are not given. */
  addUser(username: string, values: GivenValues = {}): string {
    const LastName = username.replace(/@.*/, '');
    return this.create('User', { Username: username, Email: username, LastName, ...values });
  }

  /** @throws OrgRefusal INVALID_CROSS_REFERENCE_KEY */
  userId(name_or_id: string): string {
    const id = this.row('User', name_or_id)?.['Id'] ?? this.table('User').find('Username', name_or_id)?.[0];
    if (typeof id === 'string') return id;
    throw new OrgRefusal('INVALID_CROSS_REFERENCE_KEY', 'There is no such user');
  }

  /** Is told of every commit from now on, after it happened; returns how to stop that. */
  subscribe(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Changes of transactions with a greater number, in order; those older than 72 hours are gone. */
  commitsAfter(commit_number: number): CommittedChange[] {
    return this.#commits.slice(this.#commits.findLastIndex((change) => change.commit_number <= commit_number) + 1);
  }

  /** Number of the newest transaction. */
  get lastCommit(): number {
    return this.#commit_number;
  }

  /** Asks `guard` before each write of a row; returns how to stop that. */
  addGuard(guard: RowGuard): () => void {
    this.#guards.add(guard);
    return () => this.#guards.delete(guard);
  }

  /** For transactions. */
  guard(write: RowWrite): void {
    for (const guard of this.#guards) guard(write);
  }

  /** The next id of an object. */
  nextId(definition: ObjectDefinition): string {
    return this.nextIdOf(definition.key_prefix);
  }

  /** The next id with a prefix; also for what is no record, as a bulk job. */
  nextIdOf(key_prefix: string): string {
    const n = (this.#counters.get(key_prefix) ?? 0) + 1;
    this.#counters.set(key_prefix, n);
    return makeRecordId(key_prefix, this.#instance, n);
  }

  #commit(transaction: Transaction): void {
    const changes = transaction.changes(this.#commit_number + 1);
    if (changes.length === 0) return;
    this.#commit_number += 1;
    for (const change of changes) this.#commits.push(change);
    this.#forgetOld();
    for (const listener of this.#listeners) listener(changes);
  }

  #forgetOld(): void {
    const oldest_ms = this.clock.now_ms() - COMMIT_RETENTION_MS;
    if ((this.#commits[0]?.commit_ms ?? oldest_ms) >= oldest_ms) return;
    this.#commits = this.#commits.filter(({ commit_ms }) => commit_ms >= oldest_ms);
  }
}
