/** The Avro schema of an object's change events, as GetSchema tells it (records.md §12.10). */
import { createHash } from 'node:crypto';
// CommonJS whose names Node does not see: values come by the default.
import avsc, { type Type } from 'avsc';
import type { FieldDefinition, FieldType } from '../org/fields.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';

/** A field of the schema, and where the record has it. */
export interface SchemaField {
  /** In the schema: `Industry`, `BillingAddress`. */
  name: string;
  /** The record's field; null of a compound. */
  column: FieldDefinition | null;
  /** Of a compound: its parts by their names in the schema (`City`). */
  parts: readonly { name: string; column: FieldDefinition }[];
}

export interface ChangeEventSchema {
  schema_id: string;
  json: string;
  /** Without the header, which is field 0: the first here is field 1. */
  fields: readonly SchemaField[];
  type: Type;
}

/** In the order of the documentation; the last is reserved there. */
const CHANGE_TYPES = [
  'CREATE',
  'UPDATE',
  'DELETE',
  'UNDELETE',
  'GAP_CREATE',
  'GAP_UPDATE',
  'GAP_DELETE',
  'GAP_UNDELETE',
  'GAP_OVERFLOW',
  'SNAPSHOT',
];

const texts = { type: 'array', items: 'string' };
const HEADER = {
  name: 'ChangeEventHeader',
  type: {
    type: 'record',
    name: 'ChangeEventHeader',
    fields: [
      { name: 'entityName', type: 'string' },
      { name: 'recordIds', type: texts },
      { name: 'changeType', type: { type: 'enum', name: 'ChangeType', symbols: CHANGE_TYPES } },
      { name: 'changeOrigin', type: 'string' },
      { name: 'transactionKey', type: 'string' },
      { name: 'sequenceNumber', type: 'int' },
      { name: 'commitTimestamp', type: 'long' },
      { name: 'commitNumber', type: 'long' },
      { name: 'commitUser', type: 'string' },
      { name: 'nulledFields', type: texts },
      { name: 'diffFields', type: texts },
      { name: 'changedFields', type: texts },
    ],
  },
};

const AVRO: Readonly<Record<FieldType, string>> = {
  id: 'string',
  string: 'string',
  textarea: 'string',
  email: 'string',
  phone: 'string',
  url: 'string',
  picklist: 'string',
  boolean: 'boolean',
  int: 'int',
  double: 'double',
  currency: 'double',
  percent: 'double',
  date: 'long',
  datetime: 'long',
  reference: 'string',
  address: 'string',
};

/** On every record, and in no change event: the first two are in its header, the last says nothing of its own. */
const NOT_IN_EVENTS = new Set(['Id', 'IsDeleted', 'SystemModstamp']);

/** Equal definitions have equal ids; a field more is another schema. */
export function changeEventSchema(object: ObjectDefinition): ChangeEventSchema {
  const fields = schemaFields(object);
  const compounds = new Map<string, string>();
  const schema = {
    type: 'record',
    name: changeEventName(object.name),
    namespace: 'com.sforce.eventbus',
    fields: [
      HEADER,
      ...fields.map((field) => ({ name: field.name, type: ['null', avroType(field, compounds)], default: null })),
    ],
  };
  return { ...compiled(schema), fields };
}

/** `AccountChangeEvent`, `Invoice__ChangeEvent` */
export function changeEventName(entity: string): string {
  return entity.endsWith('__c') ? `${entity.slice(0, -1)}ChangeEvent` : `${entity}ChangeEvent`;
}

/** Any Avro schema under an id made of its text. */
export function compiled(schema: object): { schema_id: string; json: string; type: Type } {
  const json = JSON.stringify(schema);
  const schema_id = createHash('sha256').update(json).digest('base64url').slice(0, 22);
  return { schema_id, json, type: avsc.Type.forSchema(schema as Parameters<typeof Type.forSchema>[0]) };
}

function schemaFields({ fields }: ObjectDefinition): SchemaField[] {
  return fields.flatMap((field): SchemaField[] => {
    if (NOT_IN_EVENTS.has(field.name) || field.compound_field !== null) return [];
    const columns = fields.filter(({ compound_field }) => compound_field === field.name);
    if (columns.length > 0)
      return [
        { name: field.name, column: null, parts: columns.map((column) => ({ name: partOf(field, column), column })) },
      ];
    // Formulas change without an event (records.md §12.9).
    return field.calculated ? [] : [{ name: field.name, column: field, parts: [] }];
  });
}

/** `BillingCity` of `BillingAddress` is its `City`; `LastName` of `Name` is called so there, too. */
function partOf(compound: FieldDefinition, column: FieldDefinition): string {
  const prefix = compound.name.replace(/Address$/, '');
  return compound.type === 'address' && column.name.startsWith(prefix) ? column.name.slice(prefix.length) : column.name;
}

/** A compound's record is defined where it is first used, and named from then on. */
function avroType(field: SchemaField, compounds: Map<string, string>): unknown {
  if (field.column) return AVRO[field.column.type];
  const parts = field.parts.map(({ name, column }) => ({ name, type: ['null', AVRO[column.type]], default: null }));
  const shape = JSON.stringify(parts);
  const known = compounds.get(shape);
  if (known !== undefined) return known;
  const name = field.name.endsWith('Address') ? 'Address' : `${field.name}Compound`;
  const unique = [...compounds.values()].includes(name) ? `${field.name}Compound` : name;
  compounds.set(shape, unique);
  return { type: 'record', name: unique, fields: parts };
}
