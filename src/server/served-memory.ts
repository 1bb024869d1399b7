import type { MemoryExport } from '../memory/memories.ts';
import type { MemoryAccess, MemorySettings } from '../memory/memory-access.ts';
import type { MemoryFreshness } from './memory-freshness.ts';

/** What the server needs of the memories that it serves. */
export interface ServedMemory {
  access: MemoryAccess;
  settings: MemorySettings;
  freshness: MemoryFreshness;
  /** Tokens of this team are served; there is one memory, not one a team. */
  team_id: string;
  export(): AsyncIterable<MemoryExport>;
  /** Called after each commit, of this member or of what others sent. Returns what ends it. */
  onChange(listener: () => void): () => void;
}
