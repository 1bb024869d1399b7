/** Thousands of records by a Bulk 2.0 job, with the result of each row (records specification §12.7). */
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify';
import { z } from 'zod';
import { canonicalKey } from '../../model/canonical-key.ts';
import type { ObjectMapping } from '../../model/mapping.ts';
import { fullSalesforceId } from '../../model/salesforce-id.ts';
import { BULK_NULL, bulkCell, bulkColumn } from '../../model/salesforce-value.ts';
import type { SalesforceFailure, SalesforceResult } from '../../sides.ts';
import type { Clock } from '../../../platform/clock.ts';
import { classify, failure, readRowError } from '../failure.ts';
import type { SalesforceTransport } from '../transport.ts';
import { type Row, type WriteContext, failed, judge, notSent } from './row.ts';

/** A job's file: far below what Salesforce takes (100 MB), because its results come back as one text. */
const MAX_FILE_BYTES = 24_000_000;
const MAX_FILE_ROWS = 50_000;
const MAX_RESULT_BYTES = 64_000_000;
const UPLOAD_TIMEOUT_MS = 120_000;
const FIRST_LOOK_MS = 1_000;
const LONGEST_LOOK_MS = 30_000;

export interface BulkContext extends WriteContext {
  readonly clock: Clock;
  /** How long a job may take; then it is aborted, and what it did is read. */
  readonly bulk_timeout_ms: number;
}

/** A row as cells. */
interface FileRow {
  readonly row: Row;
  readonly cells: readonly string[];
}

interface File {
  readonly columns: readonly string[];
  readonly rows: readonly FileRow[];
}

/**
 * The cells of a row by column; null when a bulk file cannot say it: a text that reads `#N/A` would be taken for null.
 * Rows with equal columns fit into one file.
 */
export function cellsOf(mapping: ObjectMapping, { write, target, action }: Row): ReadonlyMap<string, string> | null {
  const cells = new Map<string, string>();
  if (target.by === 'key' && target.value === BULK_NULL) return null;
  if (target.by === 'id') cells.set('Id', target.id);
  else cells.set(mapping.salesforce.external_id, String(target.value));
  if (action === 'delete') return cells;
  for (const field of mapping.fields) {
    const value = write.fields[field.name];
    if (value === undefined || (target.by === 'key' && field.salesforce === mapping.salesforce.external_id)) continue;
    const cell = bulkCell(field, value);
    if (!cell.ok) return null;
    // A reference to nothing is written by the field itself, any other by the relation.
    cells.set(value === null ? field.salesforce : bulkColumn(field), cell.value);
  }
  return cells;
}

/**
 * Writes rows of one action, one way of addressing and one set of columns, each record at most once. One result each, in
 * order. Never throws for what Salesforce refuses.
 */
export async function writeBulk(
  context: BulkContext,
  mapping: ObjectMapping,
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<SalesforceResult[]> {
  const results = new Map<Row, SalesforceResult>();
  for (const file of filesOf(mapping, rows)) {
    const some = file.rows.map(({ row }) => row);
    const told = signal.aborted ? some.map(notSent) : await new Job(context, mapping, file).run(signal);
    some.forEach((row, place) => results.set(row, told[place] ?? notSent()));
  }
  return rows.map((row) => results.get(row) ?? notSent());
}

function filesOf(mapping: ObjectMapping, rows: readonly Row[]): File[] {
  const files: { columns: readonly string[]; rows: FileRow[] }[] = [];
  let bytes = Infinity;
  for (const row of rows) {
    const cells = cellsOf(mapping, row) ?? new Map<string, string>();
    const columns = [...cells.keys()];
    const file_row = { row, cells: [...cells.values()] };
    const size = file_row.cells.reduce((sum, cell) => sum + Buffer.byteLength(cell) + 3, 0);
    const last = files.at(-1);
    if (last === undefined || bytes + size > MAX_FILE_BYTES || last.rows.length >= MAX_FILE_ROWS) {
      files.push({ columns, rows: [file_row] });
      bytes = size;
    } else {
      last.rows.push(file_row);
      bytes += size;
    }
  }
  return files;
}

const jobForm = z.object({
  id: z.string().regex(/^[A-Za-z0-9]{15,18}$/),
  state: z.string(),
  numberRecordsProcessed: z.coerce.number().optional(),
  numberRecordsFailed: z.coerce.number().optional(),
});
type JobInfo = z.output<typeof jobForm>;
const ENDED: ReadonlySet<string> = new Set(['JobComplete', 'Failed', 'Aborted']);

/** One job from its creation to its results. */
class Job {
  readonly #context: BulkContext;
  readonly #transport: SalesforceTransport;
  readonly #mapping: ObjectMapping;
  readonly #file: File;

  constructor(context: BulkContext, mapping: ObjectMapping, file: File) {
    this.#context = context;
    this.#transport = context.transport;
    this.#mapping = mapping;
    this.#file = file;
  }

  async run(signal: AbortSignal): Promise<SalesforceResult[]> {
    const id = await this.#begin(signal);
    if (typeof id !== 'string') return this.#all(id);
    const ended = await this.#untilEnded(id, signal);
    const told = await this.#results(id, ended, signal);
    return this.#file.rows.map(({ row }) => told.get(row) ?? failed(failure('unknown', 'bulk_no_result')));
  }

  #all(told: SalesforceFailure): SalesforceResult[] {
    return this.#file.rows.map(() => failed(told));
  }

  /** The id of a job that Salesforce works at; until it is told that the file is complete, nothing is carried out. */
  async #begin(signal: AbortSignal): Promise<string | SalesforceFailure> {
    const created = await this.#transport.call(
      { method: 'POST', path: '/jobs/ingest', body: this.#description(), reads: false },
      signal,
    );
    if (!created.ok) return harmless(created.failure);
    const job = jobForm.safeParse(created.body);
    if (!job.success) return failure('retry', 'unreadable');
    const { id } = job.data;
    const uploaded = await this.#transport.call(
      {
        method: 'PUT',
        path: `/jobs/ingest/${id}/batches`,
        csv: () => csvOf(this.#file),
        headers: { 'content-type': 'text/csv; charset=UTF-8' },
        reads: false,
        timeout_ms: UPLOAD_TIMEOUT_MS,
      },
      signal,
    );
    if (!uploaded.ok) {
      await this.#abort(id);
      return harmless(uploaded.failure);
    }
    const closed = await this.#patch(id, 'UploadComplete', signal);
    // Whether it heard is seen at the job's state.
    if (closed.ok || closed.failure.class === 'unknown') return id;
    await this.#abort(id);
    return harmless(closed.failure);
  }

  #description(): Record<string, string> {
    const { object, external_id } = this.#mapping.salesforce;
    const action = this.#file.rows[0]?.row.action;
    const operation = action === 'create' ? 'upsert' : (action ?? 'update');
    return {
      object,
      operation,
      ...(operation === 'upsert' ? { externalIdFieldName: external_id } : {}),
      contentType: 'CSV',
      lineEnding: 'LF',
      columnDelimiter: 'COMMA',
    };
  }

  #patch(id: string, state: 'UploadComplete' | 'Aborted', signal: AbortSignal) {
    return this.#transport.call({ method: 'PATCH', path: `/jobs/ingest/${id}`, body: { state }, reads: false }, signal);
  }

  /** Also when the caller has given up: a job that is left alone may still be carried out. */
  async #abort(id: string): Promise<void> {
    await this.#patch(id, 'Aborted', new AbortController().signal);
  }

  /** The job in its last state, or null when that is not known. */
  async #untilEnded(id: string, signal: AbortSignal): Promise<JobInfo | null> {
    const { clock, timers, bulk_timeout_ms } = this.#context;
    const until_ms = clock.monotonic_ms() + bulk_timeout_ms;
    let closed_again = false;
    for (let wait_ms = FIRST_LOOK_MS; ; wait_ms = Math.min(LONGEST_LOOK_MS, wait_ms * 2)) {
      await timers.sleep(wait_ms, signal);
      if (signal.aborted || clock.monotonic_ms() >= until_ms) break;
      const job = await this.#look(id, signal);
      if (job !== null && ENDED.has(job.state)) return job;
      if (job?.state !== 'Open' || closed_again) continue;
      // "Upload complete" was lost on its way.
      closed_again = true;
      await this.#patch(id, 'UploadComplete', signal);
    }
    await this.#abort(id);
    return signal.aborted ? null : this.#look(id, signal);
  }

  async #look(id: string, signal: AbortSignal): Promise<JobInfo | null> {
    if (signal.aborted) return null;
    const told = await this.#transport.call({ method: 'GET', path: `/jobs/ingest/${id}`, reads: true }, signal);
    return told.ok ? (jobForm.safeParse(told.body).data ?? null) : null;
  }

  /** What is known of each row. A row in none of the lists may have been carried out. */
  async #results(id: string, ended: JobInfo | null, signal: AbortSignal): Promise<Map<Row, SalesforceResult>> {
    const told = new Map<Row, SalesforceResult>();
    if (ended === null || signal.aborted) return told;
    const by_name = this.#rowsByName();
    const put = async (list: string, result: (row: Row, line: Line) => SalesforceResult): Promise<void> => {
      for await (const line of this.#lines(`/jobs/ingest/${id}/${list}/`, signal)) {
        const row = by_name.get(this.#nameOf(line));
        if (row !== undefined) told.set(row, result(row, line));
      }
    };
    const clean = ended.state === 'JobComplete' && ended.numberRecordsFailed === 0;
    await put('successfulResults', successOf);
    if (clean && told.size === this.#file.rows.length) return told;
    await put('failedResults', (row, line) => judge(row, classify(200, [readRowError(line['sf__Error'] ?? '')])));
    await put('unprocessedrecords', () => failed(failure('retry', 'bulk_unprocessed')));
    return told;
  }

  /** Rows of a result; none when it cannot be read, so that what it held stays unknown. */
  async *#lines(path: string, signal: AbortSignal): AsyncGenerator<Line> {
    const headers = { accept: 'text/csv' };
    const answered = await this.#transport.call(
      { method: 'GET', path, headers, reads: true, max_bytes: MAX_RESULT_BYTES },
      signal,
    );
    if (!answered.ok || typeof answered.body !== 'string') return;
    const reader = parse({ columns: true, bom: true, skip_empty_lines: true });
    const lines = Readable.from([answered.body]).compose(reader) as AsyncIterable<unknown>;
    for await (const line of lines) yield line as Line;
  }

  #rowsByName(): Map<string, Row> {
    return new Map(
      this.#file.rows.map(({ row }) => [
        row.target.by === 'id' ? row.target.id : this.#keyOf(String(row.target.value)),
        row,
      ]),
    );
  }

  /** By what a line is known again; the order of lines means nothing. */
  #nameOf(line: Line): string {
    if (this.#file.columns[0] === 'Id') return fullSalesforceId(line['Id'] ?? line['sf__Id'] ?? '') ?? '';
    return this.#keyOf(line[this.#mapping.salesforce.external_id] ?? '');
  }

  #keyOf(external_id: string): string {
    return canonicalKey(this.#mapping, external_id);
  }
}

type Line = Readonly<Record<string, string>>;

function successOf(row: Row, line: Line): SalesforceResult {
  const id = fullSalesforceId(line['sf__Id'] ?? '') ?? (row.target.by === 'id' ? row.target.id : null);
  if (id === null) return failed(failure('unknown', 'no_id'));
  return { kind: 'done', id, created: line['sf__Created'] === 'true' };
}

/** Before the file is complete nothing is carried out, so that a lost answer is no question. */
function harmless(told: SalesforceFailure): SalesforceFailure {
  return told.class === 'unknown' ? failure('retry', told.code) : told;
}

function csvOf({ columns, rows }: File): Readable {
  const lines = function* (): Generator<readonly string[]> {
    for (const { cells } of rows) yield cells;
  };
  const writer = stringify({ header: true, columns: [...columns], record_delimiter: '\n' });
  return Readable.from(lines()).compose(writer) as Readable;
}
