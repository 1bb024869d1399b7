/** Whether the keys of a mapping can pair records: the object, the table, the external id and the column that holds it. */
import { nearest } from '../../platform/nearest.ts';
import { tellsCase, type FieldDescribe, type ObjectDescribe } from './describe.ts';
import type { Say } from './mapping-finding.ts';
import { writesTo, type ObjectMapping } from './mapping.ts';
import type { ColumnDescription, TableDescription } from './table-description.ts';

/** Types of a column that an external id can stand in, so that it reads back as it was written. */
const KEY_TYPES = ['text', 'varchar', 'citext', 'uuid', 'int2', 'int4', 'int8', 'numeric'];

export function checkKeys(mapping: ObjectMapping, describe: ObjectDescribe, table: TableDescription, say: Say): void {
  checkObject(mapping, describe, say);
  checkExternalId(mapping, describe, say);
  const { key, salesforce_id } = mapping.postgres;
  const column = columnOf(key, table, say);
  if (column !== null) checkKeyColumn(mapping, column, say);
  const ids = salesforce_id === null ? null : columnOf(salesforce_id, table, say);
  if (ids !== null) checkIdColumn(ids, say);
}

function checkObject({ direction, deletes }: ObjectMapping, describe: ObjectDescribe, say: Say): void {
  const grant = 'grant it to the integration user, or set direction = "salesforce_to_postgres"';
  if (!describe.queryable) say('error', `our user may not read ${describe.name}; grant it to the integration user`);
  if (!writesTo(direction, 'salesforce')) return;
  if (!describe.createable) say('error', `our user may not create ${describe.name}; ${grant}`);
  if (!describe.updateable) say('error', `our user may not update ${describe.name}; ${grant}`);
  if (!describe.deletable && deletes === 'propagate')
    say(
      'error',
      `our user may not delete ${describe.name}; grant it to the integration user, or set deletes = "ignore"`,
    );
}

function checkExternalId(mapping: ObjectMapping, describe: ObjectDescribe, say: Say): void {
  const { external_id, case_sensitive } = mapping.salesforce;
  if (external_id === 'Id') return;
  const field = describe.fields.find(({ name }) => name === external_id);
  if (field === undefined) {
    const candidates = describe.fields.filter(({ externalId }) => externalId).map(({ name }) => name);
    const meant = nearest(external_id, candidates) ?? candidates[0];
    say(
      'error',
      `${describe.name} has no field ${external_id}, or our user may not see it${meant === undefined ? '; make an external id field' : `; did you mean ${meant}?`}`,
    );
    return;
  }
  if (!field.externalId && !field.idLookup)
    say('error', `${external_id} is no external id; mark it as External ID in Salesforce, or name a field that is`);
  else if (!field.unique && !field.idLookup)
    say(
      'error',
      `${external_id} is not unique, so that one key may name several records; mark it as Unique in Salesforce`,
    );
  const needs_case = tellsCase(field);
  if (isText(field) && needs_case !== case_sensitive)
    say(
      'error',
      `${external_id} ${needs_case ? 'tells' : 'does not tell'} upper from lower case; set salesforce.case_sensitive = ${needs_case}`,
    );
  if (writesTo(mapping.direction, 'salesforce') && !field.createable)
    say(
      'error',
      `${external_id} cannot be set on new records by our user; grant it, or set direction = "salesforce_to_postgres"`,
    );
}

function checkKeyColumn({ salesforce, direction }: ObjectMapping, column: ColumnDescription, say: Say): void {
  const { name, type } = column;
  if (!KEY_TYPES.includes(type)) say('error', `the column ${name} of type ${type} cannot hold external ids; use text`);
  if (!column.unique) say('error', `the column ${name} is not unique by itself; add a unique constraint over it`);
  if (column.nullable)
    say('warning', `the column ${name} may be null, and rows without a key cannot be paired; make it NOT NULL`);
  if (column.generated && writesTo(direction, 'postgres'))
    say('error', `the column ${name} is generated, and new rows need the external id in it; use another column`);
  const { external_id, case_sensitive } = salesforce;
  if (case_sensitive && type === 'citext')
    say('error', `${external_id} tells upper from lower case and the column ${name} (citext) does not; use text`);
  if (!case_sensitive && (type === 'text' || type === 'varchar'))
    say(
      'warning',
      `${external_id} does not tell upper from lower case and the column ${name} does: rows that differ only in case are one record there, and are left alone. A unique index over lower(${name}) keeps them out`,
    );
}

function checkIdColumn({ name, type, length, generated, nullable }: ColumnDescription, say: Say): void {
  if (!['text', 'varchar', 'citext'].includes(type) || (length !== null && length < 18))
    say('error', `the column ${name} must hold 18 characters of text for the Salesforce id`);
  if (generated) say('error', `the column ${name} is generated and cannot take the Salesforce id; use another column`);
  if (!nullable) say('error', `the column ${name} is NOT NULL, and a new row has no Salesforce id yet; drop NOT NULL`);
}

function columnOf(name: string, table: TableDescription, say: Say): ColumnDescription | null {
  const found = table.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const meant = nearest(
    name,
    table.columns.map((column) => column.name),
  );
  say(
    'error',
    `${table.name} has no column ${name}, or our role may not see it${meant === null ? '' : `; did you mean ${meant}?`}`,
  );
  return null;
}

function isText({ type }: FieldDescribe): boolean {
  return !['double', 'int', 'long'].includes(type);
}
