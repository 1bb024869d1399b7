/** A mapping against what is really there: the object of Salesforce as described, the table of PostgreSQL as introspected. */
import { nearest } from '../../platform/nearest.ts';
import { checkKeys } from './check-mapping-keys.ts';
import type { FieldDescribe, ObjectDescribe } from './describe.ts';
import { kindsOfColumn, kindsOfSalesforce } from './kinds-of-types.ts';
import type { MappingFinding, Say } from './mapping-finding.ts';
import { writesTo, type FieldMapping, type ObjectMapping } from './mapping.ts';
import type { Parents } from './read-value.ts';
import type { ColumnDescription, TableDescription } from './table-description.ts';

/** Everything that would keep records from going over. `parents`: the mappings that references name, where they are known. */
export function checkMapping(
  mapping: ObjectMapping,
  describe: ObjectDescribe,
  table: TableDescription,
  parents: Parents,
): MappingFinding[] {
  const found: MappingFinding[] = [];
  const sayFor =
    (field: string | null): Say =>
    (severity, message) =>
      found.push({ severity, field, message: field === null ? message : `${field}: ${message}` });
  checkKeys(mapping, describe, table, sayFor(null));
  for (const field of mapping.fields) {
    const say = sayFor(field.name);
    const remote = findField(field.salesforce, describe, say);
    const column = findColumn(field.postgres, table, say);
    if (remote !== null) checkSalesforceField(field, remote, parents, say);
    if (column !== null) checkColumn(field, column, say);
    if (remote !== null && column !== null) checkBoth(field, remote, column, say);
  }
  checkRequired(mapping, describe, table, sayFor(null));
  return found;
}

function findField(name: string, { name: object, fields }: ObjectDescribe, say: Say): FieldDescribe | null {
  const found = fields.find((field) => field.name === name);
  if (found !== undefined) return found;
  const meant = nearest(
    name,
    fields.map((field) => field.name),
  );
  say(
    'error',
    `${object} has no field ${name}, or our user may not see it${meant === null ? '' : `; did you mean ${meant}?`}`,
  );
  return null;
}

function findColumn(name: string, { name: table, columns }: TableDescription, say: Say): ColumnDescription | null {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const meant = nearest(
    name,
    columns.map((column) => column.name),
  );
  say(
    'error',
    `${table} has no column ${name}, or our role may not see it${meant === null ? '' : `; did you mean ${meant}?`}`,
  );
  return null;
}

function checkSalesforceField(field: FieldMapping, remote: FieldDescribe, parents: Parents, say: Say): void {
  const kinds = kindsOfSalesforce(remote);
  const raw_id = remote.type === 'reference' && field.kind === 'text' && field.direction === 'salesforce_to_postgres';
  if (kinds.length === 0)
    say('error', `a field of type ${remote.type} cannot be mapped; map its parts or leave it out`);
  else if (!kinds.includes(field.kind) && !raw_id)
    say(
      'error',
      `kind = "${field.kind}" does not fit ${remote.name}, which is of type ${remote.type}; use ${quoted(kinds)}`,
    );
  if (writesTo(field.direction, 'salesforce')) checkWritable(remote, say);
  if (field.kind === 'reference' && remote.type === 'reference') checkReference(field, remote, parents, say);
}

function checkWritable(remote: FieldDescribe, say: Say): void {
  const only_read = 'set direction = "salesforce_to_postgres" for it';
  if (remote.calculated) say('error', `${remote.name} is a formula and cannot be written; ${only_read}`);
  else if (!remote.updateable)
    say('error', `${remote.name} cannot be updated by our user; grant it edit access to the field, or ${only_read}`);
  else if (!remote.createable) say('error', `${remote.name} cannot be set on new records; ${only_read}`);
}

function checkReference(field: FieldMapping, remote: FieldDescribe, parents: Parents, say: Say): void {
  if (field.relationship?.name !== remote.relationshipName && remote.relationshipName !== null)
    say('error', `the relation of ${remote.name} is called ${remote.relationshipName}; begin relationship with it`);
  const targets = remote.referenceTo;
  if (targets.length > 1 && writesTo(field.direction, 'salesforce'))
    say(
      'error',
      `${remote.name} may refer to several objects (${targets.join(', ')}), which cannot be written by external id; set direction = "salesforce_to_postgres" for it`,
    );
  const parent = parents.get(field.references ?? '')?.salesforce.object;
  if (parent !== undefined && !targets.includes(parent))
    say('error', `${remote.name} refers to ${targets.join(', ')}, not to ${parent}; name their mapping in references`);
}

function checkColumn(field: FieldMapping, column: ColumnDescription, say: Say): void {
  const kinds = kindsOfColumn(column);
  if (kinds.length === 0) say('error', `a column of type ${column.type} cannot be mapped; leave it out`);
  else if (!kinds.includes(field.kind))
    say(
      'error',
      `kind = "${field.kind}" does not fit the column ${column.name} of type ${column.type}; use ${quoted(kinds)}, or another column`,
    );
  if (column.generated && writesTo(field.direction, 'postgres'))
    say(
      'error',
      `the column ${column.name} is generated and cannot be written; set direction = "postgres_to_salesforce" for it`,
    );
  if (column.type === 'timestamp')
    say(
      'warning',
      `the column ${column.name} has no time zone; it is read and written as UTC. Use timestamptz if it holds local time`,
    );
}

function checkBoth(field: FieldMapping, remote: FieldDescribe, column: ColumnDescription, say: Say): void {
  const to_salesforce = writesTo(field.direction, 'salesforce');
  const to_postgres = writesTo(field.direction, 'postgres');
  if (['text', 'picklist', 'multipicklist'].includes(field.kind)) checkLength(field, remote, column, say);
  if (field.kind === 'decimal') checkScale(field, remote, column, say);
  if (field.kind === 'integer') checkRange(field, remote, column, say);
  if (field.kind === 'picklist' && to_postgres) checkLabels(remote, column, say);
  if (field.kind === 'boolean') return;
  if (to_postgres && !column.nullable && remote.nillable)
    say(
      'warning',
      `${remote.name} may be empty, and the column ${column.name} is NOT NULL: such records are refused. Drop NOT NULL, or require the field`,
    );
  if (to_salesforce && column.nullable && !remote.nillable)
    say(
      'warning',
      `the column ${column.name} may be null, and ${remote.name} is required: such rows are refused. Make the column NOT NULL, or the field optional`,
    );
}

function checkLength(field: FieldMapping, remote: FieldDescribe, column: ColumnDescription, say: Say): void {
  if (remote.length > 0 && writesTo(field.direction, 'salesforce')) {
    const longest = column.length ?? Infinity;
    if (field.length !== null && field.length > remote.length)
      say('error', `${remote.name} takes ${remote.length} characters; set length = ${remote.length}`);
    else if (field.length === null && longest > remote.length && column.labels === null)
      say(
        'warning',
        `${remote.name} takes ${remote.length} characters; set length = ${remote.length}, so that longer values are reported before they are sent`,
      );
  }
  if (column.length !== null && column.length < remote.length && writesTo(field.direction, 'postgres'))
    say(
      'warning',
      `the column ${column.name} takes ${column.length} characters, ${remote.name} ${remote.length}: longer values are refused. Widen the column`,
    );
}

function checkScale(field: FieldMapping, remote: FieldDescribe, column: ColumnDescription, say: Say): void {
  const common = Math.min(remote.scale, column.scale ?? Infinity, column.type.startsWith('int') ? 0 : Infinity);
  if (field.scale === null)
    say(
      'warning',
      `set scale = ${common}, the digits after the point that both sides keep: with more on one side they would never be equal`,
    );
  else if (field.scale > common)
    say('error', `both sides keep ${common} digits after the point; set scale = ${common}`);
  if (column.type === 'float4')
    say(
      'warning',
      `the column ${column.name} keeps about 6 digits: numbers with more are refused. Use numeric or double precision`,
    );
}

const DIGITS: Readonly<Record<string, number>> = { int2: 4, int4: 9, int8: 18, float8: 15 };

function checkRange(field: FieldMapping, remote: FieldDescribe, column: ColumnDescription, say: Say): void {
  if (remote.scale > 0)
    say(
      'error',
      `${remote.name} keeps ${remote.scale} digits after the point; use kind = "decimal" and scale = ${remote.scale}`,
    );
  if (column.scale !== null && column.scale > 0)
    say('warning', `the column ${column.name} keeps digits after the point: values that have any are refused`);
  const digits = DIGITS[column.type];
  if (digits !== undefined && remote.precision > digits && writesTo(field.direction, 'postgres'))
    say(
      'warning',
      `${remote.name} takes ${remote.precision} digits, the column ${column.name} (${column.type}) surely only ${digits}: larger values are refused`,
    );
}

function checkLabels(remote: FieldDescribe, column: ColumnDescription, say: Say): void {
  const { labels } = column;
  if (labels === null) return;
  const lacking = remote.picklistValues.filter(({ active, value }) => active && !labels.includes(value));
  if (lacking.length > 0)
    say(
      'warning',
      `the type of the column ${column.name} lacks ${lacking.length} of the choices of ${remote.name}: records with them are refused. ALTER TYPE … ADD VALUE`,
    );
}

/** What a side demands of every new record, and the mapping does not give. */
function checkRequired(mapping: ObjectMapping, describe: ObjectDescribe, table: TableDescription, say: Say): void {
  const { fields, salesforce, postgres, direction } = mapping;
  const given = (side: 'salesforce' | 'postgres') =>
    new Set(fields.filter((field) => writesTo(field.direction, side)).map((field) => field[side]));
  if (writesTo(direction, 'salesforce')) {
    const written = given('salesforce').add(salesforce.external_id);
    for (const field of describe.fields.filter(isRequired))
      if (!written.has(field.name))
        say(
          'error',
          `${field.name} is required for new records of ${describe.name} and not mapped towards Salesforce; map it, or give it a default there`,
        );
  }
  if (!writesTo(direction, 'postgres')) return;
  const written = given('postgres').add(postgres.key);
  for (const { name, nullable, has_default, generated } of table.columns)
    if (!nullable && !has_default && !generated && !written.has(name))
      say(
        'error',
        `the column ${name} of ${table.name} is NOT NULL without default and not mapped towards PostgreSQL; map it, or give it a default`,
      );
}

function isRequired({ createable, nillable, defaultedOnCreate, defaultValue, type }: FieldDescribe): boolean {
  const has_default = defaultedOnCreate || (defaultValue !== null && defaultValue !== undefined);
  return createable && !nillable && !has_default && type !== 'boolean';
}

function quoted(kinds: readonly string[]): string {
  return kinds.map((kind) => `"${kind}"`).join(' or ');
}
