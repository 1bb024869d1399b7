import { openSqliteStore } from '../engine/sqlite/store.ts';
import { accessTo, type MemoryAccess } from '../memory/memory-access.ts';
import type { Memories } from '../memory/memories.ts';
import { openMemoryStore } from '../memory/open-memory-store.ts';
import type { PeerService } from '../memory/replication/peer-service.ts';
import { openMemberKey } from '../memory/replication/pairing/member-key.ts';
import { globMatcher } from '../platform/glob.ts';
import { loadHashing, type Hashing } from '../redaction/hashing.ts';
import { CONVERSATION_POLICY } from '../redaction/policy.ts';
import { createRedactor, type Redactor } from '../redaction/redactor.ts';
import type { ServedMemory } from '../server/served-memory.ts';
import { Database } from '../storage/sqlite/database.ts';
import { deviceName } from './device-name.ts';
import type { DirectoryOptions } from './directory-options.ts';
import { memoryIncarnation, nextIncarnation } from './memory-incarnation.ts';
import { freshnessOf, openPeers } from './memory-peers.ts';
import { saltInForce, sessionHasher } from './memory-salt.ts';

/** What works on memories in one data directory. */
export interface MemoryDirectory {
  memories: Memories;
  /** For commands, MCP and whoever asks from another process. */
  access: MemoryAccess;
  served: ServedMemory;
  /** As memories are masked with. */
  redactor: Redactor;
  /** Members that share this memory; a loop of the daemon runs them. */
  peers: PeerService;
  close: () => Promise<void>;
}

/** Of the whole room; memories are small, and nobody may remove them to make room. */
const SHARE = 0.2;

/**
 * Opens the memories of a data directory, whose lock the caller holds; null where the configuration keeps none.
 * @throws InvalidInputError `memory.member_key` when the key of this member is damaged
 */
export async function openMemory(options: DirectoryOptions): Promise<MemoryDirectory | null> {
  const { paths, loaded, clock, random, team_id } = options;
  const { keep, write_quorum, quorum_timeout: quorum_timeout_ms } = loaded.config.memory;
  if (!keep) return null;
  const hashing = await loadHashing();
  const incarnation = memoryIncarnation(paths, random);
  const db = new Database(paths.memory_db);
  try {
    const cap_bytes = Math.floor(loaded.config.storage.max_bytes * SHARE);
    openSqliteStore(db, { clock, random, cap_bytes });
    const redactor = memoryRedactor(options, hashing);
    const memories = openStore(options, { db, redactor, cap_bytes, incarnation: incarnation.name });
    incarnation.settle();
    const peers = openPeers(options, memories.replica);
    const settings = { write_quorum, quorum_timeout_ms };
    const access = accessTo({
      ...{ memories, settings, hashOf: sessionHasher(options, hashing), random },
      peers: () => peers.status(),
    });
    return {
      memories,
      access,
      peers,
      redactor,
      served: {
        ...{ access, settings, team_id, freshness: freshnessOf(peers.replication) },
        export: () => memories.export(),
        onChange: (listener) => memories.replica.onCommit(listener),
      },
      close: async () => {
        await memories.close();
        db.close();
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function memoryRedactor(options: DirectoryOptions, hashing: Hashing): Redactor {
  return createRedactor({ hashing, salt: saltInForce(options), policy: CONVERSATION_POLICY, clock: options.clock });
}

interface StoreParts {
  db: Database;
  redactor: Redactor;
  cap_bytes: number;
  incarnation: string;
}

function openStore(options: DirectoryOptions, { db, redactor, cap_bytes, incarnation }: StoreParts): Memories {
  const { paths, loaded, clock, random } = options;
  const { name, unredacted } = loaded.config.memory;
  const open = unredacted.map((glob) => globMatcher(glob));
  return openMemoryStore(db, {
    ...{ member: openMemberKey(paths.keys_dir).member, incarnation, device: deviceName(name) },
    ...{ clock, random, cap_bytes },
    nextIncarnation: () => nextIncarnation(paths, random),
    redactor,
    is_redacted: (namespace) => !open.some((matches) => matches(namespace)),
  });
}
