import { backoff_ms, type RetryPolicy } from '../../engine/retry.ts';
import type { Clock } from '../../platform/clock.ts';
import type { SynclineError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { KnownSessions, SessionState } from '../capture/known-sessions.ts';
import type { SessionSource } from '../capture/session-source.ts';

/** A session that capture knows, and where it is read. */
export interface CataloguedSession {
  native_id: string;
  archive: string;
  /** Null: it is not read on this machine now, because capture is off. */
  source: Pick<SessionSource, 'read'> | null;
  /** As the last round of its source told it. `gone`: it vanished (R12); `deleted`: by a person. */
  state: SessionState;
  /** Since when it is gone or deleted; of one that is present, when it last changed. */
  since_ms: number;
}

export type ReadableSession = CataloguedSession & { source: NonNullable<CataloguedSession['source']> };

/** What delivery asks capture. */
export interface SessionCatalogue {
  /** Null: no source told of this key. */
  find(key: string): CataloguedSession | null;
  /** It could not be read for a reason of its own: a later round notices it again. */
  noteFailure(key: string, error: SynclineError): void;
  noteRead(key: string): void;
}

export interface CatalogueOptions {
  known: KnownSessions;
  sources: readonly SessionSource[];
  /** How long an unreadable session is left alone. */
  retry: RetryPolicy;
  clock: Clock;
  random: Random;
}

/** Capture's book of sessions as delivery asks it. */
export function sessionCatalogue({ known, sources, retry, clock, random }: CatalogueOptions): SessionCatalogue {
  const by_name = new Map(sources.map((source) => [source.name, source]));
  return {
    find: (key) => {
      const session = known.find(key);
      if (session === null) return null;
      const { native_id, archive, state, absent_since_ms, noticed_ms } = session;
      const source = by_name.get(session.source) ?? null;
      return { native_id, archive, source, state, since_ms: absent_since_ms ?? noticed_ms };
    },
    noteFailure: (key, { code, message }) => {
      const failures = (known.find(key)?.failure?.failures ?? 0) + 1;
      known.noteFailure(key, { code, message }, clock.now_ms() + backoff_ms(retry, failures, random));
    },
    noteRead: (key) => {
      known.noteRead(key);
    },
  };
}
