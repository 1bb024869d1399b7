/** `/sobjects/{T}`: one record at a time, by id or by external id (records.md §12.3). */
import { errorReply, jsonBody, methodNotAllowed, type ApiReply } from '../http/exchange.ts';
import { describe, describeBriefly } from '../org/describe.ts';
import { storedValue } from '../org/field-values.ts';
import type { Row } from '../org/fields.ts';
import type { GivenValues } from '../org/incoming-record.ts';
import { keyPrefixOf, parseRecordId } from '../org/record-id.ts';
import { MultipleChoices, notFound, OrgRefusal } from '../org/refusal.ts';
import { rowId } from '../org/transaction.ts';
import { recordRenderer } from '../soql/render.ts';
import type { Call } from './call.ts';
import { conditionReply } from './conditional-headers.ts';

/** The first version in which an upsert that updates answers 200 with a body (records.md §12.3). */
const UPSERT_BODY_VERSION = 46;

/** `/sobjects` */
export function listObjects(call: Call): ApiReply {
  if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET');
  const sobjects = call.org.objects().map((object) => describeBriefly(object, call.base));
  return { status: 200, json: { encoding: 'UTF-8', maxBatchSize: 200, sobjects } };
}

/** `/sobjects/{T}/describe` */
export function describeObject(call: Call, entity: string): ApiReply {
  if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET');
  return { status: 200, json: describe(call.org.table(entity).definition, call.base) };
}

/** `/sobjects/{T}` */
export function objectOrCreate(call: Call, entity: string): ApiReply {
  const { definition } = call.org.table(entity);
  if (call.method === 'GET')
    return { status: 200, json: { objectDescribe: describeBriefly(definition, call.base), recentItems: [] } };
  if (call.method !== 'POST') throw methodNotAllowed(call.method, 'GET,HEAD,POST');
  const id = call.write((transaction) => transaction.create(definition.name, jsonBody(call.request)));
  return created(call, definition.name, { id, success: true, errors: [] });
}

/** `/sobjects/{T}/{id}` */
export function rowById(call: Call, entity: string, given_id: string): ApiReply {
  const { definition } = call.org.table(entity);
  const id = parseRecordId(given_id);
  if (id === null || keyPrefixOf(id) !== definition.key_prefix) throw notFound();
  return withRow(call, definition.name, liveRow(call, definition.name, id), () =>
    updateById(call, definition.name, id),
  );
}

function updateById(call: Call, entity: string, id: string): ApiReply {
  const values = jsonBody(call.request);
  refuseField(values, 'Id');
  call.write((transaction) => transaction.update(entity, id, values));
  return { status: 204 };
}

/** `/sobjects/{T}/{Field}/{value}` */
export function rowByExternalId(call: Call, entity: string, field_name: string, value: string): ApiReply {
  const { definition } = call.org.table(entity);
  // The platform takes the end of the address for a file's (records.md §12.3).
  if (/\.inc$/i.test(value)) throw notFound();
  try {
    if (call.method === 'PATCH' || call.method === 'POST') return upsert(call, definition.name, field_name, value);
    const id = call.org.findByExternalId(definition.name, field_name, value);
    if (id === null) throw notFound();
    return withRow(call, definition.name, liveRow(call, definition.name, id), () => {
      throw methodNotAllowed(call.method, 'DELETE,GET,HEAD,PATCH');
    });
  } catch (error) {
    if (!(error instanceof MultipleChoices)) throw error;
    return { status: 300, json: error.record_ids.map((id) => `${call.base}/sobjects/${error.entity}/${id}`) };
  }
}

function upsert(call: Call, entity: string, field_name: string, value: string): ApiReply {
  const values = jsonBody(call.request);
  const field = call.org.table(entity).definition.field(field_name);
  // Which field it is comes first: an unknown one is an address that leads nowhere.
  const existing = call.org.findByExternalId(entity, field_name, value);
  refuseField(values, 'Id');
  if (!field) throw notFound();
  if (field.type === 'id') {
    if (existing === null) throw notFound();
    return upserted(call, entity, existing, false, values);
  }
  refuseField(values, field.name);
  const stored = storedValue(field, value, 'text');
  const update_only = call.request.query.get('updateOnly') === 'true';
  const result = call.write((transaction) => transaction.upsert(entity, field.name, stored, values, { update_only }));
  return upserted(call, entity, result.id, result.created);
}

function upserted(call: Call, entity: string, id: string, is_new: boolean, values?: GivenValues): ApiReply {
  if (values) call.write((transaction) => transaction.update(entity, id, values));
  const has_body = call.major >= UPSERT_BODY_VERSION;
  const json = { id, success: true, errors: [], ...(has_body ? { created: is_new } : {}) };
  if (is_new) return created(call, entity, json);
  return has_body ? { status: 200, json } : { status: 204 };
}

function created(call: Call, entity: string, json: { id: string; [more: string]: unknown }): ApiReply {
  return { status: 201, headers: { location: `${call.base}/sobjects/${entity}/${json.id}` }, json };
}

/** @throws OrgRefusal NOT_FOUND, ENTITY_IS_DELETED */
function liveRow(call: Call, entity: string, id: string): Row {
  const row = call.org.row(entity, id);
  if (!row) throw notFound();
  if (row['IsDeleted'] === true) throw new OrgRefusal('ENTITY_IS_DELETED', 'entity is deleted', [], 404);
  return row;
}

/** What is the same however the record was named. */
function withRow(call: Call, entity: string, row: Row, update: () => ApiReply): ApiReply {
  const condition = conditionReply(call.request.headers, row);
  if (condition) return condition;
  if (call.method === 'GET' || call.method === 'HEAD') return readRow(call, entity, row);
  if (call.method === 'PATCH') return update();
  if (call.method !== 'DELETE') throw methodNotAllowed(call.method, 'DELETE,GET,HEAD,PATCH');
  call.write((transaction) => transaction.delete(entity, rowId(row)));
  return { status: 204 };
}

function readRow(call: Call, entity: string, row: Row): ApiReply {
  const { definition } = call.org.table(entity);
  const asked = call.request.query.get('fields');
  const names =
    asked === null ? definition.fields.map(({ name }) => name) : asked.split(',').map((name) => name.trim());
  const paths = names.map((name) => name.split('.'));
  return { status: 200, json: recordRenderer(call.org, definition, paths, call.base)(row) };
}

function refuseField(values: GivenValues, name: string): void {
  if (!Object.keys(values).some((given) => given.toLowerCase() === name.toLowerCase())) return;
  throw new OrgRefusal('INVALID_FIELD', `The ${name} field should not be specified in the sobject data.`, [name]);
}

/** For addresses under `/sobjects` that are none. */
export const NOWHERE: ApiReply = errorReply(404, 'NOT_FOUND', 'The requested resource does not exist');
