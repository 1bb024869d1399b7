import type { AgentSession } from '../../agents/event.ts';
import type { WireSession } from '../wire/session.ts';
import type { ContentPolicy } from './event-item.ts';

/** A transcript without a new line for this long belongs to a session that is over, as far as anybody can tell. */
export const SESSION_IDLE_MS = 60 * 60_000;

/**
 * What is known of a session, under hashes alone; merged from its files and hooks, earliest start and latest facts
 * winning.
 */
export interface SessionAccount extends Omit<AgentSession, 'session_id' | 'parent_session_id' | 'cwd'> {
  /** Hash of the session this one continues, under the same salt. */
  parent: string | null;
  /** Set by a hook that says so (`SessionEnd`), or by an hour without a line. */
  ended_at_ms: number | null;
  /** When a hook said that the session ended; null when none did, or a line came after it. */
  closed_ms: number | null;
  /** The first line after such an end: the session was resumed. */
  reopened_ms: number | null;
}

/** A session as the journal's file remembers it: no native id and no path; a title only where content is kept. */
export interface StoredSession extends SessionAccount {
  /** 52 bits of a hash of the item that was appended last. */
  appended: number;
}

/** The row of a session. */
export interface SessionRow {
  account: StoredSession;
  workspace_hash: string;
}

/** Joins what two sources say of one session; the account with the later last line wins where they differ. */
export function mergeSessions(a: SessionAccount, b: SessionAccount): SessionAccount {
  const [older, newer] = (a.last_at_ms ?? 0) <= (b.last_at_ms ?? 0) ? [a, b] : [b, a];
  const said_ms = latest(a.closed_ms, b.closed_ms);
  // A line after the end means that the session went on; one from before it may well be read after the hook.
  const closed_ms = said_ms !== null && said_ms >= (newer.last_at_ms ?? 0) ? said_ms : null;
  const resumed = said_ms !== null && closed_ms === null;
  return {
    ...newer,
    parent: newer.parent ?? older.parent,
    git_branch: newer.git_branch ?? older.git_branch,
    agent_version: newer.agent_version ?? older.agent_version,
    model: newer.model ?? older.model,
    title: newer.title ?? older.title,
    started_at_ms: earliest(a.started_at_ms, b.started_at_ms),
    ended_at_ms: closed_ms ?? newer.ended_at_ms ?? (older.last_at_ms === newer.last_at_ms ? older.ended_at_ms : null),
    closed_ms,
    reopened_ms: resumed ? newer.last_at_ms : latest(a.reopened_ms, b.reopened_ms),
  };
}

/** The account after a hook said that the session ended; unchanged when a later line is known already. */
export function closedAt(account: SessionAccount, ended_at_ms: number): SessionAccount {
  if (ended_at_ms < (account.last_at_ms ?? 0) || ended_at_ms <= (account.closed_ms ?? 0)) return account;
  return { ...account, ended_at_ms, closed_ms: ended_at_ms };
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/**
 * A session in wire form, its texts redacted already; null while its start is unknown. Title and branch are content: they
 * leave only as content does.
 */
export function sessionItem(session_hash: string, account: SessionAccount, content: ContentPolicy): string | null {
  if (account.started_at_ms === null) return null;
  const item: WireSession = {
    session_id_hash: session_hash,
    agent: account.agent,
    model: account.model ?? undefined,
    started_at_ms: account.started_at_ms,
    ended_at_ms: account.ended_at_ms,
    status: account.ended_at_ms === null ? 'running' : 'done',
    parent_session_id_hash: account.parent ?? undefined,
    agent_version: account.agent_version ?? undefined,
    last_at_ms: lastAt(account) ?? undefined,
    title: content === 'none' ? undefined : (account.title ?? undefined),
    branch: content === 'none' ? undefined : (account.git_branch ?? undefined),
  };
  return JSON.stringify(item);
}

/**
 * By the minute: a finer time would make every line a new account of the session. Exact only for the line that resumed
 * it: receivers take the later account, and of one minute the one that has ended.
 */
function lastAt({ last_at_ms, reopened_ms }: SessionAccount): number | null {
  if (last_at_ms === null) return null;
  return Math.max(Math.floor(last_at_ms / 60_000) * 60_000, reopened_ms ?? 0);
}
