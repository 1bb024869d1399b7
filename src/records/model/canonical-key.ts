/** The key under which a record is known to both sides and to the engine: its external id, in one spelling. */
import type { ObjectMapping } from './mapping.ts';
import { decimalText } from './decimal.ts';
import { fullSalesforceId } from './salesforce-id.ts';

/** As much of a mapping as decides about its keys. */
export type KeyRules = { readonly salesforce: Pick<ObjectMapping['salesforce'], 'external_id' | 'case_sensitive'> };

/**
 * The external id as a key: two spellings are one key exactly when Salesforce takes them for one record. Nothing is
 * trimmed. Folding is done character by character, because lower case of a whole text depends on neighbours (a final
 * sigma); PostgreSQL must not be asked to fold, its rules are those of a collation. Folding twice changes nothing.
 */
export function canonicalKey(mapping: KeyRules, external_id: string): string {
  const { external_id: field, case_sensitive } = mapping.salesforce;
  if (field === 'Id') return fullSalesforceId(external_id) ?? external_id;
  return case_sensitive ? external_id : folded(external_id);
}

/**
 * The external id as a side tells it, still in its own spelling: a text as it is, a number (external ids may be number
 * fields) as its shortest decimal text. Null: the record has none, and cannot be paired.
 */
export function readExternalId(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  if (typeof value === 'number' || typeof value === 'bigint') return decimalText(value);
  return null;
}

function folded(text: string): string {
  // Almost all ids: one pass of the engine, no neighbours to mind.
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  let lower = '';
  for (const character of text) lower += character.toLowerCase();
  return lower;
}
