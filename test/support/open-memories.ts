/** Real memories in a folder of their own, served as a daemon serves them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { accessTo, type MemorySettings } from '../../src/memory/memory-access.ts';
import type { Memories } from '../../src/memory/memories.ts';
import { isWithin } from '../../src/memory/origin.ts';
import type { Replica } from '../../src/memory/replica.ts';
import { readReadToken, writeReadToken } from '../../src/memory/replication/read-level.ts';
import { openMemoryStore } from '../../src/memory/open-memory-store.ts';
import { systemClock, type Clock } from '../../src/platform/clock.ts';
import { UnreachableError } from '../../src/platform/errors.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { loadHashing } from '../../src/redaction/hashing.ts';
import { CONVERSATION_POLICY } from '../../src/redaction/policy.ts';
import { createRedactor } from '../../src/redaction/redactor.ts';
import type { MemoryFreshness } from '../../src/server/memory-freshness.ts';
import type { ServedMemory } from '../../src/server/served-memory.ts';
import { Database } from '../../src/storage/sqlite/database.ts';

export interface OpenMemories extends AsyncDisposable {
  memories: Memories;
  served: ServedMemory;
}

const CAP_BYTES = 64 * 1024 * 1024;

export async function openMemories(
  team_id: string,
  settings: Partial<MemorySettings> = {},
  clock: Clock = systemClock,
): Promise<OpenMemories> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-memories-'));
  const hashing = await loadHashing();
  const salt = new Uint8Array(32);
  const db = new Database(join(folder, 'memory.db'));
  openSqliteStore(db, { clock, random: systemRandom, cap_bytes: CAP_BYTES });
  const memories = openMemoryStore(db, {
    ...{ member: 'aaaabbbbccccdddd', incarnation: '1', device: 'laptop', clock, random: systemRandom },
    ...{ redactor: createRedactor({ hashing, salt, policy: CONVERSATION_POLICY }), cap_bytes: CAP_BYTES },
  });
  const all = { write_quorum: 1, quorum_timeout_ms: 50, ...settings };
  const hashOf = (id: string): string => hashing.hashWithSalt(salt, id);
  const access = accessTo({ memories, settings: all, hashOf, random: systemRandom, peers: null });
  return {
    memories,
    served: {
      ...{ access, settings: all, team_id, freshness: freshnessAlone(memories.replica) },
      export: () => memories.export(),
      onChange: (listener) => memories.replica.onCommit(listener),
    },
    [Symbol.asyncDispose]: async () => {
      await memories.close();
      db.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Of a member without peers: it has all there is, but not what a token of another, or of a restored past, names. */
function freshnessAlone(replica: Pick<Replica, 'vector'>): MemoryFreshness {
  return {
    members: () => 1,
    token: () => writeReadToken(replica.vector()),
    barrier: async (level) => {
      if (level.level !== 'session' || isWithin(readReadToken(level.token), replica.vector())) return;
      throw new UnreachableError('memory.behind', 'This member does not have what the read must see', {
        hint: 'It has no peers that could bring it; read level local shows what is here.',
      });
    },
  };
}
