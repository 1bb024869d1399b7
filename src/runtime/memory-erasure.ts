import { removeCopies } from '../storage/sqlite/migrations.ts';
import { SynclineError, UsageError } from '../platform/errors.ts';
import type { ErasableMemory, ErasableQuery } from '../memory/memories.ts';
import type { OperationId } from '../memory/origin.ts';
import type { DataDirectory } from './data-directory.ts';
import type { MemoryDirectory } from './open-memory.ts';
import { notKept } from './memory-verbs.ts';
import type { ErasedMemories, EraseQuery } from './operator.ts';

/** Who erases: the owner of this machine, as the command line calls them. */
const ERASER = { caller: { agent_id: 'user' } };

/** What one write takes. */
const AT_ONCE = 1000;

/**
 * Erases memories: here from every file, at the other members by a delete that each of them carries out. Undefined: the query is
 * not about memories.
 * @throws SynclineError `memory.not_found`, `memory.ambiguous`, `memory.off`, StaleError `storage.readers`
 */
export async function eraseMemories(
  { memory, options }: Pick<DataDirectory, 'memory' | 'options'>,
  query: EraseQuery,
): Promise<ErasedMemories | undefined> {
  const which = whichOf(query);
  if (which === null || (memory === null && query.match !== null)) return undefined;
  if (memory === null) throw notKept();
  const found = await memory.memories.erasable(which);
  if (found.length === 0 && which.id !== undefined)
    throw new SynclineError('memory.not_found', 'There is nothing here of a memory with this id', {
      hint: '`syncline memory list` shows what there is.',
    });
  if (query.dry_run) return { memories: found, gone_on: null, members: null, log_keeps: 0 };
  const { erased, operation, log_keeps } = await eraseAll(memory, which, found);
  if (erased.length > 0) removeCopies(options.paths.home);
  const gone = await goneOn(memory, operation, query);
  // All have it now: the log need not wait any more.
  const again = log_keeps.length > 0 && gone.gone_on === gone.members;
  const left = again ? await eraseAgain(memory, log_keeps) : log_keeps.length;
  return { memories: erased, ...gone, log_keeps: left };
}

/** @throws UsageError `erase.choice` */
export function isOnlyOfMemories({ memory, namespace, session, project, before_ms, match }: EraseQuery): boolean {
  const of_memories = [memory, namespace].filter((choice) => choice !== undefined && choice !== null).length;
  if (of_memories === 0) return false;
  const others = [session, project, before_ms, match].filter((choice) => choice !== null).length;
  if (of_memories + others === 1) return true;
  throw new UsageError('erase.choice', 'Say what to erase by exactly one of the options', {
    hint: 'syncline erase --memory ID --dry-run',
  });
}

function whichOf({ memory, namespace, match }: EraseQuery): ErasableQuery | null {
  if (memory) return { id: memory };
  if (namespace) return { namespace };
  return match === null ? null : { text: match };
}

/** In steps of what one write takes; what was erased is not found again. */
async function eraseAll(
  { memories }: MemoryDirectory,
  which: ErasableQuery,
  found: ErasableMemory[],
): Promise<{ erased: ErasableMemory[]; operation: OperationId | null; log_keeps: string[] }> {
  const erased = new Map<string, ErasableMemory>();
  const log_keeps: string[] = [];
  let operation: OperationId | null = null;
  for (let next = found; next.length > 0; next = await memories.erasable(which)) {
    const fresh = next.filter(({ id }) => !erased.has(id));
    if (fresh.length === 0) break;
    const ids = fresh.map(({ id }) => id);
    const { operations, result } = await memories.erase(ids, ERASER);
    operation = operations.at(-1) ?? operation;
    log_keeps.push(...result.log_keeps);
    for (const memory of fresh) erased.set(memory.id, memory);
  }
  return { erased: [...erased.values()], operation, log_keeps };
}

async function eraseAgain({ memories }: MemoryDirectory, ids: readonly string[]): Promise<number> {
  let left = 0;
  for (let from = 0; from < ids.length; from += AT_ONCE)
    left += (await memories.erase(ids.slice(from, from + AT_ONCE), ERASER)).result.log_keeps.length;
  return left;
}

async function goneOn(
  { memories }: MemoryDirectory,
  operation: OperationId | null,
  { everywhere, timeout_ms }: EraseQuery,
): Promise<Pick<ErasedMemories, 'gone_on' | 'members'>> {
  if (operation === null) return { gone_on: null, members: null };
  const now = await memories.durability(operation);
  const all = now?.members ?? 1;
  const receipt = everywhere && all > 1 ? await memories.waitDurable(operation, all, timeout_ms) : now;
  return { gone_on: receipt?.durable_on ?? 1, members: receipt?.members ?? 1 };
}
