/** Acts of several operations: promote, consolidate. */
import { uuidv7 } from '../../platform/random.ts';
import { askFor, requireAllowed } from '../governance/ask.ts';
import { checkId, checkNamespace, invalid } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { MEMORY_LIMITS } from '../limits.ts';
import type { ConsolidateRequest, Governed } from '../memories.ts';
import type { Memory } from '../memory.ts';
import type { MemoryFields } from '../operation.ts';
import { TitleConflictError } from '../memories.ts';
import { checkIds, draftOf } from './request.ts';
import { writeDelete } from './remove-memory.ts';
import { requireMemory, write, type WriteScope } from './scope.ts';
import { begin } from './store-memory.ts';
import { titled } from './titles.ts';
import { writeChange } from './update-memory.ts';

export function promoteMemory(
  scope: WriteScope,
  id: string,
  to_namespace: string | undefined,
): Governed<{ memory: Memory }> {
  const memory = requireMemory(scope, checkId('id', id));
  const target = to_namespace === undefined ? null : checkNamespace('to_namespace', to_namespace);
  const payload = target === null ? {} : { to_namespace: target };
  const pending_id = askFor(scope, { act: 'promote', namespace: target ?? memory.namespace, memory, payload });
  if (pending_id !== null) return { status: 'pending', pending_id };
  const id_of_copy = uuidv7(scope.work.now_ms, scope.settings.random);
  return { status: 'done', memory: promoted(scope, memory, target, id_of_copy) };
}

/** To tier long for good; with a namespace a copy of it there, which says where it came from. */
export function promoted(scope: WriteScope, memory: Memory, to_namespace: string | null, id_of_copy: string): Memory {
  if (to_namespace === null) {
    writeChange(scope, memory, { tier: 'long', expires_at: null }, null);
    return requireMemory(scope, memory.id);
  }
  const fields: MemoryFields = {
    title: memory.own_title,
    content: memory.content,
    namespace: to_namespace,
    tier: 'long',
    tags: memory.tags,
    priority: memory.priority,
    confidence: memory.confidence,
    source: memory.source,
    expires_at: null,
    ...memory.extra,
  };
  const copy = begin(scope, id_of_copy, { fields, metadata: memory.metadata });
  write(scope, { kind: 'link', source_id: copy.id, target_id: memory.id, relation: 'derived_from', detail: {} });
  return copy;
}

/** One memory instead of several; the others are deleted. */
export function consolidate(scope: WriteScope, request: ConsolidateRequest): { memory: Memory; consolidated: number } {
  const ids = checkIds('ids', request.ids, 100);
  if (ids.length < 2 || ids.length !== request.ids.length) throw invalid('ids', 'has not 2 to 100 different ids');
  const sources = ids.map((id) => requireMemory(scope, id));
  const draft = draftOf(scope, {
    title: request.title,
    content: request.summary,
    namespace: request.namespace ?? 'global',
    tier: request.tier ?? 'long',
    source: request.source ?? 'consolidation',
    tags: [...new Set(sources.flatMap(({ tags }) => tags))].slice(0, MEMORY_LIMITS.tags),
    priority: Math.max(...sources.map(({ priority }) => priority)),
    confidence: Math.max(...sources.map(({ confidence }) => confidence)),
  });
  const existing = titled(scope, draft.fields.namespace, draft.fields.title);
  if (existing && !ids.includes(existing.id)) throw new TitleConflictError(existing.id);
  for (const source of sources) requireAllowed(scope, 'delete', source.namespace, source);
  const agents = sources.map(({ metadata }) => metadata['agent_id']).filter((agent) => typeof agent === 'string');
  const metadata: JsonObject = {
    ...draft.metadata,
    agent_id: scope.caller.agent_id,
    derived_from: ids,
    consolidated_from_agents: [...new Set(agents)],
  };
  const id = uuidv7(scope.work.now_ms, scope.settings.random);
  begin(scope, id, { fields: draft.fields, metadata });
  for (const source of ids) writeDelete(scope, source);
  return { memory: requireMemory(scope, id), consolidated: ids.length };
}
