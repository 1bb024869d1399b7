/** Delete, archive, restore, purge, forget, expiry. */
import { askFor, requireAllowed } from '../governance/ask.ts';
import { checkId, checkNamespace, checkText, invalid } from '../fields.ts';
import { MAX_BULK, MEMORY_LIMITS } from '../limits.ts';
import type { ForgetRequest, Governed } from '../memories.ts';
import { TIERS, type Memory } from '../memory.ts';
import { liveMemory } from '../store/reads.ts';
import { wordsOf } from '../store/terms.ts';
import { holdsTerm, indexedTerm } from '../store/words.ts';
import { FROM_MEMORY, MEMORY_ROW, archivedMemoryOf, type MemoryRow } from '../store/views.ts';
import { timeText } from '../clock/stamp.ts';
import { unlinkAll } from './link-memories.ts';
import { NotFound } from './refusals.ts';
import { checkIds, oneOf, redactText } from './request.ts';
import { requireMemory, write, type WriteScope } from './scope.ts';
import { expiryOf } from './tiers.ts';

/** Also of an archived memory. @throws NotFound */
export function deleteMemory(scope: WriteScope, id: string): Governed<{ deleted: boolean }> {
  const memory = liveMemory(scope, checkId('id', id)) ?? archivedMemory(scope, id);
  if (!memory) throw new NotFound('memory');
  const pending_id = askFor(scope, { act: 'delete', namespace: memory.namespace, memory, payload: {} });
  if (pending_id !== null) return { status: 'pending', pending_id };
  writeDelete(scope, id);
  return { status: 'done', deleted: true };
}

/** A memory and its links. */
export function writeDelete(scope: WriteScope, id: string): void {
  unlinkAll(scope, id);
  write(scope, { kind: 'delete', id });
}

export function archiveMemories(
  scope: WriteScope,
  given: readonly string[],
  reason = 'archive',
): { archived: string[]; missing: string[]; reason: string } {
  const ids = checkIds('ids', given, MAX_BULK);
  if (checkText('reason', reason).length > MEMORY_LIMITS.reason_chars || reason.trim() === '')
    throw invalid('reason', `has not 1 to ${MEMORY_LIMITS.reason_chars} characters`);
  const archived: string[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    const memory = liveMemory(scope, id);
    if (!memory) {
      missing.push(id);
      continue;
    }
    requireAllowed(scope, 'delete', memory.namespace, memory);
    archiveOne(scope, memory, redactText(scope, memory.namespace, reason));
    archived.push(id);
  }
  return { archived, missing, reason };
}

function archiveOne(scope: WriteScope, { id, life }: Pick<Memory, 'id' | 'life'>, reason: string): void {
  write(scope, { kind: 'archive', id, life, reason });
}

/** Back as it was; one whose time was over gets the time of its tier again, or it would be gone at once. @throws NotFound */
export function restoreMemory(scope: WriteScope, id: string): { memory: Memory } {
  const memory = archivedMemory(scope, checkId('id', id));
  if (!memory) throw new NotFound('archived memory');
  requireAllowed(scope, 'write', memory.namespace, memory);
  const { life, tier, expires_at } = memory;
  write(scope, { kind: 'restore', id, life });
  if (expires_at !== null && expires_at <= timeText(scope.work.now_ms)) {
    const fields = { expires_at: expiryOf(scope.settings.tiers, tier, scope.work.now_ms) };
    write(scope, { kind: 'update', id, life, fields });
  }
  return { memory: requireMemory(scope, id) };
}

function archivedMemory(scope: WriteScope, id: string): Memory | null {
  const row = scope.db.get<MemoryRow>(
    `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE m.status = 'archived' AND m.id = ?`,
    id,
  );
  return row ? archivedMemoryOf(scope, row) : null;
}

const DAY_MS = 86_400_000;

export function purgeArchive(
  scope: WriteScope,
  older_than_days: number | undefined,
): { purged: number; more: boolean } {
  if (older_than_days !== undefined && !(older_than_days >= 0))
    throw invalid('older_than_days', 'is not a number from 0');
  const before_ms =
    older_than_days === undefined ? Number.MAX_SAFE_INTEGER : scope.work.now_ms - older_than_days * DAY_MS;
  const rows = scope.db.all<{ id: string; archived: string }>(
    `SELECT id, archived FROM memory WHERE status = 'archived' AND archived < ? ORDER BY archived LIMIT ${MAX_BULK}`,
    // Stamps begin with twelve hex digits of milliseconds.
    Math.min(before_ms, 0xffffffffffff).toString(16).padStart(12, '0'),
  );
  for (const { id } of rows) {
    const memory = archivedMemory(scope, id);
    if (memory) requireAllowed(scope, 'delete', memory.namespace, memory);
    writeDelete(scope, id);
  }
  return { purged: rows.length, more: rows.length === MAX_BULK };
}

/** Archives what matches all that is given. @throws InvalidInputError when nothing is given */
export function forget(scope: WriteScope, request: ForgetRequest): { forgotten: string[]; more: boolean } {
  const { namespace, pattern, tier, dry_run = false } = request;
  if (namespace === undefined && pattern === undefined && tier === undefined)
    throw invalid('namespace', 'is missing, and so are pattern and tier');
  const words = pattern === undefined ? [] : wordsOf(checkText('pattern', pattern));
  const terms = pattern === undefined ? null : words.map(indexedTerm).join(' ');
  if (terms === '') throw invalid('pattern', 'has no word');
  if (terms !== null) scope.work.rows.writeTerms();
  const rows = scope.db.all<{ id: string }>(
    `SELECT m.id FROM memory m WHERE m.status = 'live' AND (?1 IS NULL OR m.namespace = ?1) AND (?2 IS NULL OR m.tier = ?2)
       AND (?3 IS NULL OR m.memory_key IN (SELECT rowid FROM memory_text WHERE memory_text MATCH ?3))
     ORDER BY m.memory_key`,
    namespace === undefined ? null : checkNamespace('namespace', namespace),
    tier === undefined ? null : oneOf('tier', tier, TIERS),
    terms,
  );
  const memories: Memory[] = [];
  for (const { id } of rows) {
    if (memories.length === MAX_BULK) break;
    const memory = liveMemory(scope, id);
    if (memory && holdsAll(memory, words)) memories.push(memory);
  }
  if (!dry_run)
    for (const memory of memories) {
      requireAllowed(scope, 'delete', memory.namespace, memory);
      archiveOne(scope, memory, 'forget');
    }
  return { forgotten: memories.map(({ id }) => id), more: memories.length === MAX_BULK };
}

/** The index also finds other forms of a word; what is put away holds the words as they were given. */
function holdsAll({ own_title, content, tags }: Memory, words: readonly string[]): boolean {
  return words.every((word) => [own_title, content, ...tags].some((text) => holdsTerm(text, word)));
}

/**
 * Archives memories of this member whose time is over; each only as long as its expiry is what was seen, so that an
 * extension that is under way wins. Those of a member that is gone for good stay hidden, as every expired memory is.
 */
export function archiveExpired(
  scope: WriteScope,
  is_ours: (life: string) => boolean,
): { archived: number; more: boolean } {
  const rows = scope.db.all<{ id: string; life: string; expires_ms: number }>(
    `SELECT id, life, expires_ms FROM memory WHERE status = 'live' AND expires_ms IS NOT NULL AND expires_ms <= ?
     ORDER BY expires_ms LIMIT ${MAX_BULK}`,
    scope.work.now_ms,
  );
  const ours = rows.filter(({ life }) => is_ours(life));
  for (const { id, life, expires_ms } of ours)
    write(scope, { kind: 'archive', id, life, reason: 'ttl_expired', expires_at: expires_ms });
  return { archived: ours.length, more: ours.length > 0 && rows.length === MAX_BULK };
}
