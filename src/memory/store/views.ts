/** Memories and links as readers see them, made from their states. */
import type { Database } from '../../storage/sqlite/database.ts';
import { stampOrigin, stampTime, timeText, type Stamp } from '../clock/stamp.ts';
import { FIELD_CHECKS } from '../fields.ts';
import type { Json, JsonObject } from '../json.ts';
import type { ArchivedMemory, Memory, MemoryLink, Provenance } from '../memory.ts';
import type { LinkState } from '../merge/link.ts';
import { METADATA_PREFIX, type MemoryState } from '../merge/memory.ts';
import { define } from '../merge/register.ts';
import { readMemoryState } from '../merge/row.ts';
import type { Author } from '../operation.ts';
import { memberOf, type MemberId } from '../origin.ts';
import { archiveOf, textStampOf, updatedOf, valueOf } from './memory-columns.ts';

export interface MemoryRow {
  memory_key: number;
  id: string;
  namespace: string;
  title: string;
  created_ms: number;
  expires_ms: number | null;
  state: string;
  access_count: number | null;
  last_accessed_ms: number | null;
  /** Live memories of its namespace that have the same title and are older. */
  older: number;
}

/** What `memoryOf` needs, of `memory m LEFT JOIN access a USING (memory_key)`. */
export const MEMORY_ROW = `m.memory_key, m.id, m.namespace, m.title, m.created_ms, m.expires_ms, m.state,
  a.count AS access_count, a.last_ms AS last_accessed_ms,
  CASE m.status WHEN 'live' THEN (SELECT count(*) FROM memory o
    WHERE o.status = 'live' AND o.namespace = m.namespace AND o.title = m.title AND o.life < m.life) ELSE 0 END AS older`;
export const FROM_MEMORY = 'FROM memory m LEFT JOIN access a ON a.memory_key = m.memory_key';

/** Registers that are shown under names of their own; all others are `extra`. */
const SHOWN = new Set([...Object.keys(FIELD_CHECKS), 'archived', 'embedding', 'born', 'by', 'created_ms']);

export interface ViewContext {
  db: Database;
  member: MemberId;
}

export function memoryOf(context: ViewContext, row: MemoryRow): Memory {
  const state = readMemoryState(row.state);
  const updated = updatedOf(state);
  return {
    id: row.id,
    tier: textOf(state, 'tier'),
    namespace: row.namespace,
    title: row.older === 0 ? row.title : titleAfter(context.db, row),
    own_title: row.title,
    content: textOf(state, 'content'),
    tags: (valueOf(state, 'tags') as string[] | null) ?? [],
    priority: Number(valueOf(state, 'priority')),
    confidence: Number(valueOf(state, 'confidence')),
    source: textOf(state, 'source'),
    access_count: row.access_count ?? 0,
    created_at: valueOf(state, 'created_ms') === null ? stampTime(state.life) : timeText(row.created_ms),
    updated_at: stampTime(updated),
    last_accessed_at: row.last_accessed_ms === null ? null : timeText(row.last_accessed_ms),
    expires_at: row.expires_ms === null ? null : timeText(row.expires_ms),
    metadata: metadataOf(state),
    extra: extraOf(state),
    life: state.life,
    text_version: textStampOf(state),
    written: provenanceOf(context.member, valueOf(state, 'born'), state.life),
    updated: provenanceOf(context.member, valueOf(state, 'by'), updated),
  };
}

export function archivedMemoryOf(context: ViewContext, row: MemoryRow): ArchivedMemory {
  const mark = archiveOf(readMemoryState(row.state));
  return {
    ...memoryOf(context, row),
    archived_at: mark ? stampTime(mark.stamp) : '',
    archive_reason: mark?.reason ?? '',
  };
}

export function linkViewOf(
  context: ViewContext,
  row: { source_id: string; target_id: string; relation: string; state: string },
): MemoryLink {
  const { stamp, value } = JSON.parse(row.state) as LinkState;
  const { source_id, target_id, relation } = row;
  const detail = (value?.['detail'] ?? {}) as JsonObject;
  return {
    source_id,
    target_id,
    relation,
    ...detail,
    created_at: typeof detail['created_at'] === 'string' ? detail['created_at'] : stampTime(stamp),
    written: provenanceOf(context.member, value?.['by'] ?? null, stamp),
  };
}

export function provenanceOf(here: MemberId, author: Json, stamp: Stamp): Provenance {
  const by = (author ?? { agent_id: 'unknown', device: 'unknown' }) as unknown as Author;
  const member = memberOf(stampOrigin(stamp));
  return { ...by, member, at: stampTime(stamp), foreign: member !== here };
}

export function metadataOf({ registers }: MemoryState): JsonObject {
  const metadata: Record<string, Json> = {};
  for (const name of Object.keys(registers)) {
    if (!name.startsWith(METADATA_PREFIX)) continue;
    const value = registers[name]?.value ?? null;
    if (value !== null) define(metadata, name.slice(METADATA_PREFIX.length), value);
  }
  return metadata;
}

function extraOf({ registers }: MemoryState): JsonObject {
  const extra: Record<string, Json> = {};
  for (const name of Object.keys(registers)) {
    if (SHOWN.has(name) || name.startsWith(METADATA_PREFIX)) continue;
    const value = registers[name]?.value ?? null;
    if (value !== null) define(extra, name, value);
  }
  return extra;
}

function textOf(state: MemoryState, name: string): string {
  const value = valueOf(state, name);
  return typeof value === 'string' ? value : '';
}

/**
 * The title of a memory that came later than another with the same one: `title (2)`, `(3)`, … in the order of their
 * lives, passing over those that a memory of the namespace really has. The same on every member.
 */
function titleAfter(db: Database, { namespace, title, older }: MemoryRow): string {
  for (let number = 2, passed = 0; ; number++) {
    const shown = `${title} (${number})`;
    const taken = db.get(
      `SELECT 1 FROM memory WHERE status = 'live' AND namespace = ? AND title = ? LIMIT 1`,
      namespace,
      shown,
    );
    if (!taken) passed++;
    if (passed === older) return shown;
  }
}
