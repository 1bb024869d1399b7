import type { Database } from '../../../storage/sqlite/database.ts';
import { treeOf } from '../message-texts.ts';
import type { Reader, SessionTreeNode } from '../session-store.ts';
import { assembleTree } from '../session-tree.ts';
import { SUMMARY_COLUMNS, summaryOf, type SummaryRow } from './summary.ts';

/**
 * Notes for a session and all below it to which tree they belong, after it came, went, or got another parent. A parent that
 * is not here counts: sessions with the same missing parent are of one tree.
 */
export function noteTree(db: Database, team_id: string, key: string): void {
  const above = db.all<{ key: string; is_root: number }>(
    `WITH RECURSIVE up (key) AS (
       VALUES (?2)
       UNION SELECT s.parent_key FROM up JOIN session s ON s.team_id = ?1 AND s.key = up.key WHERE s.parent_key IS NOT NULL)
     SELECT up.key, s.parent_key IS NULL AS is_root FROM up LEFT JOIN session s ON s.team_id = ?1 AND s.key = up.key`,
    team_id,
    key,
  );
  // Parents that go round in a circle have no root: then all of them agree on one.
  const root = above.find(({ is_root }) => is_root === 1)?.key ?? above.map((row) => row.key).sort()[0] ?? key;
  db.run(
    `WITH RECURSIVE down (key) AS (
       VALUES (?2)
       UNION SELECT s.key FROM down JOIN session s ON s.team_id = ?1 AND s.parent_key = down.key)
     UPDATE session SET tree = ?3 WHERE team_id = ?1 AND key IN (SELECT key FROM down) AND tree <> ?3`,
    team_id,
    key,
    treeOf(root),
  );
}

/** The tree a session stands in, from its topmost session that is here. */
export function treeAround(db: Database, { team_id }: Reader, key: string): SessionTreeNode | null {
  const rows = db.all<SummaryRow>(
    `SELECT ${SUMMARY_COLUMNS} FROM session s
     WHERE s.team_id = ?1 AND s.presence <> 'deleted'
       AND s.tree = (SELECT tree FROM session WHERE team_id = ?1 AND key = ?2)
     ORDER BY s.start_order, s.key`,
    team_id,
    key,
  );
  return assembleTree(key, rows.map(summaryOf));
}
