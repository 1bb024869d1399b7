/** Results of many rows in one call: each succeeds or fails by itself (records.md §12.5). */
import type { OrgRefusal } from '../org/refusal.ts';
import { MultipleChoices } from '../org/refusal.ts';

export interface RowError {
  statusCode: string;
  message: string;
  fields: readonly string[];
}

export type RowResult =
  { id: string; success: true; errors: []; created?: boolean } | { id?: string; success: false; errors: RowError[] };

/** Where many rows are written, a record that is not there or an ambiguous one has another name than in an address. */
export function rowErrorOf(error: OrgRefusal): RowError {
  if (error instanceof MultipleChoices)
    return { statusCode: 'DUPLICATE_EXTERNAL_ID', message: error.message, fields: error.fields };
  if (error.status_code === 'NOT_FOUND')
    return { statusCode: 'INVALID_CROSS_REFERENCE_KEY', message: 'invalid cross reference id', fields: [] };
  return { statusCode: error.status_code, message: error.message, fields: error.fields };
}

const ROLLED_BACK: RowError = {
  statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  message: 'Record rolled back because not all records were valid and the request was using AllOrNone header',
  fields: [],
};

/** What a row that would have been taken says when another was not. */
export function rolledBack(result: RowResult): RowResult {
  return result.success ? { success: false, errors: [ROLLED_BACK] } : result;
}
