import { InvalidInputError } from '../../../platform/errors.ts';
import {
  AUDIT_FIELDS,
  ID_FIELD,
  IS_DELETED_FIELD,
  ownerField,
  text,
  type FieldDefinition,
  type Row,
} from './fields.ts';

/** Refuses a record with FIELD_CUSTOM_VALIDATION_EXCEPTION. */
export interface ValidationRule {
  message: string;
  /** Which field the message stands at. */
  field?: string;
  fails: (row: Row) => boolean;
}

export interface ObjectDefinition {
  /** `Account`, `Invoice__c` */
  name: string;
  label: string;
  /** First three characters of the ids of its records. */
  key_prefix: string;
  /** In this order in describe and in change events. */
  fields: readonly FieldDefinition[];
  validation_rules: readonly ValidationRule[];
  custom: boolean;
  field(name: string): FieldDefinition | undefined;
  /** By `Account`, `Parent__r`. */
  relationship(name: string): FieldDefinition | undefined;
}

export interface ObjectInput {
  name: string;
  label?: string;
  key_prefix: string;
  fields: readonly FieldDefinition[];
  validation_rules?: readonly ValidationRule[];
}

/** An object of exactly these fields; `Id`, `IsDeleted` and the audit fields are added where they are missing. */
export function defineObject(input: ObjectInput): ObjectDefinition {
  if (!/^[A-Za-z0-9]{3}$/.test(input.key_prefix))
    throw new InvalidInputError('sandbox.keyPrefix', 'A key prefix has three letters or digits', {
      field: 'key_prefix',
    });
  const given = new Set(input.fields.map(({ name }) => name));
  const missing = (fields: readonly FieldDefinition[]): FieldDefinition[] =>
    fields.filter(({ name }) => !given.has(name));
  const fields = [...missing([ID_FIELD, IS_DELETED_FIELD]), ...input.fields, ...missing(AUDIT_FIELDS)];
  // Names of objects, fields and relationships are compared without case.
  const by_name = new Map(fields.map((field) => [field.name.toLowerCase(), field]));
  const by_relationship = new Map(
    fields.flatMap((field) =>
      field.relationship_name ? [[field.relationship_name.toLowerCase(), field] as const] : [],
    ),
  );
  return {
    name: input.name,
    label: input.label ?? input.name.replace(/__c$/, '').replaceAll('_', ' '),
    key_prefix: input.key_prefix,
    fields,
    validation_rules: input.validation_rules ?? [],
    custom: input.name.endsWith('__c'),
    field: (name) => by_name.get(name.toLowerCase()),
    relationship: (name) => by_relationship.get(name.toLowerCase()),
  };
}

/** A custom object as the set-up page makes one: owner and `Name`, audit fields, then its own. */
export function defineCustomObject(input: ObjectInput): ObjectDefinition {
  const name = text('Name', 80, { id_lookup: true });
  return defineObject({ ...input, fields: [ownerField(), name, ...AUDIT_FIELDS, ...input.fields] });
}
