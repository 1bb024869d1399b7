/** `/query` and `/queryAll`: pages of records (records.md §12.4). */
import { methodNotAllowed, type ApiReply } from '../http/exchange.ts';
import type { Row } from '../org/fields.ts';
import type { Org } from '../org/org.ts';
import { OrgRefusal } from '../org/refusal.ts';
import { findRows } from '../soql/find-rows.ts';
import { parseSoql } from '../soql/parse.ts';
import { recordRenderer } from '../soql/render.ts';
import type { SoqlQuery } from '../soql/query.ts';
import { malformed } from '../soql/tokens.ts';
import type { Call } from './call.ts';

const MAX_PAGE = 2000;
const MIN_PAGE = 200;
/** Of one user; the oldest goes when another is opened. */
const MAX_CURSORS = 10;

interface Cursor {
  user_id: string;
  rows: readonly Row[];
  query: SoqlQuery;
  page: number;
}

export class QueryCursors {
  readonly #org: Org;
  readonly #cursors = new Map<string, Cursor>();

  constructor(org: Org) {
    this.#org = org;
  }

  /** `GET /query?q=`, `GET /queryAll?q=` */
  start(call: Call, include_deleted: boolean): ApiReply {
    if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET,HEAD');
    const text = call.request.query.get('q');
    if (text === null) throw malformed('A query string has to be specified');
    const query = parseSoql(text);
    const rows = rowsOf(this.#org, query, include_deleted);
    if (query.select.kind === 'count')
      return { status: 200, json: { totalSize: rows.length, done: true, records: [] } };
    const cursor = { user_id: call.session.user_id, rows, query, page: pageSize(call.request.headers) };
    return this.#page(call, cursor, 0, null);
  }

  /** `GET /query/01g…-2000` */
  next(call: Call, locator: string): ApiReply {
    if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET,HEAD');
    const [, id, at] = /^(01g\w{15})-(\d+)$/.exec(locator) ?? [];
    const cursor = this.#cursors.get(id ?? '');
    if (!cursor || cursor.user_id !== call.session.user_id)
      throw new OrgRefusal('INVALID_QUERY_LOCATOR', 'invalid query locator');
    return this.#page(call, cursor, Number(at), id ?? null);
  }

  #page(call: Call, cursor: Cursor, from: number, known_id: string | null): ApiReply {
    const { query, rows, page } = cursor;
    const paths = query.select.kind === 'fields' ? query.select.paths : [];
    const render = recordRenderer(this.#org, this.#org.table(query.from).definition, paths, call.base);
    const records = rows.slice(from, from + page).map(render);
    const totalSize = rows.length;
    if (from + page >= totalSize) return { status: 200, json: { totalSize, done: true, records } };
    const id = known_id ?? this.#open(cursor);
    const nextRecordsUrl = `${call.base}/query/${id}-${from + page}`;
    return { status: 200, json: { totalSize, done: false, nextRecordsUrl, records } };
  }

  #open(cursor: Cursor): string {
    const id = this.#org.nextIdOf('01g');
    this.#cursors.set(id, cursor);
    const own = [...this.#cursors].filter(([, { user_id }]) => user_id === cursor.user_id);
    for (const [oldest] of own.slice(0, Math.max(0, own.length - MAX_CURSORS))) this.#cursors.delete(oldest);
    return id;
  }
}

/**
 * The records of a query; its fields are looked at even when there is no record.
 * @throws OrgRefusal INVALID_TYPE, INVALID_FIELD
 */
export function rowsOf(org: Org, query: SoqlQuery, include_deleted: boolean): Row[] {
  if (!org.objects().some(({ name }) => name.toLowerCase() === query.from.toLowerCase()))
    throw new OrgRefusal('INVALID_TYPE', `sObject type '${query.from}' is not supported.`);
  if (query.select.kind === 'fields') recordRenderer(org, org.table(query.from).definition, query.select.paths, '');
  return findRows(org, query, include_deleted);
}

/** `Sforce-Query-Options: batchSize=500`: a hint, within bounds. */
function pageSize(headers: Readonly<Record<string, string>>): number {
  const asked = Number(/batchSize\s*=\s*(\d+)/i.exec(headers['sforce-query-options'] ?? '')?.[1] ?? MAX_PAGE);
  return Math.min(MAX_PAGE, Math.max(MIN_PAGE, asked));
}
