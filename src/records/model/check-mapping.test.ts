import { expect, it, test } from 'vitest';
import { checkMapping } from './check-mapping.ts';
import type { FieldDescribe } from './describe.ts';
import { describedColumn, describedField, describedObject, describedTable } from './described.contract.ts';
import { fieldOf, mappingOf } from './generated.contract.ts';
import type { FieldMapping, ObjectMapping } from './mapping.ts';
import type { ColumnDescription, TableDescription } from './table-description.ts';

const CASELESS = { object: 'Account', external_id: 'Ext__c', case_sensitive: false };
const PARENTS = new Map([['parents', mappingOf([], { salesforce: { ...CASELESS, object: 'Parent__c' } })]]);

/** What is said of one field, its description and its column. */
function say(
  field: FieldMapping,
  remote: FieldDescribe,
  column: ColumnDescription,
  changes: Partial<ObjectMapping> = {},
) {
  const mapping = mappingOf([field], { salesforce: CASELESS, ...changes });
  return checkMapping(mapping, describedObject([remote]), describedTable([column]), PARENTS).map(
    ({ severity, message }) => `${severity} ${message}`,
  );
}

const TO_POSTGRES = { direction: 'salesforce_to_postgres' } as const;
const TO_SALESFORCE = { direction: 'postgres_to_salesforce' } as const;

it('finds nothing where all fits', () => {
  const fields: [FieldMapping['kind'], FieldDescribe, ColumnDescription, Partial<FieldMapping>][] = [
    ['text', describedField('A', 'string'), describedColumn('a', 'text'), { length: 80 }],
    ['text', describedField('B', 'email', { length: 80 }), describedColumn('b', 'varchar', { length: 80 }), {}],
    ['picklist', describedField('C', 'picklist'), describedColumn('c', 'colour', { labels: ['red'] }), {}],
    ['multipicklist', describedField('D', 'multipicklist'), describedColumn('d', '_text'), {}],
    ['integer', describedField('E', 'double', { precision: 9 }), describedColumn('e', 'int4'), {}],
    [
      'decimal',
      describedField('F', 'currency', { scale: 2 }),
      describedColumn('f', 'numeric', { scale: 2 }),
      { scale: 2 },
    ],
    ['boolean', describedField('G', 'boolean', { nillable: false }), describedColumn('g', 'bool'), {}],
    ['date', describedField('H', 'date'), describedColumn('h', 'date'), {}],
    ['datetime', describedField('I', 'datetime'), describedColumn('i', 'timestamptz'), {}],
    [
      'reference',
      describedField('J', 'reference', { referenceTo: ['Parent__c'], relationshipName: 'Parent__r' }),
      describedColumn('j', 'text'),
      {},
    ],
  ];
  const mapping = mappingOf(
    fields.map(([kind, remote, column, changes]) =>
      fieldOf(kind, { name: column.name, salesforce: remote.name, postgres: column.name, ...changes }),
    ),
    { salesforce: CASELESS },
  );
  const describe = describedObject(fields.map(([, remote]) => remote));
  expect(checkMapping(mapping, describe, describedTable(fields.map(([, , column]) => column)), PARENTS)).toEqual([]);
});

const text = fieldOf('text', { length: 80 });
const remote = describedField('Field__c', 'string');
const column = describedColumn('field', 'text');

test.each<[string, FieldMapping, FieldDescribe, ColumnDescription, string]>([
  [
    'a field that is gone',
    text,
    describedField('Feld__c', 'string'),
    column,
    'error field: Account has no field Field__c, or our user may not see it; did you mean Feld__c?',
  ],
  [
    'a column that is gone',
    text,
    remote,
    describedColumn('feld', 'text'),
    'error field: public.accounts has no column field, or our role may not see it; did you mean feld?',
  ],
  [
    'a compound field',
    text,
    describedField('Field__c', 'address'),
    column,
    'error field: a field of type address cannot be mapped',
  ],
  [
    'a kind that Salesforce has not',
    fieldOf('date'),
    remote,
    describedColumn('field', 'date'),
    'error field: kind = "date" does not fit Field__c, which is of type string; use "text"',
  ],
  [
    'a kind that the column has not',
    text,
    remote,
    describedColumn('field', 'int4'),
    'error field: kind = "text" does not fit the column field of type int4; use "integer"',
  ],
  [
    'a type that nothing fits',
    text,
    remote,
    describedColumn('field', 'jsonb'),
    'error field: a column of type jsonb cannot be mapped',
  ],
  [
    'a formula both ways',
    text,
    describedField('Field__c', 'string', { calculated: true, updateable: false }),
    column,
    'Field__c is a formula and cannot be written; set direction = "salesforce_to_postgres"',
  ],
  [
    'a field that is only read',
    text,
    describedField('Field__c', 'string', { updateable: false }),
    column,
    'Field__c cannot be updated by our user',
  ],
  [
    'a field that is never created',
    text,
    describedField('Field__c', 'string', { createable: false }),
    column,
    'Field__c cannot be set on new records',
  ],
  [
    'a generated column',
    text,
    remote,
    describedColumn('field', 'text', { generated: true }),
    'the column field is generated and cannot be written; set direction = "postgres_to_salesforce"',
  ],
  [
    'a length that is too large',
    fieldOf('text', { length: 90 }),
    remote,
    column,
    'error field: Field__c takes 80 characters; set length = 80',
  ],
  [
    'a length that is not given',
    fieldOf('text'),
    remote,
    column,
    'warning field: Field__c takes 80 characters; set length = 80',
  ],
  [
    'a column that is too short',
    text,
    remote,
    describedColumn('field', 'varchar', { length: 40 }),
    'warning field: the column field takes 40 characters, Field__c 80',
  ],
  [
    'a scale that is not given',
    fieldOf('decimal'),
    describedField('Field__c', 'double', { scale: 4 }),
    describedColumn('field', 'numeric', { scale: 2 }),
    'warning field: set scale = 2',
  ],
  [
    'a scale that is too large',
    fieldOf('decimal', { scale: 4 }),
    describedField('Field__c', 'double', { scale: 2 }),
    describedColumn('field', 'numeric'),
    'error field: both sides keep 2 digits after the point',
  ],
  [
    'a small float',
    fieldOf('decimal', { scale: 2 }),
    describedField('Field__c', 'double', { scale: 2 }),
    describedColumn('field', 'float4'),
    'warning field: the column field keeps about 6 digits',
  ],
  [
    'an integer with digits after the point',
    fieldOf('integer'),
    describedField('Field__c', 'double', { scale: 2 }),
    describedColumn('field', 'int4'),
    'error field: kind = "integer" does not fit Field__c',
  ],
  [
    'an integer that is too small',
    fieldOf('integer'),
    describedField('Field__c', 'double', { precision: 18 }),
    describedColumn('field', 'int4'),
    'warning field: Field__c takes 18 digits, the column field (int4) surely only 9',
  ],
  [
    'choices that the type lacks',
    fieldOf('picklist'),
    describedField('Field__c', 'picklist', {
      picklistValues: [
        { value: 'a', active: true },
        { value: 'b', active: true },
        { value: 'c', active: false },
      ],
    }),
    describedColumn('field', 'colour', { labels: ['a'] }),
    'warning field: the type of the column field lacks 1 of the choices',
  ],
  [
    'nulls that the column refuses',
    text,
    remote,
    describedColumn('field', 'text', { nullable: false, has_default: true }),
    'warning field: Field__c may be empty, and the column field is NOT NULL',
  ],
  [
    'nulls that Salesforce refuses',
    text,
    describedField('Field__c', 'string', { nillable: false }),
    column,
    'warning field: the column field may be null, and Field__c is required',
  ],
  [
    'a time without zone',
    fieldOf('datetime'),
    describedField('Field__c', 'datetime'),
    describedColumn('field', 'timestamp'),
    'warning field: the column field has no time zone',
  ],
  [
    'another relation',
    fieldOf('reference'),
    describedField('Parent__c', 'reference', { referenceTo: ['Parent__c'], relationshipName: 'Other__r' }),
    column,
    'error field: the relation of Parent__c is called Other__r',
  ],
  [
    'another parent',
    fieldOf('reference'),
    describedField('Parent__c', 'reference', { referenceTo: ['User'], relationshipName: 'Parent__r' }),
    column,
    'error field: Parent__c refers to User, not to Parent__c',
  ],
  [
    'several parents',
    fieldOf('reference'),
    describedField('Parent__c', 'reference', { referenceTo: ['Parent__c', 'User'], relationshipName: 'Parent__r' }),
    column,
    'error field: Parent__c may refer to several objects (Parent__c, User)',
  ],
])('says of %s what to do', (_, field, described, of_table, message) => {
  const said = say(field, described, of_table);
  expect(said.join('\n')).toContain(message);
});

it('asks for nothing that a one-way field does not need', () => {
  const formula = describedField('Field__c', 'string', { calculated: true, updateable: false, createable: false });
  expect(say(fieldOf('text', TO_POSTGRES), formula, column)).toEqual([]);
  const generated = describedColumn('field', 'text', { generated: true });
  expect(say(fieldOf('text', { ...TO_SALESFORCE, length: 80 }), remote, generated)).toEqual([]);
});

function sayOfKeys(
  changes: Partial<ObjectMapping>,
  external_id: Partial<FieldDescribe>,
  key: Partial<ColumnDescription>,
  may: Partial<Record<'queryable' | 'createable' | 'updateable' | 'deletable', boolean>> = {},
) {
  const describe = describedObject([remote], may);
  const fields = describe.fields.map((one) => (one.name === 'Ext__c' ? { ...one, ...external_id } : one));
  const described = describedTable([column]);
  const table: TableDescription = {
    ...described,
    columns: described.columns.map((one) => (one.name === 'ext' ? { ...one, ...key } : one)),
  };
  const mapping = mappingOf([text], { salesforce: CASELESS, ...changes });
  return checkMapping(mapping, { ...describe, fields }, table, PARENTS).map((found) => found.message);
}

test.each<[string, Parameters<typeof sayOfKeys>, string]>([
  ['an object that cannot be read', [{}, {}, {}, { queryable: false }], 'may not read Account'],
  ['an object that cannot be written', [{}, {}, {}, { createable: false }], 'may not create Account'],
  ['an object that cannot be updated', [{}, {}, {}, { updateable: false }], 'may not update Account'],
  [
    'an object that cannot be deleted',
    [{}, {}, {}, { deletable: false }],
    'may not delete Account; grant it to the integration user, or set deletes = "ignore"',
  ],
  ['an external id that is none', [{}, { externalId: false }, {}], 'Ext__c is no external id'],
  ['an external id that is not unique', [{}, { unique: false }, {}], 'Ext__c is not unique'],
  ['an external id that tells case', [{}, { caseSensitive: true }, {}], 'set salesforce.case_sensitive = true'],
  [
    'an external id that does not',
    [{ salesforce: { ...CASELESS, case_sensitive: true } }, {}, { type: 'text' }],
    'set salesforce.case_sensitive = false',
  ],
  [
    'an external id that is gone',
    [{ salesforce: { ...CASELESS, external_id: 'Exd__c' } }, {}, {}],
    'Account has no field Exd__c, or our user may not see it; did you mean Ext__c?',
  ],
  ['an external id that is made there', [{}, { createable: false }, {}], 'Ext__c cannot be set on new records'],
  ['a key of another type', [{}, {}, { type: 'jsonb' }], 'the column ext of type jsonb cannot hold external ids'],
  ['a key that is not unique', [{}, {}, { unique: false }], 'the column ext is not unique by itself'],
  ['a key that may be null', [{}, {}, { nullable: true }], 'the column ext may be null'],
  ['a key that is generated', [{}, {}, { generated: true }], 'the column ext is generated'],
  ['a key that tells case', [{}, {}, { type: 'text' }], 'A unique index over lower(ext) keeps them out'],
  [
    'a key that does not tell case',
    [{ salesforce: { ...CASELESS, case_sensitive: true } }, { caseSensitive: true }, {}],
    '(citext) does not; use text',
  ],
  [
    'a column of ids that is gone',
    [{ postgres: { table: 'public.accounts', key: 'ext', salesforce_id: 'sfid' } }, {}, {}],
    'has no column sfid',
  ],
  [
    'a column of ids that is no text',
    [{ postgres: { table: 'public.accounts', key: 'ext', salesforce_id: 'ext' } }, {}, { type: 'int4' }],
    'must hold 18 characters',
  ],
])('says of %s what to do', (_, given, message) => {
  expect(sayOfKeys(...given).join('\n')).toContain(message);
});

it('asks of a one-way mapping only what it needs', () => {
  const fields = [fieldOf('text', TO_POSTGRES)];
  const may = { createable: false, updateable: false, deletable: false };
  expect(sayOfKeys({ ...TO_POSTGRES, fields }, { createable: false }, {}, may)).toEqual([]);
});

it('finds what a side demands of new records', () => {
  const describe = describedObject([
    remote,
    describedField('LastName', 'string', { nillable: false }),
    describedField('Done__c', 'boolean', { nillable: false }),
    describedField('OwnerId', 'reference', { nillable: false, defaultedOnCreate: true }),
  ]);
  const table = describedTable([
    column,
    describedColumn('tenant', 'int4', { nullable: false }),
    describedColumn('id', 'int8', { nullable: false, has_default: true }),
  ]);
  const messages = (changes: Partial<ObjectMapping>) =>
    checkMapping(mappingOf([text], { salesforce: CASELESS, ...changes }), describe, table, PARENTS).map(
      ({ message }) => message,
    );
  expect(messages({})).toEqual([
    expect.stringContaining('LastName is required for new records of Account'),
    expect.stringContaining('the column tenant of public.accounts is NOT NULL without default'),
  ]);
  const to_postgres = messages({ ...TO_POSTGRES, fields: [fieldOf('text', TO_POSTGRES)] });
  expect(to_postgres).toEqual([expect.stringContaining('tenant')]);
});
