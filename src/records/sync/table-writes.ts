import type { RowWrite, RowWriter } from '../../engine/transaction.ts';
import type { FieldMapping, ObjectMapping } from '../model/mapping.ts';
import { postgresCells, postgresText, type ColumnTypes } from '../model/postgres-value.ts';
import type { Value } from '../model/value.ts';
import type { RecordPlan } from '../plan/plan-record.ts';
import { columnTypes, type TableColumns } from '../postgres/columns.ts';
import { objectWriters, type ObjectWriters } from '../postgres/row-writers.ts';
import type { PostgresRecord } from '../postgres/table.ts';
import type { FieldProblem } from '../sides.ts';

/** The customer's tables go first: a row that moved leaves nothing of its key behind. */
const ORDER = 10;

/** Writes of one object's table, as rows of a settlement. */
export class TableWrites {
  /** To be given to the engine's store when it is opened. */
  readonly writers: readonly RowWriter[];
  readonly #mapping: ObjectMapping;
  readonly #types: ColumnTypes;
  readonly #rows: ObjectWriters;

  constructor(mapping: ObjectMapping, table: TableColumns) {
    this.#mapping = mapping;
    this.#types = columnTypes(table);
    this.#rows = objectWriters(mapping, table, ORDER);
    this.writers = this.#rows.writers;
  }

  /** Whether the column can keep the value. */
  check(field: FieldMapping, value: Value): FieldProblem | null {
    const written = postgresText(field, this.#types.get(field.postgres) ?? 'text', value);
    return written.ok ? null : written.problem;
  }

  /** What the plan wants written, compare-and-set on the row that it saw; `external_id`: how a new row is to write it. */
  write(
    external_id: string,
    seen: PostgresRecord | null,
    { operation, fields }: NonNullable<RecordPlan['postgres']>,
    salesforce_id: string | null,
  ): RowWrite[] {
    // The plan leaves out what `check` refuses.
    const { cells } = postgresCells(this.#mapping, this.#types, fields);
    if (operation === 'insert') return [this.#rows.insert(external_id, cells, salesforce_id)];
    if (seen === null) return [];
    return [operation === 'update' ? this.#rows.update(seen, cells) : this.#rows.delete(seen)];
  }

  /** Salesforce's id, for a row that has another one or none. */
  salesforceId(seen: PostgresRecord, salesforce_id: string): RowWrite[] {
    if (this.#mapping.postgres.salesforce_id === null || seen.salesforce_id === salesforce_id) return [];
    return [this.#rows.salesforceId(seen.id, salesforce_id)];
  }
}
