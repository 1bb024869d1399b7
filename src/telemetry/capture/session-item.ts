import type { AgentSession } from '../../agents/event.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import type { WireSession } from '../wire/session.ts';
import type { ContentPolicy } from './event-item.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/** A transcript without a new line for this long belongs to a session that is over, as far as anybody can tell. */
export const SESSION_IDLE_MS = 60 * 60_000;

/** What is known of a session; merged from its files and hooks, earliest start and latest facts winning. */
export interface KnownSession extends AgentSession {
  /** Set by a hook that says so (`SessionEnd`), or by an hour without a line. */
  ended_at_ms: number | null;
}

/** Joins what two files say of one session; the account with the later last line wins where they differ. */
export function mergeSessions(a: KnownSession, b: KnownSession): KnownSession {
  const [older, newer] = (a.last_at_ms ?? 0) <= (b.last_at_ms ?? 0) ? [a, b] : [b, a];
  const times = [a.started_at_ms, b.started_at_ms].filter((time) => time !== null);
  return {
    ...newer,
    parent_session_id: newer.parent_session_id ?? older.parent_session_id,
    cwd: older.cwd ?? newer.cwd,
    git_branch: newer.git_branch ?? older.git_branch,
    agent_version: newer.agent_version ?? older.agent_version,
    model: newer.model ?? older.model,
    title: newer.title ?? older.title,
    started_at_ms: times.length > 0 ? Math.min(...times) : null,
    // A line after the end means that the session went on.
    ended_at_ms: newer.ended_at_ms ?? (older.last_at_ms === newer.last_at_ms ? older.ended_at_ms : null),
  };
}

/**
 * A session in wire form, its texts redacted already; null while its start is unknown. Title and branch are content: they
 * leave only as content does.
 */
export function sessionItem(
  session: KnownSession,
  { salt: { bytes } }: WorkspaceContext,
  hashing: Hashing,
  content: ContentPolicy,
): string | null {
  if (session.started_at_ms === null) return null;
  const item: WireSession = {
    session_id_hash: hashing.hashWithSalt(bytes, session.session_id),
    agent: session.agent,
    model: session.model ?? undefined,
    started_at_ms: session.started_at_ms,
    ended_at_ms: session.ended_at_ms,
    status: session.ended_at_ms === null ? 'running' : 'done',
    parent_session_id_hash:
      session.parent_session_id === null ? undefined : hashing.hashWithSalt(bytes, session.parent_session_id),
    agent_version: session.agent_version ?? undefined,
    // By the minute: a finer time would make every line a new account of the session.
    last_at_ms: session.last_at_ms === null ? undefined : Math.floor(session.last_at_ms / 60_000) * 60_000,
    title: content === 'none' ? undefined : (session.title ?? undefined),
    branch: content === 'none' ? undefined : (session.git_branch ?? undefined),
  };
  return JSON.stringify(item);
}
