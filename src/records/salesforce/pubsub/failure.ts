/** What an error of the Pub/Sub API means for a subscription (records.md §12.10). */

/**
 * `connection`: lost, which is normal; again after a back-off · `auth`: the session is over, another is needed · `limit`: the
 * organisation takes no more subscribers or events for now · `replay`: the place that was asked for is gone or was never one
 * · `refused`: the topic is not there or not ours to read; only a person can change that.
 */
export type FailureClass = 'connection' | 'auth' | 'limit' | 'replay' | 'refused';

/** Bears no text of the server's, which may quote what it was sent. */
export interface PubSubFailure {
  readonly class: FailureClass;
  /** The `error-code` of the trailers, or the name of the gRPC status. */
  readonly code: string;
}

/** What gRPC throws: a numeric status and trailers. */
interface StatusError {
  code: number;
  details?: string;
  metadata?: { get(key: string): (string | Buffer)[] };
}

/** In the order of their numbers. */
const STATUS = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;
type Status = (typeof STATUS)[number];

const REFUSALS: ReadonlySet<Status> = new Set<Status>([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'FAILED_PRECONDITION',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
]);

/** Of anything that a call threw; what is no status of gRPC is a lost connection. */
export function failureOf(error: unknown): PubSubFailure {
  if (!isStatusError(error)) return { class: 'connection', code: 'UNKNOWN' };
  const status = STATUS[error.code] ?? 'UNKNOWN';
  const trailer = error.metadata?.get('error-code')[0];
  const code = trailer === undefined ? '' : trailer.toString();
  return { class: classOf(status, code, error.details ?? ''), code: code || status };
}

/** The trailer tells more than the status; the text of the message is asked only where the trailer is missing. */
function classOf(status: Status, code: string, details: string): FailureClass {
  if (/replayid\.(corrupted|validation)/i.test(code)) return 'replay';
  if (code.endsWith('auth.error')) return 'auth';
  if (code.endsWith('limit.exceeded')) return 'limit';
  if (code.endsWith('service.unavailable')) return 'connection';
  if (status === 'UNAUTHENTICATED') return 'auth';
  if (status === 'RESOURCE_EXHAUSTED') return 'limit';
  if (status === 'INVALID_ARGUMENT' && /replay id/i.test(details)) return 'replay';
  return REFUSALS.has(status) ? 'refused' : 'connection';
}

function isStatusError(error: unknown): error is StatusError {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number';
}
