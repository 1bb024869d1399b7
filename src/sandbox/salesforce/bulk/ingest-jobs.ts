/** `/jobs/ingest`: jobs from opening to their results (records.md §12.7). */
import { jsonBody, methodNotAllowed, type ApiReply } from '../http/exchange.ts';
import type { Faults } from '../faults/faults.ts';
import type { Org } from '../org/org.ts';
import { notFound, OrgRefusal } from '../org/refusal.ts';
import type { Call } from '../rest/call.ts';
import type { BulkTimes } from './bulk-times.ts';
import { DELIMITERS, LINE_ENDINGS, writeCsv, type ColumnDelimiter, type LineEnding } from './csv.ts';
import { INGEST_OPERATIONS, jobInfo, nextState, type IngestJob, type IngestOperation } from './ingest-job.ts';
import { processJob } from './process-job.ts';

/** 150 MB once encoded. */
const MAX_UPLOAD_BYTES = 112_500_000;
const OPEN_MS = 24 * 3_600_000;
const KEPT_MS = 7 * 24 * 3_600_000;

export class IngestJobs {
  readonly #org: Org;
  readonly #faults: Faults;
  readonly #times: BulkTimes;
  readonly #jobs = new Map<string, IngestJob>();

  constructor(org: Org, faults: Faults, times: BulkTimes) {
    this.#org = org;
    this.#faults = faults;
    this.#times = times;
  }

  /** @throws OrgRefusal */
  answer(call: Call, [id, part, ...more]: readonly string[]): ApiReply {
    if (more.length > 0) throw notFound();
    if (id === undefined) return this.#list(call);
    const job = this.#jobs.get(id);
    if (!job) throw notFound();
    if (part === undefined) return this.#job(call, job);
    if (part === 'batches') return this.#upload(call, job);
    return results(call, job, part);
  }

  /** Moves every job as far as the time allows; called before each request. */
  advance(): void {
    const now_ms = this.#org.clock.now_ms();
    for (const job of this.#jobs.values()) {
      const waited_ms = now_ms - job.changed_ms;
      if (job.state === 'Open' && now_ms - job.created_ms > OPEN_MS) this.#move(job, 'abort');
      if (job.state === 'UploadComplete' && waited_ms >= this.#times.queue_ms) this.#move(job, 'start');
      if (job.state === 'InProgress' && now_ms - job.changed_ms >= this.#times.work_ms) this.#process(job);
      if (job.state !== 'Open' && now_ms - job.changed_ms > KEPT_MS) this.#jobs.delete(job.id);
    }
  }

  #process(job: IngestJob): void {
    const outcome = processJob(this.#org, this.#faults, job);
    if (outcome === 'JobComplete') this.#move(job, 'complete');
    else if (outcome !== 'stalled') this.#move(job, outcome === 'Failed' ? 'fail' : 'abort');
  }

  #list(call: Call): ApiReply {
    if (call.method === 'POST') return this.#open(call);
    if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET,POST');
    return { status: 200, json: { done: true, nextRecordsUrl: null, records: [...this.#jobs.values()].map(jobInfo) } };
  }

  #open(call: Call): ApiReply {
    const body = jsonBody(call.request);
    const operation = oneOf('operation', body['operation'], INGEST_OPERATIONS);
    const { definition } = call.org.table(String(body['object']));
    const externalIdFieldName = this.#externalIdField(definition.name, operation, body['externalIdFieldName']);
    const now_ms = this.#org.clock.now_ms();
    const delimiters = Object.keys(DELIMITERS) as ColumnDelimiter[];
    const endings = Object.keys(LINE_ENDINGS) as LineEnding[];
    if (body['contentType'] !== undefined && body['contentType'] !== 'CSV')
      throw new OrgRefusal('INVALIDJOB', 'contentType must be CSV');
    const job: IngestJob = {
      id: this.#org.nextIdOf('750'),
      version: call.version,
      object: definition.name,
      operation,
      externalIdFieldName,
      columnDelimiter: oneOf('columnDelimiter', body['columnDelimiter'] ?? 'COMMA', delimiters),
      lineEnding: oneOf('lineEnding', body['lineEnding'] ?? 'LF', endings),
      context: call.writeContext('bulkapi'),
      created_by: call.session.user_id,
      created_ms: now_ms,
      changed_ms: now_ms,
      state: 'Open',
      upload: null,
      columns: [],
      successful: [],
      failed: [],
      unprocessed: [],
      error_message: null,
    };
    this.#jobs.set(job.id, job);
    return { status: 200, json: jobInfo(job) };
  }

  #externalIdField(entity: string, operation: IngestOperation, given: unknown): string | null {
    if (operation !== 'upsert') return null;
    const field = typeof given === 'string' ? this.#org.table(entity).definition.field(given) : undefined;
    if (field && (field.external_id || field.id_lookup)) return field.name;
    throw new OrgRefusal('INVALIDJOB', 'An upsert needs externalIdFieldName, the name of an external id field');
  }

  #job(call: Call, job: IngestJob): ApiReply {
    if (call.method === 'GET') return { status: 200, json: jobInfo(job) };
    if (call.method === 'DELETE') {
      if (nextState(job.state, 'delete') === null) throw wrongState(job);
      this.#jobs.delete(job.id);
      return { status: 204 };
    }
    if (call.method !== 'PATCH') throw methodNotAllowed(call.method, 'DELETE,GET,PATCH');
    const { state } = jsonBody(call.request);
    if (state !== 'UploadComplete' && state !== 'Aborted')
      throw new OrgRefusal('INVALIDJOBSTATE', 'The state must be UploadComplete or Aborted');
    if (state === 'UploadComplete' && job.upload === null) throw wrongState(job);
    this.#move(job, state === 'Aborted' ? 'abort' : 'upload_complete');
    return { status: 200, json: jobInfo(job) };
  }

  #upload(call: Call, job: IngestJob): ApiReply {
    if (call.method !== 'PUT') throw methodNotAllowed(call.method, 'PUT');
    if (job.state !== 'Open' || job.upload !== null) throw wrongState(job);
    if (call.request.body.length > MAX_UPLOAD_BYTES)
      throw new OrgRefusal('InvalidBatch', `The data is longer than ${MAX_UPLOAD_BYTES} bytes`);
    job.upload = call.request.body;
    return { status: 201 };
  }

  /** @throws OrgRefusal INVALIDJOBSTATE */
  #move(job: IngestJob, event: 'upload_complete' | 'abort' | 'start' | 'complete' | 'fail'): void {
    const state = nextState(job.state, event);
    if (state === null || state === 'gone') throw wrongState(job);
    job.state = state;
    job.changed_ms = this.#org.clock.now_ms();
    // What was uploaded is needed until it was processed.
    if (state === 'JobComplete' || state === 'Failed') job.upload = null;
  }
}

function wrongState({ state }: IngestJob): OrgRefusal {
  return new OrgRefusal('INVALIDJOBSTATE', `The job's current state is ${state}; this is not possible now`);
}

function oneOf<T extends string>(name: string, given: unknown, known: readonly T[]): T {
  const found = known.find((each) => each === given);
  if (found === undefined) throw new OrgRefusal('INVALIDJOB', `${name} must be one of ${known.join(', ')}`);
  return found;
}

/** Rows in another order than they came in: who needs to know which is which compares a column. */
function results(call: Call, job: IngestJob, part: string): ApiReply {
  if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET');
  const file = (columns: readonly string[], rows: string[][]): ApiReply => ({
    status: 200,
    content: { type: 'text/csv; charset=utf-8', data: writeCsv([...columns, ...job.columns], rows, job) },
  });
  switch (part) {
    case 'successfulResults':
      return file(
        ['sf__Id', 'sf__Created'],
        job.successful.map(({ id, created, row }) => [id, String(created), ...row]).reverse(),
      );
    case 'failedResults':
      return file(['sf__Id', 'sf__Error'], job.failed.map(({ id, error, row }) => [id, error, ...row]).reverse());
    case 'unprocessedrecords':
      return file(
        [],
        job.unprocessed.map((row) => [...row]),
      );
    default:
      throw notFound();
  }
}
