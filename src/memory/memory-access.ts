/**
 * What can be asked of memories from another process, or by whoever is given no more than that: every argument and answer
 * is JSON. A store gives it by `accessTo`; the command line and `memory mcp` reach a running Syncline's by the same type.
 */
import { SynclineError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import type { Receipt } from './durability.ts';
import type { Caller, Memories, MemoryExport, Recalled, RecallQuery } from './memories.ts';
import type { OperationId } from './origin.ts';
import type { Renewed } from './replica.ts';
import { aloneStatus, type ReplicationStatus } from './replication/replication-status.ts';

/** Methods that are the store's own, as they are. */
const PLAIN = [
  'store',
  'storeMany',
  'update',
  'delete',
  'erase',
  'erasable',
  'archive',
  'restore',
  'purgeArchive',
  'promote',
  'link',
  'unlink',
  'invalidateLink',
  'consolidate',
  'forget',
  'setStandard',
  'clearStandard',
  'approve',
  'reject',
  'import',
  'archiveExpired',
  'get',
  'getMany',
  'list',
  'count',
  'search',
  'links',
  'linksFrom',
  'archived',
  'archiveStatistics',
  'statistics',
  'namespaces',
  'standard',
  'inheritedStandards',
  'pending',
  'pendingAction',
  'history',
  'durability',
] as const satisfies readonly (keyof Memories)[];

/** Every method, by name: what a call from another process may name. */
export const MEMORY_METHODS = [
  ...PLAIN,
  'recall',
  'waitDurable',
  'exportPage',
  'callerOf',
  'settings',
  'peers',
  'renew',
] as const;
export type MemoryMethod = (typeof MEMORY_METHODS)[number];

/** What this machine's configuration says of memories. */
export interface MemorySettings {
  /** Members that must have a write, unless a request says otherwise. */
  write_quorum: number;
  /** How long a write waits for them. */
  quorum_timeout_ms: number;
}

export interface MemoryAccess extends Pick<Memories, (typeof PLAIN)[number]> {
  recall(query: Omit<RecallQuery, 'embedding'>, caller: Caller): Promise<Recalled>;
  /** As `Memories.waitDurable`; at most a minute. */
  waitDurable(operation: OperationId, members: number, deadline_ms: number): Promise<Receipt>;
  /** A page of all memories and links; `next` begins where it ended. @throws SynclineError `memory.export_over` */
  exportPage(cursor?: string): Promise<{ page: MemoryExport | null; next: string | null }>;
  /** The caller with the session's hash, as telemetry carries it (R20). */
  callerOf(agent_id: string, session_id?: string): Promise<Caller>;
  settings(): Promise<MemorySettings>;
  /** Who else has this memory, and how far each has got (R13). */
  peers(): Promise<ReplicationStatus>;
  /** Goes on under a new number; loses nothing. @throws SynclineError `memory.set_back` */
  renew(): Promise<Renewed>;
}

export interface AccessInputs {
  memories: Memories;
  settings: MemorySettings;
  hashOf: (session_id: string) => string;
  random: Random;
  /** Null: this member is alone. */
  peers: (() => ReplicationStatus) | null;
}

const MOST_WAIT_MS = 60_000;
/** Exports that are read at the same time; the one begun first ends when there are more. */
const MOST_EXPORTS = 4;

/** The access to a store that is open in this process. */
export function accessTo({ memories, settings, hashOf, random, peers }: AccessInputs): MemoryAccess {
  const exports = new Map<string, AsyncIterator<MemoryExport>>();
  const plain = Object.fromEntries(
    PLAIN.map((name) => [name, (...values: unknown[]) => (memories[name] as AnyMethod).apply(memories, values)]),
  ) as unknown as Pick<Memories, (typeof PLAIN)[number]>;
  return {
    ...plain,
    recall: (query, caller) => memories.recall(query, caller),
    waitDurable: (operation, members, deadline_ms) =>
      memories.waitDurable(operation, members, Math.min(deadline_ms, MOST_WAIT_MS)),
    exportPage: (cursor) => nextPage(exports, cursor, memories, random),
    callerOf: async (agent_id, session_id) => callerOf(agent_id, session_id, hashOf),
    settings: async () => settings,
    peers: async () => peers?.() ?? aloneStatus(memories.replica),
    renew: () => memories.replica.renew(),
  };
}

type AnyMethod = (...values: unknown[]) => Promise<unknown>;

export function callerOf(
  agent_id: string,
  session_id: string | undefined,
  hashOf: (session_id: string) => string,
): Caller {
  return session_id === undefined ? { agent_id } : { agent_id, session: { id: session_id, hash: hashOf(session_id) } };
}

async function nextPage(
  exports: Map<string, AsyncIterator<MemoryExport>>,
  cursor: string | undefined,
  memories: Memories,
  random: Random,
): Promise<{ page: MemoryExport | null; next: string | null }> {
  const id = cursor ?? Buffer.from(random.bytes(12)).toString('base64url');
  const running = cursor === undefined ? memories.export()[Symbol.asyncIterator]() : exports.get(id);
  if (!running)
    throw new SynclineError('memory.export_over', 'This export has ended, or others were begun since', {
      hint: 'Begin it again.',
    });
  exports.delete(id);
  const result = await running.next();
  if (result.done === true) return { page: null, next: null };
  exports.set(id, running);
  for (const [oldest, other] of exports) {
    if (exports.size <= MOST_EXPORTS) break;
    exports.delete(oldest);
    await other.return?.();
  }
  return { page: result.value, next: id };
}
