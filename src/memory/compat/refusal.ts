/** Statuses with which the dialect refuses a whole request (memory specification §3.1). */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 413 | 415 | 503;

/** A request that is refused whole; its text is the `error` of the answer. Nothing of it was applied. */
export class RequestRefused extends Error {
  readonly status: RefusalStatus;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: RefusalStatus, error: string, headers: Readonly<Record<string, string>> = {}) {
    super(error);
    this.name = 'RequestRefused';
    this.status = status;
    this.headers = headers;
  }
}
