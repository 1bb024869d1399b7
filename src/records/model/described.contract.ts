/** Descriptions of both sides for tests, where only what a test is about needs to be said. */
import type { FieldDescribe, ObjectDescribe } from './describe.ts';
import type { ColumnDescription, TableDescription } from './table-description.ts';

/** An ordinary field that may be empty and written. */
export function describedField(name: string, type: string, changes: Partial<FieldDescribe> = {}): FieldDescribe {
  return {
    name,
    type,
    length: type === 'string' ? 80 : 0,
    precision: 0,
    scale: 0,
    nillable: true,
    createable: true,
    updateable: true,
    externalId: false,
    idLookup: false,
    unique: false,
    caseSensitive: false,
    calculated: false,
    defaultedOnCreate: false,
    compoundFieldName: null,
    referenceTo: [],
    relationshipName: null,
    picklistValues: [],
    ...changes,
  };
}

/** `Account` with a unique external id `Ext__c` and these fields. */
export function describedObject(
  fields: readonly FieldDescribe[],
  changes: Partial<ObjectDescribe> = {},
): ObjectDescribe {
  const external_id = describedField('Ext__c', 'string', { externalId: true, unique: true });
  const id = describedField('Id', 'id', { nillable: false, createable: false, updateable: false, idLookup: true });
  const may = { queryable: true, createable: true, updateable: true, deletable: true };
  return { name: 'Account', ...may, fields: [id, external_id, ...fields], ...changes };
}

/** An ordinary column that may be null. */
export function describedColumn(
  name: string,
  type: string,
  changes: Partial<ColumnDescription> = {},
): ColumnDescription {
  return {
    name,
    type,
    labels: null,
    length: null,
    scale: null,
    nullable: true,
    unique: false,
    has_default: false,
    generated: false,
    ...changes,
  };
}

/** `public.accounts` with a unique key `ext` (citext) and these columns. */
export function describedTable(columns: readonly ColumnDescription[]): TableDescription {
  const key = describedColumn('ext', 'citext', { nullable: false, unique: true });
  return { name: 'public.accounts', columns: [key, ...columns] };
}
