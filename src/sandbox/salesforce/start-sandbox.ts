/** `syncline sandbox salesforce` and the tests of records: a whole organisation behind one port of this machine. */
import type { IncomingMessage } from 'node:http';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { InvalidInputError } from '../../platform/errors.ts';
import { seededRandom, type Random } from '../../platform/random.ts';
import { systemTimers, type Timers } from '../../platform/timers.ts';
import { Control } from './control/control.ts';
import { BulkApi } from './bulk/bulk-api.ts';
import type { BulkTimes } from './bulk/bulk-times.ts';
import { Faults } from './faults/faults.ts';
import { errorReply, type ApiReply, type ApiRequest } from './http/exchange.ts';
import { HOST, listen, type TlsPair } from './http/listen.ts';
import { isFromHere } from './http/own-page.ts';
import { readRequest } from './http/read-request.ts';
import { RequestLog, type LoggedRequest } from './http/request-log.ts';
import { SANDBOX_APP, type ConnectedApp } from './oauth/connected-app.ts';
import { authorize, connectDevice, type Consent } from './oauth/consent-page.ts';
import { OAuth } from './oauth/oauth.ts';
import { SESSION_MS, Sessions } from './oauth/sessions.ts';
import { Org } from './org/org.ts';
import { page } from './page/pages.ts';
import { ApiUsage, DEFAULT_MAX_REQUESTS } from './rest/api-usage.ts';
import { RestApi } from './rest/rest-api.ts';
import { ShiftedClock } from './shifted-clock.ts';

export interface SandboxOptions {
  /** 0: any that is free. Always on loopback. */
  port: number;
  /** None: this machine's, which `/__sim` can move forward. */
  clock?: Clock;
  /** None: the same seed every time. */
  random?: Random;
  timers?: Timers;
  /** None: plain HTTP. */
  tls?: TlsPair;
  /** None: one of `standardObjects`. */
  org?: Org;
  /** None: `SANDBOX_APP`. */
  apps?: readonly ConnectedApp[];
  /** `automatic` allows every program in the browser without asking. */
  approval?: Consent['approval'];
  session_ms?: number;
  /** Calls in 24 hours. */
  max_requests?: number;
  /** How long bulk jobs take by the clock; none: not at all. */
  bulk?: BulkTimes;
  /** Whether change events of `/composite` carry the caller's tag; the manual leaves it open, so they do not. */
  tags_composite?: boolean;
  /** How many requests the log keeps. */
  max_logged?: number;
}

export interface SalesforceSandbox {
  /** `https://127.0.0.1:4780`: login host and instance in one. */
  url: string;
  port: number;
  org: Org;
  sessions: Sessions;
  usage: ApiUsage;
  faults: Faults;
  /** Moves its jobs as far as the clock allows; every request does so, too. */
  bulk: BulkApi;
  /** Newest last. */
  requests: readonly LoggedRequest[];
  clearRequests(): void;
  close(): Promise<void>;
}

const DEFAULT_SEED = 1;
const DEFAULT_MAX_LOGGED = 10_000;
const VENDOR_PATHS = ['services', 'id'];

/** @throws UnreachableError `sandbox.port` */
export async function startSalesforceSandbox(options: SandboxOptions): Promise<SalesforceSandbox> {
  const site = new Site(options);
  const listening = await listen(options.port, options.tls, (incoming) => site.answer(incoming));
  site.url = `${options.tls ? 'https' : 'http'}://${HOST}:${listening.port}`;
  return {
    url: site.url,
    port: listening.port,
    org: site.org,
    sessions: site.sessions,
    usage: site.usage,
    faults: site.faults,
    bulk: site.bulk,
    requests: site.log.entries,
    clearRequests: () => site.log.clear(),
    close: () => listening.close(),
  };
}

class Site {
  url = '';
  readonly org: Org;
  readonly sessions: Sessions;
  readonly usage: ApiUsage;
  readonly faults: Faults;
  readonly bulk: BulkApi;
  readonly log: RequestLog;
  readonly #timers: Timers;
  readonly #consent: Consent;
  readonly #oauth: OAuth;
  readonly #api: RestApi;
  readonly #control: Control;

  constructor(options: SandboxOptions) {
    const shifted = options.clock || options.org ? null : new ShiftedClock(systemClock);
    const { clock = shifted ?? systemClock, random = seededRandom(DEFAULT_SEED) } = options;
    this.org = options.org ?? new Org({ clock, random });
    this.sessions = new Sessions(this.org, options.session_ms ?? SESSION_MS);
    this.usage = new ApiUsage(this.org.clock, options.max_requests ?? DEFAULT_MAX_REQUESTS);
    this.faults = new Faults(this.org);
    this.log = new RequestLog(options.max_logged ?? DEFAULT_MAX_LOGGED);
    this.#timers = options.timers ?? systemTimers;
    const url = (): string => this.url;
    this.#oauth = new OAuth({ org: this.org, sessions: this.sessions, apps: options.apps ?? [SANDBOX_APP], url });
    this.#consent = { org: this.org, oauth: this.#oauth, approval: options.approval ?? 'automatic' };
    this.bulk = new BulkApi(this.org, this.faults, options.bulk ?? { queue_ms: 0, work_ms: 0 });
    const { org, sessions, usage, bulk } = this;
    this.#api = new RestApi({ org, sessions, usage, bulk, tags_composite: options.tags_composite ?? false });
    const { faults, log } = this;
    this.#control = new Control({ org, faults, sessions, usage, bulk, log, clock: shifted });
  }

  /** Null: the connection is broken off. */
  async answer(incoming: IncomingMessage): Promise<ApiReply | null> {
    let request: ApiRequest | null;
    try {
      request = await readRequest(incoming);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      return errorReply(400, 'BAD_REQUEST', error.message);
    }
    if (!request) return null;
    // What steers the sandbox is no part of the vendor: it is not logged, and no fault strikes it.
    if (!VENDOR_PATHS.includes(request.path[0] ?? '')) return this.#route(request);
    const entry = this.log.begin(request, this.org.clock.now_ms());
    const reply = await this.#answerWithFaults(request, entry);
    if (!reply) return null;
    entry.outcome = 'replied';
    entry.status = reply.status;
    // What time it is there; a virtual clock shows itself, too.
    return { ...reply, headers: { date: new Date(this.org.clock.now_ms()).toUTCString(), ...reply.headers } };
  }

  async #answerWithFaults(request: ApiRequest, entry: LoggedRequest): Promise<ApiReply | null> {
    const { method, target } = request;
    const [object = '', record_id = null] = request.path[3] === 'sobjects' ? request.path.slice(4) : [];
    const occasion = { method, target, object, record_id };
    const slow = this.faults.strike('delay', occasion);
    if (slow && slow.when !== 'after') await this.#timers.sleep(slow.delay_ms);
    if (this.faults.strike('expire_tokens', occasion)) this.sessions.expireAccessTokens();
    const instead = this.faults.strike('reply', occasion);
    if (instead) {
      const reply = errorReply(
        instead.status,
        instead.error_code ?? 'SERVER_UNAVAILABLE',
        instead.message ?? 'A fault of the sandbox',
      );
      const content =
        instead.body === undefined ? {} : { content: { type: 'text/html;charset=UTF-8', data: instead.body } };
      return { ...reply, ...content, headers: instead.headers ?? {} };
    }
    if (this.faults.strike('drop_before_commit', occasion)) {
      entry.outcome = 'dropped before commit';
      return null;
    }
    const reply = this.#route(request);
    if (slow?.when === 'after') await this.#timers.sleep(slow.delay_ms);
    if (!this.faults.strike('drop_after_commit', occasion)) return reply;
    entry.outcome = 'dropped after commit';
    return null;
  }

  #route(request: ApiRequest): ApiReply {
    this.bulk.advance();
    const [first, second, third] = request.path;
    if (first === 'services' && second === 'data') return this.#api.answer(request);
    if (first === 'services' && second === 'oauth2') return this.#routeOAuth(request, third ?? '');
    if (first === 'id') return this.#userinfo(request);
    // The rest needs no session, so it is for this machine's own programs and pages only.
    if (!isFromHere(request, this.url)) return errorReply(403, 'FORBIDDEN', 'Only from this machine');
    if (first === 'setup' && second === 'connect') return connectDevice(this.#consent, request);
    if (first === '__sim') return this.#control.answer(request);
    const shown = page(this.org, request);
    if (shown) return shown;
    return errorReply(404, 'NOT_FOUND', 'The requested resource does not exist');
  }

  #routeOAuth(request: ApiRequest, endpoint: string): ApiReply {
    switch (endpoint) {
      case 'token':
        return this.#oauth.token(request);
      case 'authorize':
        return authorize(this.#consent, request);
      case 'revoke':
        return this.#oauth.revoke(request);
      case 'userinfo':
        return this.#userinfo(request);
      default:
        return errorReply(404, 'NOT_FOUND', 'The requested resource does not exist');
    }
  }

  #userinfo(request: ApiRequest): ApiReply {
    const session = this.#api.session(request);
    if (session) return this.#oauth.userinfo(session);
    return { status: 403, content: { type: 'text/plain', data: 'Bad_OAuth_Token' } };
  }
}
