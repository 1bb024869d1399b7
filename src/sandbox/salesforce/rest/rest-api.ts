/** Everything under `/services/data`: finds who calls and what answers. */
import { errorReply, refusalReply, type ApiReply, type ApiRequest } from '../http/exchange.ts';
import type { BulkApi } from '../bulk/bulk-api.ts';
import { collections } from '../composite/collections.ts';
import { composite, type RunSubrequest } from '../composite/composite.ts';
import { compositeGraph } from '../composite/graph.ts';
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
  bulk: BulkApi;
  /** Whether writes through `/composite` carry the caller's tag, too; the manual does not say so (records.md §12.1). */
  tags_composite: boolean;
}

const MAX_TARGET_CHARS = 16_384;

export class RestApi {
  readonly org: Org;
  readonly #sessions: Sessions;
  readonly #usage: ApiUsage;
  readonly #cursors: QueryCursors;
  readonly #bulk: BulkApi;
  readonly #tags_composite: boolean;

  constructor({ org, sessions, usage, bulk, tags_composite }: RestApiOptions) {
    this.org = org;
    this.#sessions = sessions;
    this.#usage = usage;
    this.#cursors = new QueryCursors(org);
    this.#bulk = bulk;
    this.#tags_composite = tags_composite;
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
    const keeps_tag = request.path[3] !== 'composite' || this.#tags_composite;
    const options = { org: this.org, request: { ...request, method }, session, version, keeps_tag };
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
      case 'composite':
        return this.#routeComposite(call, rest);
      case 'jobs':
        return this.#bulk.answer(call, rest);
      default:
        return NOWHERE;
    }
  }

  #routeComposite(call: Call, [area, ...rest]: readonly string[]): ApiReply {
    if (area === 'sobjects') return collections(call, rest);
    const run: RunSubrequest = (request, transaction) => {
      const headers = { ...tagHeader(call.request), ...request.headers };
      return this.run({ ...request, headers }, call.session, transaction);
    };
    if (area === undefined) return composite(call, run);
    return area === 'graph' && rest.length === 0 ? compositeGraph(call, run) : NOWHERE;
  }
}

function tagHeader({ headers }: ApiRequest): Record<string, string> {
  const options = headers['sforce-call-options'];
  return options === undefined ? {} : { 'sforce-call-options': options };
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
