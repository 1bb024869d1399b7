import type { ApiRequest } from './exchange.ts';

/** Bodies are kept for assertions up to this length; of longer ones only the size. */
const MAX_BODY_CHARS = 262_144;

export interface LoggedRequest {
  /** From 1. */
  number: number;
  at_ms: number;
  method: string;
  /** With its query. */
  target: string;
  headers: Readonly<Record<string, string>>;
  body_bytes: number;
  /** None when it was long. */
  body: string | null;
  /** None while it is being answered, and when the connection was dropped instead. */
  status: number | null;
  outcome: 'open' | 'replied' | 'dropped before commit' | 'dropped after commit';
}

/** Every request of a sandbox, newest last; the oldest are forgotten. */
export class RequestLog {
  readonly #entries: LoggedRequest[] = [];
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get entries(): readonly LoggedRequest[] {
    return this.#entries;
  }

  begin({ method, target, headers, body }: ApiRequest, at_ms: number): LoggedRequest {
    const entry: LoggedRequest = {
      number: ++this.#count,
      at_ms,
      method,
      target,
      headers,
      body_bytes: body.length,
      body: body.length <= MAX_BODY_CHARS ? body.toString('utf8') : null,
      status: null,
      outcome: 'open',
    };
    this.#entries.push(entry);
    if (this.#entries.length > this.#most) this.#entries.shift();
    return entry;
  }

  clear(): void {
    this.#entries.length = 0;
  }
}
