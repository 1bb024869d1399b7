import type { LiteralText } from '../../platform/literal-text.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** One payload at a time: all that may hold the text can be as large as the journal. */
export function subjectsContaining(db: Database, text: LiteralText): string[] {
  const found = new Set<string>();
  const rows = db
    .prepare(
      `SELECT s.name AS subject, p.payload FROM (
         SELECT subject_id, payload FROM entry UNION ALL SELECT subject_id, payload FROM dead_letter) p
       JOIN subject s USING (subject_id) WHERE instr(lower(p.payload), ?) > 0`,
    )
    .iterate(text.probe) as Iterable<{ subject: string; payload: string }>;
  for (const { subject, payload } of rows) if (!found.has(subject) && text.isInJson(payload)) found.add(subject);
  return [...found];
}
