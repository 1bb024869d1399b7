/** Routes that look over the memory before something is begun or stored: the tree of namespaces, duplicates, a session's start. */
import { duplicateBody, sessionStartBody } from '../../memory/http/bodies.ts';
import { checkDuplicate } from '../../memory/http/duplicate.ts';
import { foundJson } from '../../memory/http/memory-json.ts';
import { taxonomyOf } from '../../memory/http/taxonomy.ts';
import { given } from '../../memory/given.ts';
import type { MemoryReply, MemoryRequest, MemoryRoute } from './memory-request.ts';

const API = '/api/v1';
const DEEPEST = 8;
const MOST_AT_START = 50;

export const MEMORY_OVERVIEW: readonly MemoryRoute[] = [
  { method: 'GET', path: `${API}/taxonomy`, needs: 'read', handle: taxonomy, summary: 'Namespaces as a tree' },
  {
    ...{
      method: 'POST',
      path: `${API}/check_duplicate`,
      needs: 'read',
      body: 'DuplicateCheck',
      handle: duplicate,
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

async function duplicate(request: MemoryRequest): Promise<MemoryReply> {
  const asked = await request.body(duplicateBody);
  return { status: 200, body: { ...(await checkDuplicate(request.access, asked, await request.caller())) } };
}

async function startSession(request: MemoryRequest): Promise<MemoryReply> {
  const { namespace, limit = 10 } = await request.body(sessionStartBody);
  const query = { ...given({ namespace }), limit: Math.min(limit, MOST_AT_START) };
  const memories = await request.access.list(query);
  const rows = memories.map((memory) => foundJson({ ...memory, score: 0 }));
  return { status: 200, body: { memories: rows, count: rows.length, mode: 'session_start' } };
}
