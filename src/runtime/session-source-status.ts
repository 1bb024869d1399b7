import type { SessionSourceStatus } from '../sessions/capture/session-sweep.ts';
import type { SessionsSourceStatus } from './session-verbs.ts';

/** What capture knows of a source, as `status` tells it. */
export function sourceStatus(status: SessionSourceStatus): SessionsSourceStatus {
  const { label, chosen, exists, sessions, set_aside, last_round_ms, last_change_ms, last_error, paused } = status;
  return {
    label,
    in_use: chosen,
    exists,
    sessions: sessions.present,
    gone: sessions.gone,
    last_round_ms,
    last_change_ms,
    paused: paused && { since_ms: paused.since_ms, vanished: paused.vanished, known: paused.known },
    failing: set_aside,
    last_error,
  };
}
