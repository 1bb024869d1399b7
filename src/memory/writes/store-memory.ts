import { uuidv7 } from '../../platform/random.ts';
import { askFor } from '../governance/ask.ts';
import { checkId, invalid } from '../fields.ts';
import type { Json, JsonObject } from '../json.ts';
import { TitleConflictError, type Governed, type StoreRequest, type Stored } from '../memories.ts';
import type { Memory } from '../memory.ts';
import { liveMemory } from '../store/reads.ts';
import { draftOf, oneOf, type Draft } from './request.ts';
import { requireMemory, write, type WriteScope } from './scope.ts';
import { titled } from './titles.ts';
import { tierRank } from './tiers.ts';
import { writeChange } from './update-memory.ts';

const MOST_VERSIONS = 1024;

/** A new memory, or a change of the one that has its title or id. */
export function storeMemory(scope: WriteScope, request: StoreRequest): Governed<Stored> {
  const draft = draftOf(scope, request);
  draft.metadata = { ...draft.metadata, agent_id: scope.caller.agent_id };
  return storeDraft(scope, draft, request);
}

/** Of a draft that is checked and redacted already. */
export function storeDraft(
  scope: WriteScope,
  draft: Draft,
  request: Pick<StoreRequest, 'id' | 'on_conflict'>,
): Governed<Stored> {
  const on_conflict = oneOf('on_conflict', request.on_conflict ?? 'error', ['error', 'merge', 'version']);
  const id = request.id === undefined ? null : checkId('id', request.id);
  const same_id = id === null ? null : liveMemory(scope, id);
  const existing = same_id ?? titled(scope, draft.fields.namespace, draft.fields.title);
  if (existing && !same_id && on_conflict === 'error') throw new TitleConflictError(existing.id);
  const changed = same_id ?? (on_conflict === 'merge' ? existing : null);

  const payload = { ...draft, id, on_conflict } as unknown as JsonObject;
  const pending_id = askFor(scope, { act: 'write', namespace: draft.fields.namespace, memory: changed, payload });
  if (pending_id !== null) return { status: 'pending', pending_id };

  if (changed) return { status: 'done', ...merged(scope, changed, draft, same_id === null) };
  const asked_title = draft.fields.title;
  if (existing && on_conflict === 'version') draft.fields.title = nextVersion(scope, draft);
  const memory = begin(scope, id ?? uuidv7(scope.work.now_ms, scope.settings.random), draft);
  return {
    status: 'done',
    memory,
    created: true,
    potential_contradictions: existing ? namesakes(scope, memory, asked_title) : [],
  };
}

/** Begins a life. */
export function begin(scope: WriteScope, id: string, { fields, metadata }: Draft): Memory {
  write(scope, { kind: 'store', id, fields, metadata });
  return requireMemory(scope, id);
}

/** The incoming text; of rank, confidence and time to live the greater (specification §5.1); the first writer stays. */
function merged(scope: WriteScope, memory: Memory, { fields, metadata }: Draft, greater: boolean): Stored {
  const values: Record<string, Json> = { ...fields };
  if (greater) {
    values['priority'] = Math.max(memory.priority, fields.priority);
    values['confidence'] = Math.max(memory.confidence, fields.confidence);
    if (tierRank(memory.tier) > tierRank(fields.tier)) {
      values['tier'] = memory.tier;
      delete values['expires_at'];
    }
  }
  const kept = { ...metadata, agent_id: memory.metadata['agent_id'] ?? metadata['agent_id'] ?? null };
  writeChange(scope, memory, values, kept);
  return { memory: requireMemory(scope, memory.id), created: false, potential_contradictions: [] };
}

function nextVersion(scope: WriteScope, { fields }: Draft): string {
  for (let version = 2; version <= MOST_VERSIONS; version++) {
    const title = `${fields.title} (${version})`;
    if (!titled(scope, fields.namespace, title)) return title;
  }
  throw invalid('title', `has ${MOST_VERSIONS} versions already`);
}

function namesakes(scope: WriteScope, { id, namespace }: Memory, title: string): string[] {
  return scope.db
    .all<{ id: string }>(
      `SELECT id FROM memory WHERE status = 'live' AND namespace = ? AND title = ? AND id <> ? ORDER BY life LIMIT 10`,
      namespace,
      title,
      id,
    )
    .map((row) => row.id);
}
