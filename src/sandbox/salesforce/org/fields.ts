/** Fields of objects as data; describe, validation, queries and change events are all made of these. */

export type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'email'
  | 'phone'
  | 'url'
  | 'picklist'
  | 'boolean'
  | 'int'
  | 'double'
  | 'currency'
  | 'percent'
  | 'date'
  | 'datetime'
  | 'reference'
  | 'address';

/** A datetime is epoch milliseconds of a whole second, a date `2026-01-31`, a reference an id of 18 characters. */
export type FieldValue = string | number | boolean | null;

/** What a record holds. A field without a value is absent; fields that are calculated are never in it. */
export type Row = Readonly<Record<string, FieldValue>>;

export interface Calculated {
  /** Of a record's other fields. A compound address is an object of its parts. */
  (row: Row): FieldValue | Readonly<Record<string, FieldValue>>;
}

export interface FieldDefinition {
  name: string;
  label: string;
  type: FieldType;
  /** Most characters of a text. */
  length: number;
  /** Digits of a number, and how many of them stand after the point. */
  precision: number;
  scale: number;
  nillable: boolean;
  createable: boolean;
  updateable: boolean;
  external_id: boolean;
  unique: boolean;
  /** Compared with case; only of unique fields. */
  case_sensitive: boolean;
  /** May stand in the address of a record though it is no external id. */
  id_lookup: boolean;
  calculated: Calculated | null;
  /** Of `BillingCity`: `BillingAddress`. */
  compound_field: string | null;
  reference_to: readonly string[];
  /** Of `AccountId`: `Account`. */
  relationship_name: string | null;
  /** What becomes of a record when the one it refers to is deleted. */
  on_parent_delete: 'set_null' | 'restrict' | 'cascade';
  default_value: FieldValue;
  picklist: readonly string[];
  restricted: boolean;
}

export type FieldOptions = Partial<Omit<FieldDefinition, 'name' | 'type'>>;

/** `BillingCity` is Billing City, `Renewal_Date__c` Renewal Date. */
function labelOf(name: string): string {
  return name
    .replace(/__c$/, '')
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2');
}

/** A field that is writable, may be empty and has nothing special, but for `options`. */
export function field(name: string, type: FieldType, options: FieldOptions = {}): FieldDefinition {
  const external = options.external_id ?? false;
  return {
    name,
    label: labelOf(name),
    type,
    length: 0,
    precision: 0,
    scale: 0,
    nillable: true,
    createable: true,
    updateable: true,
    external_id: false,
    unique: false,
    case_sensitive: false,
    id_lookup: external,
    calculated: null,
    compound_field: null,
    reference_to: [],
    relationship_name: null,
    on_parent_delete: 'set_null',
    default_value: null,
    picklist: [],
    restricted: false,
    ...options,
  };
}

export const text = (name: string, length: number, options: FieldOptions = {}): FieldDefinition =>
  field(name, 'string', { length, ...options });

export const longText = (name: string, length: number, options: FieldOptions = {}): FieldDefinition =>
  field(name, 'textarea', { length, ...options });

export const number = (name: string, precision: number, scale: number, options: FieldOptions = {}): FieldDefinition =>
  field(name, 'double', { precision, scale, ...options });

export const currency = (name: string, precision: number, scale: number, options: FieldOptions = {}): FieldDefinition =>
  field(name, 'currency', { precision, scale, ...options });

export const checkbox = (name: string, options: FieldOptions = {}): FieldDefinition =>
  field(name, 'boolean', { nillable: false, default_value: false, ...options });

export const picklist = (name: string, values: readonly string[], options: FieldOptions = {}): FieldDefinition =>
  field(name, 'picklist', { length: 255, picklist: values, ...options });

/** `AccountId` has the relationship `Account`, `Parent__c` has `Parent__r`. */
export const reference = (name: string, reference_to: string, options: FieldOptions = {}): FieldDefinition =>
  field(name, 'reference', {
    length: 18,
    reference_to: [reference_to],
    relationship_name: name.endsWith('__c') ? name.replace(/__c$/, '__r') : name.replace(/Id$/, ''),
    ...options,
  });

/** Read only, of the record's other fields. No change of it is ever an event (records.md §12.9). */
export const formula = (
  name: string,
  type: FieldType,
  calculated: Calculated,
  options: FieldOptions = {},
): FieldDefinition => field(name, type, { ...READ_ONLY, calculated, ...options });

export const READ_ONLY = { createable: false, updateable: false } as const;

const ADDRESS_PARTS: readonly [string, number][] = [
  ['Street', 255],
  ['City', 40],
  ['State', 80],
  ['PostalCode', 20],
  ['Country', 80],
];

/** `BillingAddress`, read only, and its parts. */
export function address(prefix: string): FieldDefinition[] {
  const name = `${prefix}Address`;
  const parts = ADDRESS_PARTS.map(([part, length]) =>
    field(`${prefix}${part}`, part === 'Street' ? 'textarea' : 'string', { length, compound_field: name }),
  );
  const calculated: Calculated = (row) => {
    const values = ADDRESS_PARTS.map(([part]) => [
      part.charAt(0).toLowerCase() + part.slice(1),
      row[`${prefix}${part}`] ?? null,
    ]);
    return values.every(([, value]) => value === null)
      ? null
      : (Object.fromEntries(values) as Record<string, FieldValue>);
  };
  return [field(name, 'address', { ...READ_ONLY, calculated }), ...parts];
}

const userReference = (name: string): FieldDefinition => reference(name, 'User', { ...READ_ONLY, nillable: false });
const systemTime = (name: string): FieldDefinition => field(name, 'datetime', { ...READ_ONLY, nillable: false });

export const ID_FIELD: FieldDefinition = field('Id', 'id', {
  ...READ_ONLY,
  length: 18,
  nillable: false,
  id_lookup: true,
});
export const IS_DELETED_FIELD: FieldDefinition = checkbox('IsDeleted', READ_ONLY);

/** Who made a record and changed it last; on every record, written by the organisation only. */
export const AUDIT_FIELDS: readonly FieldDefinition[] = [
  systemTime('CreatedDate'),
  userReference('CreatedById'),
  systemTime('LastModifiedDate'),
  userReference('LastModifiedById'),
  systemTime('SystemModstamp'),
];

export const ownerField = (): FieldDefinition => reference('OwnerId', 'User', { nillable: false, default_value: null });
