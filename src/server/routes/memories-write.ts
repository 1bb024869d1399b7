/** Routes that change memories. */
import {
  archiveBody,
  bulkBody,
  changeBody,
  changeOf,
  consolidateBody,
  consolidateRequest,
  forgetBody,
  forgetRequest,
  linkBody,
  linkRequest,
  newMemoryBody,
  notifyBody,
  promoteBody,
  storeRequest,
  unlinkBody,
} from '../../memory/http/bodies.ts';
import { linkJson, memoryJson } from '../../memory/http/memory-json.ts';
import { given } from '../../memory/given.ts';
import type { Governed, Written } from '../../memory/memories.ts';
import { Refusal } from '../http/refusal.ts';
import type { MemoryReply, MemoryRequest, MemoryRoute } from './memory-request.ts';

const API = '/api/v1';

export const MEMORY_WRITES: readonly MemoryRoute[] = [
  {
    ...{ method: 'POST', path: `${API}/memories`, needs: 'write', body: 'NewMemory', handle: store },
    summary: 'Store a memory; 202 when a policy wants a yes first',
  },
  {
    ...{ method: 'POST', path: `${API}/memories/bulk`, needs: 'write', body: 'NewMemories', handle: storeMany },
    summary: 'Store up to 1,000; one bad one does not stop the others',
  },
  {
    ...{ method: 'PUT', path: `${API}/memories/:id`, needs: 'write', body: 'MemoryChange', handle: update },
    summary: 'Change some fields',
  },
  {
    ...{ method: 'DELETE', path: `${API}/memories/:id`, needs: 'write', handle: remove },
    summary: 'Delete; it stays deleted on every member',
  },
  {
    ...{ method: 'POST', path: `${API}/memories/:id/promote`, needs: 'write', body: 'Promotion', handle: promote },
    summary: 'To tier long, or a copy in another namespace',
  },
  {
    ...{ method: 'POST', path: `${API}/forget`, needs: 'write', body: 'Forget', handle: forget },
    summary: 'Archive what matches; at most 1,000 a call',
  },
  {
    ...{ method: 'POST', path: `${API}/consolidate`, needs: 'write', body: 'Consolidation', handle: consolidate },
    summary: 'Several into one',
  },
  {
    ...{ method: 'POST', path: `${API}/links`, needs: 'write', body: 'MemoryLink', handle: link },
    summary: 'Link two memories',
  },
  {
    ...{ method: 'DELETE', path: `${API}/links`, needs: 'write', body: 'MemoryUnlink', handle: unlink },
    summary: 'Remove the links between two',
  },
  {
    ...{ method: 'POST', path: `${API}/archive`, needs: 'write', body: 'Archive', handle: archive },
    summary: 'Archive by id',
  },
  {
    ...{ method: 'DELETE', path: `${API}/archive`, needs: 'write', handle: purge },
    summary: 'Delete what was archived; at most 1,000 a call',
  },
  {
    ...{ method: 'POST', path: `${API}/archive/:id/restore`, needs: 'write', handle: restore },
    summary: 'Bring an archived memory back',
  },
  {
    ...{ method: 'POST', path: `${API}/notify`, needs: 'write', body: 'Notification', handle: notify },
    summary: 'A message to another agent, a memory in _messages/AGENT',
  },
];

async function store(request: MemoryRequest): Promise<MemoryReply> {
  const body = await request.body(newMemoryBody);
  const written = await request.access.store(storeRequest(body, 'api'), await request.writing(body.agent_id));
  return governed(written, ({ memory, created, potential_contradictions }) => ({
    status: 201,
    body: {
      ...{ id: memory.id, tier: memory.tier, namespace: memory.namespace, title: memory.title },
      agent_id: memory.metadata['agent_id'] ?? memory.written.agent_id,
      ...(created ? {} : { merged: true }),
      ...(potential_contradictions.length > 0 ? { potential_contradictions } : {}),
    },
  }));
}

async function storeMany(request: MemoryRequest): Promise<MemoryReply> {
  const bodies = await request.body(bulkBody);
  const requests = bodies.map((body) => storeRequest(body, 'api'));
  const written = await request.access.storeMany(requests, await request.writing());
  const { items, created } = written.result;
  const errors = items.flatMap((item, index) => ('error' in item ? [`item ${index}: ${item.error.message}`] : []));
  const ids = items.map((item) => ('memory' in item ? item.memory.id : null));
  return { status: 200, body: { created, errors, ids }, written, missed: 'tell' };
}

async function update(request: MemoryRequest): Promise<MemoryReply> {
  const change = changeOf(await request.body(changeBody));
  const written = await request.access.update(request.param('id'), change, await request.writing());
  return { status: 200, body: memoryJson(written.result.memory), written };
}

async function remove(request: MemoryRequest): Promise<MemoryReply> {
  const written = await request.access.delete(request.param('id'), await request.writing());
  return governed(written, ({ deleted }) => {
    if (!deleted) throw unknownMemory();
    return { status: 200, body: { deleted: true } };
  });
}

async function promote(request: MemoryRequest): Promise<MemoryReply> {
  const { to_namespace } = hasBody(request) ? await request.body(promoteBody) : {};
  const written = await request.access.promote(request.param('id'), to_namespace, await request.writing());
  return governed(written, ({ memory }) => ({
    status: 200,
    body: { promoted: true, id: memory.id, tier: memory.tier, ...given({ to_namespace }) },
  }));
}

async function forget(request: MemoryRequest): Promise<MemoryReply> {
  const asked = forgetRequest(await request.body(forgetBody));
  const written = await request.access.forget(asked, await request.writing());
  const { forgotten, more } = written.result;
  if (asked.dry_run === true)
    return { status: 200, body: { deleted: 0, would_delete: forgotten.length, ids: forgotten, more } };
  return { status: 200, body: { deleted: forgotten.length, more }, written };
}

async function consolidate(request: MemoryRequest): Promise<MemoryReply> {
  const body = await request.body(consolidateBody);
  const written = await request.access.consolidate(consolidateRequest(body), await request.writing(body.agent_id));
  const { memory, consolidated } = written.result;
  return { status: 201, body: { id: memory.id, consolidated }, written };
}

async function link(request: MemoryRequest): Promise<MemoryReply> {
  const asked = linkRequest(await request.body(linkBody));
  const written = await request.access.link(asked, await request.writing());
  return { status: 201, body: { linked: true, ...linkJson(written.result.link) }, written };
}

async function unlink(request: MemoryRequest): Promise<MemoryReply> {
  const { source_id, target_id, relation } = await request.body(unlinkBody);
  const written = await request.access.unlink(source_id, target_id, relation, await request.writing());
  return { status: 200, body: { deleted: written.result.unlinked > 0, count: written.result.unlinked }, written };
}

async function archive(request: MemoryRequest): Promise<MemoryReply> {
  const { ids, reason } = await request.body(archiveBody);
  const written = await request.access.archive(ids, reason, await request.writing());
  return { status: 200, body: { ...written.result, count: written.result.archived.length }, written };
}

async function purge(request: MemoryRequest): Promise<MemoryReply> {
  const written = await request.access.purgeArchive(request.number('older_than_days'), await request.writing());
  return { status: 200, body: written.result, written };
}

async function restore(request: MemoryRequest): Promise<MemoryReply> {
  const written = await request.access.restore(request.param('id'), await request.writing());
  return { status: 200, body: { restored: true, id: written.result.memory.id }, written };
}

/** A message is a memory in the inbox of its receiver; equal titles do not meet, each is kept. */
async function notify(request: MemoryRequest): Promise<MemoryReply> {
  const { target_agent_id, title, payload, priority, tier } = await request.body(notifyBody);
  const message = { title, content: payload, namespace: `_messages/${target_agent_id}`, source: 'notify' };
  const asked = given({ ...message, priority, tier, on_conflict: 'version' as const });
  const written = await request.access.store(asked, await request.writing());
  return governed(written, ({ memory }) => ({
    status: 201,
    body: { id: memory.id, to: target_agent_id, delivered_at: memory.created_at },
  }));
}

/** 202 when a policy wants a yes first: then only the question was written. */
function governed<T>(
  written: Written<Governed<T>>,
  done: (result: T) => { status: number; body: Record<string, unknown> },
): MemoryReply {
  const { result } = written;
  if (result.status === 'pending')
    return { status: 202, body: { status: 'pending', pending_id: result.pending_id }, written };
  return { ...done(result), written };
}

function hasBody(request: MemoryRequest): boolean {
  return (request.header('content-length') ?? '0') !== '0' || request.header('transfer-encoding') !== undefined;
}

function unknownMemory(): Refusal {
  return new Refusal(404, 'memory.not_found', 'There is no memory with this id', { field: 'id' });
}
