/** The operator's verb for memories, with given answers, for what the console shows. Methods that change something throw. */
import type { MemoryAccess, MemoryMethod } from '../../src/memory/memory-access.ts';
import type { ArchivedMemory, HistoryEntry, Memory, MemoryLink } from '../../src/memory/memory.ts';
import type { MemoryCall, MemoryOutcome } from '../../src/runtime/memory-verbs.ts';
import { fakeFound, fakeMemory, fakeMemoryId, fakeProvenance } from '../support/fake-memories.ts';

type Answers = { [M in MemoryMethod]?: (...values: never[]) => Awaited<ReturnType<MemoryAccess[M]>> };
export type MemoryAnswers = Answers;

export function memoryAnswer(
  { method, arguments: values }: MemoryCall,
  { memories = {} }: { memories?: Answers },
): MemoryOutcome {
  const given = { ...USUAL, ...memories }[method] as ((...values: unknown[]) => unknown) | undefined;
  if (!given) throw new Error(`a page must not call memory.${method}`);
  return { value: given(...values) };
}

export function fakeMemories(count = 12): Memory[] {
  return Array.from({ length: count }, (_, n) =>
    fakeMemory(n, {
      id: `${fakeMemoryId(0).slice(0, -4)}${String(n).padStart(4, '0')}`,
      namespace: ['team/ops', 'team/web', 'global'][n % 3] ?? 'global',
      tier: ['long', 'mid', 'short'][n % 3] ?? 'mid',
      priority: 10 - (n % 10),
      access_count: n,
      updated: fakeProvenance(n % 4 === 1 ? { foreign: true, device: 'desktop', agent_id: 'codex' } : {}),
    }),
  );
}

export function fakeLinkOf(source_id: string, target_id: string): MemoryLink {
  return {
    source_id,
    target_id,
    relation: 'derived_from',
    created_at: fakeMemory().created_at,
    written: fakeProvenance(),
  };
}

export function fakeArchived(): ArchivedMemory {
  return {
    ...fakeMemory(1, { title: 'Freeze of 2025' }),
    archived_at: fakeMemory().created_at,
    archive_reason: 'forget',
  };
}

const FIRST = fakeMemories(1)[0] ?? fakeMemory();

const HISTORY: HistoryEntry[] = [
  {
    operation: 'aaaa.1:1',
    kind: 'store',
    at: FIRST.created_at,
    by: fakeProvenance(),
    fields: ['title', 'content'],
    detail: null,
  },
  {
    ...{
      operation: 'bbbb.1:4',
      kind: 'update',
      at: FIRST.updated_at,
      fields: ['priority', 'metadata.reviewed'],
      detail: null,
    },
    by: fakeProvenance({ foreign: true, device: 'desktop', agent_id: 'codex' }),
  },
];

const USUAL: Answers = {
  namespaces: () => [
    { namespace: 'team/ops', memories: 4 },
    { namespace: 'team/web', memories: 4 },
    { namespace: 'global', memories: 4 },
  ],
  count: () => 12,
  list: (query: { offset?: number; limit?: number; namespace?: string }) =>
    fakeMemories()
      .filter(({ namespace }) => (query.namespace ?? namespace) === namespace)
      .slice(query.offset ?? 0, (query.offset ?? 0) + (query.limit ?? 20)),
  search: () => [fakeFound(0), fakeFound(1, { content: 'word '.repeat(200) })],
  archived: () => [fakeArchived()],
  get: (id: string) => fakeMemories().find((memory) => memory.id === id) ?? null,
  getMany: (ids: string[]) => fakeMemories().filter(({ id }) => ids.includes(id)),
  links: (id: string) => [fakeLinkOf(id, fakeMemories()[1]?.id ?? id), fakeLinkOf(fakeMemories()[2]?.id ?? id, id)],
  history: () => HISTORY,
};
