/**
 * Entities: memories that stand for a person, a project, a thing, and the names by which it is called. An entity is a memory
 * of tier long (`metadata.kind` = `entity`), so it replicates, is linked, archived and erased as every other.
 */
import { invalid } from '../fields.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { TitleConflictError, type WriteOptions, type Written } from '../memories.ts';
import type { MemoryAccess } from '../memory-access.ts';
import type { Memory } from '../memory.ts';

export interface Entity {
  entity_id: string;
  canonical_name: string;
  namespace: string;
  aliases: string[];
}

export interface EntityRequest {
  canonical_name: string;
  namespace: string;
  aliases?: readonly string[];
  metadata?: JsonObject;
}

/** `pending_id`: a policy wants a yes first. */
export type Registered = (Entity & { created: boolean }) | { pending_id: string };

type EntityAccess = Pick<MemoryAccess, 'store' | 'update' | 'get' | 'list'>;

const TAG = 'entity';
const PAGE = 1000;
const MOST_ALIASES = 100;

/**
 * Names an entity; one of that name in that namespace gets the aliases that it lacks and stays otherwise as it is.
 * @throws TitleConflictError when the name is the title of a memory that is no entity
 */
export async function registerEntity(
  access: EntityAccess,
  { canonical_name, namespace, aliases = [], metadata = {} }: EntityRequest,
  options: WriteOptions,
): Promise<Written<Registered>> {
  const names = namesOf(aliases);
  try {
    const written = await access.store(
      {
        ...{ title: canonical_name, content: canonical_name, namespace, tier: 'long', tags: [TAG], source: 'system' },
        metadata: { ...metadata, kind: 'entity', aliases: names },
        on_conflict: 'error',
      },
      options,
    );
    const { result } = written;
    if (result.status === 'pending') return { ...written, result: { pending_id: result.pending_id } };
    return { ...written, result: { ...entityOf(result.memory), created: true } };
  } catch (error) {
    const known = error instanceof TitleConflictError ? await access.get(error.existing_id) : null;
    if (!known || !isEntity(known)) throw error;
    const { aliases: before } = entityOf(known);
    const more = { ...known.metadata, aliases: namesOf([...before, ...names]) };
    const { idempotency_key: _, ...rest } = options;
    const written = await access.update(known.id, { metadata: more }, rest);
    return { ...written, result: { ...entityOf(written.result.memory), created: false } };
  }
}

/** By its name or an alias, in any case; the one that was changed last when several have it. Null: nobody is called so. */
export async function entityByAlias(
  access: Pick<MemoryAccess, 'list'>,
  alias: string,
  namespace?: string,
): Promise<Entity | null> {
  const wanted = folded(alias);
  if (wanted === '') throw invalid('alias', 'is empty');
  let found: Memory | null = null;
  for (let offset = 0; ; offset += PAGE) {
    const page = await access.list({
      tags: [TAG],
      limit: PAGE,
      offset,
      ...(namespace === undefined ? {} : { namespace }),
    });
    for (const memory of page)
      if (isEntity(memory) && isCalled(memory, wanted) && (!found || memory.updated_at > found.updated_at))
        found = memory;
    if (page.length < PAGE) return found && entityOf(found);
  }
}

function isCalled(memory: Memory, wanted: string): boolean {
  const { canonical_name, aliases } = entityOf(memory);
  return [canonical_name, ...aliases].some((name) => folded(name) === wanted);
}

function isEntity({ metadata }: Memory): boolean {
  return metadata['kind'] === 'entity';
}

function entityOf({ id, own_title, namespace, metadata }: Memory): Entity {
  return { entity_id: id, canonical_name: own_title, namespace, aliases: textsOf(metadata['aliases']) };
}

/** Each once, as it was written first. */
function namesOf(aliases: readonly string[]): string[] {
  const names = new Map<string, string>();
  for (const alias of aliases) {
    const name = alias.trim();
    if (name !== '' && !names.has(folded(name))) names.set(folded(name), name);
  }
  if (names.size > MOST_ALIASES) throw invalid('aliases', `are more than ${MOST_ALIASES}`);
  return [...names.values()];
}

function folded(name: string): string {
  return name.trim().toLowerCase();
}

function textsOf(value: Json | undefined): string[] {
  if (!Array.isArray(value) || isObject(value)) return [];
  return value.filter((one): one is string => typeof one === 'string');
}
