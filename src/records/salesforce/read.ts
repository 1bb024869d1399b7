/** Newest state of records by key or id. What an answer does not tell completely is an error, never an absence (R6). */
import { InvalidInputError, InvariantError } from '../../platform/errors.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { Parents } from '../model/read-value.ts';
import { fullSalesforceId } from '../model/salesforce-id.ts';
import type { Found, SideRecord } from '../sides.ts';
import type { ObjectDescribe } from '../model/describe.ts';
import type { Descriptions } from './describe.ts';
import { type RawRecord, queryIn, shortAnswer, soqlText } from './query.ts';
import { fieldsToRead, readRecord } from './record.ts';
import type { SalesforceTransport } from './transport.ts';

/** Most keys or ids of one call, and of one retrieve (§12.5). */
export const MAX_READ = 2_000;
/** From here on a retrieve by POST needs fewer calls than queries, whose addresses are bounded. */
const RETRIEVE_FROM = 400;
const NUMBER_TYPES: ReadonlySet<string> = new Set(['int', 'long', 'double', 'currency', 'percent']);
const NUMBER = /^-?\d{1,18}(?:\.\d{1,18})?$/;

export interface ReadContext {
  readonly transport: SalesforceTransport;
  readonly descriptions: Descriptions;
  /** Mappings of the records that are referred to. */
  parents(): Parents;
}

/** By external id, in the order of the keys. @throws SalesforceCallError · InvalidInputError `salesforce.short`, `salesforce.answer` */
export async function readKeys(
  context: ReadContext,
  mapping: ObjectMapping,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Found[]> {
  atMost(keys.length);
  if (keys.length === 0) return [];
  const { external_id } = mapping.salesforce;
  if (external_id === 'Id') return readIds(context, mapping, keys, signal);
  const description = await context.descriptions.of(mapping.salesforce.object, signal);
  const literals = literalsOf(keys, external_id, description);
  const raws = await select(context, mapping, external_id, [...new Set(literals)], signal);
  const by_key = Map.groupBy(readAll(context, mapping, raws), (record) => record.key);
  const asked = new Set(keys);
  for (const key of by_key.keys()) if (!asked.has(key)) throw anotherRecord();
  return keys.map((key) => foundOf(by_key.get(key) ?? []));
}

/** By Salesforce id, in the order of the ids. Throws as `readKeys`. */
export async function readIds(
  context: ReadContext,
  mapping: ObjectMapping,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Found[]> {
  atMost(ids.length);
  // No record has an id that is none; one in a query would fail it for all.
  const full = ids.map(fullSalesforceId);
  const asked = [...new Set(full.filter((id) => id !== null))];
  if (asked.length === 0) return ids.map(() => ({ kind: 'missing' }));
  const simple = mapping.fields.every(({ relationship }) => relationship === null);
  const raws =
    simple && asked.length >= RETRIEVE_FROM
      ? await retrieve(context, mapping, asked, signal)
      : await select(context, mapping, 'Id', asked.map(soqlText), signal);
  const by_id = new Map(readAll(context, mapping, raws).map((record) => [record.id, record]));
  const wanted = new Set(asked);
  for (const id of by_id.keys()) if (!wanted.has(id)) throw anotherRecord();
  return full.map((id) => {
    const record = id === null ? undefined : by_id.get(id);
    return record === undefined ? { kind: 'missing' } : { kind: 'record', record };
  });
}

function foundOf(records: readonly SideRecord[]): Found {
  const [record, ...others] = records;
  if (record === undefined) return { kind: 'missing' };
  if (others.length === 0) return { kind: 'record', record };
  return { kind: 'ambiguous', ids: records.map(({ id }) => id) };
}

function readAll(context: ReadContext, mapping: ObjectMapping, raws: readonly RawRecord[]): SideRecord[] {
  const known = context.parents();
  return raws.map((raw) => readRecord(mapping, raw, known));
}

function select(
  { transport }: ReadContext,
  mapping: ObjectMapping,
  field: string,
  literals: readonly string[],
  signal: AbortSignal,
): Promise<RawRecord[]> {
  const { object } = mapping.salesforce;
  return queryIn(transport, { object, fields: fieldsToRead(mapping), field, literals }, signal);
}

/** Up to 2,000 ids in one call. The answer has one place for each id; null says that there is no such record. */
async function retrieve(
  { transport }: ReadContext,
  mapping: ObjectMapping,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<RawRecord[]> {
  const { body } = await transport.read(
    {
      method: 'POST',
      path: `/composite/sobjects/${encodeURIComponent(mapping.salesforce.object)}`,
      body: { ids, fields: fieldsToRead(mapping) },
    },
    signal,
  );
  if (!Array.isArray(body))
    throw new InvalidInputError('salesforce.answer', 'Salesforce answered a retrieve without a list');
  if (body.length !== ids.length) throw shortAnswer();
  return (body as (RawRecord | null)[]).filter((raw) => raw !== null);
}

/** Keys that the field cannot hold are left out: no record has them, and one of them would fail the query for all. */
function literalsOf(keys: readonly string[], external_id: string, { fields }: ObjectDescribe): string[] {
  const type = fields.find(({ name }) => name === external_id)?.type ?? 'string';
  if (!NUMBER_TYPES.has(type)) return keys.map(soqlText);
  return keys.filter((key) => NUMBER.test(key));
}

/** Salesforce takes two values for equal that are two keys here: then neither may be said to be missing. */
function anotherRecord(): InvalidInputError {
  return new InvalidInputError('salesforce.answer', 'Salesforce answered with records that were not asked for', {
    hint: 'An external id there differs from its key in a way that Salesforce does not see (accents, width).',
  });
}

function atMost(count: number): void {
  if (count > MAX_READ) throw new InvariantError(`${count} records were asked for at once; ${MAX_READ} is the most`);
}
