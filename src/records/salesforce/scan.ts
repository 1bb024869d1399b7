/** A walk over all records of an object, in the order of their ids: it can be gone on with at any time. */
import { InvalidInputError } from '../../platform/errors.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { fullSalesforceId } from '../model/salesforce-id.ts';
import type { SidePage } from '../sides.ts';
import { PAGE_RECORDS, queryPage, shortAnswer, soql, soqlText } from './query.ts';
import type { ReadContext } from './read.ts';
import { fieldsToRead, readRecord } from './record.ts';

/**
 * Up to 2,000 records after a place (null: from the beginning). The place is the last id, not a query's locator: a locator
 * ends after some days or with the next version of the org, an id does not.
 * @throws SalesforceCallError · InvalidInputError `salesforce.short`, `salesforce.answer`, `salesforce.position`
 */
export async function scan(
  context: ReadContext,
  mapping: ObjectMapping,
  from: string | null,
  signal: AbortSignal,
): Promise<SidePage> {
  if (from !== null && fullSalesforceId(from) === null)
    throw new InvalidInputError('salesforce.position', 'A position of a walk is not one of ours');
  const text = soql({
    object: mapping.salesforce.object,
    fields: fieldsToRead(mapping),
    ...(from === null ? {} : { where: `Id > ${soqlText(from)}` }),
    order_by: ['Id'],
    limit: PAGE_RECORDS,
  });
  const page = await queryPage(context.transport, text, signal);
  // Wide records come in shorter pages; a page without a next one must be all that was announced.
  if (page.next === null ? page.records.length !== page.total : page.records.length === 0) throw shortAnswer();
  const known = context.parents();
  const records = page.records.map((raw) => readRecord(mapping, raw, known));
  const is_last = page.next === null && page.total < PAGE_RECORDS;
  return {
    records: records.filter(({ key }) => key !== ''),
    unkeyed: records.filter(({ key }) => key === '').map(({ id, document }) => ({ id, document })),
    next: is_last ? null : (records.at(-1)?.id ?? null),
  };
}
