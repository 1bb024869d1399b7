import type { Side } from '../model/value.ts';
import type { FlowDatabase } from './flow-database.ts';
import type { Cause, Changes, HistoryRow } from './rows.ts';

/** A change that was carried to a side, as it is listed. */
export interface ListedHistory extends HistoryRow {
  history_id: number;
  at_ms: number;
}

const COLUMNS = `history_id, stream, key, side, operation, batch_id, cause, actor, session, changes,
  (extract(epoch FROM at) * 1000)::bigint AS at_ms`;

/** Changes of one key, newest first, with the values: for an operator's eyes only. */
export async function historyOf(
  database: FlowDatabase,
  stream: string,
  key: string,
  limit: number,
): Promise<ListedHistory[]> {
  return database.query<ListedHistory>(
    `SELECT ${COLUMNS} FROM syncline.history WHERE stream = $1 AND key = $2 ORDER BY history_id DESC LIMIT $3`,
    [stream, key, limit],
  );
}

/** The last change of a key, or all changes of a batch, page by page in the order of their ids. */
export async function historyPage(
  database: FlowDatabase,
  what: { stream: string; key: string } | { batch_id: string },
  after: number,
): Promise<ListedHistory[]> {
  if ('batch_id' in what)
    return database.query<ListedHistory>(
      `SELECT ${COLUMNS} FROM syncline.history WHERE batch_id = $1 AND history_id > $2 ORDER BY history_id LIMIT 1000`,
      [what.batch_id, after],
    );
  const rows = await historyOf(database, what.stream, what.key, 1);
  return rows.filter(({ history_id }) => history_id > after);
}

/** What has been carried since a time, by side and cause. No values, no keys. */
export async function historyCounts(
  database: FlowDatabase,
  stream: string,
  since_ms: number,
): Promise<{ side: Side; cause: Cause; changes: number }[]> {
  return database.query(
    `SELECT side, cause, count(*) AS changes FROM syncline.history
      WHERE stream = $1 AND at >= to_timestamp($2::double precision / 1000) GROUP BY side, cause ORDER BY side, cause`,
    [stream, since_ms],
  );
}

/** Values before a change, which undo it when they are wished for. Empty for a creation: undoing it is a deletion. */
export function formerValues(changes: Changes): Record<string, Changes[string][0]> {
  return Object.fromEntries(Object.entries(changes).map(([field, [before]]) => [field, before]));
}

/** Removes what is older than its time, at most ten thousand rows a call; true: call again. */
export async function trimHistory(database: FlowDatabase, before_ms: number): Promise<boolean> {
  const rows = await database.query(
    `DELETE FROM syncline.history WHERE history_id IN (
       SELECT history_id FROM syncline.history WHERE at < to_timestamp($1::double precision / 1000)
        ORDER BY at LIMIT 10000) RETURNING 1`,
    [before_ms],
  );
  return rows.length === 10_000;
}

/** The same for intents, which are kept as proof for echoes (`sent_at`), unless their answer never came. */
export async function trimIntents(database: FlowDatabase, before_ms: number): Promise<boolean> {
  const rows = await database.query(
    `DELETE FROM syncline.intent WHERE intent_id IN (
       SELECT intent_id FROM syncline.intent
        WHERE sent_at < to_timestamp($1::double precision / 1000) AND state <> 'sent' LIMIT 10000) RETURNING 1`,
    [before_ms],
  );
  return rows.length === 10_000;
}
