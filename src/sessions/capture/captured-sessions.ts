import type { Clock } from '../../platform/clock.ts';
import { FullError, StaleError, SynclineError, UnreachableError, messageOf } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import { backoff_ms, type RetryPolicy } from '../../engine/retry.ts';
import type { KnownSession, KnownSessions } from './known-sessions.ts';
import type { SessionSource } from './session-source.ts';

/** A session that cannot be read is tried again after a minute, then less and less often, at the latest after an hour. */
const READ_AGAIN: RetryPolicy = { base_ms: 60_000, cap_ms: 3_600_000, retry_after_cap_ms: 3_600_000 };

/** A session that capture knows, and where it is read. */
export interface CapturedSession {
  native_id: string;
  archive: string;
  /** Reads it, and notes what is wrong with it. @throws UnreadableSessionError, and what `SessionSource.read` throws */
  source: Pick<SessionSource, 'read'>;
  /** As the last round of its source told it; `deleted`: by a person. */
  fate: 'present' | 'vanished' | 'deleted';
  /** Since when it is so; of one that is present, when it last changed. */
  since_ms: number;
}

/** This session alone cannot be read. It is set aside: `status` shows it, and its key is noticed again from `retry_ms` on. */
export class UnreadableSessionError extends SynclineError {
  readonly retry_ms: number;

  constructor(failure: { code: string; message: string }, retry_ms: number, cause: unknown) {
    super('sessions.unreadable', `A session cannot be read (${failure.code}): ${failure.message}`, {
      hint: 'The others go on; it is read again by itself. `syncline status sessions` shows it.',
      cause,
    });
    this.retry_ms = retry_ms;
  }
}

export interface CapturedSessionsOptions {
  known: KnownSessions;
  /** The sources of the sweep. */
  sources: readonly SessionSource[];
  clock: Clock;
  random: Random;
}

/** What capture knows, for delivery: by key, with the way to read it. */
export class CapturedSessions {
  readonly #options: CapturedSessionsOptions;

  constructor(options: CapturedSessionsOptions) {
    this.#options = options;
  }

  /** Null: no source told of this key. */
  find(key: string): CapturedSession | null {
    const session = this.#options.known.find(key);
    if (session === null) return null;
    const { native_id, archive, state, absent_since_ms, noticed_ms } = session;
    return {
      native_id,
      archive,
      source: { read: (...request) => this.#read(session, request) },
      fate: state === 'gone' ? 'vanished' : state,
      since_ms: absent_since_ms ?? noticed_ms,
    };
  }

  async #read(session: KnownSession, request: Parameters<SessionSource['read']>): ReturnType<SessionSource['read']> {
    const source = this.#options.sources.find(({ name }) => name === session.source);
    if (!source)
      throw new UnreachableError('sessions.no_source', 'The place that told of this session is not read any more.');
    const { known } = this.#options;
    const [, , , signal] = request;
    try {
      const reading = await source.read(...request);
      if (session.failure) known.noteRead(session.key);
      return reading;
    } catch (error) {
      if (signal.aborted || isOfTheSource(error)) throw error;
      throw this.#setAside(session, error);
    }
  }

  #setAside(session: KnownSession, error: unknown): UnreadableSessionError {
    const { known, clock, random } = this.#options;
    const failure = failureOf(error);
    const failures = (known.find(session.key)?.failure?.failures ?? 0) + 1;
    const retry_ms = clock.now_ms() + backoff_ms(READ_AGAIN, failures, random);
    known.noteFailure(session.key, failure, retry_ms);
    return new UnreadableSessionError(failure, retry_ms, error);
  }
}

/** Concerns the place, or passes by itself: nothing is wrong with the session. */
function isOfTheSource(error: unknown): boolean {
  return error instanceof UnreachableError || error instanceof StaleError || error instanceof FullError;
}

/** Messages of our own errors hold no text; of anything else only its kind is kept. */
function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof SynclineError) return { code: error.code, message: messageOf(error) };
  const kind = error instanceof Error ? error.name : typeof error;
  return { code: 'defect', message: `a defect of Syncline (${kind}); please report it` };
}
