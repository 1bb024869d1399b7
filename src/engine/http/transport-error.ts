import type { Unanswered } from '../ordered/destination.ts';

type Reason = Unanswered['reason'];

/** Codes of Node, OpenSSL and undici, by what they mean for delivery. */
const REASON_BY_CODE: Record<string, Reason> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  EHOSTDOWN: 'refused',
  ENETDOWN: 'refused',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_CLOSED: 'aborted',
  UND_ERR_DESTROYED: 'aborted',
  UND_ERR_ABORTED: 'aborted',
  ABORT_ERR: 'aborted',
  EPROTO: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
};

const TLS_CODE = /^(?:ERR_TLS|ERR_SSL|CERT_|CRL_|HOSTNAME_MISMATCH)/;

/** What a person reads; the error's own text may hold an address or a path. */
const MESSAGE_BY_REASON: Record<Reason, string> = {
  dns: 'the name of the server could not be resolved',
  tls: 'no trusted TLS connection could be made',
  refused: 'the server could not be reached',
  timeout: 'the server did not answer in time',
  reset: 'the connection broke before an answer',
  aborted: 'sending was stopped',
  unknown: 'sending failed',
};

/** Turns a transport failure into an engine's value. Says why and which code, never an address. */
export function unanswered(error: unknown, timed_out: boolean): Unanswered {
  const code = codeOf(error);
  const reason = timed_out ? 'timeout' : reasonOf(error, code);
  return {
    status: null,
    reason,
    message: `${MESSAGE_BY_REASON[reason]}${code === undefined || timed_out ? '' : ` (${code})`}`,
  };
}

function reasonOf(error: unknown, code: string | undefined): Reason {
  if (error instanceof Error && error.name === 'AbortError') return 'aborted';
  if (code === undefined) return 'unknown';
  return REASON_BY_CODE[code] ?? (TLS_CODE.test(code) ? 'tls' : 'unknown');
}

/** The code of the error, or of what it wraps: several addresses tried make one AggregateError. */
function codeOf(error: unknown): string | undefined {
  for (let depth = 0, current = error; depth < 5 && current instanceof Error; depth++) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code)) return code;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}
