import { normalizeRemote } from '../workspace.ts';
import { pinsOf, starredAt, type Pin } from './curation.ts';
import type { Column } from './known-columns.ts';
import { PRESENCE_COLUMNS, presenceOf, type Presence, type PresenceRow } from './presence.ts';
import { integerOf, isTrue, nonEmpty, textOf, textOrEmpty, type Rows, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/** What agentsview knows of one session beside its messages (§2.3, §2.5). Null: unknown, or not told by this file. */
export interface AgentsviewSession {
  id: string;
  /** A label such as a folder's name, never a path (rule A12). */
  project: string;
  machine: string;
  /** agentsview's name of the agent: `claude`, `codex`, `gemini`, … (§10.1). */
  agent: string;
  first_message: string | null;
  /** What a person renamed it to. */
  display_name: string | null;
  /** What the agent named it. */
  session_name: string | null;
  /** As agentsview stores them: RFC 3339, or null. */
  started_at: string | null;
  ended_at: string | null;
  message_count: number | null;
  user_message_count: number | null;
  parent_session_id: string | null;
  /** '', `continuation`, `fork`, `subagent`, or what a later release adds (rule A13). */
  relationship_type: string;
  termination_status: string | null;
  is_automated: boolean;
  is_truncated: boolean;
  total_output_tokens: number | null;
  peak_context_tokens: number | null;
  /** The agent's own id and version, without agentsview's prefix. */
  source_session_id: string | null;
  source_version: string | null;
  transcript_revision: string | null;
  place: SessionPlace;
  presence: Presence;
  starred_at: string | null;
  pins: Pin[];
}

/** Where the work was done; what the label `project` does not tell (rule A12). */
export interface SessionPlace {
  cwd: string | null;
  git_branch: string | null;
  /** `host/owner/repository`, without credentials. */
  repository: string | null;
}

const COLUMNS = [
  ...['id', 'project', 'machine', 'agent', 'first_message', 'display_name', 'session_name', 'started_at', 'ended_at'],
  ...['message_count', 'user_message_count', 'parent_session_id', 'relationship_type', 'termination_status'],
  ...['is_automated', 'is_truncated', 'total_output_tokens', 'peak_context_tokens', 'source_session_id'],
  ...['source_version', 'transcript_revision', 'cwd', 'git_branch', ...PRESENCE_COLUMNS],
] as readonly Column<'sessions'>[];
type SessionRow = Record<Column<'sessions'>, Stored> & PresenceRow;

const SNAPSHOT_COLUMNS = ['root_path', 'git_remote', 'git_branch', 'normalized_remote'] as const;
type SnapshotRow = Record<(typeof SNAPSHOT_COLUMNS)[number], Stored>;

/** Title as agentsview shows it: a person's name for it, the agent's, the first message, the id (§2.3). */
export function titleOf(session: AgentsviewSession): string {
  return session.display_name ?? session.session_name ?? nonEmpty(session.first_message) ?? session.id;
}

/** One session within the caller's transaction, or null when it is not there. */
export function sessionIn(rows: Rows, schema: Schema, id: string): AgentsviewSession | null {
  const row = rows.get<SessionRow>(`SELECT ${schema.select('sessions', COLUMNS)} FROM sessions WHERE id = ?`, id);
  if (!row) return null;
  return {
    id,
    project: textOrEmpty(row.project),
    machine: textOrEmpty(row.machine),
    agent: textOrEmpty(row.agent),
    first_message: textOf(row.first_message),
    display_name: nonEmpty(row.display_name),
    session_name: nonEmpty(row.session_name),
    started_at: nonEmpty(row.started_at),
    ended_at: nonEmpty(row.ended_at),
    message_count: integerOf(row.message_count),
    user_message_count: integerOf(row.user_message_count),
    parent_session_id: nonEmpty(row.parent_session_id),
    relationship_type: textOrEmpty(row.relationship_type),
    termination_status: nonEmpty(row.termination_status),
    is_automated: isTrue(row.is_automated),
    is_truncated: isTrue(row.is_truncated),
    total_output_tokens: integerOf(row.total_output_tokens),
    peak_context_tokens: integerOf(row.peak_context_tokens),
    source_session_id: nonEmpty(row.source_session_id),
    source_version: nonEmpty(row.source_version),
    transcript_revision: nonEmpty(row.transcript_revision),
    place: placeOf(row, snapshotOf(rows, schema, id)),
    presence: presenceOf(row),
    starred_at: starredAt(rows, schema, id),
    pins: pinsOf(rows, schema, id),
  };
}

function snapshotOf(rows: Rows, schema: Schema, id: string): SnapshotRow | undefined {
  if (!schema.has('session_project_identity_snapshots', 'session_id')) return undefined;
  const columns = schema.select('session_project_identity_snapshots', SNAPSHOT_COLUMNS);
  return rows.get<SnapshotRow>(`SELECT ${columns} FROM session_project_identity_snapshots WHERE session_id = ?`, id);
}

function placeOf(row: SessionRow, snapshot: SnapshotRow | undefined): SessionPlace {
  return {
    cwd: nonEmpty(row.cwd) ?? nonEmpty(snapshot?.root_path ?? null),
    git_branch: nonEmpty(row.git_branch) ?? nonEmpty(snapshot?.git_branch ?? null),
    repository: snapshot ? repositoryOf(snapshot) : null,
  };
}

/**
 * agentsview's own form is the one this program uses, too. It is read as an address once more all the same, so that a
 * password which a release failed to strip does not come with it; what is no address in any form says nothing.
 */
function repositoryOf(snapshot: SnapshotRow): string | null {
  const normalized = nonEmpty(snapshot.normalized_remote);
  if (normalized !== null) {
    const repository = normalizeRemote(normalized.includes('://') ? normalized : `https://${normalized}`);
    if (repository !== null) return repository;
  }
  const remote = nonEmpty(snapshot.git_remote);
  return remote === null ? null : normalizeRemote(remote);
}
