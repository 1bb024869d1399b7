/**
 * What was said in a memory that is deleted, or in a pending action that was erased, stays in the operations that said it. Here it goes from this member's log: the
 * places stay, so that the sequences of their origins stay dense, and whoever is given them later gets empty texts and the delete.
 * Links stay: they say nothing, and their rows are merged from them.
 */
import { rewrite } from '../../engine/sqlite/erasure.ts';
import { TRANSACTION_LIMITS } from '../../engine/store.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Stamp } from '../clock/stamp.ts';
import { isObject, type JsonObject } from '../json.ts';
import { operationId, type OperationId, type VersionVector } from '../origin.ts';
import { STREAM } from './operation-log.ts';

interface Said {
  partition_id: number;
  offset: number;
  origin: string;
  text: string;
  dead: Stamp;
}

/**
 * Empties what the operations of these deleted memories said, of each as soon as every member has them and the delete: a member
 * that got an empty text and never the delete, because who deleted was lost, would differ from the others for good. What is left
 * of it in the files goes with `scrubMemories`.
 * @returns those of which something is left, until every member knows
 */
export function forgetTexts(
  db: Database,
  ids: readonly string[],
  isEverywhere: (operation: OperationId) => boolean,
): string[] {
  return ids.filter((id) => {
    blankOutcomes(db, id);
    const said = [...saidOf(db, id), ...askedBy(db, id)];
    if (said.length === 0) return false;
    const places = [...said, ...deletesOf(db, id), ...clearsOf(db, id)].map(({ origin, offset }) =>
      operationId(origin, offset),
    );
    if (!places.every(isEverywhere)) return true;
    empty(db, said);
    return false;
  });
}

/** Leaves no byte in the files of what was emptied, in the index neither. False: a reader still holds old pages. */
export function scrubMemories(db: Database): boolean {
  // Terms of deleted rows stay in the segments of the index until these are merged.
  db.run("INSERT INTO memory_text(memory_text) VALUES ('optimize')");
  return db.scrub();
}

export interface Forgetting {
  emptied: number;
  /** Deletes up to this stamp need not be looked at again. */
  through: Stamp;
}

/**
 * The same for memories that were deleted after `after`, as soon as every member has what was said and that it was deleted
 * (`stable`): a member that has the one and not the other would seem to differ from those that have neither. Bounded.
 */
export function forgetStableTexts(db: Database, stable: VersionVector, after: Stamp): Forgetting {
  const dead = db.all<{ id: string; dead: Stamp }>(
    `SELECT id, dead FROM memory WHERE dead > ? AND dead <> '' ORDER BY dead LIMIT 500`,
    after,
  );
  const isStable = ({ origin, offset }: { origin: string; offset: number }): boolean => offset <= (stable[origin] ?? 0);
  let through = after;
  let emptied = 0;
  for (const { id, dead: stamp } of dead) {
    const said = saidOf(db, id);
    if (![...said, ...deletesOf(db, id)].every(isStable)) break;
    emptied += empty(db, said);
    through = stamp;
  }
  // Few are ever erased, so all of them are looked at.
  for (const { id } of db.all<{ id: string }>(
    `SELECT key AS id FROM coordination WHERE row = 'pending' AND ${CLEARED}`,
  )) {
    const asked = askedBy(db, id);
    if ([...asked, ...clearsOf(db, id)].every(isStable)) emptied += empty(db, asked);
  }
  return { emptied, through };
}

const CLEARED = `json_extract(state, '$.cleared') IS NOT NULL`;

/** What the operations of a pending action said that was erased. */
function askedBy(db: Database, id: string): Said[] {
  return db.all<Said>(
    `SELECT e.partition_id, e.offset, p.name AS origin, e.payload AS text, json_extract(c.state, '$.cleared') AS dead
     ${OF_SUBJECT} JOIN coordination c ON c.row = 'pending' AND c.key = s.name
     WHERE s.name = ? AND json_extract(c.state, '$.cleared') IS NOT NULL AND e.payload ->> 'kind' IN ('pending', 'state')`,
    id,
  );
}

function clearsOf(db: Database, id: string): { origin: string; offset: number }[] {
  return db.all(
    `SELECT p.name AS origin, e.offset ${OF_SUBJECT} WHERE s.name = ? AND e.payload ->> 'kind' = 'pending_clear'`,
    id,
  );
}

const OF_SUBJECT = `FROM subject s JOIN entry e ON e.subject_id = s.subject_id
  JOIN partition p ON p.partition_id = e.partition_id AND p.stream = '${STREAM}'`;

/** Where the delete that counts stands; nowhere once it is past retention, which is when everybody had it long ago. */
function deletesOf(db: Database, id: string): { origin: string; offset: number }[] {
  return db.all(
    `SELECT p.name AS origin, e.offset ${OF_SUBJECT} JOIN memory m ON m.id = s.name
     WHERE s.name = ? AND e.payload ->> 'kind' = 'delete' AND e.payload ->> 'stamp' = m.dead`,
    id,
  );
}

function saidOf(db: Database, id: string): Said[] {
  const rows = db.all<Said>(
    `SELECT e.partition_id, e.offset, p.name AS origin, e.payload AS text, m.dead ${OF_SUBJECT} JOIN memory m ON m.id = s.name
     WHERE s.name = ? AND m.dead <> '' AND e.payload IS NOT NULL`,
    id,
  );
  return rows.filter(({ text, dead }) => isSaidBefore(text, dead));
}

/** Whether an operation says something of a life that the delete ended, and nothing else. */
function isSaidBefore(text: string, dead: Stamp): boolean {
  const operation = JSON.parse(text) as JsonObject;
  const { kind, stamp, life, state } = operation;
  switch (kind) {
    case 'store':
      return typeof stamp === 'string' && stamp <= dead;
    case 'update':
    case 'archive':
    case 'restore':
    case 'embedding':
      return typeof life === 'string' && life <= dead;
    case 'state':
      return isObject(state) && typeof state['life'] === 'string' && state['life'] !== '' && state['life'] <= dead;
    default:
      return false;
  }
}

function empty(db: Database, said: readonly Said[]): number {
  let emptied = 0;
  for (const [partition_id, entries] of Map.groupBy(said, ({ partition_id: partition }) => partition))
    for (let from = 0; from < entries.length; from += TRANSACTION_LIMITS.max_rows)
      emptied += rewrite(
        db,
        partition_id,
        new Map(entries.slice(from, from + TRANSACTION_LIMITS.max_rows).map(({ offset }) => [offset, null])),
      );
  return emptied;
}

/** First outcomes of idempotency keys repeat the memory: the key stays taken, what was said goes. */
function blankOutcomes(db: Database, id: string): void {
  const rows = db.all<{ key: string; outcome: string }>(
    'SELECT key, outcome FROM idempotency WHERE instr(outcome, ?) > 0',
    JSON.stringify(id),
  );
  for (const { key, outcome } of rows)
    db.run('UPDATE idempotency SET outcome = ? WHERE key = ?', JSON.stringify(JSON.parse(outcome, blankOf(id))), key);
}

function blankOf(id: string): (key: string, value: unknown) => unknown {
  return (_, value) => {
    if (!isObject(value) || value['id'] !== id) return value;
    if (isObject(value['payload'])) return { ...value, payload: {} };
    if (typeof value['content'] !== 'string') return value;
    return { ...value, title: '', own_title: '', content: '', tags: [], metadata: {}, extra: {} };
  };
}
