import { SynclineError } from '../../platform/errors.ts';
import { invalid } from '../fields.ts';
import { MAX_BULK } from '../limits.ts';
import type { BulkResult, MemoryExport, StoreRequest } from '../memories.ts';
import { linkKey } from '../merge/row.ts';
import { liveMemory } from '../store/reads.ts';
import { refusalOf } from '../parse-operation.ts';
import { adoptMemory } from './adopt-memory.ts';
import { detailOf } from './link-memories.ts';
import { draftOf, oneOf, timeOf } from './request.ts';
import { RELATIONS } from '../memory.ts';
import { write, type WriteScope } from './scope.ts';
import { begin, storeMemory } from './store-memory.ts';
import { writeChange } from './update-memory.ts';

/** Each item by itself: one that is refused does not stop the others. */
export function storeMany(scope: WriteScope, requests: readonly StoreRequest[]): BulkResult {
  if (requests.length > MAX_BULK) throw invalid('memories', `are more than ${MAX_BULK}`);
  const items = requests.map((request) => item(scope, request));
  return { items, created: items.filter((done) => 'created' in done && done.created).length };
}

function item(scope: WriteScope, request: StoreRequest): BulkResult['items'][number] {
  try {
    const stored = storeMemory(scope, { on_conflict: 'merge', ...request });
    if (stored.status === 'pending')
      return { error: { code: 'memory.pending', message: `Waits for approval as ${stored.pending_id}` } };
    return { memory: stored.memory, created: stored.created };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return {
      error: { code: error.code, message: error.message, ...(error.field === undefined ? {} : { field: error.field }) },
    };
  }
}

/** Refusals of one item are thrown before it wrote anything. */
function isRefusal(error: unknown): error is SynclineError {
  return error instanceof SynclineError && error.code.startsWith('memory.');
}

/** Of an export: ids and times stay. Neither policies nor titles hinder it: it is an operator's act. */
export function importMemories(
  scope: WriteScope,
  data: MemoryExport,
  revive: boolean,
): { imported: number; links: number; errors: string[] } {
  if (data.memories.length > MAX_BULK || data.links.length > MAX_BULK * 4)
    throw invalid('memories', `are more than ${MAX_BULK}`);
  const errors: string[] = [];
  const attempt = (what: string, run: () => boolean): number => {
    try {
      return run() ? 1 : 0;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      errors.push(`${what}: ${refusalOf(error)}`);
      return 0;
    }
  };
  let imported = 0;
  for (const [i, memory] of data.memories.entries())
    imported += attempt(`memories.${i}`, () => importMemory(scope, memory, revive));
  let links = 0;
  for (const [i, link] of data.links.entries()) links += attempt(`links.${i}`, () => importLink(scope, link));
  return { imported, links, errors };
}

function importMemory(scope: WriteScope, memory: MemoryExport['memories'][number], revive: boolean): boolean {
  const { expires_at, created_at, adopted_at, ...rest } = memory;
  const draft = draftOf(scope, rest);
  draft.fields.expires_at = expires_at === undefined || expires_at === null ? null : timeOf('expires_at', expires_at);
  const created_ms = created_at === undefined ? {} : { created_ms: timeOf('created_at', created_at) };
  const fields = { ...draft.fields, ...created_ms };
  const agent_id = draft.metadata['agent_id'] ?? scope.caller.agent_id;
  const metadata = { ...draft.metadata, agent_id };
  const known = liveMemory(scope, memory.id);
  if (known) return writeChange(scope, known, fields, metadata);
  const dead = scope.db.get(`SELECT 1 FROM memory WHERE id = ? AND status IN ('dead', 'archived')`, memory.id);
  if (dead && (!revive || adopted_at !== undefined)) return false;
  if (adopted_at !== undefined) {
    adoptMemory(scope, memory.id, { fields, metadata }, adopted_at);
    return true;
  }
  begin(scope, memory.id, { fields, metadata });
  return true;
}

function importLink(scope: WriteScope, link: MemoryExport['links'][number]): boolean {
  const { source_id, target_id } = link;
  const relation = oneOf('relation', link.relation, RELATIONS);
  if (source_id === target_id) throw invalid('target_id', 'is the source itself');
  const known = scope.db.get(
    'SELECT 1 FROM link WHERE key = ? AND present = 1',
    linkKey(source_id, target_id, relation),
  );
  if (known) return false;
  write(scope, { kind: 'link', source_id, target_id, relation, detail: detailOf(scope, link.detail) });
  return true;
}
