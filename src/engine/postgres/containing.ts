import type { LiteralText } from '../../platform/literal-text.ts';
import type { EngineDatabase } from './database.ts';

/** Payloads that are looked at together. */
const PAGE = 200;

/** A page of payloads at a time: all that may hold the text can be as large as the journal. */
export async function subjectsContaining(db: EngineDatabase, text: LiteralText): Promise<string[]> {
  const found = new Set<string>();
  for (const [table, place] of [
    ['entry', `e.partition_id || ' ' || lpad(e."offset"::text, 16, '0')`],
    ['dead_letter', 'e.dead_letter_id'],
  ] as const) {
    for (let after: string | null = ''; after !== null;) {
      const from: string = after;
      const rows = await db.statement((tx) =>
        tx.all<{ subject: string; payload: string; place: string }>(
          `SELECT s.name AS subject, e.payload, (${place}) COLLATE "C" AS place
           FROM syncline.${table} e JOIN syncline.subject s USING (subject_id)
           WHERE strpos(lower(e.payload), $1) > 0 AND (${place}) COLLATE "C" > $2 ORDER BY place LIMIT ${PAGE}`,
          text.probe,
          from,
        ),
      );
      for (const { subject, payload } of rows) if (!found.has(subject) && text.isInJson(payload)) found.add(subject);
      after = rows.length < PAGE ? null : (rows.at(-1)?.place ?? null);
    }
  }
  return [...found];
}
