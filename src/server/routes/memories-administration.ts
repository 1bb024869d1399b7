/** Routes of policies, standards and pending actions, of agents, and of the whole: figures, expiry, export, import. */
import { agentBody, importBody, importRequest, standardBody, standardRequest } from '../../memory/http/bodies.ts';
import { governanceOf, memoryJson, pendingJson, standardJson } from '../../memory/http/memory-json.ts';
import { given } from '../../memory/given.ts';
import type { MemoryExport } from '../../memory/memories.ts';
import type { Memory, PendingStatus } from '../../memory/memory.ts';
import { Refusal } from '../http/refusal.ts';
import type { MemoryReply, MemoryRequest, MemoryRoute } from './memory-request.ts';

const API = '/api/v1';
const AGENTS_NAMESPACE = '_agents';
const MOST_AGENTS = 1000;
/** Rounds of one `gc`: beyond them the loop of the daemon goes on. */
const MOST_ROUNDS = 100;

export const MEMORY_ADMINISTRATION: readonly MemoryRoute[] = [
  { method: 'GET', path: `${API}/pending`, needs: 'read', handle: pending, summary: 'Actions that wait for a yes' },
  {
    ...{ method: 'POST', path: `${API}/pending/:id/approve`, needs: 'write', handle: approve },
    summary: 'Approve, and carry it out; 202 while more votes are needed',
  },
  { method: 'POST', path: `${API}/pending/:id/reject`, needs: 'write', handle: reject, summary: 'Reject' },
  {
    ...{ method: 'GET', path: `${API}/namespaces`, needs: 'read', handle: namespaces },
    summary: 'All namespaces, or the standard of one',
  },
  {
    ...{ method: 'POST', path: `${API}/namespaces`, needs: 'write', body: 'NamespaceStandard', handle: setStandard },
    summary: 'Set the standard of a namespace',
  },
  { method: 'DELETE', path: `${API}/namespaces`, needs: 'write', handle: clearStandard, summary: 'Clear the standard' },
  {
    ...{ method: 'GET', path: `${API}/namespaces/:namespace/standard`, needs: 'read', handle: namespaces },
    summary: 'The standard of a namespace',
  },
  {
    ...{ method: 'POST', path: `${API}/namespaces/:namespace/standard`, needs: 'write', handle: setStandard },
    ...{ body: 'NamespaceStandard', summary: 'Set the standard of a namespace' },
  },
  {
    ...{ method: 'DELETE', path: `${API}/namespaces/:namespace/standard`, needs: 'write', handle: clearStandard },
    summary: 'Clear the standard',
  },
  { method: 'GET', path: `${API}/memory/agents`, needs: 'read', handle: agents, summary: 'Registered agents' },
  {
    ...{ method: 'POST', path: `${API}/memory/agents`, needs: 'write', body: 'MemoryAgent', handle: registerAgent },
    summary: 'Register an agent',
  },
  { method: 'GET', path: `${API}/stats`, needs: 'read', handle: statistics, summary: 'Figures of the memory' },
  { method: 'POST', path: `${API}/gc`, needs: 'write', handle: archiveExpired, summary: 'Archive what has expired' },
  { method: 'GET', path: `${API}/export`, needs: 'read', handle: exportAll, summary: 'All memories and links' },
  {
    ...{ method: 'POST', path: `${API}/import`, needs: 'write', body: 'MemoryImport', handle: importAll },
    summary: 'Up to 1,000 memories of an export',
  },
  {
    method: 'GET',
    path: `${API}/capabilities`,
    needs: 'read',
    handle: capabilities,
    summary: 'What this server can do',
  },
];

const STATUSES = ['pending', 'approved', 'rejected', 'expired'] as const satisfies readonly PendingStatus[];

async function pending(request: MemoryRequest): Promise<MemoryReply> {
  const written = request.query('status');
  const status = STATUSES.find((known) => known === written);
  if (written !== undefined && status === undefined)
    throw new Refusal(400, 'status', `status is none of ${STATUSES.join(', ')}`, { field: 'status' });
  const rows = await request.access.pending(given({ status, limit: request.number('limit') }));
  return { status: 200, body: { pending: rows.map(pendingJson), count: rows.length } };
}

async function approve(request: MemoryRequest): Promise<MemoryReply> {
  const written = await request.access.approve(request.param('id'), await request.writing());
  const { pending: action, decided, votes, votes_needed, executed, memory_id } = written.result;
  if (!decided) return { status: 202, body: { approved: false, id: action.id, votes, quorum: votes_needed }, written };
  return {
    status: 200,
    body: { approved: true, id: action.id, decided_by: action.decided_by, executed, memory_id },
    written,
  };
}

async function reject(request: MemoryRequest): Promise<MemoryReply> {
  const written = await request.access.reject(request.param('id'), await request.writing());
  const { id, decided_by } = written.result.pending;
  return { status: 200, body: { rejected: true, id, decided_by }, written };
}

async function namespaces(request: MemoryRequest): Promise<MemoryReply> {
  const namespace = request.param('namespace') || request.query('namespace');
  if (namespace === undefined) {
    const rows = await request.access.namespaces();
    const counts = rows.map(({ namespace: name, memories }) => ({ namespace: name, count: memories }));
    return { status: 200, body: { namespaces: counts, count: counts.length } };
  }
  if (request.query('inherit') === 'true') {
    const standards = await request.access.inheritedStandards(namespace);
    const chain = standards.map(({ namespace: name }) => name);
    return { status: 200, body: { namespace, chain, standards: standards.map((row) => described(row, row.memory)) } };
  }
  const row = await request.access.standard(namespace);
  if (!row) throw new Refusal(404, 'standard_unknown', 'This namespace has no standard', { field: 'namespace' });
  return { status: 200, body: described(row, await request.access.get(row.standard_id)) };
}

function described(row: Parameters<typeof standardJson>[0], memory: Memory | null): Record<string, unknown> {
  const governance = memory === null ? null : governanceOf(memory.metadata);
  return { ...standardJson(row), governance, standard: memory === null ? null : memoryJson(memory) };
}

async function setStandard(request: MemoryRequest): Promise<MemoryReply> {
  const body = await request.body(standardBody);
  const namespace = request.param('namespace') || body.namespace;
  if (namespace === undefined) throw new Refusal(400, 'namespace', 'The namespace is missing', { field: 'namespace' });
  const written = await request.access.setStandard(standardRequest(body, namespace), await request.writing());
  return { status: 201, body: { set: true, ...standardJson(written.result.standard) }, written };
}

async function clearStandard(request: MemoryRequest): Promise<MemoryReply> {
  const namespace = request.param('namespace') || request.query('namespace');
  if (namespace === undefined) throw new Refusal(400, 'namespace', 'The namespace is missing', { field: 'namespace' });
  const written = await request.access.clearStandard(namespace, await request.writing());
  return { status: 200, body: { ...written.result, namespace }, written };
}

/** An agent is a memory in `_agents`; registering again renews it. */
async function registerAgent(request: MemoryRequest): Promise<MemoryReply> {
  const { agent_id, agent_type, capabilities: able } = await request.body(agentBody);
  const about = { agent_id, agent_type, capabilities: able ?? [] };
  const memory = {
    ...{
      title: `agent:${agent_id}`,
      content: JSON.stringify(about),
      namespace: AGENTS_NAMESPACE,
      tier: 'long' as const,
    },
    ...{ tags: ['agent-registration'], source: 'system', metadata: about, on_conflict: 'merge' as const },
  };
  const written = await request.access.store(memory, await request.writing(agent_id));
  const { result } = written;
  if (result.status === 'pending')
    return { status: 202, body: { status: 'pending', pending_id: result.pending_id }, written };
  return { status: 201, body: { registered: true, id: result.memory.id, ...about }, written };
}

async function agents(request: MemoryRequest): Promise<MemoryReply> {
  const rows = await request.access.list({ namespace: AGENTS_NAMESPACE, limit: MOST_AGENTS });
  const registered = rows.map(({ metadata, created_at, updated_at }) => ({
    ...{ agent_id: metadata['agent_id'], agent_type: metadata['agent_type'] },
    ...{ capabilities: metadata['capabilities'] ?? [], registered_at: created_at, last_seen_at: updated_at },
  }));
  return { status: 200, body: { agents: registered, count: registered.length } };
}

async function statistics(request: MemoryRequest): Promise<MemoryReply> {
  const { memories, ...rest } = await request.access.statistics();
  return { status: 200, body: { total: memories, ...rest } };
}

async function archiveExpired(request: MemoryRequest): Promise<MemoryReply> {
  let expired_deleted = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const { archived, more } = await request.access.archiveExpired();
    expired_deleted += archived;
    if (!more) break;
  }
  return { status: 200, body: { expired_deleted } };
}

/** Goes out in pieces; links come after the memories, as in the original, and are the smaller part. */
async function exportAll({ served }: MemoryRequest): Promise<Response> {
  const pages = served.export()[Symbol.asyncIterator]();
  const links: MemoryExport['links'] = [];
  const encoder = new TextEncoder();
  let count = 0;
  let begun = false;
  const body = new ReadableStream<Uint8Array>({
    pull: async (stream) => {
      const page = await pages.next();
      const memories = page.done === true ? [] : page.value.memories;
      if (page.done !== true) links.push(...page.value.links);
      const begin = begun ? (count > 0 && memories.length > 0 ? ',' : '') : '{"memories":[';
      begun = true;
      count += memories.length;
      const end = page.done === true ? `],"links":${JSON.stringify(links)},"count":${count}}` : '';
      stream.enqueue(encoder.encode(begin + memories.map((memory) => JSON.stringify(memory)).join(',') + end));
      if (page.done === true) stream.close();
    },
    cancel: async () => void (await pages.return?.()),
  });
  return new Response(body, { headers: { 'content-type': 'application/json' } });
}

async function importAll(request: MemoryRequest): Promise<MemoryReply> {
  const body = await request.body(importBody);
  const options = { ...(await request.writing()), ...given({ revive: body.revive }) };
  const written = await request.access.import(importRequest(body), options);
  return { status: 200, body: written.result, written };
}

async function capabilities({ served, version }: MemoryRequest): Promise<MemoryReply> {
  const { write_quorum } = served.settings;
  return {
    status: 200,
    body: {
      ...{ server: 'syncline', version, recall: ['keyword'], write_quorum },
      features: ['receipts', 'idempotency', 'write_quorum', 'read_level', 'history', 'provenance', 'mcp'],
    },
  };
}
