/** Subrequests of Composite and Graph: their form, and what they take from the replies before them (records.md §12.6). */
import { apiRequest, type ApiReply, type ApiRequest } from '../http/exchange.ts';
import { OrgRefusal } from '../org/refusal.ts';

export interface Subrequest {
  method: string;
  url: string;
  reference_id: string;
  headers: Record<string, string>;
  body: unknown;
}

export interface Subreply {
  body: unknown;
  httpHeaders: Record<string, string>;
  httpStatusCode: number;
  referenceId: string;
}

const REFERENCE_ID = /^[A-Za-z0-9][A-Za-z0-9_]*$/;
const FORBIDDEN_HEADERS = ['accept', 'authorization', 'content-type'];
const REFERENCE = /@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}/g;

/** @throws OrgRefusal when one is none: then the whole request is */
export function subrequestsOf(list: unknown): Subrequest[] {
  if (!Array.isArray(list) || list.length === 0) throw invalid('compositeRequest must be an array with subrequests');
  const subrequests = list.map(subrequestOf);
  const ids = subrequests.map(({ reference_id }) => reference_id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalid(`The referenceId ${twice} stands twice`);
  return subrequests;
}

function subrequestOf(given: unknown): Subrequest {
  const { method, url, referenceId, httpHeaders, body } = (given ?? {}) as Record<string, unknown>;
  if (typeof method !== 'string' || typeof url !== 'string') throw invalid('A subrequest needs method and url');
  if (!/^\/services\/data\/v\d+\.0\//.test(url)) throw invalid('A url must begin with /services/data/vXX.X/');
  if (typeof referenceId !== 'string' || !REFERENCE_ID.test(referenceId))
    throw invalid('A referenceId begins with a letter or digit and has only these and underscores');
  const headers = Object.fromEntries(
    Object.entries((httpHeaders ?? {}) as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const forbidden = FORBIDDEN_HEADERS.find((name) => name in headers);
  if (forbidden !== undefined) throw invalid(`The header ${forbidden} is not allowed in a subrequest`);
  return { method: method.toUpperCase(), url, reference_id: referenceId, headers, body };
}

function invalid(message: string): OrgRefusal {
  return new OrgRefusal('INVALID_INPUT', message);
}

/** The references that a subrequest makes to others. */
export function referencesOf({ url, body }: Subrequest): string[] {
  return [...`${url} ${JSON.stringify(body ?? null)}`.matchAll(REFERENCE)].map(([, id]) => id ?? '');
}

/**
 * The request with every reference replaced by what it means.
 * @throws OrgRefusal PROCESSING_HALTED when there is no such value
 */
export function resolveSubrequest(subrequest: Subrequest, replies: ReadonlyMap<string, Subreply>): ApiRequest {
  const resolve = (whole: string, id: string, path: string): unknown => {
    const value = valueAt(replies.get(id)?.body, path);
    if (value !== undefined && (replies.get(id)?.httpStatusCode ?? 500) < 300) return value;
    throw new OrgRefusal('PROCESSING_HALTED', `Invalid reference specified. No value for ${whole} found`);
  };
  const url = subrequest.url.replace(REFERENCE, (whole, id: string, path: string) => textOf(resolve(whole, id, path)));
  const body = subrequest.body === undefined ? undefined : resolved(subrequest.body, resolve);
  const buffer = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
  return apiRequest(subrequest.method, url, subrequest.headers, buffer);
}

type Resolve = (whole: string, id: string, path: string) => unknown;

function resolved(value: unknown, resolve: Resolve): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, resolve));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolved(each, resolve)]));
  if (typeof value !== 'string') return value;
  const [whole, id, path] = new RegExp(`^${REFERENCE.source}$`).exec(value) ?? [];
  // A reference alone keeps the type of what it means; within a text it is text.
  if (whole !== undefined) return resolve(whole, id ?? '', path ?? '');
  return value.replace(REFERENCE, (part, ref: string, at: string) => textOf(resolve(part, ref, at)));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function valueAt(body: unknown, path: string): unknown {
  let value = body;
  for (const [part] of path.matchAll(/[A-Za-z0-9_]+/g)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

export function subreplyOf(reference_id: string, { status, headers, json }: ApiReply): Subreply {
  const location = headers?.['location'];
  return {
    body: json ?? null,
    httpHeaders: location === undefined ? {} : { Location: location },
    httpStatusCode: status,
    referenceId: reference_id,
  };
}

const ROLLED_BACK = 'The transaction was rolled back since another operation in the same transaction failed.';

/** What every other subrequest says once one of a transaction has failed. */
export function haltedReply(reference_id: string, message = ROLLED_BACK): Subreply {
  const body = [{ errorCode: 'PROCESSING_HALTED', message }];
  return { body, httpHeaders: {}, httpStatusCode: 400, referenceId: reference_id };
}
