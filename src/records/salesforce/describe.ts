import { z } from 'zod';
import type { Clock } from '../../platform/clock.ts';
import { InvalidInputError } from '../../platform/errors.ts';
import type { FieldMapping, ObjectMapping } from '../model/mapping.ts';
import type { FieldKind } from '../model/value.ts';
import type { SalesforceTransport } from './transport.ts';

const flag = z.boolean().catch(false);
const whole = z.int().catch(0);
const fieldForm = z.object({
  name: z.string(),
  label: z.string().catch(''),
  type: z.string(),
  length: whole,
  precision: whole,
  scale: whole,
  nillable: flag,
  createable: flag,
  updateable: flag,
  externalId: flag,
  idLookup: flag,
  unique: flag,
  caseSensitive: flag,
  calculated: flag,
  defaultedOnCreate: flag,
  compoundFieldName: z.string().nullable().catch(null),
  referenceTo: z.array(z.string()).catch([]),
  relationshipName: z.string().nullable().catch(null),
  picklistValues: z.array(z.object({ value: z.string(), active: z.boolean().catch(true) })).catch([]),
});
const objectForm = z.object({
  name: z.string(),
  label: z.string().catch(''),
  keyPrefix: z.string().nullable().catch(null),
  queryable: z.boolean().catch(true),
  createable: z.boolean().catch(true),
  updateable: z.boolean().catch(true),
  deletable: z.boolean().catch(true),
  replicateable: z.boolean().catch(true),
  fields: z.array(fieldForm).min(1),
});

/** As much of an object's description as is used; names as the vendor has them (§12.3). */
export type ObjectDescription = z.output<typeof objectForm>;
export type FieldDescription = z.output<typeof fieldForm>;

/** A description is asked about again after this long; mostly that is answered with "not modified". */
const MAX_AGE_MS = 10 * 60_000;

interface Kept {
  readonly description: ObjectDescription;
  readonly validators: Readonly<Record<string, string>>;
  readonly at_ms: number;
}

/** Descriptions of objects, kept for ten minutes and then confirmed. */
export class Descriptions {
  readonly #transport: SalesforceTransport;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(transport: SalesforceTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /**
   * `fresh`: asks Salesforce in any case.
   * @throws SalesforceCallError (NOT_FOUND: the object does not exist for this user) · InvalidInputError `salesforce.answer`
   */
  async of(
    object: string,
    signal: AbortSignal,
    { fresh = false }: { fresh?: boolean } = {},
  ): Promise<ObjectDescription> {
    const kept = this.#kept.get(object);
    if (kept !== undefined && !fresh && this.#clock.monotonic_ms() - kept.at_ms < MAX_AGE_MS) return kept.description;
    const { status, body, headers } = await this.#transport.read(
      {
        method: 'GET',
        path: `/sobjects/${encodeURIComponent(object)}/describe`,
        ...(kept === undefined ? {} : { headers: kept.validators }),
      },
      signal,
    );
    const description = status === 304 && kept !== undefined ? kept.description : readDescription(body);
    const validators = status === 304 && kept !== undefined ? kept.validators : validatorsOf(headers);
    this.#kept.set(object, { description, validators, at_ms: this.#clock.monotonic_ms() });
    return description;
  }
}

function readDescription(body: unknown): ObjectDescription {
  const parsed = objectForm.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError('salesforce.answer', 'Salesforce described an object in a form that is not known');
}

function validatorsOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { etag, 'last-modified': modified } = headers;
  return {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(modified === undefined ? {} : { 'if-modified-since': modified }),
  };
}

/** What of a mapping does not fit the object in Salesforce. */
export interface SchemaFinding {
  /** The mapping's name of the field; null: the object. */
  readonly field: string | null;
  readonly code:
    | 'field_gone'
    | 'type_changed'
    | 'not_writable'
    | 'not_createable'
    | 'shorter'
    | 'no_external_id'
    | 'not_unique'
    | 'case_changed'
    | 'object_not_writable'
    | 'other_parent';
  /** `stop`: the object pauses until the mapping has been changed. `note`: worth knowing. */
  readonly weight: 'stop' | 'note';
  /** What is so, and what to do. */
  readonly message: string;
}

const TYPES: Readonly<Record<FieldKind, readonly string[]>> = {
  text: ['string', 'textarea', 'email', 'phone', 'url', 'id', 'encryptedstring', 'combobox', 'picklist', 'reference'],
  picklist: ['picklist', 'combobox', 'string'],
  multipicklist: ['multipicklist'],
  integer: ['int', 'long', 'double', 'currency', 'percent'],
  decimal: ['double', 'currency', 'percent', 'int', 'long'],
  boolean: ['boolean'],
  date: ['date'],
  datetime: ['datetime'],
  reference: ['reference'],
};

/** Compares a mapping with the object as it is described now. Empty: all fits. */
export function checkMapping(mapping: ObjectMapping, description: ObjectDescription): SchemaFinding[] {
  const by_name = new Map(description.fields.map((field) => [field.name, field]));
  return [
    ...checkObject(mapping, description),
    ...checkExternalId(mapping, by_name.get(mapping.salesforce.external_id)),
    ...mapping.fields.flatMap((field) => checkField(mapping, field, by_name.get(field.salesforce))),
  ];
}

function checkObject({ direction, salesforce }: ObjectMapping, description: ObjectDescription): SchemaFinding[] {
  if (direction === 'salesforce_to_postgres' || (description.createable && description.updateable)) return [];
  const message = `${salesforce.object} cannot be created or changed by this user. Give the user the rights, or set direction = "salesforce_to_postgres".`;
  return [{ field: null, code: 'object_not_writable', weight: 'stop', message }];
}

function checkExternalId({ salesforce }: ObjectMapping, field: FieldDescription | undefined): SchemaFinding[] {
  const { external_id, object, case_sensitive } = salesforce;
  const finding = (code: SchemaFinding['code'], weight: SchemaFinding['weight'], message: string): SchemaFinding[] => [
    { field: null, code, weight, message: `${object}.${external_id} ${message}` },
  ];
  if (external_id === 'Id') return [];
  if (field === undefined)
    return finding(
      'no_external_id',
      'stop',
      'does not exist any more for this user. Restore it or plan a mapping with another field.',
    );
  if (!field.externalId && !field.idLookup)
    return finding('no_external_id', 'stop', 'is not an external id any more. Mark it as External ID in Salesforce.');
  if (case_sensitive !== isCaseSensitive(field))
    return finding(
      'case_changed',
      'stop',
      `now ${isCaseSensitive(field) ? 'tells' : 'does not tell'} upper from lower case. Run init again: keys change with it.`,
    );
  if (!field.unique && !field.idLookup)
    return finding(
      'not_unique',
      'note',
      'is not unique, so that one key may name several records. Mark it as Unique in Salesforce.',
    );
  return [];
}

/** Whether two values that differ in case are two records (§12.3: only where the field is unique and says so). */
export function isCaseSensitive(field: Pick<FieldDescription, 'unique' | 'caseSensitive'>): boolean {
  return field.unique && field.caseSensitive;
}

function checkField(mapping: ObjectMapping, field: FieldMapping, now: FieldDescription | undefined): SchemaFinding[] {
  const name = `${mapping.salesforce.object}.${field.salesforce}`;
  const finding = (code: SchemaFinding['code'], weight: SchemaFinding['weight'], message: string): SchemaFinding[] => [
    { field: field.name, code, weight, message: `${name} ${message}` },
  ];
  if (now === undefined)
    return finding(
      'field_gone',
      'stop',
      'does not exist any more for this user. Take the field out of the mapping, or give it back.',
    );
  if (!TYPES[field.kind].includes(now.type))
    return finding(
      'type_changed',
      'stop',
      `is now of type ${now.type}, and the mapping says ${field.kind}. Change the mapping and plan anew.`,
    );
  const relation = field.relationship?.name;
  if (relation !== undefined && now.relationshipName !== relation)
    return finding('other_parent', 'stop', `has no relation ${relation} any more. Change the mapping and plan anew.`);
  const written = field.direction !== 'salesforce_to_postgres' && mapping.direction !== 'salesforce_to_postgres';
  const is_key = field.salesforce === mapping.salesforce.external_id;
  if (written && !is_key && !now.updateable && !now.createable)
    return finding(
      'not_writable',
      'stop',
      'cannot be written by this user (rights, formula). Give the rights or let the field go one way.',
    );
  if (written && !is_key && !now.updateable)
    return finding(
      'not_createable',
      'note',
      'can only be set when a record is created; later changes of it are refused.',
    );
  if (written && field.kind === 'text' && field.length !== null && now.length > 0 && now.length < field.length)
    return finding(
      'shorter',
      'note',
      `takes ${now.length} characters now, and the mapping says ${field.length}. Longer values are refused.`,
    );
  return [];
}
