/** From rows of the outbox to changes of keys. One bad row is a problem with a name, and the rows after it go on. */
import type { RecordChange } from '../change.ts';
import { canonicalKey } from '../model/canonical-key.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { readPostgresRow, type ColumnTypes } from '../model/postgres-value.ts';
import type { Parents } from '../model/read-value.ts';
import type { Document } from '../model/value.ts';
import type { FieldProblem } from '../sides.ts';

/** The mapped tables by their objects' names, with the types of their columns (`tableColumns`). */
export type MappedTables = ReadonlyMap<string, { readonly mapping: ObjectMapping; readonly types: ColumnTypes }>;

export interface OutboxRow {
  pos: number;
  object: string;
  key: string | null;
  key_before: string | null;
  operation: 'insert' | 'update' | 'delete' | 'truncate' | 'unreadable';
  changed: Record<string, string | null> | null;
  ours: boolean;
  session: string | null;
  actor: string;
  at_ms: number;
}

export interface OutboxChange {
  readonly object: string;
  /** Canonical. */
  readonly key: string;
  /** Of the entry; unique within the outbox, and the same whenever the row is read. */
  readonly cursor: string;
  readonly change: RecordChange;
}

/**
 * Something that concerns an object and no key: it pauses and asks. `truncated`: all rows went at once, which is no wish to
 * delete them in Salesforce · `unreadable`: a mapped column was renamed or dropped, and rows changed since; which, is not known.
 */
export interface OutboxNotice {
  readonly object: string;
  readonly kind: 'truncated' | 'unreadable';
  readonly pos: number;
  readonly at_ms: number;
  readonly actor: string;
}

/** A row that could not be carried over whole. Never a value. */
export interface OutboxProblem {
  readonly object: string;
  /** Null: the row has no external id, so it cannot be paired and there is no change. */
  readonly key: string | null;
  readonly pos: number;
  readonly problems: readonly FieldProblem[];
}

export interface OutboxReading {
  readonly changes: readonly OutboxChange[];
  /** The last of each kind and object. */
  readonly notices: readonly OutboxNotice[];
  readonly problems: readonly OutboxProblem[];
  /** Rows of objects that no mapping has any more. */
  readonly unmapped: number;
}

/** Reads the rows in their order. */
export function readOutboxRows(tables: MappedTables, rows: readonly OutboxRow[]): OutboxReading {
  const parents = new Map([...tables].map(([name, { mapping }]) => [name, mapping]));
  const changes: OutboxChange[] = [];
  const problems: OutboxProblem[] = [];
  const notices = new Map<string, OutboxNotice>();
  let unmapped = 0;
  for (const row of rows) {
    const table = tables.get(row.object);
    if (table === undefined) {
      unmapped++;
      continue;
    }
    const { operation } = row;
    if (operation === 'truncate' || operation === 'unreadable') {
      const notice = noticeOf(row, operation === 'truncate' ? 'truncated' : 'unreadable');
      notices.set(`${notice.kind} ${notice.object}`, notice);
      continue;
    }
    const read = readRow(table.mapping, table.types, row, parents);
    changes.push(...read.changes);
    if (read.problems.length > 0)
      problems.push({ object: row.object, key: read.key, pos: row.pos, problems: read.problems });
  }
  return { changes, notices: [...notices.values()], problems, unmapped };
}

function noticeOf({ object, pos, at_ms, actor }: OutboxRow, kind: OutboxNotice['kind']): OutboxNotice {
  return { object, kind, pos, at_ms, actor };
}

const NO_KEY: FieldProblem = {
  field: 'external id',
  code: 'no_key',
  message: 'The row has no external id, so it cannot be paired with a record of Salesforce',
};

interface Read {
  key: string | null;
  changes: OutboxChange[];
  problems: readonly FieldProblem[];
}

function readRow(mapping: ObjectMapping, types: ColumnTypes, row: OutboxRow, parents: Parents): Read {
  const key = keyOf(mapping, row.key);
  const before = keyOf(mapping, row.key_before);
  const changes: OutboxChange[] = [];
  const add = (
    of: string,
    cursor: string,
    operation: RecordChange['operation'],
    fields: Document,
    whole = false,
  ): void =>
    void changes.push({ object: row.object, key: of, cursor, change: changeOf(row, operation, fields, whole) });
  const moved = before !== null && before !== key;
  // The key it had is free: whoever reads it finds no row, or another one.
  if (moved) add(before, `${row.pos}-before`, 'deleted', {});
  if (key === null) return { key, changes, problems: [NO_KEY] };
  const cursor = String(row.pos);
  if (row.operation === 'delete') add(key, cursor, 'deleted', {});
  // Its changes are not all, or it was too large to tell them: it is read under its key.
  else if (moved || row.changed === null) add(key, cursor, 'touched', {});
  else {
    const { document, problems } = readPostgresRow(mapping, types, row.changed ?? {}, parents);
    add(key, cursor, 'changed', document, row.operation === 'insert' && problems.length === 0);
    return { key, changes, problems };
  }
  return { key, changes, problems: [] };
}

function keyOf(mapping: ObjectMapping, written: string | null): string | null {
  return written === null || written === '' ? null : canonicalKey(mapping, written);
}

function changeOf(
  { ours, session, actor, at_ms }: OutboxRow,
  operation: RecordChange['operation'],
  fields: Document,
  whole: boolean,
): RecordChange {
  const committed_ms = Math.floor(at_ms);
  return { side: 'postgres', operation, fields, whole, salesforce_id: null, committed_ms, ours, actor, session };
}
