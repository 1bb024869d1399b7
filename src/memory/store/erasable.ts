/** Which memories and pending actions an erasure would be of: by id, by namespace, or by a piece of text that stands in them or stood in them. */
import { InvalidInputError } from '../../platform/errors.ts';
import { LiteralText } from '../../platform/literal-text.ts';
import { subjectsContaining } from '../../engine/sqlite/containing.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { timeText } from '../clock/stamp.ts';
import { checkId, checkNamespace, invalid } from '../fields.ts';
import { MAX_BULK } from '../limits.ts';
import type { ErasableMemory, ErasableQuery } from '../memories.ts';
import type { MemoryStatus } from './memory-columns.ts';

interface FoundRow {
  id: string;
  namespace: string;
  status: MemoryStatus | 'pending';
  created_ms: number;
  agent_id: string | null;
}

/** @throws InvalidInputError `memory.invalid`, `memory.ambiguous` */
export function erasable(db: Database, { id, namespace, text }: ErasableQuery): ErasableMemory[] {
  if (id !== undefined) return byId(db, checkId('id', id)).map(shown);
  if (namespace !== undefined) return inNamespace(db, checkNamespace('namespace', namespace)).map(shown);
  if (text === undefined || text.trim() === '') throw invalid('text', 'is missing');
  return containing(db, text).map(shown);
}

/** A pending action that was erased counts as deleted: only its operations may still say something. */
const ROW = `SELECT id, namespace, status, created_ms, agent_id FROM (
  SELECT id, namespace, status, created_ms, agent_id FROM memory
  UNION ALL SELECT key, coalesce(state ->> '$.asked.value.namespace', ''),
    iif(state ->> '$.cleared' IS NULL, 'pending', 'dead'), NULL, state ->> '$.asked.value.requested_by'
  FROM coordination WHERE row = 'pending')`;

function byId(db: Database, id: string): FoundRow[] {
  const exact = db.all<FoundRow>(`${ROW} WHERE id = ?`, id);
  if (exact.length > 0) return exact;
  const rows = db.all<FoundRow>(`${ROW} WHERE id >= ?1 AND id < ?1 || char(1114111) LIMIT 2`, id);
  if (rows.length < 2) return rows;
  throw new InvalidInputError('memory.ambiguous', 'Several memories have ids that begin so', {
    field: 'id',
    hint: 'Give more of the id.',
  });
}

function inNamespace(db: Database, namespace: string): FoundRow[] {
  return db.all<FoundRow>(
    `${ROW} WHERE status <> 'dead' AND (namespace = ?1 OR namespace >= ?1 || '/' AND namespace < ?1 || '0')
     ORDER BY created_ms LIMIT ${MAX_BULK}`,
    namespace,
  );
}

/** One state at a time: all that may hold the text can be as large as the database. */
function containing(db: Database, written: string): FoundRow[] {
  const text = new LiteralText(written);
  const found = new Set<string>();
  const rows = db
    .prepare(`SELECT id, state FROM memory WHERE status <> 'dead' AND instr(lower(state), ?) > 0`)
    .iterate(text.probe) as Iterable<{ id: string; state: string }>;
  for (const { id, state } of rows) if (text.isInJson(state)) found.add(id);
  const asked = db.all<{ id: string; state: string }>(
    `SELECT key AS id, state FROM coordination WHERE row = 'pending' AND instr(lower(state), ?) > 0`,
    text.probe,
  );
  for (const { id, state } of asked) if (text.isInJson(state)) found.add(id);
  for (const subject of subjectsContaining(db, text)) found.add(subject);
  return db.all<FoundRow>(
    `${ROW} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY created_ms LIMIT ${MAX_BULK}`,
    JSON.stringify([...found]),
  );
}

function shown({ id, namespace, status, created_ms, agent_id }: FoundRow): ErasableMemory {
  if (status === 'dead') return { id, namespace: '', state: 'deleted', created_at: null, agent_id: null };
  if (status === 'pending') return { id, namespace, state: 'pending', created_at: null, agent_id };
  const created_at = status === 'unseen' ? null : timeText(created_ms);
  return { id, namespace, state: status === 'archived' ? 'archived' : 'live', created_at, agent_id };
}
