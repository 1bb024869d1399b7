import type { Hashing } from '../../redaction/hashing.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Labels } from '../labels.ts';
import type { Draft } from './draft.ts';
import type { ContentPolicy } from './event-item.ts';
import type { PartitionBook } from './partition-book.ts';
import { sessionItem, type SessionAccount, type SessionRow, type StoredSession } from './session-item.ts';
import type { Workspace, WorkspaceContext } from './workspace-context.ts';

/** What the journal's file knows of the session with this hash; null = nothing of it was appended yet. */
export function findSession(db: Database, session: string): SessionRow | null {
  const row = db.get<{ state: string; workspace: string }>(
    'SELECT state, workspace FROM telemetry_session WHERE session = ?',
    session,
  );
  return row ? { account: JSON.parse(row.state) as StoredSession, workspace_hash: row.workspace } : null;
}

/** A workspace that is known by its hash alone; its folder was told once, and is not kept. */
export function rememberedWorkspace(labels: Pick<Labels, 'find'>, workspace_hash: string): Workspace | null {
  const label = labels.find(workspace_hash);
  if (!label) return null;
  const { name, detail: identity } = label;
  return { identity, name, kind: identity.startsWith('/') ? 'path' : 'remote', root: null };
}

export interface SessionNews {
  /** The session's hash under its context's salt. */
  session: string;
  account: SessionAccount;
  /** What was appended of it before. */
  before: SessionRow | null;
  context: WorkspaceContext;
}

/** Adds a session's account and its row to the draft; false when it says nothing new, or not even when it began. */
export async function addSession(
  draft: Draft,
  { session, account, before, context }: SessionNews,
  options: { partitions: PartitionBook; hashing: Hashing; content: ContentPolicy },
): Promise<boolean> {
  const item = sessionItem(session, account, options.content);
  const appended = item === null ? null : options.hashing.hash52(item);
  if (item === null || appended === null || appended === before?.account.appended) return false;
  const partition_id = await options.partitions.partitionId('sessions', context);
  draft.add(partition_id, `session:${appended.toString(36)}`, session, item);
  const stored: StoredSession = { ...account, title: options.content === 'none' ? null : account.title, appended };
  const row: SessionRow = { account: stored, workspace_hash: context.workspace_hash };
  draft.rememberSession(session, row, {
    sql: `INSERT INTO telemetry_session (session, agent, workspace, state) VALUES (?, ?, ?, ?)
          ON CONFLICT (session) DO UPDATE SET workspace = excluded.workspace, state = excluded.state`,
    parameters: [session, account.agent, row.workspace_hash, JSON.stringify(stored)],
    expect_rows: 1,
  });
  return true;
}
