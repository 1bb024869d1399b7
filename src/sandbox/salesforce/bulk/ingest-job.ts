/** A bulk job that writes: its states as a table, and what the API says of it (records.md §12.7). */
import type { WriteContext } from '../org/commit.ts';
import { restDatetime } from '../soql/render.ts';
import type { CsvForm } from './csv.ts';

export const INGEST_OPERATIONS = ['insert', 'update', 'upsert', 'delete', 'hardDelete'] as const;
export type IngestOperation = (typeof INGEST_OPERATIONS)[number];

export type JobState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted';
type JobEvent = 'upload_complete' | 'abort' | 'start' | 'complete' | 'fail' | 'delete';

/** Null: it may not happen then. A deleted job is gone. */
const NEXT: Readonly<Record<JobState, Readonly<Record<JobEvent, JobState | 'gone' | null>>>> = {
  Open: {
    upload_complete: 'UploadComplete',
    abort: 'Aborted',
    start: null,
    complete: null,
    fail: 'Failed',
    delete: null,
  },
  UploadComplete: {
    upload_complete: null,
    abort: 'Aborted',
    start: 'InProgress',
    complete: null,
    fail: 'Failed',
    delete: 'gone',
  },
  InProgress: {
    upload_complete: null,
    abort: 'Aborted',
    start: null,
    complete: 'JobComplete',
    fail: 'Failed',
    delete: null,
  },
  JobComplete: { upload_complete: null, abort: null, start: null, complete: null, fail: null, delete: 'gone' },
  Failed: { upload_complete: null, abort: null, start: null, complete: null, fail: null, delete: 'gone' },
  Aborted: { upload_complete: null, abort: null, start: null, complete: null, fail: null, delete: 'gone' },
};

export function nextState(state: JobState, event: JobEvent): JobState | 'gone' | null {
  return NEXT[state][event];
}

export interface Successful {
  id: string;
  created: boolean;
  row: readonly string[];
}

export interface FailedRow {
  id: string;
  error: string;
  row: readonly string[];
}

export interface IngestJob extends CsvForm {
  id: string;
  /** Of the API, `67.0`. */
  version: string;
  object: string;
  operation: IngestOperation;
  externalIdFieldName: string | null;
  context: WriteContext;
  created_by: string;
  created_ms: number;
  changed_ms: number;
  state: JobState;
  upload: Buffer | null;
  columns: readonly string[];
  successful: Successful[];
  failed: FailedRow[];
  unprocessed: readonly (readonly string[])[];
  error_message: string | null;
}

export function jobInfo(job: IngestJob): Record<string, unknown> {
  const base = `services/data/v${job.version}/jobs/ingest/${job.id}`;
  return {
    id: job.id,
    operation: job.operation,
    object: job.object,
    createdById: job.created_by,
    createdDate: restDatetime(job.created_ms),
    systemModstamp: restDatetime(job.changed_ms),
    state: job.state,
    ...(job.externalIdFieldName === null ? {} : { externalIdFieldName: job.externalIdFieldName }),
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    apiVersion: Number(job.version),
    jobType: 'V2Ingest',
    // Without a slash in front.
    ...(job.state === 'Open' ? { contentUrl: `${base}/batches` } : {}),
    lineEnding: job.lineEnding,
    columnDelimiter: job.columnDelimiter,
    retries: 0,
    totalProcessingTime: job.changed_ms - job.created_ms,
    apiActiveProcessingTime: 0,
    apexProcessingTime: 0,
    // Those that failed are among the processed ones.
    numberRecordsProcessed: job.successful.length + job.failed.length,
    numberRecordsFailed: job.failed.length,
    ...(job.error_message === null ? {} : { errorMessage: job.error_message }),
  };
}
