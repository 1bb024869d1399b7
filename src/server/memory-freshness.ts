/** How fresh a read of memories is: what a request asks with `X-Read-Level` and `X-Read-Token`, and what it gets for the next one. */
import type { MemorySettings } from '../memory/memory-access.ts';
import { readQuorum, type ReadLevel } from '../memory/replication/read-level.ts';
import { Refusal } from './http/refusal.ts';

/** Answers of this member are as fresh as `barrier` made them. Replication has one; a member alone has all there is. */
export interface MemoryFreshness {
  /** Members of this memory, this one included. */
  members(): number;
  /** What a reader gives with its next read to see at least this. */
  token(): string;
  /** @throws UnreachableError `memory.behind`; InvalidInputError `memory.read_token` */
  barrier(level: ReadLevel, deadline_ms: number, signal: AbortSignal): Promise<void>;
}

/** @throws Refusal 400 `read_level` */
export function readLevelOf(
  { freshness, settings }: { freshness: MemoryFreshness; settings: Pick<MemorySettings, 'write_quorum'> },
  header: (name: string) => string | undefined,
): ReadLevel {
  const token = header('x-read-token');
  const level = header('x-read-level') ?? (token === undefined ? 'local' : 'session');
  if (level === 'local') return { level };
  if (level === 'quorum')
    return { level, members: Math.max(1, readQuorum(freshness.members(), settings.write_quorum)) };
  if (level === 'session' && token !== undefined) return { level, token };
  const why = level === 'session' ? 'session needs X-Read-Token' : 'local, session or quorum';
  throw new Refusal(400, 'read_level', `X-Read-Level: ${why}`, { field: 'X-Read-Level' });
}
