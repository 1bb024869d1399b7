/** `/jobs/query`: a query whose records are fetched as CSV, page by page (records.md §12.7). */
import { errorReply, jsonBody, methodNotAllowed, type ApiReply } from '../http/exchange.ts';
import type { Row } from '../org/fields.ts';
import type { Org } from '../org/org.ts';
import { notFound, OrgRefusal } from '../org/refusal.ts';
import type { Call } from '../rest/call.ts';
import { rowsOf } from '../rest/query-cursors.ts';
import { followParents, resolvePath, valueOf } from '../soql/field-reader.ts';
import { parseSoql } from '../soql/parse.ts';
import type { FieldPath, SoqlQuery } from '../soql/query.ts';
import { restDatetime } from '../soql/render.ts';
import { malformed } from '../soql/tokens.ts';
import type { BulkTimes } from './bulk-times.ts';
import { writeCsv, type ColumnDelimiter, type CsvForm, type LineEnding } from './csv.ts';
import type { JobState } from './ingest-job.ts';

const DEFAULT_PAGE_ROWS = 50_000;

interface QueryJob extends CsvForm {
  id: string;
  version: string;
  operation: 'query' | 'queryAll';
  query: SoqlQuery;
  paths: readonly FieldPath[];
  created_by: string;
  created_ms: number;
  changed_ms: number;
  state: JobState;
  /** What the query found when it ran. */
  rows: readonly Row[];
}

export class QueryJobs {
  readonly #org: Org;
  readonly #times: BulkTimes;
  readonly #jobs = new Map<string, QueryJob>();

  constructor(org: Org, times: BulkTimes) {
    this.#org = org;
    this.#times = times;
  }

  /** @throws OrgRefusal */
  answer(call: Call, [id, part, ...more]: readonly string[]): ApiReply {
    if (more.length > 0) throw notFound();
    if (id === undefined) return this.#list(call);
    const job = this.#jobs.get(id);
    if (!job) throw notFound();
    if (part === undefined) return this.#job(call, job);
    return part === 'results' ? this.#results(call, job) : this.#nowhere();
  }

  advance(): void {
    const now_ms = this.#org.clock.now_ms();
    for (const job of this.#jobs.values()) {
      if (job.state === 'UploadComplete' && now_ms - job.changed_ms >= this.#times.queue_ms)
        move(job, 'InProgress', now_ms);
      if (job.state !== 'InProgress' || now_ms - job.changed_ms < this.#times.work_ms) continue;
      job.rows = rowsOf(this.#org, job.query, job.operation === 'queryAll');
      move(job, 'JobComplete', now_ms);
    }
  }

  #nowhere(): never {
    throw notFound();
  }

  #list(call: Call): ApiReply {
    if (call.method === 'POST') return this.#open(call);
    if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET,POST');
    return { status: 200, json: { done: true, nextRecordsUrl: null, records: [...this.#jobs.values()].map(jobInfo) } };
  }

  #open(call: Call): ApiReply {
    const { operation, query: text, columnDelimiter = 'COMMA', lineEnding = 'LF' } = jsonBody(call.request);
    if (operation !== 'query' && operation !== 'queryAll')
      throw new OrgRefusal('INVALIDJOB', 'operation must be query or queryAll');
    const query = parseSoql(String(text));
    if (query.select.kind === 'count') throw malformed('COUNT() is not possible in a bulk query');
    // Fields that are not there are said at once.
    rowsOf(this.#org, { ...query, limit: 0 }, false);
    const now_ms = this.#org.clock.now_ms();
    const job: QueryJob = {
      id: this.#org.nextIdOf('750'),
      version: call.version,
      operation,
      query,
      paths: query.select.paths,
      columnDelimiter: columnDelimiter as ColumnDelimiter,
      lineEnding: lineEnding as LineEnding,
      created_by: call.session.user_id,
      created_ms: now_ms,
      changed_ms: now_ms,
      state: 'UploadComplete',
      rows: [],
    };
    this.#jobs.set(job.id, job);
    return { status: 200, json: jobInfo(job) };
  }

  #job(call: Call, job: QueryJob): ApiReply {
    if (call.method === 'GET') return { status: 200, json: jobInfo(job) };
    const is_open = job.state === 'UploadComplete' || job.state === 'InProgress';
    if (call.method === 'DELETE') {
      if (is_open) throw new OrgRefusal('INVALIDJOBSTATE', `The job is ${job.state}`);
      this.#jobs.delete(job.id);
      return { status: 204 };
    }
    if (call.method !== 'PATCH') throw methodNotAllowed(call.method, 'DELETE,GET,PATCH');
    if (jsonBody(call.request)['state'] !== 'Aborted' || !is_open)
      throw new OrgRefusal('INVALIDJOBSTATE', `The job is ${job.state}`);
    move(job, 'Aborted', this.#org.clock.now_ms());
    return { status: 200, json: jobInfo(job) };
  }

  /** `?locator=&maxRecords=`: the header `Sforce-Locator` names the next page, `null` after the last. */
  #results(call: Call, job: QueryJob): ApiReply {
    if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET');
    if (job.state !== 'JobComplete') throw new OrgRefusal('INVALIDJOBSTATE', `The job is ${job.state}`);
    if (job.version !== call.version)
      return errorReply(409, 'API_VERSION_MISMATCH', 'The job was created in another version of the API');
    const { query } = call.request;
    const from = startOf(query.get('locator'));
    const size = Math.max(1, Number(query.get('maxRecords') ?? DEFAULT_PAGE_ROWS) || DEFAULT_PAGE_ROWS);
    const rows = job.rows.slice(from, from + size);
    const next = from + size < job.rows.length ? locatorOf(from + size) : 'null';
    return {
      status: 200,
      headers: { 'sforce-locator': next, 'sforce-numberofrecords': String(rows.length) },
      content: { type: 'text/csv; charset=utf-8', data: this.#csv(job, rows) },
    };
  }

  #csv(job: QueryJob, rows: readonly Row[]): string {
    const { definition } = this.#org.table(job.query.from);
    const columns = job.paths.map((path) => ({ name: path.join('.'), ...resolvePath(this.#org, definition, path) }));
    const text = (row: Row, { parents, field }: (typeof columns)[number]): string => {
      const at = followParents(this.#org, row, parents);
      const value = at && valueOf(field, at);
      if (value === null) return '';
      if (field.type === 'datetime') return new Date(Number(value)).toISOString();
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    };
    const lines = rows.map((row) => columns.map((column) => text(row, column)));
    return writeCsv(
      columns.map(({ name }) => name),
      lines,
      job,
    );
  }
}

function move(job: QueryJob, state: JobState, now_ms: number): void {
  job.state = state;
  job.changed_ms = now_ms;
}

function locatorOf(from: number): string {
  return Buffer.from(String(from)).toString('base64url');
}

function startOf(locator: string | null): number {
  if (locator === null || locator === '') return 0;
  const from = Number(Buffer.from(locator, 'base64url').toString('utf8'));
  if (Number.isInteger(from) && from > 0) return from;
  throw new OrgRefusal('INVALID_QUERY_LOCATOR', 'invalid query locator');
}

function jobInfo(job: QueryJob): Record<string, unknown> {
  return {
    id: job.id,
    operation: job.operation,
    object: job.query.from,
    createdById: job.created_by,
    createdDate: restDatetime(job.created_ms),
    systemModstamp: restDatetime(job.changed_ms),
    state: job.state,
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    apiVersion: Number(job.version),
    jobType: 'V2Query',
    lineEnding: job.lineEnding,
    columnDelimiter: job.columnDelimiter,
    numberRecordsProcessed: job.rows.length,
    retries: 0,
    totalProcessingTime: job.changed_ms - job.created_ms,
    isPkChunkingSupported: true,
  };
}
