/** What `GET /sobjects/{T}/describe` says of an object (records.md §12.3). */
import type { FieldDefinition, FieldType } from './fields.ts';
import type { ObjectDefinition } from './object-definition.ts';

const SOAP_TYPES: Readonly<Record<FieldType, string>> = {
  id: 'tns:ID',
  string: 'xsd:string',
  textarea: 'xsd:string',
  email: 'xsd:string',
  phone: 'xsd:string',
  url: 'xsd:string',
  picklist: 'xsd:string',
  boolean: 'xsd:boolean',
  int: 'xsd:int',
  double: 'xsd:double',
  currency: 'xsd:double',
  percent: 'xsd:double',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
  reference: 'tns:ID',
  address: 'urn:address',
};

/** The short form, as in the list of all objects. `base` is `/services/data/v67.0`. */
export function describeBriefly(object: ObjectDefinition, base: string): Record<string, unknown> {
  const url = `${base}/sobjects/${object.name}`;
  return {
    name: object.name,
    label: object.label,
    labelPlural: `${object.label}s`,
    keyPrefix: object.key_prefix,
    custom: object.custom,
    createable: true,
    updateable: true,
    deletable: true,
    undeletable: true,
    queryable: true,
    retrieveable: true,
    replicateable: true,
    searchable: true,
    urls: { sobject: url, describe: `${url}/describe`, rowTemplate: `${url}/{ID}` },
  };
}

export function describe(object: ObjectDefinition, base: string): Record<string, unknown> {
  return { ...describeBriefly(object, base), fields: object.fields.map(describeField) };
}

function describeField(field: FieldDefinition): Record<string, unknown> {
  return {
    name: field.name,
    label: field.label,
    type: field.type,
    soapType: SOAP_TYPES[field.type],
    length: field.length,
    byteLength: field.length * 3,
    precision: field.type === 'int' ? 0 : field.precision,
    digits: field.type === 'int' ? field.precision : 0,
    scale: field.scale,
    nillable: field.nillable,
    createable: field.createable,
    updateable: field.updateable,
    defaultedOnCreate: field.default_value !== null || field.name === 'OwnerId',
    externalId: field.external_id,
    unique: field.unique,
    caseSensitive: field.case_sensitive,
    idLookup: field.id_lookup,
    calculated: field.calculated !== null && field.type !== 'address' && field.name !== 'Name',
    compoundFieldName: field.compound_field,
    custom: field.name.endsWith('__c'),
    filterable: field.type !== 'textarea' && field.type !== 'address',
    sortable: field.type !== 'textarea' && field.type !== 'address',
    groupable: field.type !== 'textarea' && field.type !== 'address',
    referenceTo: field.reference_to,
    relationshipName: field.relationship_name,
    cascadeDelete: field.on_parent_delete === 'cascade',
    restrictedDelete: field.on_parent_delete === 'restrict',
    restrictedPicklist: field.restricted,
    picklistValues: field.picklist.map((value) => ({
      active: true,
      defaultValue: value === field.default_value,
      label: value,
      value,
    })),
    defaultValue: field.default_value,
  };
}
