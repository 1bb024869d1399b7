import { FullError, InvalidInputError, StaleError, SynclineError, messageOf } from '../../../platform/errors.ts';

/** An error on its way between threads, which copy no classes. */
export interface ThreadFailure {
  kind: 'full' | 'invalid_input' | 'stale' | 'other';
  code: string;
  message: string;
  hint: string | undefined;
  field: string | undefined;
}

export function failureOf(error: unknown): ThreadFailure {
  if (!(error instanceof SynclineError))
    return { kind: 'other', code: 'sessions.thread', message: messageOf(error), hint: undefined, field: undefined };
  const { code, message, hint, field } = error;
  const kind =
    error instanceof FullError
      ? 'full'
      : error instanceof InvalidInputError
        ? 'invalid_input'
        : error instanceof StaleError
          ? 'stale'
          : 'other';
  return { kind, code, message, hint, field };
}

/** The error again, of the class by which callers tell what to do. */
export function errorOf({ kind, code, message, hint, field }: ThreadFailure): SynclineError {
  const detail = { ...(hint === undefined ? {} : { hint }), ...(field === undefined ? {} : { field }) };
  if (kind === 'full') return new FullError(message, detail);
  if (kind === 'invalid_input') return new InvalidInputError(code, message, detail);
  if (kind === 'stale') return new StaleError(code, message, detail);
  return new SynclineError(code, message, detail);
}
