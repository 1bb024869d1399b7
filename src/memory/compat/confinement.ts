import type { Memories } from '../memories.ts';
import { readMemoryState } from '../merge/row.ts';
import { keepingItems, type ItemRules } from './keeping-items.ts';
import type { PushBody } from './push-body.ts';

const NOT_ALLOWED = { skipped: 'the peer may not write to that namespace' };

/**
 * Holds a push to the namespaces of its peer, on every list: an item skips when what it names, or what has its id here, lies
 * elsewhere. What is unknown here has no namespace that could be allowed, except for a memory, which brings its own.
 */
export async function confine(
  body: PushBody,
  allows: (namespace: string) => boolean,
  reads: Pick<Memories, 'replica' | 'pendingAction'>,
): Promise<PushBody> {
  const { lists } = body;
  const here = await namespacesOf(reads, idsOf(lists));
  const asked = new Map<string, string | undefined>();
  for (const read of lists.pending_decisions)
    if ('item' in read) asked.set(read.item.id, (await reads.pendingAction(read.item.id))?.namespace);
  const known = (id: string): boolean => isAllowed(here.get(id), allows);
  const rules: ItemRules = {
    memories: ({ id, namespace }) => allows(namespace) && (!here.has(id) || known(id)),
    deletions: known,
    archives: known,
    restores: known,
    links: ({ source_id, target_id }) => known(source_id) && known(target_id),
    pendings: ({ namespace }) => allows(namespace),
    pending_decisions: ({ id }) => isAllowed(asked.get(id), allows),
    namespace_meta: ({ namespace }) => allows(namespace),
    namespace_meta_clears: allows,
    embeddings: ({ memory_id }) => known(memory_id),
  };
  // Memories of the same push count as here for what is said of them: they are taken first.
  for (const read of lists.memories)
    if ('item' in read && rules.memories(read.item)) here.set(read.item.id, read.item.namespace);
  return keepingItems(body, rules, NOT_ALLOWED);
}

function isAllowed(namespace: string | undefined, allows: (namespace: string) => boolean): boolean {
  return namespace !== undefined && allows(namespace);
}

function idsOf(lists: PushBody['lists']): string[] {
  const ids = new Set<string>();
  for (const read of lists.memories) if ('item' in read) ids.add(read.item.id);
  for (const read of lists.links) if ('item' in read) ids.add(read.item.source_id).add(read.item.target_id);
  for (const read of [...lists.deletions, ...lists.archives, ...lists.restores]) if ('item' in read) ids.add(read.item);
  for (const read of lists.embeddings) if ('item' in read) ids.add(read.item.memory_id);
  return [...ids];
}

/** Of the living and the archived; a deleted one has none. */
async function namespacesOf(reads: Pick<Memories, 'replica'>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await reads.replica.states(ids.map((key) => ({ row: 'memory', key })));
  return new Map(
    rows.flatMap(({ key, state }): [string, string][] => {
      const namespace = readMemoryState(state).registers['namespace']?.value;
      return typeof namespace === 'string' ? [[key, namespace]] : [];
    }),
  );
}
