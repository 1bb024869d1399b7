import type { Postgres } from '../../../storage/postgres/postgres.ts';
import { storable, type Step } from '../../../storage/postgres/steps.ts';
import type { Reader, SessionTreeNode } from '../session-store.ts';
import { assembleTree } from '../session-tree.ts';
import { SUMMARY_COLUMNS, summaryOf, type SummaryRow } from './summary.ts';

/** Name of the lock of all trees of a team. */
export const TREE_LOCK = 'trees';

/**
 * Notes for a session and all below it to which tree they belong, after it came, went, or got another parent. A parent that
 * is not here counts: sessions with the same missing parent are of one tree, so a session without a parent changes nothing.
 * Parents that go round in a circle have no root: then all of them agree on the first key.
 */
export function treeStep(team_id: string, key: string): Step {
  return {
    sql: `WITH RECURSIVE
        up (key) AS (
          SELECT $2::text COLLATE "C"
          UNION SELECT s.parent_key FROM up JOIN syncline_sessions.session s ON s.team_id = $1 AND s.key = up.key
          WHERE s.parent_key IS NOT NULL),
        root AS (
          SELECT coalesce(min(up.key) FILTER (WHERE s.parent_key IS NULL), min(up.key)) AS key
          FROM up LEFT JOIN syncline_sessions.session s ON s.team_id = $1 AND s.key = up.key),
        down (key) AS (
          SELECT $2::text COLLATE "C"
          UNION SELECT s.key FROM down JOIN syncline_sessions.session s ON s.team_id = $1 AND s.parent_key = down.key)
      UPDATE syncline_sessions.session s SET tree = syncline_sessions.tree_of(root.key) FROM root
      WHERE s.team_id = $1 AND s.key IN (SELECT down.key FROM down) AND s.tree <> syncline_sessions.tree_of(root.key)`,
    values: [storable(team_id), storable(key)],
  };
}

/** The tree a session stands in, from its topmost session that is here. */
export async function treeAround(
  postgres: Postgres,
  { team_id }: Reader,
  key: string,
): Promise<SessionTreeNode | null> {
  const rows = await postgres.query<SummaryRow>(
    `SELECT ${SUMMARY_COLUMNS} FROM syncline_sessions.session s
     WHERE s.team_id = $1 AND s.presence <> 'deleted'
       AND s.tree = (SELECT o.tree FROM syncline_sessions.session o WHERE o.team_id = $1 AND o.key = $2)
     ORDER BY s.start_order, s.key`,
    [storable(team_id), storable(key)],
  );
  return assembleTree(key, rows.map(summaryOf));
}
