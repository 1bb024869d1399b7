import { requireAllowed } from '../governance/ask.ts';
import { canonicalJson, type Json, type JsonObject } from '../json.ts';
import { TitleConflictError, type MemoryChange } from '../memories.ts';
import type { Memory } from '../memory.ts';
import { readMemoryState } from '../merge/row.ts';
import { METADATA_PREFIX, type MemoryState } from '../merge/memory.ts';
import { valueOf } from '../store/memory-columns.ts';
import { changeOf } from './request.ts';
import { requireMemory, write, type WriteScope } from './scope.ts';
import { expiryOf } from './tiers.ts';
import { titled } from './titles.ts';

/** Changes what the request names; an operation only when something is different then. */
export function updateMemory(scope: WriteScope, id: string, change: MemoryChange): { memory: Memory } {
  const memory = requireMemory(scope, id);
  requireAllowed(scope, 'write', memory.namespace, memory);
  const { fields, metadata } = changeOf(scope, change, memory.namespace);
  const namespace = (fields['namespace'] as string | undefined) ?? memory.namespace;
  const title = (fields['title'] as string | undefined) ?? memory.own_title;
  if (namespace !== memory.namespace) requireAllowed(scope, 'write', namespace, memory);
  if (namespace !== memory.namespace || title !== memory.own_title) {
    const other = titled(scope, namespace, title);
    if (other && other.id !== id) throw new TitleConflictError(other.id);
  }
  const tier = fields['tier'] as string | undefined;
  const values: Record<string, Json> = { ...fields };
  if (tier !== undefined && tier !== memory.tier && !Object.hasOwn(fields, 'expires_at'))
    values['expires_at'] = expiryOf(scope.settings.tiers, tier, scope.work.now_ms);
  const kept = metadata && { ...metadata, agent_id: memory.metadata['agent_id'] ?? scope.caller.agent_id };
  writeChange(scope, memory, values, kept);
  return { memory: requireMemory(scope, id) };
}

/** Writes what differs from the memory as it is. `metadata` replaces all of it; null leaves it. False: nothing differs. */
export function writeChange(
  scope: WriteScope,
  memory: Memory,
  values: JsonObject,
  metadata: JsonObject | null,
): boolean {
  const state = stateOf(scope, memory.id);
  const fields = Object.fromEntries(
    Object.entries(values).filter(([name, value]) => canonicalJson(value) !== canonicalJson(valueOf(state, name))),
  );
  const members = metadata === null ? {} : metadataChange(state, memory.metadata, metadata);
  if (Object.keys(fields).length === 0 && Object.keys(members).length === 0) return false;
  write(scope, {
    kind: 'update',
    id: memory.id,
    life: memory.life,
    fields,
    ...(Object.keys(members).length === 0 ? {} : { metadata: members }),
  });
  return true;
}

export function stateOf(scope: WriteScope, id: string): MemoryState {
  return readMemoryState(scope.db.value<string>('SELECT state FROM memory WHERE id = ?', id));
}

function metadataChange(state: MemoryState, before: JsonObject, after: JsonObject): JsonObject {
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  const changed = Object.entries(after).filter(
    ([name, value]) => canonicalJson(value) !== canonicalJson(valueOf(state, METADATA_PREFIX + name)),
  );
  return Object.fromEntries([...changed, ...removed.map((name): [string, Json] => [name, null])]);
}
