/** Routes that read memories. */
import { recallBody } from '../../memory/http/bodies.ts';
import { archivedJson, foundJson, linkJson, memoryJson, receiptJson } from '../../memory/http/memory-json.ts';
import { given } from '../../memory/given.ts';
import type { ListQuery, MemoryFilter, RecallQuery } from '../../memory/memories.ts';
import { TIERS, type Memory, type Tier } from '../../memory/memory.ts';
import { Refusal } from '../http/refusal.ts';
import type { MemoryReply, MemoryRequest, MemoryRoute } from './memory-request.ts';

const API = '/api/v1';
/** Memories whose contradictions are looked for. */
const MOST_CONTRADICTING = 50;

export const MEMORY_READS: readonly MemoryRoute[] = [
  {
    ...{ method: 'GET', path: `${API}/memories`, needs: 'read', handle: list },
    summary: 'Memories, highest priority first',
  },
  { method: 'GET', path: `${API}/memories/:id`, needs: 'read', handle: one, summary: 'One memory and its links' },
  {
    ...{ method: 'GET', path: `${API}/memories/:id/history`, needs: 'read', handle: history },
    summary: 'Every operation on a memory: who, where, in which session, when',
  },
  {
    ...{ method: 'GET', path: `${API}/memory/search`, needs: 'read', handle: search },
    summary: 'Memories that hold all words',
  },
  {
    ...{ method: 'GET', path: `${API}/recall`, needs: 'read', handle: recallByQuery },
    summary: 'What is known about a subject, best first',
  },
  {
    ...{ method: 'POST', path: `${API}/recall`, needs: 'read', body: 'Recall', handle: recallByBody },
    summary: 'What is known about a subject, best first',
  },
  { method: 'GET', path: `${API}/links/:id`, needs: 'read', handle: links, summary: 'Links from and to a memory' },
  {
    ...{ method: 'GET', path: `${API}/contradictions`, needs: 'read', handle: contradictions },
    summary: 'Memories of a topic and the links that say they contradict',
  },
  { method: 'GET', path: `${API}/archive`, needs: 'read', handle: archived, summary: 'What was archived' },
  {
    ...{ method: 'GET', path: `${API}/archive/stats`, needs: 'read', handle: archiveStatistics },
    summary: 'How much was archived',
  },
  { method: 'GET', path: `${API}/inbox`, needs: 'read', handle: inbox, summary: 'Messages to an agent' },
  {
    ...{ method: 'GET', path: `${API}/writes/:operation`, needs: 'read', handle: receipt },
    summary: 'How many members have a write',
  },
];

async function list(request: MemoryRequest): Promise<MemoryReply> {
  const memories = await request.access.list(listQuery(request));
  return { status: 200, body: { memories: memories.map(memoryJson), count: memories.length } };
}

async function one(request: MemoryRequest): Promise<MemoryReply> {
  const memory = await found(request);
  const found_links = await request.access.links(memory.id);
  return { status: 200, body: { memory: memoryJson(memory), links: found_links.map(linkJson) } };
}

async function history(request: MemoryRequest): Promise<MemoryReply> {
  const entries = await request.access.history(request.param('id'));
  if (entries.length === 0) throw unknown();
  return { status: 200, body: { history: entries, count: entries.length } };
}

async function search(request: MemoryRequest): Promise<MemoryReply> {
  const text = request.query('q');
  if (text === undefined) throw new Refusal(400, 'search_text', 'The query q is missing', { field: 'q' });
  const results = await request.access.search({ ...listQuery(request), text });
  return { status: 200, body: { results: results.map(foundJson), count: results.length, query: text } };
}

async function recallByQuery(request: MemoryRequest): Promise<MemoryReply> {
  const context = request.query('context');
  if (context === undefined) throw new Refusal(400, 'context', 'The query context is missing', { field: 'context' });
  const { namespace, tags, since, until, as_agent } = filterOf(request);
  const asked = { context, namespace, tags, since, until, as_agent };
  const numbers = { limit: request.number('limit'), budget_tokens: request.number('budget_tokens') };
  return recall(request, given({ ...asked, ...numbers }));
}

async function recallByBody(request: MemoryRequest): Promise<MemoryReply> {
  const { tags, ...rest } = await request.body(recallBody);
  return recall(request, given({ ...rest, tags: typeof tags === 'string' ? commaList(tags) : tags }));
}

async function recall(request: MemoryRequest, query: RecallQuery): Promise<MemoryReply> {
  const { memories, tokens_used, mode } = await request.access.recall(query, await request.caller());
  return {
    status: 200,
    body: {
      memories: memories.map(foundJson),
      count: memories.length,
      tokens_used,
      mode,
      ...given({ budget_tokens: query.budget_tokens }),
    },
  };
}

async function links(request: MemoryRequest): Promise<MemoryReply> {
  const rows = await request.access.links(request.param('id'));
  return { status: 200, body: { links: rows.map(linkJson) } };
}

async function contradictions(request: MemoryRequest): Promise<MemoryReply> {
  const text = request.query('topic');
  const query = { ...given({ namespace: request.query('namespace') }), limit: MOST_CONTRADICTING };
  const { access } = request;
  const memories = text === undefined ? await access.list(query) : await access.search({ ...query, text });
  const rows = (await Promise.all(memories.map(({ id }) => access.links(id)))).flat();
  const contradicting = rows.filter(({ relation }) => relation === 'contradicts');
  // Both of its ends have it.
  const once = new Map(contradicting.map((row) => [`${row.source_id} ${row.target_id}`, linkJson(row)]));
  return { status: 200, body: { memories: memories.map(memoryJson), links: [...once.values()] } };
}

async function archived(request: MemoryRequest): Promise<MemoryReply> {
  const page = { limit: request.number('limit'), offset: request.number('offset') };
  const rows = await request.access.archived(given({ namespace: request.query('namespace'), ...page }));
  return { status: 200, body: { archived: rows.map(archivedJson), count: rows.length } };
}

async function archiveStatistics(request: MemoryRequest): Promise<MemoryReply> {
  return { status: 200, body: await request.access.archiveStatistics() };
}

async function inbox(request: MemoryRequest): Promise<MemoryReply> {
  const agent_id = request.query('agent_id') ?? (await request.caller()).agent_id;
  const query = given({ namespace: `_messages/${agent_id}`, limit: request.number('limit') });
  const memories = await request.access.list(query);
  const messages = memories.map((memory) => ({
    ...{ id: memory.id, from: memory.written.agent_id, title: memory.title, payload: memory.content },
    ...{ priority: memory.priority, created_at: memory.created_at, read: memory.access_count > 0 },
  }));
  return { status: 200, body: { messages, count: messages.length } };
}

async function receipt(request: MemoryRequest): Promise<MemoryReply> {
  const row = await request.access.durability(request.param('operation'));
  if (!row) throw new Refusal(404, 'write_unknown', 'This member does not have that write', { field: 'operation' });
  return { status: 200, body: receiptJson(row) };
}

async function found(request: MemoryRequest): Promise<Memory> {
  const memory = await request.access.get(request.param('id'));
  if (!memory) throw unknown();
  return memory;
}

function unknown(): Refusal {
  return new Refusal(404, 'memory.not_found', 'There is no memory with this id', { field: 'id' });
}

function listQuery(request: MemoryRequest): ListQuery {
  return { ...filterOf(request), ...given({ limit: request.number('limit'), offset: request.number('offset') }) };
}

function filterOf(request: MemoryRequest): MemoryFilter {
  const tags = request.query('tags');
  return given({
    namespace: request.query('namespace'),
    tier: tierOf(request.query('tier')),
    tags: tags === undefined ? undefined : commaList(tags),
    min_priority: request.number('min_priority'),
    since: request.query('since'),
    until: request.query('until'),
    agent_id: request.query('agent_id'),
    as_agent: request.query('as_agent'),
  });
}

function tierOf(written: string | undefined): Tier | undefined {
  const tier = TIERS.find((known) => known === written);
  if (written !== undefined && tier === undefined)
    throw new Refusal(400, 'tier', `tier is none of ${TIERS.join(', ')}`, { field: 'tier' });
  return tier;
}

function commaList(written: string): string[] {
  return written
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
