import type { FlowDatabase } from './flow-database.ts';

/** Keys of the records that bear these ids in Salesforce, as far as they are known: events of deletions bear nothing else. */
export async function keysOfIds(
  database: FlowDatabase,
  stream: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await database.query<{ salesforce_id: string; key: string }>(
    `SELECT salesforce_id, key FROM syncline.link WHERE stream = $1 AND salesforce_id = ANY($2)`,
    [stream, ids],
  );
  return new Map(rows.map(({ salesforce_id, key }) => [salesforce_id, key]));
}
