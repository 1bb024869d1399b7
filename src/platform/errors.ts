/**
 * One error hierarchy for the whole program.
 *
 * Every error says what failed, why, and what to do next, and carries a code that never changes between versions,
 * so that scripts and tests can rely on it. Messages never hold a secret, a prompt, a record value or an agent's path.
 */

/** Process exit codes of product.md §2. */
export const EXIT = {
  ok: 0,
  no: 1,
  usage: 2,
  unreachable: 3,
  forbidden: 4,
  locked: 5,
  needsYes: 6,
  defect: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorDetail {
  /** What a person can do about it, as one sentence. */
  hint?: string;
  /** The field of the input at fault, dotted (`events.3.kind`, `team.url`). */
  field?: string;
  cause?: unknown;
  exit?: ExitCode;
}

/** The base of all errors that Syncline raises on purpose. Anything else that escapes is a defect (exit 70). */
export class SynclineError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly field: string | undefined;
  readonly exit: ExitCode;

  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = detail.hint;
    this.field = detail.field;
    this.exit = detail.exit ?? EXIT.no;
  }
}

/** Bad flags, configuration or arguments; nothing was done. Exit 2. */
export class UsageError extends SynclineError {
  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(code, message, { exit: EXIT.usage, ...detail });
  }
}

/** Input that does not have the agreed form: a body, a row, a reply, a line. Names the field. */
export class InvalidInputError extends SynclineError {}

/** Something needed does not answer: daemon, server, database. Exit 3. */
export class UnreachableError extends SynclineError {
  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(code, message, { exit: EXIT.unreachable, ...detail });
  }
}

/** Token, scope or signature does not allow it. Exit 4. */
export class ForbiddenError extends SynclineError {
  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(code, message, { exit: EXIT.forbidden, ...detail });
  }
}

/** Another process holds the data directory. Exit 5. */
export class LockedError extends SynclineError {
  readonly pid: number | undefined;
  constructor(message: string, pid: number | undefined, detail: ErrorDetail = {}) {
    super('locked', message, { exit: EXIT.locked, ...detail });
    this.pid = pid;
  }
}

/** A transaction's precondition no longer holds; it was rolled back whole and may be tried again from a fresh read. */
export class StaleError extends SynclineError {}

/** The data directory reached its cap; what to do depends on the source (design §5 rule 8). */
export class FullError extends SynclineError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super('full', message, detail);
  }
}

/** A broken promise inside the program: always a defect of ours. */
export class InvariantError extends SynclineError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super('invariant', message, {
      exit: EXIT.defect,
      hint: 'This is a defect of Syncline; please report it.',
      ...detail,
    });
  }
}

/** Asserts an invariant; the message names it. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The text of anything thrown, for a log line or another error's message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
