/** A request and its reply as the interfaces of the sandbox see them; subrequests of Composite have the same form. */
import { InvalidInputError } from '../../../platform/errors.ts';
import { OrgRefusal } from '../org/refusal.ts';

export interface ApiRequest {
  method: string;
  /** As it came: `/services/data/v67.0/sobjects/Account?fields=Id` */
  target: string;
  /** The parts of the path between slashes, each decoded by itself, so that a value may hold a slash. */
  path: readonly string[];
  query: URLSearchParams;
  /** Names in small letters. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

export interface ApiReply {
  status: number;
  headers?: Record<string, string>;
  /** None: no body. */
  json?: unknown;
  /** Instead of JSON. */
  content?: { type: string; data: string | Buffer };
}

/**
 * A request of its parts.
 * @throws InvalidInputError `sandbox.target` when the address cannot be decoded
 */
export function apiRequest(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body: Buffer = Buffer.alloc(0),
): ApiRequest {
  const [pathname = '', ...rest] = target.split('?');
  try {
    const path = pathname.split('/').slice(1).map(decodeURIComponent);
    if (path.at(-1) === '') path.pop();
    return { method, target, path, query: new URLSearchParams(rest.join('?')), headers, body };
  } catch (cause) {
    throw new InvalidInputError('sandbox.target', 'The address is not well encoded', { cause });
  }
}

/** Errors of REST are an array (records.md §12.1). */
export function errorReply(
  status: number,
  errorCode: string,
  message: string,
  fields: readonly string[] = [],
): ApiReply {
  return { status, json: [fields.length > 0 ? { message, errorCode, fields } : { message, errorCode }] };
}

export function refusalReply({ http_status, status_code, message, fields }: OrgRefusal): ApiReply {
  return errorReply(http_status, status_code, message, fields);
}

/**
 * The JSON object of a body.
 * @throws OrgRefusal JSON_PARSER_ERROR, UNSUPPORTED_MEDIA_TYPE
 */
export function jsonBody(request: ApiRequest): Record<string, unknown> {
  const type = request.headers['content-type'] ?? 'application/json';
  if (!/\bjson\b/i.test(type))
    throw new OrgRefusal('UNSUPPORTED_MEDIA_TYPE', `Content type not supported: ${type}`, [], 415);
  let parsed: unknown;
  try {
    parsed = JSON.parse(request.body.toString('utf8'));
  } catch {
    throw new OrgRefusal('JSON_PARSER_ERROR', 'The request body is not well-formed JSON');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw new OrgRefusal('JSON_PARSER_ERROR', 'The request body is not a JSON object');
}

/** The refusal of a method that an address does not know. */
export function methodNotAllowed(method: string, allowed: string): OrgRefusal {
  return new OrgRefusal('METHOD_NOT_ALLOWED', `HTTP Method '${method}' not allowed. Allowed are ${allowed}`, [], 405);
}
