import type { Database } from '../../storage/sqlite/database.ts';
import type { ParsedBody } from '../wire/body.ts';
import type { WireSession } from '../wire/session.ts';
import type { Interner } from './interner.ts';
import { compareTuples, earliest, latest, type Scalar } from './order.ts';
import type { Principal } from './principal.ts';

/** The columns that the latest account of a session gives together. */
interface Account {
  account_ms: number | null;
  ended_at_ms: number | null;
  status: string | null;
  agent: string | null;
  model: string | null;
  agent_version: string | null;
  title: string | null;
  branch: string | null;
  parent_session_id_hash: string | null;
  account_workspace: number | null;
  member: string | null;
  device: string | null;
}

interface StoredSession extends Account {
  started_at_ms: number | null;
  last_at_ms: number | null;
}

const FIND = `SELECT started_at_ms, last_at_ms, account_ms, ended_at_ms, status, agent, model, agent_version, title, branch,
    parent_session_id_hash, account_workspace, member, device
  FROM session WHERE session_key = ?`;

const UPDATE = `UPDATE session SET started_at_ms = ?, last_at_ms = ?, account_ms = ?, ended_at_ms = ?, status = ?, agent = ?,
    model = ?, agent_version = ?, title = ?, branch = ?, parent_session_id_hash = ?, account_workspace = ?, member = ?,
    device = ?
  WHERE session_key = ?`;

/**
 * Stores accounts of sessions inside the caller's transaction; returns how many sessions had one already. Start and last
 * activity only widen; everything else comes from the latest account, whole.
 */
export function ingestSessions(
  db: Database,
  interner: Interner,
  body: ParsedBody<'sessions'>,
  principal: Principal,
  received_ms: number,
): number {
  const workspace_key = interner.workspace(principal.team_id, body.workspace_hash, body.project_name);
  let deduped = 0;
  for (const session of body.items) {
    const session_key = interner.session(principal, session.session_id_hash, received_ms);
    const stored = db.get<StoredSession>(FIND, session_key);
    const known = stored !== undefined && stored.account_ms !== null;
    if (known) deduped++;
    const arrived = accountOf(session, workspace_key, principal);
    const account = known && compareAccounts(interner, stored, arrived) >= 0 ? stored : arrived;
    db.run(
      UPDATE,
      earliest(stored?.started_at_ms ?? null, session.started_at_ms),
      latest(stored?.last_at_ms ?? null, session.last_at_ms ?? session.ended_at_ms ?? null),
      account.account_ms,
      account.ended_at_ms,
      account.status,
      account.agent,
      account.model,
      account.agent_version,
      account.title,
      account.branch,
      account.parent_session_id_hash,
      account.account_workspace,
      account.member,
      account.device,
      session_key,
    );
  }
  return deduped;
}

function accountOf(session: WireSession, workspace_key: number, principal: Principal): Account {
  return {
    account_ms: session.last_at_ms ?? session.ended_at_ms ?? session.started_at_ms,
    ended_at_ms: session.ended_at_ms ?? null,
    status: session.status,
    agent: session.agent,
    model: session.model ?? null,
    agent_version: session.agent_version ?? null,
    title: session.title ?? null,
    branch: session.branch ?? null,
    parent_session_id_hash: session.parent_session_id_hash ?? null,
    account_workspace: workspace_key,
    member: principal.member,
    device: principal.device,
  };
}

/** The later account is the greater; at the same time one that has ended; the rest only makes the order total. */
function compareAccounts(interner: Interner, a: Account, b: Account): number {
  const tuple = (account: Account): Scalar[] => [
    account.account_ms,
    account.ended_at_ms,
    account.status,
    account.model,
    account.title,
    account.branch,
    account.agent_version,
    account.parent_session_id_hash,
    account.agent,
    account.account_workspace === null ? null : interner.workspaceHash(account.account_workspace),
    account.member,
    account.device,
  ];
  return compareTuples(tuple(a), tuple(b));
}
