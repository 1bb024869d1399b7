/** Routes that look over the memory before something is begun or stored: the tree of namespaces, duplicates, a session's start. */
import { duplicateBody, sessionStartBody } from '../../memory/http/bodies.ts';
import { DUPLICATE_THRESHOLD, LEAST_THRESHOLD, likeness } from '../../memory/http/duplicate.ts';
import { foundJson } from '../../memory/http/memory-json.ts';
import { taxonomyOf } from '../../memory/http/taxonomy.ts';
import { given } from '../../memory/given.ts';
import type { MemoryReply, MemoryRequest, MemoryRoute } from './memory-request.ts';

const API = '/api/v1';
const DEEPEST = 8;
/** Memories that a text is compared with: the best that its words find. */
const COMPARED = 50;
const MOST_AT_START = 50;

export const MEMORY_OVERVIEW: readonly MemoryRoute[] = [
  { method: 'GET', path: `${API}/taxonomy`, needs: 'read', handle: taxonomy, summary: 'Namespaces as a tree' },
  {
    ...{
      method: 'POST',
      path: `${API}/check_duplicate`,
      needs: 'read',
      body: 'DuplicateCheck',
      handle: checkDuplicate,
    },
    summary: 'The memory most like a text, and whether it says the same; by words',
  },
  {
    ...{ method: 'POST', path: `${API}/session/start`, needs: 'read', body: 'SessionStart', handle: startSession },
    summary: 'The memories to begin a session with',
  },
];

async function taxonomy(request: MemoryRequest): Promise<MemoryReply> {
  const prefix = (request.query('prefix') ?? '').replace(/\/+$/, '');
  const depth = Math.min(request.number('depth') ?? DEEPEST, DEEPEST);
  const tree = taxonomyOf(await request.access.namespaces(), prefix, Math.max(1, depth));
  return { status: 200, body: { tree, total_count: tree.subtree_count, truncated: false } };
}

async function checkDuplicate(request: MemoryRequest): Promise<MemoryReply> {
  const { title, content, namespace, threshold = DUPLICATE_THRESHOLD } = await request.body(duplicateBody);
  const text = `${title} ${content}`;
  const least = Math.max(LEAST_THRESHOLD, Math.min(1, threshold));
  const query = { context: text, limit: COMPARED, touch: false, ...given({ namespace }) };
  const { memories } = await request.access.recall(query, await request.caller());
  const ranked = memories
    .map((memory) => ({ memory, similarity: likeness(text, `${memory.own_title} ${memory.content}`) }))
    .sort((a, b) => b.similarity - a.similarity);
  const [nearest] = ranked;
  const is_duplicate = nearest !== undefined && nearest.similarity >= least;
  return {
    status: 200,
    body: {
      ...{ is_duplicate, threshold: least, candidates_scanned: memories.length },
      nearest: nearest && {
        ...{ id: nearest.memory.id, title: nearest.memory.title, namespace: nearest.memory.namespace },
        similarity: nearest.similarity,
      },
      suggested_merge: is_duplicate ? nearest.memory.id : null,
    },
  };
}

async function startSession(request: MemoryRequest): Promise<MemoryReply> {
  const { namespace, limit = 10 } = await request.body(sessionStartBody);
  const query = { ...given({ namespace }), limit: Math.min(limit, MOST_AT_START) };
  const memories = await request.access.list(query);
  const rows = memories.map((memory) => foundJson({ ...memory, score: 0 }));
  return { status: 200, body: { memories: rows, count: rows.length, mode: 'session_start' } };
}
