/** What a bulk job does with its rows: transactions of 200, each row taken or refused by itself (records.md §12.7). */
import { rowErrorOf } from '../composite/row-result.ts';
import type { Faults } from '../faults/faults.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';
import { storedValue } from '../org/field-values.ts';
import type { Org } from '../org/org.ts';
import { notFound, OrgRefusal } from '../org/refusal.ts';
import { parseRecordId } from '../org/record-id.ts';
import type { Transaction } from '../org/transaction.ts';
import { readCsv } from './csv.ts';
import type { IngestJob } from './ingest-job.ts';

const CHUNK_ROWS = 200;
const MAX_HEADER_CHARS = 32_000;
/** The value that makes a field empty; an empty value leaves it as it is. */
const NULL_VALUE = '#N/A';

export type Outcome = 'JobComplete' | 'Failed' | 'Aborted' | 'stalled';

/** Processes every row, or as many as a fault lets it; the job has the results afterwards. */
export function processJob(org: Org, faults: Faults, job: IngestJob): Outcome {
  const content = readCsv(job.upload ?? Buffer.alloc(0), job);
  if (typeof content === 'string') return fail(job, `InvalidBatch : ${content}`);
  const { definition } = org.table(job.object);
  job.columns = content.columns;
  job.unprocessed = content.rows;
  if (content.columns.join(',').length > MAX_HEADER_CHARS) return fail(job, 'InvalidBatch : The header is too long');
  const unknown = content.columns.find((column) => !isColumn(org, definition, column));
  if (unknown !== undefined) return fail(job, `InvalidBatch : Field name not found : ${unknown}`);
  const fault = faults.strike('bulk', { object: definition.name });
  if (fault?.outcome === 'stalled') return 'stalled';
  const end = fault ? (fault.after_rows ?? 0) : content.rows.length;
  for (let start = 0; start < end; start += CHUNK_ROWS)
    writeChunk(org, definition, job, content.rows.slice(start, Math.min(end, start + CHUNK_ROWS)));
  job.unprocessed = content.rows.slice(end);
  if (!fault) return 'JobComplete';
  if (fault.outcome === 'Failed') return fail(job, fault.message ?? 'InternalServerError : a fault of the sandbox');
  return fault.outcome;
}

function fail(job: IngestJob, message: string): Outcome {
  job.error_message = message;
  return 'Failed';
}

function writeChunk(org: Org, definition: ObjectDefinition, job: IngestJob, rows: readonly string[][]): void {
  const repeated = repeatedKeys(job, rows);
  org.transaction((transaction) => {
    for (const row of rows) {
      try {
        const { id, created } = transaction.attempt(() => writeRow(transaction, definition, job, row, repeated));
        job.successful.push({ id, created, row });
      } catch (error) {
        if (!(error instanceof OrgRefusal)) throw error;
        const { statusCode, message, fields } = rowErrorOf(error);
        const id = parseRecordId(valueOf(job, row, 'Id') ?? '') ?? '';
        const named = fields.length > 0 ? `${fields.join(', ')} --` : '--';
        job.failed.push({ id, error: `${statusCode}:${message}:${named}`, row });
      }
    }
  }, job.context);
}

/** External ids that stand in several rows of one chunk. */
function repeatedKeys(job: IngestJob, rows: readonly string[][]): ReadonlySet<string> {
  if (job.operation !== 'upsert') return new Set();
  const keys = rows.map((row) => valueOf(job, row, job.externalIdFieldName ?? '')?.toLowerCase() ?? '');
  return new Set(keys.filter((key, index) => key !== '' && keys.indexOf(key) !== index));
}

function writeRow(
  transaction: Transaction,
  definition: ObjectDefinition,
  job: IngestJob,
  row: readonly string[],
  repeated: ReadonlySet<string>,
): { id: string; created: boolean } {
  if (row.length !== job.columns.length)
    throw new OrgRefusal('InvalidBatch', 'The row has another number of columns than the header');
  const values = valuesOf(job, row);
  const id = valueOf(job, row, 'Id') ?? '';
  const { name } = definition;
  if (job.operation === 'insert') return { id: transaction.create(name, values, { form: 'text' }), created: true };
  if (job.operation === 'upsert' && job.externalIdFieldName?.toLowerCase() !== 'id')
    return upsertRow(transaction, definition, job, row, values, repeated);
  if (id === '') throw new OrgRefusal('MISSING_ARGUMENT', 'Id not specified');
  if (job.operation === 'delete') transaction.delete(name, id);
  else if (job.operation === 'hardDelete') transaction.purge(name, id);
  else transaction.update(name, id, values, { form: 'text' });
  return { id: parseRecordId(id) ?? id, created: false };
}

function upsertRow(
  transaction: Transaction,
  definition: ObjectDefinition,
  job: IngestJob,
  row: readonly string[],
  values: Readonly<Record<string, unknown>>,
  repeated: ReadonlySet<string>,
): { id: string; created: boolean } {
  const field = definition.field(job.externalIdFieldName ?? '');
  if (!field) throw notFound();
  const key = valueOf(job, row, field.name) ?? '';
  if (key === '') throw new OrgRefusal('MISSING_ARGUMENT', `${field.name} not specified`);
  if (repeated.has(key.toLowerCase()))
    throw new OrgRefusal('DUPLICATE_VALUE', `Duplicate external id specified: ${key}`, [field.name]);
  const rest = Object.fromEntries(
    Object.entries(values).filter(([name]) => name.toLowerCase() !== field.name.toLowerCase()),
  );
  return transaction.upsert(definition.name, field.name, storedValue(field, key, 'text'), rest, { form: 'text' });
}

function valueOf(job: IngestJob, row: readonly string[], column: string): string | undefined {
  return row[job.columns.findIndex((name) => name.toLowerCase() === column.toLowerCase())];
}

/** `Parent__r.Ext__c` names a parent by its external id. */
function valuesOf(job: IngestJob, row: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [index, column] of job.columns.entries()) {
    const text = row[index] ?? '';
    if (text === '' || column.toLowerCase() === 'id') continue;
    const value = text === NULL_VALUE ? null : text;
    const [first = '', key] = column.split('.');
    values[first] = key === undefined || value === null ? value : { [key]: value };
  }
  return values;
}

function isColumn(org: Org, definition: ObjectDefinition, column: string): boolean {
  const [first = '', key, ...more] = column.split('.');
  if (key === undefined) return definition.field(first) !== undefined;
  const reference = definition.relationship(first);
  return (
    more.length === 0 &&
    reference !== undefined &&
    org.table(reference.reference_to[0] ?? '').definition.field(key) !== undefined
  );
}
