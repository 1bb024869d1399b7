/**
 * What an error of Salesforce means for what comes next (records specification §12.8). Decided by the vendor's code; by the
 * HTTP status only where the code says nothing. Messages are our own words: the vendor's own quote values of the record
 * (`duplicate value found: F duplicates value on record with id: …`), so of them only names of fields are kept.
 */
import { z } from 'zod';
import type { SalesforceFailure } from '../sides.ts';

export type FailureClass = SalesforceFailure['class'];

/** An error as Salesforce told it. `message` is only looked at, never passed on. */
export interface VendorError {
  readonly code: string;
  readonly message: string;
  readonly fields: readonly string[];
}

const CODES: Readonly<Record<FailureClass, readonly string[]>> = {
  retry: ['UNABLE_TO_LOCK_ROW', 'SERVER_UNAVAILABLE', 'QUERY_TIMEOUT', 'REQUEST_RUNNING_TOO_LONG', 'UNKNOWN_EXCEPTION'],
  throttle: ['REQUEST_LIMIT_EXCEEDED', 'STORAGE_LIMIT_EXCEEDED'],
  auth: [
    'INVALID_SESSION_ID',
    'INVALID_AUTH_HEADER',
    'API_DISABLED_FOR_ORG',
    'INVALID_GRANT',
    'INVALID_CLIENT',
    'INVALID_CLIENT_ID',
    'INACTIVE_USER',
    'UNSUPPORTED_GRANT_TYPE',
  ],
  identity: ['MULTIPLE_CHOICES', 'DUPLICATE_EXTERNAL_ID', 'DUPLICATE_VALUE', 'ENTITY_IS_DELETED'],
  order: ['INVALID_CROSS_REFERENCE_KEY', 'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY'],
  rolled_back: ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'PROCESSING_HALTED'],
  permanent: [
    'REQUIRED_FIELD_MISSING',
    'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    'STRING_TOO_LONG',
    'INVALID_FIELD',
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    'INVALID_TYPE_ON_FIELD_IN_RECORD',
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    'NUMBER_OUTSIDE_VALID_RANGE',
    'INVALID_EMAIL_ADDRESS',
    'MALFORMED_ID',
    'JSON_PARSER_ERROR',
    'DUPLICATES_DETECTED',
    'FIELD_INTEGRITY_EXCEPTION',
    'FIELD_FILTER_VALIDATION_EXCEPTION',
    'DELETE_FAILED',
    'DEPENDENCY_EXISTS',
    'INSUFFICIENT_ACCESS_OR_READONLY',
    'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    'NOT_FOUND',
    'MALFORMED_QUERY',
    'INVALID_TYPE',
  ],
  unknown: [],
};

const CLASS_BY_CODE: ReadonlyMap<string, FailureClass> = new Map(
  Object.entries(CODES).flatMap(([name, codes]) => codes.map((code) => [code, name as FailureClass])),
);

/** How long an org is left alone that said "too many calls" without saying for how long. */
const THROTTLE_WAIT_MS = 60_000;

/** Governor limits inside a trigger, by which a batch was too large (§12.8). */
const GOVERNOR = /LimitException|too many (soql|dml|query|future|callouts)|cpu time limit|heap size|governor/i;
const LOCKED = /UNABLE_TO_LOCK_ROW/;
const MISSING_PARENT = /^Foreign key external ID: .* not found for field (\S+) in entity (\S+)$/s;
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,79}(?:\.[A-Za-z][A-Za-z0-9_]{0,79})?$/;
const CODE_NAME = /^[A-Za-z][A-Za-z0-9_]{1,79}$/;

const WORDS: Readonly<Record<FailureClass, string>> = {
  retry: 'Salesforce could not carry it out right now',
  throttle: 'Salesforce takes no more for now',
  auth: 'Salesforce did not accept who we are',
  identity: 'The record in Salesforce is not the one that was meant, or not the only one',
  order: 'A record that this one refers to is missing in Salesforce',
  rolled_back: 'It was undone because another record of the same call failed',
  permanent: 'Salesforce refused it',
  unknown: 'No answer of Salesforce came; it may have been carried out',
};

/**
 * What to make of one or several errors about one record or request; the first one counts. `status` is the HTTP status
 * of the whole answer; pass 200 for an error inside a result list.
 */
export function classify(
  status: number,
  errors: readonly VendorError[],
  retry_after_ms: number | null = null,
): SalesforceFailure {
  const first = errors[0] ?? { code: `HTTP_${status}`, message: '', fields: [] };
  const code = CODE_NAME.test(first.code) ? first.code : `HTTP_${status}`;
  const name = classOf(status, { ...first, code });
  return failure(name, code, {
    fields: [...new Set(errors.flatMap(fieldsOf))],
    wait_ms: retry_after_ms ?? (name === 'throttle' ? THROTTLE_WAIT_MS : null),
  });
}

/** A failure in our own words, which name the code and the fields and nothing else. */
export function failure(
  name: FailureClass,
  code: string,
  { fields = [], wait_ms = null }: { fields?: readonly string[]; wait_ms?: number | null } = {},
): SalesforceFailure {
  const at = fields.length === 0 ? '' : `, fields ${fields.join(', ')}`;
  return { class: name, code, message: `${WORDS[name]} (${code}${at})`, fields, wait_ms };
}

function classOf(status: number, { code, message }: VendorError): FailureClass {
  if (code === 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY') {
    if (LOCKED.test(message)) return 'retry';
    if (GOVERNOR.test(message)) return 'throttle';
  }
  if (MISSING_PARENT.test(message)) return 'order';
  return CLASS_BY_CODE.get(code.toUpperCase()) ?? classOfStatus(status);
}

/** The class of an answer whose code says nothing. */
export function classOfStatus(status: number): FailureClass {
  if (status === 429) return 'throttle';
  if (status === 401) return 'auth';
  // A moved org: only a new sign-in tells its new address, and no redirect is followed with a token in hand.
  if (status === 301 || status === 302 || status === 307 || status === 308) return 'auth';
  if (status === 300 || status === 412) return 'identity';
  if (status === 408 || status === 409 || status === 420 || status >= 500) return 'retry';
  return 'permanent';
}

/** Names of fields that an error is about; what does not look like one may be a value, and stays out. */
function fieldsOf({ message, fields }: VendorError): string[] {
  const parent = MISSING_PARENT.exec(message);
  return [...fields, ...(parent === null ? [] : [parent[1] ?? ''])].filter((field) => FIELD_NAME.test(field));
}

const names = z.array(z.string()).catch([]);
const restError = z.object({ errorCode: z.string(), message: z.string().catch(''), fields: names.optional() });
const rowError = z.object({ statusCode: z.string(), message: z.string().catch(''), fields: names.optional() });
const oauthError = z.object({ error: z.string(), error_description: z.string().catch('') });
const anyError = z.union([
  restError.transform((told) => ({ code: told.errorCode, message: told.message, fields: told.fields ?? [] })),
  rowError.transform((told) => ({ code: told.statusCode, message: told.message, fields: told.fields ?? [] })),
  oauthError.transform((told) => ({ code: told.error, message: told.error_description, fields: [] })),
]);

/** The errors of a parsed body in any of the vendor's three forms; none when it has another form (a proxy's page). */
export function readErrors(body: unknown): VendorError[] {
  const list: unknown[] = Array.isArray(body) ? body : [body];
  return list.flatMap((one) => {
    const parsed = anyError.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
}

/** Reads `CODE:message:fields --` of a bulk job's failed row. A message may hold colons itself. */
export function readRowError(text: string): VendorError {
  const [, code = '', message = '', fields = ''] = /^([A-Z0-9_]+):(.*?)(?::([^:]*?))?\s*(?:--)?$/s.exec(text) ?? [];
  return {
    code,
    message,
    fields: fields
      .split(/[,\s]+/)
      .map((field) => field.trim())
      .filter((field) => field !== '' && field !== '--'),
  };
}
