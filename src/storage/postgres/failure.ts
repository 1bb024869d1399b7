import pg from 'pg';
import { ForbiddenError, FullError, StaleError, SynclineError, UnreachableError } from '../../platform/errors.ts';

/** Serialization failure, deadlock, lock not available: the same transaction may succeed a moment later. */
const TRANSIENT = new Set(['40001', '40P01', '55P03']);

export function isTransient(error: unknown): boolean {
  return error instanceof pg.DatabaseError && TRANSIENT.has(error.code ?? '');
}

/**
 * What went wrong, in words of ours. The server's own message stays out: it repeats values of rows and statements.
 * `shown` names the database without user and password.
 */
export function postgresFailure(error: unknown, shown: string): Error {
  if (error instanceof SynclineError) return error;
  if (!(error instanceof pg.DatabaseError)) {
    const reason = lossOf(error);
    // A defect of ours: it goes up as it is.
    return reason === null ? (error as Error) : unreachable(shown, reason);
  }
  const code = error.code ?? 'unknown';
  if (/^(?:08|57P0[1-5]|53300|53400)/.test(code)) return unreachable(shown, `it said ${code}`);
  if (code === '57014')
    return new UnreachableError('storage.timeout', `PostgreSQL at ${shown} did not finish a statement in time`, {
      hint: 'It is busy or blocked by another session; the work is tried again.',
    });
  if (/^(?:28|42501)/.test(code))
    return new ForbiddenError('storage.forbidden', `PostgreSQL at ${shown} does not allow it (${code})`, {
      hint: 'Check user and password of the address, and that the user may create a schema in the database.',
    });
  if (code === '3D000')
    return new UnreachableError('storage.unreachable', `There is no such database: ${shown}`, {
      hint: 'Create it, or correct the address.',
    });
  if (/^53[12]/.test(code))
    return new FullError(`PostgreSQL at ${shown} has no space left (${code})`, {
      hint: 'Free disk space there; what waits is sent afterwards.',
    });
  if (TRANSIENT.has(code))
    return new StaleError('storage.contention', `PostgreSQL at ${shown} gave up a transaction repeatedly (${code})`);
  const where = [error.schema, error.table, error.constraint, error.routine].filter(Boolean).join(' ');
  return new SynclineError('storage.statement', `PostgreSQL at ${shown} refused a statement (${code} ${where})`, {
    hint: 'This is a defect of Syncline, or somebody changed the schema; its log says more.',
  });
}

function unreachable(shown: string, reason: string): UnreachableError {
  return new UnreachableError('storage.unreachable', `PostgreSQL at ${shown} does not answer: ${reason}`, {
    hint: 'Check that it runs and that the address, the network and its certificate are right.',
  });
}

/** What `pg` says when a connection does not come, or ends. None of these messages holds a password. */
const LOST =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded|timeout expired|Query read timeout|The server does not support SSL|There was an error establishing an SSL)/i;

/** Why there is no connection; null: the error is about something else. Errors of sockets and TLS have a code. */
function lossOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined || /^(?:E[A-Z]+|ERR_TLS_\w+|ERR_SSL_\w+|[A-Z_]*CERT[A-Z_]*)$/.test(code ?? ''))
    return code ?? error.message;
  return LOST.test(error.message) ? error.message : null;
}
