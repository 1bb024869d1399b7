/** One record, one call: sObject rows by id and by external id (records specification §12.3). */
import { z } from 'zod';
import type { ObjectMapping } from '../../model/mapping.ts';
import type { SalesforceResult } from '../../sides.ts';
import { failure } from '../failure.ts';
import { readKeys } from '../read.ts';
import { type ApiAnswer, type ApiRequest, SalesforceCallError } from '../transport.ts';
import { type Row, type WriteContext, failed, judge } from './row.ts';

const upserted = z.object({ id: z.string(), created: z.boolean().optional() });

/** A value that Salesforce takes for a file's name and answers with 404 (§12.3), or that an address cannot hold. */
export function needsBody({ target }: Row): boolean {
  return (
    target.by === 'key' && (/\.[A-Za-z]{1,5}$/.test(String(target.value)) || /^\.{0,2}$/.test(String(target.value)))
  );
}

/** Never throws for what Salesforce refuses. The row must not `needsBody`. */
export async function writeOne(
  context: WriteContext,
  mapping: ObjectMapping,
  row: Row,
  signal: AbortSignal,
): Promise<SalesforceResult> {
  const answered = await context.transport.call(requestOf(mapping, row), signal);
  if (!answered.ok) return judge(row, answered.failure);
  if (row.action === 'delete') return { kind: 'done', id: idOf(row) ?? '', created: false };
  return done(context, mapping, { row, answered }, signal);
}

/** The request for a row by its address, as it also stands in a graph. */
export function requestOf({ salesforce }: ObjectMapping, { action, target, body }: Row): ApiRequest {
  const { object, external_id } = salesforce;
  const place = target.by === 'id' ? target.id : `${external_id}/${pathSegment(String(target.value))}`;
  const path = `/sobjects/${object}/${place}`;
  if (action === 'delete') return { method: 'DELETE', path, reads: false };
  const only = action === 'update' && target.by === 'key' ? '?updateOnly=true' : '';
  return { method: 'PATCH', path: path + only, body, reads: false };
}

/** Everything but unreserved characters is encoded, so that no value can become another part of the address. */
export function pathSegment(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

async function done(
  context: WriteContext,
  mapping: ObjectMapping,
  { row, answered }: { row: Row; answered: ApiAnswer },
  signal: AbortSignal,
): Promise<SalesforceResult> {
  const parsed = upserted.safeParse(answered.body);
  const id = parsed.data?.id ?? idOf(row);
  if (id !== null) return { kind: 'done', id, created: parsed.data?.created ?? answered.status === 201 };
  // Before version 46 an update by external id says nothing of the record that it found.
  try {
    const [found] = await readKeys(context, mapping, [row.write.key], signal);
    if (found?.kind === 'record') return { kind: 'done', id: found.record.id, created: false };
  } catch (error) {
    if (!(error instanceof SalesforceCallError)) throw error;
  }
  return failed(failure('unknown', 'no_id'));
}

function idOf({ target }: Row): string | null {
  return target.by === 'id' ? target.id : null;
}
