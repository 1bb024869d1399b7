/** Everything under `/services/data`: finds who calls and what answers. */
import { errorReply, refusalReply, type ApiReply, type ApiRequest } from '../http/exchange.ts';
import type { Session, Sessions } from '../oauth/sessions.ts';
import type { Org } from '../org/org.ts';
import { OrgRefusal } from '../org/refusal.ts';
import type { Transaction } from '../org/transaction.ts';
import type { ApiUsage } from './api-usage.ts';
import { Call } from './call.ts';
import { limitsOf } from './limits.ts';
import { QueryCursors } from './query-cursors.ts';
import { deletedRecords, updatedRecords } from './replication.ts';
import { describeObject, listObjects, NOWHERE, objectOrCreate, rowByExternalId, rowById } from './sobject-rows.ts';
import { apiVersions, versionOf } from './versions.ts';

export interface RestApiOptions {
  org: Org;
  sessions: Sessions;
  usage: ApiUsage;
}

const MAX_TARGET_CHARS = 16_384;

export class RestApi {
  readonly org: Org;
  readonly #sessions: Sessions;
  readonly #usage: ApiUsage;
  readonly #cursors: QueryCursors;

  constructor({ org, sessions, usage }: RestApiOptions) {
    this.org = org;
    this.#sessions = sessions;
    this.#usage = usage;
    this.#cursors = new QueryCursors(org);
  }

  /** Answers a request of the outside: counted against the limit, and every reply says how much of it is used. */
  answer(request: ApiRequest): ApiReply {
    if (request.path.length === 2 && request.method === 'GET') return { status: 200, json: apiVersions() };
    const reply = this.#answerCounted(request);
    return { ...reply, headers: { 'sforce-limit-info': this.#usage.header(), ...reply.headers } };
  }

  #answerCounted(request: ApiRequest): ApiReply {
    if (request.target.length > MAX_TARGET_CHARS) return errorReply(414, 'URI_TOO_LONG', 'The URI is too long');
    const session = this.session(request);
    if (!session) return errorReply(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
    if (!this.#usage.take()) return errorReply(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
    return this.run(request, session);
  }

  /** The session of a request's bearer token; null for none that is good. */
  session({ headers }: ApiRequest): Session | null {
    const token = /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(headers['authorization'] ?? '')?.[1];
    return token === undefined ? null : this.#sessions.find(token);
  }

  /** Runs one request for a session; a subrequest brings the transaction that it writes in. */
  run(request: ApiRequest, session: Session, transaction?: Transaction): ApiReply {
    const version = versionOf(request.path[2] ?? '');
    if (version === null) return NOWHERE;
    const method = request.query.get('_HttpMethod') ?? request.method;
    const options = { org: this.org, request: { ...request, method }, session, version, keeps_tag: true };
    try {
      return this.#route(new Call(transaction ? { ...options, transaction } : options));
    } catch (error) {
      if (error instanceof OrgRefusal) return refusalReply(error);
      throw error;
    }
  }

  #route(call: Call): ApiReply {
    const [area, ...rest] = call.path;
    switch (area) {
      case undefined:
        return { status: 200, json: resources(call.base) };
      case 'limits':
        return { status: 200, json: limitsOf(this.#usage) };
      case 'query':
      case 'queryAll':
        return rest[0] === undefined
          ? this.#cursors.start(call, area === 'queryAll')
          : this.#cursors.next(call, rest[0]);
      case 'sobjects':
        return routeSobjects(call, rest);
      default:
        return NOWHERE;
    }
  }
}

function routeSobjects(call: Call, [entity, second, value, ...more]: readonly string[]): ApiReply {
  if (more.length > 0) return NOWHERE;
  if (entity === undefined) return listObjects(call);
  if (second === undefined) return objectOrCreate(call, entity);
  if (value !== undefined) return rowByExternalId(call, entity, second, value);
  if (second === 'describe') return describeObject(call, entity);
  if (second === 'updated') return updatedRecords(call, entity);
  if (second === 'deleted') return deletedRecords(call, entity);
  return rowById(call, entity, second);
}

function resources(base: string): Record<string, string> {
  const names = ['composite', 'jobs', 'limits', 'query', 'queryAll', 'sobjects'];
  return Object.fromEntries(names.map((name) => [name, `${base}/${name}`]));
}
