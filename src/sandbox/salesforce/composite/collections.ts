/** `/composite/sobjects`: up to 200 records in one call (records.md §12.5). */
import { jsonBody, methodNotAllowed, type ApiReply } from '../http/exchange.ts';
import { storedValue } from '../org/field-values.ts';
import type { GivenValues } from '../org/incoming-record.ts';
import { parseRecordId } from '../org/record-id.ts';
import { notFound, OrgRefusal } from '../org/refusal.ts';
import type { Transaction } from '../org/transaction.ts';
import { recordRenderer } from '../soql/render.ts';
import type { Call } from '../rest/call.ts';
import { rolledBack, rowErrorOf, type RowResult } from './row-result.ts';

const MAX_RECORDS = 200;
const MAX_RETRIEVED = 2000;
/** Runs of records of one object. */
const MAX_CHUNKS = 10;
const UPSERT_VERSION = 46;

/** What is done with each record; what it throws is that record's error. */
type WriteRow = (transaction: Transaction, record: GivenValues) => RowResult;

/** @throws OrgRefusal when the request as a whole is none */
export function collections(call: Call, [entity, field_name, ...more]: readonly string[]): ApiReply {
  if (more.length > 0) throw notFound();
  if (entity === undefined) return writeMany(call);
  if (field_name !== undefined) return upsertMany(call, entity, field_name);
  return retrieveMany(call, entity);
}

function writeMany(call: Call): ApiReply {
  if (call.method === 'DELETE') return deleteMany(call);
  if (call.method !== 'POST' && call.method !== 'PATCH') throw methodNotAllowed(call.method, 'DELETE,PATCH,POST');
  const { records, all_or_none } = recordsOf(call);
  const types = records.map(typeOf);
  const chunks = types.filter((type, index) => type !== types[index - 1]).length;
  if (chunks > MAX_CHUNKS) throw new OrgRefusal('INVALID_INPUT', `The records are of more than ${MAX_CHUNKS} chunks`);
  const write = call.method === 'POST' ? createRow : updateRow;
  return { status: 200, json: writeRows(call, records, all_or_none, write) };
}

const createRow: WriteRow = (transaction, record) => {
  if (idOf(record) !== undefined)
    throw new OrgRefusal('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id']);
  return { id: transaction.create(typeOf(record), record), success: true, errors: [] };
};

const updateRow: WriteRow = (transaction, record) => {
  const id = idOf(record);
  if (id === undefined) throw new OrgRefusal('MISSING_ARGUMENT', 'Id not specified in an update call');
  transaction.update(typeOf(record), id, withoutId(record));
  return { id: parseRecordId(id) ?? id, success: true, errors: [] };
};

function deleteMany(call: Call): ApiReply {
  const ids = (call.request.query.get('ids') ?? '').split(',').filter(Boolean);
  checkCount(ids.length, MAX_RECORDS);
  const all_or_none = call.request.query.get('allOrNone') === 'true';
  const results = writeRows(
    call,
    ids.map((Id) => ({ Id })),
    all_or_none,
    (transaction, { Id }) => {
      const id = parseRecordId(String(Id));
      const object = id === null ? undefined : call.org.objectOf(id);
      if (id === null || !object) throw new OrgRefusal('MALFORMED_ID', `malformed id ${String(Id)}`, ['Id']);
      transaction.delete(object.name, id);
      return { id, success: true, errors: [] };
    },
  );
  return { status: 200, json: results };
}

function upsertMany(call: Call, entity: string, field_name: string): ApiReply {
  if (call.method !== 'PATCH') throw methodNotAllowed(call.method, 'PATCH');
  const { definition } = call.org.table(entity);
  const field = definition.field(field_name);
  if (call.major < UPSERT_VERSION || !field || !(field.external_id || field.id_lookup)) throw notFound();
  const { records, all_or_none } = recordsOf(call);
  const values = records.map((record) => valueAt(record, field.name));
  const repeated = new Set(values.filter((value, index) => values.indexOf(value) !== index));
  const results = writeRows(call, records, all_or_none, (transaction, record) => {
    const value = valueAt(record, field.name);
    if (typeOf(record).toLowerCase() !== definition.name.toLowerCase())
      throw new OrgRefusal('INVALID_TYPE', `The record is not of type ${definition.name}`);
    if (value === null) throw new OrgRefusal('MISSING_ARGUMENT', `${field.name} not specified`);
    if (repeated.has(value))
      throw new OrgRefusal('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, [field.name]);
    const rest = Object.fromEntries(Object.entries(record).filter(([name]) => !isName(name, field.name)));
    if (field.type === 'id') return updateRow(transaction, record);
    const stored = storedValue(field, value, 'text');
    return { ...transaction.upsert(definition.name, field.name, stored, rest), success: true, errors: [] };
  });
  return { status: 200, json: results };
}

function retrieveMany(call: Call, entity: string): ApiReply {
  const { definition } = call.org.table(entity);
  const { ids, fields } = call.method === 'GET' ? queryLists(call) : bodyLists(call);
  checkCount(ids.length, MAX_RETRIEVED);
  const render = recordRenderer(
    call.org,
    definition,
    fields.map((name) => name.split('.')),
    call.base,
  );
  const records = ids.map((id) => {
    const row = call.org.row(definition.name, id);
    return row?.['IsDeleted'] === false ? render(row) : null;
  });
  return { status: 200, json: records };
}

function queryLists({ request }: Call): { ids: string[]; fields: string[] } {
  const list = (name: string): string[] => (request.query.get(name) ?? '').split(',').filter(Boolean);
  return { ids: list('ids'), fields: list('fields') };
}

function bodyLists(call: Call): { ids: string[]; fields: string[] } {
  if (call.method !== 'POST') throw methodNotAllowed(call.method, 'GET,POST');
  const { ids, fields } = jsonBody(call.request);
  if (!isTexts(ids) || !isTexts(fields))
    throw new OrgRefusal('JSON_PARSER_ERROR', 'The request needs ids and fields, each an array of texts');
  return { ids, fields };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Thrown to undo everything once one row has failed. */
class AllOrNone extends Error {}

function writeRows(call: Call, records: readonly GivenValues[], all_or_none: boolean, write: WriteRow): RowResult[] {
  const results: RowResult[] = [];
  try {
    call.write((transaction) => {
      for (const record of records) results.push(attemptRow(transaction, record, write));
      if (all_or_none && results.some(({ success }) => !success)) throw new AllOrNone();
    });
    return results;
  } catch (error) {
    if (error instanceof AllOrNone) return results.map(rolledBack);
    throw error;
  }
}

function attemptRow(transaction: Transaction, record: GivenValues, write: WriteRow): RowResult {
  try {
    return transaction.attempt(() => write(transaction, record));
  } catch (error) {
    if (error instanceof OrgRefusal) return { success: false, errors: [rowErrorOf(error)] };
    throw error;
  }
}

function recordsOf(call: Call): { records: GivenValues[]; all_or_none: boolean } {
  const { records, allOrNone } = jsonBody(call.request);
  if (!Array.isArray(records) || !records.every((each) => typeof each === 'object' && each !== null))
    throw new OrgRefusal('JSON_PARSER_ERROR', 'The request needs records, an array of objects');
  checkCount(records.length, MAX_RECORDS);
  return { records: records as GivenValues[], all_or_none: allOrNone === true };
}

function checkCount(count: number, most: number): void {
  if (count === 0) throw new OrgRefusal('INVALID_INPUT', 'The request has no records');
  if (count > most)
    throw new OrgRefusal('EXCEEDED_ID_LIMIT', `record limit reached. cannot submit more than ${most} records`);
}

function typeOf(record: GivenValues): string {
  const attributes = record['attributes'] as { type?: unknown } | undefined;
  if (typeof attributes?.type === 'string') return attributes.type;
  throw new OrgRefusal('INVALID_INPUT', 'Each record needs attributes with its type');
}

function idOf(record: GivenValues): string | undefined {
  const value = Object.entries(record).find(([name]) => isName(name, 'Id'))?.[1];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function withoutId(record: GivenValues): GivenValues {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !isName(name, 'Id')));
}

function valueAt(record: GivenValues, field_name: string): string | null {
  const value = Object.entries(record).find(([name]) => isName(name, field_name))?.[1];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

function isName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
