/** What a memory's state looks like to queries on this member. */
import { stampMs, type Stamp } from '../clock/stamp.ts';
import type { Json } from '../json.ts';
import type { MemoryState } from '../merge/memory.ts';

/**
 * `unseen`: only later operations of its life are here · `live` · `archived` · `dead`: a tombstone. What each operation
 * makes of each status stands as a complete table in `memory-columns.test.ts`; here it follows from the join alone.
 */
export type MemoryStatus = 'unseen' | 'live' | 'archived' | 'dead';

export function statusOf(state: MemoryState): MemoryStatus {
  if (state.life === '') return 'dead';
  if (!state.stored) return 'unseen';
  return archiveOf(state) ? 'archived' : 'live';
}

export interface ArchiveMark {
  stamp: Stamp;
  reason: string;
}

/** Null: not archived, or archived for an expiry that has moved since. */
export function archiveOf(state: MemoryState): ArchiveMark | null {
  const register = state.registers['archived'];
  if (!register || register.value === null) return null;
  const { reason, expires_at } = register.value as { reason: string; expires_at?: number };
  if (expires_at !== undefined && expires_at !== valueOf(state, 'expires_at')) return null;
  return { stamp: register.stamp, reason };
}

export function valueOf(state: MemoryState, name: string): Json {
  return (Object.hasOwn(state.registers, name) ? state.registers[name]?.value : null) ?? null;
}

/** When its text, fields or metadata last changed: the stamp of its last author. */
export function updatedOf(state: MemoryState): Stamp {
  return state.registers['by']?.stamp ?? state.life;
}

/** The version of its title and content: an embedding of another one describes what is not there. */
export function textStampOf(state: MemoryState): Stamp {
  const title = state.registers['title']?.stamp ?? '';
  const content = state.registers['content']?.stamp ?? '';
  return title > content ? title : content;
}

export interface MemoryColumns {
  status: MemoryStatus;
  dead: Stamp;
  life: Stamp;
  namespace: string;
  title: string;
  tier: string;
  priority: number;
  confidence: number;
  created_ms: number;
  updated: Stamp;
  expires_ms: number | null;
  archived: Stamp | null;
  agent_id: string | null;
  scope: string | null;
}

export function columnsOf(state: MemoryState): MemoryColumns {
  const created = valueOf(state, 'created_ms');
  return {
    status: statusOf(state),
    dead: state.dead,
    life: state.life,
    namespace: text(state, 'namespace') ?? '',
    title: text(state, 'title') ?? '',
    tier: text(state, 'tier') ?? '',
    priority: number(state, 'priority') ?? 0,
    confidence: number(state, 'confidence') ?? 0,
    created_ms: typeof created === 'number' ? created : state.life === '' ? 0 : stampMs(state.life),
    updated: updatedOf(state),
    expires_ms: number(state, 'expires_at'),
    archived: archiveOf(state)?.stamp ?? null,
    agent_id: text(state, 'metadata.agent_id'),
    scope: text(state, 'metadata.scope'),
  };
}

function text(state: MemoryState, name: string): string | null {
  const value = valueOf(state, name);
  return typeof value === 'string' ? value : null;
}

function number(state: MemoryState, name: string): number | null {
  const value = valueOf(state, name);
  return typeof value === 'number' ? value : null;
}
