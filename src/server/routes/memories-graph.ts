/** Links as facts in time, and the names of things: timeline, reach, invalidation, entities. */
import { entityByAlias, registerEntity } from '../../memory/graph/entities.ts';
import { reachedFrom, timelineOf } from '../../memory/graph/facts.ts';
import { entityBody, graphBody, invalidationBody } from '../../memory/http/bodies.ts';
import { given } from '../../memory/given.ts';
import { Refusal } from '../http/refusal.ts';
import type { MemoryReply, MemoryRequest, MemoryRoute } from './memory-request.ts';

const API = '/api/v1';

export const MEMORY_GRAPH: readonly MemoryRoute[] = [
  {
    ...{ method: 'GET', path: `${API}/kg/timeline`, needs: 'read', handle: timeline },
    summary: 'What the links of a memory say, in the order of time',
  },
  {
    ...{ method: 'POST', path: `${API}/kg/query`, needs: 'read', body: 'GraphQuery', handle: query },
    summary: 'What links lead to from a memory',
  },
  {
    ...{ method: 'POST', path: `${API}/kg/invalidate`, needs: 'write', body: 'LinkInvalidation', handle: invalidate },
    summary: 'Say that a link holds no longer',
  },
  {
    ...{ method: 'POST', path: `${API}/entities`, needs: 'write', body: 'Entity', handle: register },
    summary: 'Name an entity, or give it more names',
  },
  { method: 'GET', path: `${API}/entities/by_alias`, needs: 'read', handle: byAlias, summary: 'The entity of a name' },
];

async function timeline(request: MemoryRequest): Promise<MemoryReply> {
  const source_id = request.query('source_id');
  if (source_id === undefined) throw new Refusal(400, 'source_id', 'source_id is missing', { field: 'source_id' });
  const bounds = given({
    since: request.query('since'),
    until: request.query('until'),
    limit: request.number('limit'),
  });
  const events = await timelineOf(request.access, { source_id, ...bounds });
  return { status: 200, body: { source_id, events, count: events.length } };
}

async function query(request: MemoryRequest): Promise<MemoryReply> {
  const { source_id, max_depth = 1, ...rest } = await request.body(graphBody);
  const memories = await reachedFrom(request.access, { source_id, max_depth, ...given(rest) });
  const paths = memories.map(({ path }) => path);
  return { status: 200, body: { source_id, max_depth, memories, paths, count: memories.length } };
}

async function invalidate(request: MemoryRequest): Promise<MemoryReply> {
  const { source_id, target_id, relation, valid_until } = await request.body(invalidationBody);
  const ends = { source_id, target_id, relation };
  const written = await request.access.invalidateLink({ ...ends, ...given({ valid_until }) }, await request.writing());
  const { link, previous_valid_until } = written.result;
  if (!link) throw new Refusal(404, 'link_unknown', 'There is no such link', { more: { found: false, ...ends } });
  return {
    status: 200,
    body: { found: true, ...ends, valid_until: link.valid_until ?? null, previous_valid_until },
    written,
  };
}

async function register(request: MemoryRequest): Promise<MemoryReply> {
  const { agent_id, ...entity } = await request.body(entityBody);
  const written = await registerEntity(request.access, given(entity), await request.writing(agent_id));
  const { result } = written;
  if ('pending_id' in result)
    return { status: 202, body: { status: 'pending', pending_id: result.pending_id }, written };
  return { status: result.created ? 201 : 200, body: { ...result }, written };
}

async function byAlias(request: MemoryRequest): Promise<MemoryReply> {
  const alias = request.query('alias');
  if (alias === undefined) throw new Refusal(400, 'alias', 'alias is missing', { field: 'alias' });
  const found = await entityByAlias(request.access, alias, request.query('namespace'));
  return { status: 200, body: found ? { found: true, ...found } : NOBODY };
}

const NOBODY = { found: false, entity_id: null, canonical_name: null, namespace: null, aliases: [] };
