import { SynclineError } from '../../platform/errors.ts';

export interface RefusalDetail {
  /** The field at fault, dotted from the body's root, or a header's name. */
  field?: string;
  headers?: Record<string, string>;
  /** Further members of the answer, beside code, field and message. */
  more?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * A request that is answered with an error status. Every such answer is `{code, field, message}` (telemetry
 * specification §6.1) and repeats nothing of what was sent.
 */
export class Refusal extends SynclineError {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly more: Record<string, unknown>;

  constructor(status: number, code: string, message: string, detail: RefusalDetail = {}) {
    super(code, message, {
      ...(detail.field === undefined ? {} : { field: detail.field }),
      ...(detail.cause === undefined ? {} : { cause: detail.cause }),
    });
    this.status = status;
    this.headers = detail.headers ?? {};
    this.more = detail.more ?? {};
  }

  toResponse(): Response {
    const body = { code: this.code, field: this.field ?? null, message: this.message, ...this.more };
    return Response.json(body, { status: this.status, headers: this.headers });
  }
}
