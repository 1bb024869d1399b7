/** Which kinds of fields the types of either side can be. */
import type { ColumnDescription } from './table-description.ts';
import type { FieldDescribe } from './describe.ts';
import type { FieldKind } from './value.ts';

const TEXT: readonly FieldKind[] = ['text'];

/** Types of Salesforce that no kind can hold have no entry (`base64`, `address`, `location`, `complexvalue`). */
const OF_SALESFORCE: Readonly<Record<string, readonly FieldKind[]>> = {
  string: TEXT,
  textarea: TEXT,
  phone: TEXT,
  url: TEXT,
  email: TEXT,
  combobox: TEXT,
  encryptedstring: TEXT,
  id: TEXT,
  time: TEXT,
  picklist: ['picklist', 'text'],
  multipicklist: ['multipicklist'],
  boolean: ['boolean'],
  int: ['integer', 'decimal'],
  long: ['integer', 'decimal'],
  double: ['decimal'],
  currency: ['decimal'],
  percent: ['decimal'],
  date: ['date'],
  datetime: ['datetime'],
  reference: ['reference'],
};

const TEXT_COLUMN: readonly FieldKind[] = ['text', 'picklist', 'multipicklist', 'reference'];
const INTEGER_COLUMN: readonly FieldKind[] = ['integer', 'reference'];

const OF_POSTGRES: Readonly<Record<string, readonly FieldKind[]>> = {
  text: TEXT_COLUMN,
  varchar: TEXT_COLUMN,
  citext: TEXT_COLUMN,
  uuid: ['text', 'reference'],
  _text: ['multipicklist'],
  _varchar: ['multipicklist'],
  int2: INTEGER_COLUMN,
  int4: INTEGER_COLUMN,
  int8: INTEGER_COLUMN,
  numeric: ['decimal', 'integer', 'reference'],
  float4: ['decimal'],
  float8: ['decimal', 'integer'],
  bool: ['boolean'],
  date: ['date'],
  timestamptz: ['datetime'],
  timestamp: ['datetime'],
};

/** Best first; none: it cannot be mapped. */
export function kindsOfSalesforce({ type, scale }: FieldDescribe): readonly FieldKind[] {
  const kinds = OF_SALESFORCE[type] ?? [];
  // Number(n, 0): every value is whole.
  return kinds[0] === 'decimal' && scale === 0 && type !== 'percent' ? ['integer', 'decimal'] : kinds;
}

/** Best first; none: it cannot be mapped. */
export function kindsOfColumn({ type, labels }: ColumnDescription): readonly FieldKind[] {
  if (labels !== null) return ['picklist', 'text'];
  return OF_POSTGRES[type] ?? [];
}
