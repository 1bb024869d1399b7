/** Records between Salesforce's JSON and the flow: which fields are asked for, and what an answer says. */
import { canonicalKey, readExternalId } from '../model/canonical-key.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { readMoment } from '../model/moment.ts';
import type { Parents } from '../model/read-value.ts';
import { fullSalesforceId } from '../model/salesforce-id.ts';
import { readSalesforceRecord } from '../model/salesforce-value.ts';
import type { SideRecord } from '../sides.ts';
import { InvalidInputError } from '../../platform/errors.ts';
import type { RawRecord } from './query.ts';

/** What is asked for beside the mapped fields: who and when, and where in a walk the record stands. */
const OWN_FIELDS = ['Id', 'SystemModstamp', 'LastModifiedDate', 'LastModifiedById'];

/** Only mapped fields are read at all (R10). A reference is asked for as id and as external id of its parent. */
export function fieldsToRead({ salesforce, fields }: ObjectMapping): string[] {
  const relations = fields.flatMap(({ relationship }) =>
    relationship === null ? [] : [`${relationship.name}.${relationship.external_id}`],
  );
  return [
    ...new Set([...OWN_FIELDS, salesforce.external_id, ...fields.map((field) => field.salesforce), ...relations]),
  ];
}

/** The record; its key is '' when it has no external id. @throws InvalidInputError `salesforce.answer` without an id */
export function readRecord(mapping: ObjectMapping, raw: RawRecord, parents: Parents): SideRecord {
  const external_id = readExternalId(raw[mapping.salesforce.external_id]);
  const { document, problems } = readSalesforceRecord(mapping, raw, { parents });
  return {
    key: external_id === null ? '' : canonicalKey(mapping, external_id),
    id: idOf(raw),
    ...(external_id !== null && { external_id }),
    document,
    modified_ms: momentOf(raw['LastModifiedDate']),
    problems,
  };
}

/** The 18-character id. @throws InvalidInputError `salesforce.answer` */
export function idOf(raw: RawRecord): string {
  const id = typeof raw['Id'] === 'string' ? fullSalesforceId(raw['Id']) : null;
  if (id === null) throw new InvalidInputError('salesforce.answer', 'Salesforce answered with a record without an id');
  return id;
}

/** Milliseconds of a moment as REST tells it; null for what is none. */
export function momentOf(told: unknown): number | null {
  const moment = typeof told === 'string' ? readMoment(told) : null;
  return moment === null ? null : Date.parse(moment);
}
