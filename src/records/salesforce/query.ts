/** Questions in SOQL: built with escaping, sent in pieces that fit an address, and answered whole or not at all. */
import { z } from 'zod';
import { InvalidInputError, InvariantError } from '../../platform/errors.ts';
import { classify, readErrors } from './failure.ts';
import { SalesforceCallError, type SalesforceTransport } from './transport.ts';

/** Address and headers together may have 16,384 bytes (§12.1); a token of today has up to 2,000. */
const MAX_ADDRESS_BYTES = 12_000;
/** Most records of one page. */
export const PAGE_RECORDS = 2_000;

const NAME = /^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*$/;
const ESCAPES: Readonly<Record<string, string>> = {
  "'": "\\'",
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

/** A text as a SOQL literal, quotes included. */
export function soqlText(text: string): string {
  return `'${text.replace(/['\\\n\r\t\b\f]/g, (character) => ESCAPES[character] ?? '')}'`;
}

/** A moment as a SOQL literal. */
export function soqlMoment(epoch_ms: number): string {
  return new Date(epoch_ms).toISOString();
}

export interface Selection {
  readonly object: string;
  /** Names of fields, over relations with a dot. */
  readonly fields: readonly string[];
  /** Made of names, operators and literals of this file. */
  readonly where?: string;
  readonly order_by?: readonly string[];
  readonly limit?: number;
}

/** The text of a query. Names are checked, because they come from a mapping file. @throws InvariantError */
export function soql({ object, fields, where, order_by, limit }: Selection): string {
  for (const name of [object, ...fields, ...(order_by ?? [])])
    if (!NAME.test(name)) throw new InvariantError('A name of a Salesforce object or field has another form');
  return [
    `SELECT ${fields.join(', ')} FROM ${object}`,
    ...(where === undefined ? [] : [`WHERE ${where}`]),
    ...(order_by === undefined ? [] : [`ORDER BY ${order_by.join(', ')}`]),
    ...(limit === undefined ? [] : [`LIMIT ${limit}`]),
  ].join(' ');
}

const answer = z.object({
  totalSize: z.int().min(0),
  done: z.boolean(),
  records: z.array(z.record(z.string(), z.unknown())),
  nextRecordsUrl: z.string().startsWith('/services/').optional(),
});

/** A record as JSON, by Salesforce's names of fields. */
export type RawRecord = Readonly<Record<string, unknown>>;

export interface QueryPage {
  readonly records: readonly RawRecord[];
  /** Of all pages. */
  readonly total: number;
  /** Address of the next page; null: this was the last. */
  readonly next: string | null;
}

/** The first page. `deleted`: records in the recycle bin, too. @throws SalesforceCallError, InvalidInputError `salesforce.answer` */
export async function queryPage(
  transport: SalesforceTransport,
  text: string,
  signal: AbortSignal,
  { deleted = false }: { deleted?: boolean } = {},
): Promise<QueryPage> {
  return page(transport, queryPath(text, deleted), signal);
}

/** All pages. @throws as `queryPage`, and InvalidInputError `salesforce.short` when fewer records came than were announced */
export async function queryAll(
  transport: SalesforceTransport,
  text: string,
  signal: AbortSignal,
): Promise<RawRecord[]> {
  return rest(transport, await queryPage(transport, text, signal), signal);
}

/** The records of a first page and of all that follow it. */
async function rest(transport: SalesforceTransport, first: QueryPage, signal: AbortSignal): Promise<RawRecord[]> {
  const records = [...first.records];
  for (let next = first.next; next !== null;) {
    const more = await page(transport, next, signal);
    records.push(...more.records);
    next = more.next;
  }
  if (records.length !== first.total) throw shortAnswer();
  return records;
}

/** An answer that does not hold all that it should: nothing may be concluded from it, least of all absence (R6). */
export function shortAnswer(): InvalidInputError {
  return new InvalidInputError('salesforce.short', 'Salesforce answered with fewer records than it announced', {
    hint: 'It is asked again later; when this stays, check the rights of the user on the object.',
  });
}

function queryPath(text: string, deleted: boolean): string {
  return `/${deleted ? 'queryAll' : 'query'}?q=${encodeURIComponent(text)}`;
}

async function page(transport: SalesforceTransport, path: string, signal: AbortSignal): Promise<QueryPage> {
  return readPage((await transport.read({ method: 'GET', path }, signal)).body);
}

function readPage(body: unknown): QueryPage {
  const parsed = answer.safeParse(body);
  if (!parsed.success || (!parsed.data.done && parsed.data.nextRecordsUrl === undefined))
    throw new InvalidInputError('salesforce.answer', 'Salesforce answered a query in a form that is not known');
  const { totalSize: total, records, done, nextRecordsUrl } = parsed.data;
  return { records, total, next: done ? null : (nextRecordsUrl ?? null) };
}

/** A query inside a composite call stands in a body, which no limit of addresses cuts; SOQL itself may have 100,000 characters. */
const MAX_INNER_BYTES = 40_000;
/** Queries of one composite call (§12.6). */
const MAX_INNER_QUERIES = 5;

/**
 * All records whose field has one of the values, in as few calls as possible. The literals are those of `soqlText` or
 * numbers. Throws as `queryAll`.
 */
export async function queryIn(
  transport: SalesforceTransport,
  selection: Selection & { readonly field: string; readonly literals: readonly string[] },
  signal: AbortSignal,
): Promise<RawRecord[]> {
  const texts = queriesOf(transport, selection, MAX_ADDRESS_BYTES);
  if (texts.length > 1 && transport.takes_long_queries) {
    const records = await queryInside(transport, queriesOf(transport, selection, MAX_INNER_BYTES), signal);
    if (records !== null) return records;
  }
  const records: RawRecord[] = [];
  for (const text of texts) records.push(...(await queryAll(transport, text, signal)));
  // What a composite call refused went by itself: then it was the length, and need not be tried again.
  if (texts.length > 1) transport.takes_long_queries = false;
  return records;
}

function queriesOf(
  transport: SalesforceTransport,
  { object, fields, field, literals }: Selection & { readonly field: string; readonly literals: readonly string[] },
  bytes: number,
): string[] {
  const frame = soql({ object, fields, where: `${field} IN ()` });
  const room = bytes - encodeURIComponent(frame).length - transport.base.length;
  return pieces(literals, room).map((some) => soql({ object, fields, where: `${field} IN (${some.join(',')})` }));
}

const compositeAnswer = z.object({
  compositeResponse: z.array(z.object({ httpStatusCode: z.number(), body: z.unknown() })),
});

/** Queries by composite calls, five in each; null when Salesforce does not take them so. */
async function queryInside(
  transport: SalesforceTransport,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<RawRecord[] | null> {
  const records: RawRecord[] = [];
  for (let at = 0; at < texts.length; at += MAX_INNER_QUERIES) {
    const compositeRequest = texts.slice(at, at + MAX_INNER_QUERIES).map((text, place) => ({
      method: 'GET',
      url: transport.base + queryPath(text, false),
      referenceId: `q${place}`,
    }));
    const body = { allOrNone: false, compositeRequest };
    const answered = await transport.call({ method: 'POST', path: '/composite', body, reads: true }, signal);
    if (!answered.ok && answered.failure.class === 'permanent') return null;
    if (!answered.ok) throw new SalesforceCallError(answered);
    const parsed = compositeAnswer.safeParse(answered.body);
    if (!parsed.success || parsed.data.compositeResponse.length !== compositeRequest.length) throw shortAnswer();
    for (const { httpStatusCode: status, body: told } of parsed.data.compositeResponse) {
      const refused = status >= 300 ? classify(status, readErrors(told)) : null;
      if (refused?.class === 'permanent') return null;
      if (refused !== null) throw new SalesforceCallError({ ok: false, status, failure: refused });
      records.push(...(await rest(transport, readPage(told), signal)));
    }
  }
  return records;
}

/** Splits so that each piece, joined by commas and encoded, fits; one that is longer by itself goes alone. */
function pieces(literals: readonly string[], room: number): string[][] {
  const all: string[][] = [];
  let left = -1;
  for (const literal of literals) {
    const bytes = encodeURIComponent(literal).length + '%2C'.length;
    if (bytes > left) {
      all.push([]);
      left = room;
    }
    all.at(-1)?.push(literal);
    left -= bytes;
  }
  return all;
}
