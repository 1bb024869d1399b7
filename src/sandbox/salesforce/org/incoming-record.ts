/** The fields of a record as a request holds them: names resolved, values checked, parents found. */
import type { FieldDefinition, FieldValue } from './fields.ts';
import { hasPrefix, malformedId, storedValue, type ValueForm } from './field-values.ts';
import type { ObjectDefinition } from './object-definition.ts';
import { MultipleChoices, OrgRefusal } from './refusal.ts';
import type { Table } from './table.ts';

export type GivenValues = Readonly<Record<string, unknown>>;

/** How other objects are reached. */
export interface Tables {
  /** @throws OrgRefusal NOT_FOUND */
  table(entity: string): Table;
}

/**
 * Stored values by field name.
 * @throws OrgRefusal the first thing that is wrong with a name, a value or a parent
 */
export function incomingValues(
  tables: Tables,
  object: ObjectDefinition,
  given: GivenValues,
  verb: 'create' | 'update',
  form: ValueForm,
): Map<string, FieldValue> {
  const values = new Map<string, FieldValue>();
  for (const [name, value] of Object.entries(given)) {
    if (name === 'attributes') continue;
    const relationship = object.relationship(name);
    if (relationship && (value === null || typeof value === 'object')) {
      requireWriteable(relationship, verb);
      values.set(relationship.name, parentByExternalId(tables, relationship, value as GivenValues | null, form));
      continue;
    }
    const field = object.field(name);
    if (!field) throw noSuchField(name, object.name);
    requireWriteable(field, verb);
    values.set(field.name, checkReference(tables, field, storedValue(field, value, form)));
  }
  return values;
}

export function noSuchField(name: string, entity: string): OrgRefusal {
  return new OrgRefusal('INVALID_FIELD', `No such column '${name}' on sobject of type ${entity}`);
}

function requireWriteable(field: FieldDefinition, verb: 'create' | 'update'): void {
  if (verb === 'create' ? field.createable : field.updateable) return;
  throw new OrgRefusal(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${field.name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
    [field.name],
  );
}

/** `{"Ext__c":"123"}` → the id of the parent with it. */
function parentByExternalId(
  tables: Tables,
  field: FieldDefinition,
  given: GivenValues | null,
  form: ValueForm,
): string | null {
  if (given === null) return null;
  const [entry, ...more] = Object.entries(given).filter(([name]) => name !== 'attributes');
  const entity = field.reference_to[0] ?? '';
  const parents = tables.table(entity);
  const key = entry && parents.definition.field(entry[0]);
  if (!entry || !key || more.length > 0 || !(key.external_id || key.id_lookup))
    throw new OrgRefusal(
      'INVALID_FIELD',
      `More than 1 field or no external id provided for the reference ${field.name}`,
      [field.name],
    );
  const value = storedValue(key, entry[1], form);
  const ids = key.type === 'id' ? [String(value)] : (parents.find(key.name, value) ?? []);
  if (ids.length > 1) throw new MultipleChoices(parents.definition.name, key.name, ids);
  const [id] = ids;
  if (id === undefined)
    throw new OrgRefusal(
      'INVALID_FIELD',
      `Foreign key external ID: ${String(entry[1])} not found for field ${key.name} in entity ${parents.definition.name}`,
    );
  return id;
}

function checkReference(tables: Tables, field: FieldDefinition, value: FieldValue): FieldValue {
  if (field.type !== 'reference' || typeof value !== 'string') return value;
  const parents = field.reference_to.map((entity) => tables.table(entity));
  if (
    !hasPrefix(
      value,
      parents.map(({ definition }) => definition.key_prefix),
    )
  )
    throw malformedId(field.label, value, field.name);
  if (parents.some((table) => table.get(value)?.['IsDeleted'] === false)) return value;
  throw new OrgRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [field.name]);
}
