/** `/__sim`: what a test or a person in a terminal does to the sandbox itself; of this no vendor knows. */
import type { z } from 'zod';
import { errorReply, jsonBody, refusalReply, type ApiReply, type ApiRequest } from '../http/exchange.ts';
import type { RequestLog } from '../http/request-log.ts';
import type { BulkApi } from '../bulk/bulk-api.ts';
import type { Faults } from '../faults/faults.ts';
import type { Sessions } from '../oauth/sessions.ts';
import type { Org } from '../org/org.ts';
import { OrgRefusal } from '../org/refusal.ts';
import type { Transaction } from '../org/transaction.ts';
import type { ApiUsage } from '../rest/api-usage.ts';
import type { ShiftedClock } from '../shifted-clock.ts';
import { CONTROL_REQUESTS, faultOf, type ControlWrite } from './control-requests.ts';

export interface ControlOptions {
  org: Org;
  faults: Faults;
  sessions: Sessions;
  usage: ApiUsage;
  bulk: BulkApi;
  log: RequestLog;
  /** None: the sandbox was started with a clock of somebody else's. */
  clock: ShiftedClock | null;
}

const ADDRESSES = [
  'GET /__sim',
  'GET|DELETE /__sim/log',
  'GET|POST|DELETE /__sim/faults',
  'DELETE /__sim/faults/{id}',
  'POST /__sim/transaction',
  'GET /__sim/commits?after=',
  'POST /__sim/clock',
  'POST /__sim/limits',
  'POST /__sim/tokens/expire',
];

export class Control {
  readonly #options: ControlOptions;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  answer(request: ApiRequest): ApiReply {
    const [, first = '', second] = request.path;
    const route = `${request.method} ${first}`;
    try {
      if (route === 'DELETE faults' && second !== undefined) return this.#removeFault(Number(second));
      return this.#route(route, request) ?? nowhere();
    } catch (error) {
      if (error instanceof OrgRefusal) return refusalReply(error);
      throw error;
    }
  }

  #route(route: string, request: ApiRequest): ApiReply | null {
    const { org, faults, log, usage, sessions } = this.#options;
    switch (route) {
      case 'GET ':
        return { status: 200, json: this.#summary() };
      case 'GET log':
        return { status: 200, json: { requests: log.entries } };
      case 'DELETE log':
        log.clear();
        return { status: 204 };
      case 'GET faults':
        return { status: 200, json: { faults: faults.list() } };
      case 'POST faults':
        return withBody(request, CONTROL_REQUESTS.fault, (fault) => ({ id: faults.add(faultOf(fault)) }));
      case 'DELETE faults':
        faults.clear();
        return { status: 204 };
      case 'POST transaction':
        return withBody(request, CONTROL_REQUESTS.transaction, ({ writes, user, client }) => {
          const context = { ...(user === undefined ? {} : { user }), ...(client === undefined ? {} : { client }) };
          return { ids: org.transaction((transaction) => writes.map((write) => run(transaction, write)), context) };
        });
      case 'GET commits':
        return { status: 200, json: { changes: org.commitsAfter(Number(request.query.get('after') ?? 0)) } };
      case 'POST clock':
        return this.#advance(request);
      case 'POST limits':
        return withBody(request, CONTROL_REQUESTS.limits, ({ max, used }) => {
          if (max !== undefined) usage.max = max;
          if (used !== undefined) usage.add(used - usage.used);
          return { used: usage.used, max: usage.max };
        });
      case 'POST tokens':
        return withBody(request, CONTROL_REQUESTS.tokens, ({ at_ms }) => {
          sessions.expireAccessTokens(at_ms);
          return {};
        });
      default:
        return null;
    }
  }

  #summary(): Record<string, unknown> {
    const { org, faults, usage } = this.#options;
    return {
      org_id: org.org_id,
      now: new Date(org.clock.now_ms()).toISOString(),
      objects: Object.fromEntries(org.objects().map(({ name }) => [name, org.rows(name).length])),
      last_commit: org.lastCommit,
      usage: { used: usage.used, max: usage.max },
      faults: faults.list(),
      addresses: ADDRESSES,
    };
  }

  #removeFault(id: number): ApiReply {
    return this.#options.faults.remove(id) ? { status: 204 } : errorReply(404, 'NOT_FOUND', 'There is no such fault');
  }

  #advance(request: ApiRequest): ApiReply {
    const { clock, org, bulk } = this.#options;
    if (!clock) return errorReply(409, 'CLOCK', 'The sandbox was started with a clock that it cannot move');
    return withBody(request, CONTROL_REQUESTS.clock, ({ advance_ms }) => {
      clock.advance(advance_ms);
      bulk.advance();
      return { now: new Date(org.clock.now_ms()).toISOString() };
    });
  }
}

function run(transaction: Transaction, write: ControlWrite): string {
  switch (write.verb) {
    case 'create':
      return transaction.create(write.object, write.values);
    case 'update':
      transaction.update(write.object, write.id, write.values);
      return write.id;
    case 'delete':
    case 'undelete':
    case 'purge':
      transaction[write.verb](write.object, write.id);
      return write.id;
  }
}

/** @throws OrgRefusal INVALID_INPUT that names the field */
function withBody<T>(request: ApiRequest, schema: z.ZodType<T>, act: (body: T) => object): ApiReply {
  const { success, data, error } = schema.safeParse(jsonBody(request));
  if (success) return { status: 200, json: act(data) };
  const problems = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new OrgRefusal('INVALID_INPUT', problems.join('; '));
}

function nowhere(): ApiReply {
  return errorReply(404, 'NOT_FOUND', `The addresses here: ${ADDRESSES.join(', ')}`);
}
