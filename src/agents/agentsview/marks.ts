import { hash } from 'node:crypto';
import type { Column } from './known-columns.ts';
import { PRESENCE_COLUMNS, presenceOf, type Presence, type PresenceRow } from './presence.ts';
import { nonEmpty, textOf, textOrEmpty, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/**
 * What tells cheaply whether a session changed: compare with what was kept, for inequality only. A revision that went
 * back is a change like any other, and "greater than" would miss it.
 */
export interface SessionMark {
  /** Its key in this archive: the agent's own id with agentsview's prefix (§2.3). */
  id: string;
  /**
   * Changes when the transcript may have changed: the revision of 0.38 on, and everything else on the row that moves with
   * the file. Never the file's hash alone, which stood still while transcripts grew for most releases (§2.6, E1, E2).
   */
  transcript: string;
  /** Changes with title, place, relationship, star, pins, repository, presence: what is not the transcript (rule A10). */
  metadata: string;
  /** agentsview's own count of transcript changes, a decimal; null before 0.38. */
  revision: string | null;
  presence: Presence;
  /** agentsview's name of the agent. */
  agent: string;
  /** The same for sessions of one repository, else of one folder, else of one label. */
  project_digest: string;
}

/** Everything on the row that moves when the transcript does (§2.6: size, time and counts where the hash does not). */
const TRANSCRIPT_COLUMNS = [
  ...['transcript_revision', 'local_modified_at', 'file_hash', 'file_size', 'file_mtime', 'message_count'],
  ...['user_message_count', 'started_at', 'ended_at', 'data_version', 'next_ordinal', 'is_truncated'],
  ...['total_output_tokens', 'peak_context_tokens'],
] as readonly Column<'sessions'>[];

/** `created_at` is left out on purpose: a rebuild sets it anew for every session. */
const METADATA_COLUMNS = [
  ...['project', 'machine', 'agent', 'agent_label', 'entrypoint', 'session_kind', 'first_message', 'display_name'],
  ...['session_name', 'parent_session_id', 'relationship_type', 'cwd', 'git_branch', 'source_session_id'],
  ...['source_version', 'termination_status', 'is_automated', ...PRESENCE_COLUMNS],
] as readonly Column<'sessions'>[];

export type MarkRow = Record<Column<'sessions'> | 'star' | 'pins' | 'remote', Stored> & PresenceRow;

/** The select list of a mark: reads the row of `sessions`, and of three small tables by their keys. */
export function markColumns(schema: Schema): string {
  const columns: Column<'sessions'>[] = ['id', ...TRANSCRIPT_COLUMNS, ...METADATA_COLUMNS];
  return [
    schema.select('sessions', columns),
    `${starOf(schema)} AS star`,
    `${pinsOf(schema)} AS pins`,
    `${remoteOf(schema)} AS remote`,
  ].join(', ');
}

export function markOf(row: MarkRow): SessionMark {
  return {
    id: textOrEmpty(row.id),
    transcript: digest(TRANSCRIPT_COLUMNS.map((column) => row[column])),
    metadata: digest([...METADATA_COLUMNS.map((column) => row[column]), row.star, row.pins, row.remote]),
    revision: nonEmpty(row.transcript_revision),
    presence: presenceOf(row),
    agent: textOrEmpty(row.agent),
    project_digest: digest([nonEmpty(row.remote) ?? nonEmpty(row.cwd) ?? textOrEmpty(row.project)]),
  };
}

/** 64 bits are enough: it is compared with one former value of the same session, never with others'. */
function digest(values: readonly Stored[]): string {
  return hash('sha256', JSON.stringify(values.map(textOf)), 'hex').slice(0, 16);
}

function starOf(schema: Schema): string {
  if (!schema.has('starred_sessions', 'session_id')) return 'NULL';
  return 'EXISTS (SELECT 1 FROM starred_sessions WHERE session_id = sessions.id)';
}

function pinsOf(schema: Schema): string {
  if (!schema.has('pinned_messages', 'session_id', 'ordinal', 'note')) return 'NULL';
  return `(SELECT json_group_array(json_array(ordinal, note))
    FROM (SELECT ordinal, note FROM pinned_messages WHERE session_id = sessions.id ORDER BY ordinal, id))`;
}

function remoteOf(schema: Schema): string {
  if (!schema.has('session_project_identity_snapshots', 'session_id', 'normalized_remote')) return 'NULL';
  return '(SELECT normalized_remote FROM session_project_identity_snapshots WHERE session_id = sessions.id)';
}
