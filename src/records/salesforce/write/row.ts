/** One record's change made ready for a call: where it goes and what its body is. */
import { canonicalKey, readExternalId } from '../../model/canonical-key.ts';
import type { ObjectMapping } from '../../model/mapping.ts';
import { fullSalesforceId } from '../../model/salesforce-id.ts';
import { salesforceBody } from '../../model/salesforce-value.ts';
import type { SalesforceFailure, SalesforceResult, SalesforceWrite } from '../../sides.ts';
import type { ObjectDescribe } from '../../model/describe.ts';
import { failure } from '../failure.ts';
import type { ReadContext } from '../read.ts';
import type { Random } from '../../../platform/random.ts';
import type { Timers } from '../../../platform/timers.ts';

/** What the lanes need. */
export interface WriteContext extends ReadContext {
  readonly timers: Timers;
  readonly random: Random;
}

/** Which record: by Salesforce id, or by external id as Salesforce's JSON has it. */
export type Target =
  { readonly by: 'id'; readonly id: string } | { readonly by: 'key'; readonly value: string | number };

export interface Row {
  readonly write: SalesforceWrite;
  /** `create`: the record comes into being when it is not there; otherwise only one that is there is changed. */
  readonly action: 'create' | 'update' | 'delete';
  readonly target: Target;
  /** Members that set the fields; never the id, nor the external id when that is the target. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** The row, or why it cannot be written at all. */
export function prepare(
  mapping: ObjectMapping,
  write: SalesforceWrite,
  description: ObjectDescribe,
): Row | SalesforceFailure {
  // REST has no call that brings a record back from the recycle bin.
  if (write.operation === 'undelete') return failure('permanent', 'undelete_not_offered');
  const { body, problems } = salesforceBody(mapping, write.fields);
  if (problems.length > 0) {
    const fields = mapping.fields.filter(({ name }) => problems.some((problem) => problem.field === name));
    return failure('permanent', problems[0]?.code ?? '', { fields: fields.map(({ salesforce }) => salesforce) });
  }
  const target = targetOf(mapping, write, { body, description });
  if (target === null) return failure('permanent', 'MALFORMED_ID', { fields: ['Id'] });
  if (write.operation === 'delete') return { write, action: 'delete', target, body: {} };
  const action = write.operation === 'upsert' && target.by === 'key' ? 'create' : 'update';
  const { [mapping.salesforce.external_id]: _, ...others } = body;
  return { write, action, target, body: target.by === 'key' ? others : body };
}

/** The external id goes in its own spelling where that is told: the key may be folded to lower case. */
function targetOf(
  mapping: ObjectMapping,
  { id, key, external_id: written }: SalesforceWrite,
  { body, description }: { body: Record<string, unknown>; description: ObjectDescribe },
): Target | null {
  const { external_id } = mapping.salesforce;
  const known = id ?? (external_id === 'Id' ? key : null);
  if (known !== null) {
    const full = fullSalesforceId(known);
    return full === null ? null : { by: 'id', id: full };
  }
  const told = readExternalId(body[external_id]) ?? written ?? null;
  const spelled = told !== null && canonicalKey(mapping, told) === key ? told : key;
  const type = description.fields.find(({ name }) => name === external_id)?.type;
  const is_number = type === 'double' || type === 'int' || type === 'long';
  return {
    by: 'key',
    value: is_number && spelled !== '' && Number.isFinite(Number(spelled)) ? Number(spelled) : spelled,
  };
}

export function failed(told: SalesforceFailure): SalesforceResult {
  return { kind: 'failed', failure: told };
}

/** Nothing was sent any more, because time was over. */
export function notSent(): SalesforceResult {
  return failed(failure('retry', 'aborted'));
}

/** Codes by which a row that is addressed by its id turns out not to be there. */
const ABSENT: ReadonlySet<string> = new Set(['NOT_FOUND', 'ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY']);

/**
 * What a refusal means for this row. A delete of a record that is deleted is what was wanted; `INVALID_CROSS_REFERENCE_KEY`
 * without a field speaks of the record itself and not of a parent; a record to change that is not found is to be looked up.
 */
export function judge({ action }: Row, told: SalesforceFailure): SalesforceResult {
  const itself = told.fields.every((field) => field === 'Id');
  const absent = ABSENT.has(told.code) && itself;
  if (!absent) return failed(told);
  if (action === 'delete') return { kind: 'gone' };
  return action === 'update' ? failed({ ...told, class: 'identity' }) : failed(told);
}
