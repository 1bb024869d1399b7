/** Up to 200 records a call, each with its own result (records specification §12.5). */
import { z } from 'zod';
import type { ObjectMapping } from '../../model/mapping.ts';
import type { SalesforceFailure, SalesforceResult } from '../../sides.ts';
import { classify, failure, readErrors } from '../failure.ts';
import type { ApiRequest } from '../transport.ts';
import { type Row, type WriteContext, failed, judge } from './row.ts';

const results = z.array(
  z.object({
    id: z.string().nullish(),
    success: z.boolean(),
    created: z.boolean().optional(),
    errors: z.array(z.unknown()).catch([]),
  }),
);

/**
 * Writes rows of one action and one way of addressing; updates and deletes by id. One result each, in order. A refusal
 * of the whole call is that of each row. Never throws for what Salesforce refuses.
 */
export async function writeCollection(
  { transport }: WriteContext,
  mapping: ObjectMapping,
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<{ results: SalesforceResult[]; refused: SalesforceFailure | null }> {
  const answered = await transport.call(requestOf(mapping, rows), signal);
  if (!answered.ok) {
    const refused = answered.failure;
    return { results: rows.map((row) => (rows.length === 1 ? judge(row, refused) : failed(refused))), refused };
  }
  const parsed = results.safeParse(answered.body);
  // It was carried out, but nobody can say which result is whose.
  if (!parsed.success || parsed.data.length !== rows.length)
    return { results: rows.map(() => failed(failure('unknown', 'short_answer'))), refused: null };
  return { results: rows.map((row, place) => resultOf(row, parsed.data[place])), refused: null };
}

function requestOf({ salesforce }: ObjectMapping, rows: readonly Row[]): ApiRequest {
  const { object, external_id } = salesforce;
  const [first] = rows;
  if (first?.action === 'delete') {
    const ids = rows.map(({ target }) => (target.by === 'id' ? target.id : '')).join(',');
    return { method: 'DELETE', path: `/composite/sobjects?ids=${ids}&allOrNone=false`, reads: false };
  }
  const by_key = first?.target.by === 'key';
  const records = rows.map(({ target, body }) => ({
    attributes: { type: object },
    ...(target.by === 'id' ? { id: target.id } : { [external_id]: target.value }),
    ...body,
  }));
  const path = by_key ? `/composite/sobjects/${object}/${external_id}` : '/composite/sobjects';
  return { method: 'PATCH', path, body: { allOrNone: false, records }, reads: false };
}

function resultOf(row: Row, told: z.output<typeof results>[number] | undefined): SalesforceResult {
  if (told === undefined) return failed(failure('unknown', 'short_answer'));
  if (!told.success) return judge(row, classify(200, readErrors(told.errors)));
  const id = told.id ?? (row.target.by === 'id' ? row.target.id : null);
  return id === null ? failed(failure('unknown', 'no_id')) : { kind: 'done', id, created: told.created ?? false };
}
