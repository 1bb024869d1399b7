/** A member of the memory flow on a database of its own, with a clock that the test owns. */
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { EngineStore } from '../../src/engine/store.ts';
import { openMemoryStore, type MemoryStoreOptions } from '../../src/memory/open-memory-store.ts';
import type { Memories, WriteOptions } from '../../src/memory/memories.ts';
import type { OriginId, VersionVector } from '../../src/memory/origin.ts';
import { loadHashing } from '../../src/redaction/hashing.ts';
import { CONVERSATION_POLICY } from '../../src/redaction/policy.ts';
import { createRedactor } from '../../src/redaction/redactor.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { Database } from '../../src/storage/sqlite/database.ts';

const hashing = await loadHashing();
export const NOW = 1_800_000_000_000;
const CAP_BYTES = 1024 ** 3;

export class MemoryMember {
  readonly name: string;
  readonly path: string;
  readonly clock = { ms: NOW, now_ms: (): number => this.clock.ms, monotonic_ms: (): number => this.clock.ms };
  readonly #options: Partial<MemoryStoreOptions>;
  db!: Database;
  engine!: EngineStore;
  memories!: Memories;

  readonly redactor = createRedactor({ hashing, salt: new Uint8Array(32).fill(7), policy: CONVERSATION_POLICY });

  constructor(name: string, path = ':memory:', options: Partial<MemoryStoreOptions> = {}) {
    this.name = name;
    this.path = path;
    this.#options = options;
    this.#open();
  }

  #open(): void {
    this.db = new Database(this.path);
    // Of the whole name: members whose names begin alike made the same ids.
    const seed = [...this.name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 0);
    const random = seededRandom((seed * 7919 + this.path.length) >>> 0);
    this.engine = openSqliteStore(this.db, { clock: this.clock, random, cap_bytes: CAP_BYTES });
    this.memories = openMemoryStore(this.db, {
      member: this.name,
      incarnation: '1',
      device: `${this.name}-laptop`,
      clock: this.clock,
      random,
      redactor: this.redactor,
      cap_bytes: CAP_BYTES,
      ...this.#options,
    });
  }

  get replica(): Memories['replica'] {
    return this.memories.replica;
  }

  /** As after a stop and start. */
  async reopen(): Promise<void> {
    await this.close();
    this.#open();
  }

  async close(): Promise<void> {
    await this.memories.close();
    this.db.close();
  }

  /** Stores a memory and returns its id. */
  async store(title: string, more: object = {}, as: WriteOptions = ann): Promise<string> {
    const { result } = await this.memories.store({ title, content: `content of ${title}`, ...more }, as);
    if (result.status !== 'done') throw new Error('waits for approval');
    return result.memory.id;
  }

  /** The canonical export as one text. */
  async canonical(): Promise<string> {
    const lines: string[] = [];
    for await (const line of this.replica.canonical()) lines.push(line);
    return lines.join('\n');
  }

  /** What is live, by shown title. */
  async titles(namespace?: string): Promise<string[]> {
    const rows = await this.memories.list({ limit: 1000, ...(namespace === undefined ? {} : { namespace }) });
    return rows.map(({ title }) => title).sort();
  }
}

export const ann: WriteOptions = { caller: { agent_id: 'ann' } };
export const bob: WriteOptions = { caller: { agent_id: 'bob' } };
export const eve: WriteOptions = { caller: { agent_id: 'eve' } };

/** Gives `to` all that `from` has and it does not. */
export async function pull(to: MemoryMember, from: MemoryMember, page_items = 1000): Promise<void> {
  for (const origin of Object.keys(from.replica.vector())) await pullOrigin(to, from, origin, page_items);
}

export async function pullOrigin(
  to: MemoryMember,
  from: MemoryMember,
  origin: OriginId,
  max_items = 1000,
): Promise<void> {
  for (;;) {
    const after = to.replica.vector()[origin] ?? 0;
    const page = await from.replica.read(origin, after, { max_items });
    if (!page || page.operations.length === 0) return;
    const { stopped } = await to.replica.apply(page);
    if (stopped) return;
  }
}

/** Everybody has everything. */
export async function settle(...members: MemoryMember[]): Promise<void> {
  for (let round = 0; round < 2; round++)
    for (const to of members) for (const from of members) if (to !== from) await pull(to, from);
}

export function vectors(...members: MemoryMember[]): Map<string, VersionVector> {
  return new Map(members.map((member) => [member.name, member.replica.vector()]));
}
