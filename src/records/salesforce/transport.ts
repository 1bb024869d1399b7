import { z } from 'zod';
import type { Readable } from 'node:stream';
import { type RetryPolicy, backoff_ms, defaultRetryPolicy, retryAfter_ms } from '../../engine/retry.ts';
import type { Clock } from '../../platform/clock.ts';
import { EXIT, ForbiddenError, SynclineError, UnreachableError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import type { SalesforceFailure } from '../sides.ts';
import type { ApiBudget } from './budget.ts';
import { classOfStatus, classify, failure, readErrors } from './failure.ts';
import type { HttpAnswer, HttpClient, HttpFailure } from './http.ts';
import type { SalesforceSession } from './session.ts';
import { SignInRefused, type Token } from './sign-in/token.ts';

/** The version that this client was written for (Summer '26). From 46 on an upsert tells the record's id. */
export const API_VERSION = '67.0';

/** Ends well within an attempt of the engine (60 s) and its lease: what is not answered by then is found out by a read. */
const TIMEOUT_MS = 20_000;
const MAX_BYTES = 32 * 1024 * 1024;
/** A read that met a fault of the network or a busy server is tried this often in all. */
const READ_ATTEMPTS = 3;
const RETRY: RetryPolicy = { ...defaultRetryPolicy, base_ms: 250, cap_ms: 2_000 };

export interface TransportOptions {
  readonly http: HttpClient;
  readonly session: SalesforceSession;
  readonly budget: ApiBudget;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Tag by which our own changes are known in change events (`Sforce-Call-Options: client=…`). */
  readonly client: string;
  readonly api_version?: string;
  readonly timeout_ms?: number;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/services/data/vXX.X`, or whole when it begins with `/services/`. */
  readonly path: string;
  /** Goes as JSON. */
  readonly body?: unknown;
  /** Goes as it is; cannot be sent twice. */
  readonly csv?: () => Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** It changes nothing there, so it may be repeated, and a lost answer is no question. */
  readonly reads: boolean;
  readonly timeout_ms?: number;
  readonly max_bytes?: number;
}

/** An answer with a status of success, or 304. */
export interface ApiAnswer {
  readonly ok: true;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed when it is JSON, else the text. Its form is not checked. */
  readonly body: unknown;
}

export interface ApiRefusal {
  readonly ok: false;
  /** Null: no answer came. */
  readonly status: number | null;
  readonly failure: SalesforceFailure;
}

/** Calls to the REST API of one org: signed in, tagged, within the budget. What the org refuses is a value. */
export class SalesforceTransport {
  readonly #options: TransportOptions;
  #ahead_ms = 0;
  /** Whether queries that are longer than an address may be sent inside composite calls; unlearned when one is refused. */
  takes_long_queries = true;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  get client(): string {
    return this.#options.client;
  }

  get budget(): ApiBudget {
    return this.#options.budget;
  }

  /** `/services/data/vXX.X`, as the addresses inside a composite call begin. */
  get base(): string {
    return `/services/data/v${this.#options.api_version ?? API_VERSION}`;
  }

  /** What time it is there, by the last answer; our own before the first one. Exact to about a second. */
  now_ms(): number {
    return this.#options.clock.now_ms() + this.#ahead_ms;
  }

  /** Signs in when that has not been done. Throws what the session throws. */
  token(signal: AbortSignal): Promise<Token> {
    return this.#options.session.token(signal);
  }

  /** Throws only the signal's reason and defects. */
  async call(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer | ApiRefusal> {
    for (let attempt = 1; ; attempt++) {
      const answered = await this.#attempt(request, signal);
      const again = !answered.ok && request.reads && answered.failure.class === 'retry' && attempt < READ_ATTEMPTS;
      if (!again) return answered;
      const wait_ms = Math.max(answered.failure.wait_ms ?? 0, backoff_ms(RETRY, attempt, this.#options.random));
      if (wait_ms > 2 * RETRY.cap_ms) return answered;
      await this.#options.timers.sleep(wait_ms, signal);
    }
  }

  /** The answer, or an error for whoever only reads. @throws SalesforceCallError; the signal's reason */
  async read(request: Omit<ApiRequest, 'reads'>, signal: AbortSignal): Promise<ApiAnswer> {
    const answered = await this.call({ ...request, reads: true }, signal);
    if (answered.ok) return answered;
    throw new SalesforceCallError(answered);
  }

  /** Asks for the org's limits and notes them: on start, and while the share is used up. Throws as `read`. */
  async refreshBudget(signal: AbortSignal): Promise<void> {
    const answered = await this.#send({ method: 'GET', path: '/limits', reads: true }, signal);
    if (!answered.ok) throw new SalesforceCallError(answered);
    const parsed = limits.safeParse(answered.body);
    if (!parsed.success) return;
    const { Max, Remaining } = parsed.data.DailyApiRequests;
    this.#options.budget.set(Math.max(0, Max - Remaining), Max);
  }

  async #attempt(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer | ApiRefusal> {
    const { budget } = this.#options;
    signal.throwIfAborted();
    if (budget.mayLook() && budget.left() === 0) await this.refreshBudget(signal).catch(ignoreRefusal);
    const wait_ms = budget.wait_ms();
    if (wait_ms === 0) return this.#send(request, signal);
    const code = budget.left() === 0 ? 'api_budget' : 'quiet';
    return { ok: false, status: null, failure: failure('throttle', code, { wait_ms }) };
  }

  /** One call, and one more with a new token when the first was refused for its token. */
  async #send(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer | ApiRefusal> {
    const { session } = this.#options;
    let token: Token;
    try {
      token = await session.token(signal);
      const first = await this.#exchange(request, token, signal);
      if (first.status !== 401) return this.#judge(request, first, signal);
      token = await session.renewed(token, signal);
    } catch (error) {
      return { ok: false, status: null, failure: signInFailure(error, signal) };
    }
    return this.#judge(request, await this.#exchange(request, token, signal), signal);
  }

  async #exchange(request: ApiRequest, token: Token, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    const { http, session, clock, budget, client } = this.#options;
    const { method, path, body, csv, headers, timeout_ms, max_bytes } = request;
    const sent = body === undefined ? csv?.() : JSON.stringify(body);
    const answered = await http.request(
      {
        method,
        url: `${token.instance_url}${path.startsWith('/services/') ? path : this.base + path}`,
        headers: {
          authorization: `Bearer ${token.access_token}`,
          accept: 'application/json',
          'sforce-call-options': `client=${client}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json; charset=UTF-8' }),
          ...headers,
        },
        ...(sent === undefined ? {} : { body: sent }),
        timeout_ms: timeout_ms ?? this.#options.timeout_ms ?? TIMEOUT_MS,
        max_bytes: max_bytes ?? MAX_BYTES,
        gzip: true,
      },
      signal,
    );
    if (answered.status === null) return answered;
    if (answered.status !== 401) session.accepted(token);
    budget.heard(answered.headers['sforce-limit-info']);
    const told_ms = Date.parse(answered.headers['date'] ?? '');
    if (!Number.isNaN(told_ms)) this.#ahead_ms = told_ms - clock.now_ms();
    return answered;
  }

  #judge({ reads }: ApiRequest, answered: HttpAnswer | HttpFailure, signal: AbortSignal): ApiAnswer | ApiRefusal {
    // A caller that gave up hears so; but of a write that was on its way it must learn that nothing is known.
    if (answered.status === null && reads) signal.throwIfAborted();
    if (answered.status === null) return { ok: false, status: null, failure: lost(answered, reads) };
    const { status, headers } = answered;
    const body = parsed(answered);
    if ((status >= 200 && status < 300) || status === 304) {
      if (body !== UNREADABLE) return { ok: true, status, headers, body };
      return { ok: false, status, failure: failure(reads ? 'retry' : 'unknown', 'unreadable') };
    }
    const { budget, clock } = this.#options;
    const told = classifyAnswer({
      status,
      body,
      reads,
      wait_ms: retryAfter_ms(headers['retry-after'], clock.now_ms(), RETRY),
    });
    if (asksForQuiet(status, told)) budget.quiet(told.wait_ms ?? 0);
    return { ok: false, status, failure: told };
  }
}

/** A read that Salesforce refused (exit 1, of rights 4) or did not answer (3). Codes `salesforce.CLASS`. */
export class SalesforceCallError extends SynclineError {
  readonly failure: SalesforceFailure;
  readonly status: number | null;
  constructor({ failure: told, status }: ApiRefusal) {
    super(`salesforce.${told.class}`, told.message, {
      exit: told.class === 'auth' ? EXIT.forbidden : told.class === 'permanent' ? EXIT.no : EXIT.unreachable,
    });
    this.failure = told;
    this.status = status;
  }
}

const limits = z.object({ DailyApiRequests: z.object({ Max: z.number(), Remaining: z.number() }) });

const UNREADABLE = Symbol('unreadable');

function parsed({ status, headers, body }: HttpAnswer): unknown {
  if (status === 204 || status === 304 || body === '') return null;
  if (!(headers['content-type'] ?? '').includes('json')) return body;
  try {
    return JSON.parse(body);
  } catch {
    return UNREADABLE;
  }
}

/**
 * A gateway that gave up on the org behind it (502, 504) does not know what became of the request, unless the org's own
 * error stands in the answer.
 */
function classifyAnswer(answer: {
  status: number;
  body: unknown;
  reads: boolean;
  wait_ms: number | null;
}): SalesforceFailure {
  const { status, body, reads, wait_ms } = answer;
  const errors = readErrors(body);
  if (!reads && errors.length === 0 && (status === 502 || status === 504)) return failure('unknown', `HTTP_${status}`);
  // 300 lists the addresses of the records that an external id has; those are no errors.
  if (status === 300) return classify(status, [{ code: 'MULTIPLE_CHOICES', message: '', fields: [] }]);
  if (errors.length === 0)
    return failure(classOfStatus(status), `HTTP_${status}`, { wait_ms: wait_ms ?? (status === 429 ? 60_000 : null) });
  return classify(status, errors, wait_ms);
}

/** Too many calls, or an org that names a time; the limits of a trigger or of storage are about the record's own call. */
function asksForQuiet(status: number, { code, wait_ms }: SalesforceFailure): boolean {
  return status === 429 || code === 'REQUEST_LIMIT_EXCEEDED' || (status === 503 && wait_ms !== null);
}

function lost({ reason, sent }: HttpFailure, reads: boolean): SalesforceFailure {
  if (reason === 'too_long') return failure(reads ? 'permanent' : 'unknown', 'too_long');
  return failure(sent && !reads ? 'unknown' : 'retry', reason);
}

/** A sign-in that did not come about, as a failure of the call; nothing was sent. */
function signInFailure(error: unknown, signal: AbortSignal): SalesforceFailure {
  signal.throwIfAborted();
  if (error instanceof SignInRefused) return failure('auth', error.oauth);
  if (error instanceof ForbiddenError) return failure('auth', error.code);
  if (error instanceof UnreachableError) return failure('retry', error.code);
  throw error;
}

function ignoreRefusal(error: unknown): void {
  // The limits could not be asked for; the call that waits hears of the budget as it was last known.
  if (!(error instanceof SalesforceCallError)) throw error;
}
