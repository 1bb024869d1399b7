/** The tools of the other families: lifecycle, links, archive, governance, agents, operations. */
import { z } from 'zod';
import { given } from '../given.ts';
import { checkDuplicate } from '../http/duplicate.ts';
import { shown } from './core-tools.ts';
import { authorship, fence, NOTICE } from './fence.ts';
import { idField, namespaceField, text, tierField, tool, writing, writtenAnswer, type Tool } from './tool.ts';

const limit = z.number().optional();

const LIFECYCLE: readonly Tool[] = [
  tool({
    name: 'memory_promote',
    family: 'lifecycle',
    writes: true,
    description: 'Keep a memory for ever, or copy it into another namespace, linked to this one.',
    input: z.object({ id: idField, to_namespace: text.optional() }),
    run: async (call, { id, to_namespace }) => {
      const written = await call.access.promote(id, to_namespace, writing(call));
      const { result } = written;
      if (result.status === 'pending')
        return writtenAnswer(call, written, { status: 'pending', pending_id: result.pending_id });
      return writtenAnswer(call, written, { promoted: true, id: result.memory.id, tier: result.memory.tier });
    },
  }),
  tool({
    name: 'memory_forget',
    family: 'lifecycle',
    destroys: true,
    description: 'Archive all memories that match; at least one of the three is needed. At most 1,000 a call.',
    input: z.object({
      namespace: namespaceField,
      pattern: text.describe('Words, all of which it holds.').optional(),
      tier: tierField,
      dry_run: z.boolean().describe('Only count.').optional(),
    }),
    run: async (call, input) => {
      const written = await call.access.forget(given(input), writing(call));
      const { forgotten, more } = written.result;
      if (input.dry_run === true)
        return JSON.stringify({ dry_run: true, would_forget: forgotten.length, ids: forgotten, more });
      return writtenAnswer(call, written, { forgotten: forgotten.length, more });
    },
  }),
  tool({
    name: 'memory_consolidate',
    family: 'lifecycle',
    destroys: true,
    description: 'Put 2 to 100 memories into one; those are deleted.',
    input: z.object({ ids: z.array(text), title: text, summary: text, namespace: namespaceField, tier: tierField }),
    run: async (call, input) => {
      const written = await call.access.consolidate(given(input), writing(call));
      const { memory, consolidated } = written.result;
      return writtenAnswer(call, written, { id: memory.id, consolidated });
    },
  }),
];

const LINKS: readonly Tool[] = [
  tool({
    name: 'memory_link',
    family: 'links',
    writes: true,
    description: 'Link two memories.',
    input: z.object({
      source_id: text,
      target_id: text,
      relation: z.enum(['related_to', 'supersedes', 'contradicts', 'derived_from']).optional(),
    }),
    run: async (call, input) => {
      const written = await call.access.link(given(input), writing(call));
      const { source_id, target_id, relation } = written.result.link;
      return writtenAnswer(call, written, { linked: true, source_id, target_id, relation });
    },
  }),
  tool({
    name: 'memory_get_links',
    family: 'links',
    description: 'Links from and to a memory.',
    input: z.object({ id: idField }),
    run: async ({ access }, { id }) => {
      const links = await access.links(id);
      const rows = links.map(({ source_id, target_id, relation, created_at, written }) => ({
        ...{ source_id, target_id, relation, created_at },
        written_by: authorship(written),
      }));
      return JSON.stringify({ links: rows, count: rows.length });
    },
  }),
];

const ARCHIVE: readonly Tool[] = [
  tool({
    name: 'memory_archive_list',
    family: 'archive',
    description: 'What was archived: expired, forgotten or put away.',
    input: z.object({ namespace: namespaceField, limit, offset: z.number().optional() }),
    run: async (call, input) => shown(call, await call.access.archived(given(input)), undefined),
  }),
  tool({
    name: 'memory_archive_restore',
    family: 'archive',
    writes: true,
    description: 'Bring an archived memory back.',
    input: z.object({ id: idField }),
    run: async (call, { id }) => {
      const written = await call.access.restore(id, writing(call));
      return writtenAnswer(call, written, { restored: true, id: written.result.memory.id });
    },
  }),
  tool({
    name: 'memory_archive_purge',
    family: 'archive',
    destroys: true,
    description: 'Delete what was archived, for good.',
    input: z.object({ older_than_days: z.number().optional() }),
    run: async (call, { older_than_days }) => {
      const written = await call.access.purgeArchive(older_than_days, writing(call));
      return writtenAnswer(call, written, { ...written.result });
    },
  }),
  tool({
    name: 'memory_archive_stats',
    family: 'archive',
    description: 'How much was archived.',
    input: z.object({}),
    run: async ({ access }) => JSON.stringify(await access.archiveStatistics()),
  }),
];

const GOVERNANCE: readonly Tool[] = [
  tool({
    name: 'memory_namespace_set_standard',
    family: 'governance',
    destroys: true,
    description: 'Make a memory the standard of a namespace, with a parent and a policy if wanted.',
    input: z.object({ namespace: text, id: text.optional(), parent: text.optional(), governance: z.json().optional() }),
    run: async (call, { governance, ...rest }) => {
      const request = given({ ...rest, governance: governance });
      const written = await call.access.setStandard(request, writing(call));
      return writtenAnswer(call, written, { ...written.result.standard });
    },
  }),
  tool({
    name: 'memory_namespace_get_standard',
    family: 'governance',
    description: 'The standards that apply in a namespace, the most general first.',
    input: z.object({ namespace: text }),
    run: async (call, { namespace }) => {
      const standards = await call.access.inheritedStandards(namespace);
      const memories = standards.flatMap(({ memory }) => (memory === null ? [] : [memory]));
      const chain = standards.map(({ namespace: name, standard_id }) => `${name}: ${standard_id}`);
      return [`Standards: ${chain.join(', ') || 'none'}.`, shown(call, memories, undefined)].join('\n\n');
    },
  }),
  tool({
    name: 'memory_namespace_clear_standard',
    family: 'governance',
    destroys: true,
    description: 'Take the standard of a namespace away.',
    input: z.object({ namespace: text }),
    run: async (call, { namespace }) => {
      const written = await call.access.clearStandard(namespace, writing(call));
      return writtenAnswer(call, written, { ...written.result });
    },
  }),
  tool({
    name: 'memory_pending_list',
    family: 'governance',
    description: 'Actions that wait for a yes.',
    input: z.object({ status: z.enum(['pending', 'approved', 'rejected', 'expired']).optional(), limit }),
    run: async (call, input) => {
      const actions = await call.access.pending(given(input));
      const own = fence(call.random);
      const blocks = actions.map(({ id, payload, ...rest }) =>
        own.block(
          'pending action',
          [`id: ${id}`, `${rest.action_type} in ${rest.namespace}: ${rest.status}`, `asked by ${rest.requested_by}`],
          JSON.stringify({ ...rest, payload }),
        ),
      );
      return [`${actions.length} actions. ${NOTICE}`, ...blocks].join('\n\n');
    },
  }),
  tool({
    name: 'memory_pending_approve',
    family: 'governance',
    destroys: true,
    description: 'Say yes to an action that waits.',
    input: z.object({ id: text, remember: z.unknown().optional() }),
    run: async (call, { id }) => {
      const written = await call.access.approve(id, writing(call));
      const { decided, votes, votes_needed, executed, memory_id } = written.result;
      return writtenAnswer(call, written, { approved: decided, votes, votes_needed, executed, memory_id });
    },
  }),
  tool({
    name: 'memory_pending_reject',
    family: 'governance',
    destroys: true,
    description: 'Say no to an action that waits.',
    input: z.object({ id: text }),
    run: async (call, { id }) => {
      const written = await call.access.reject(id, writing(call));
      return writtenAnswer(call, written, { rejected: true, id: written.result.pending.id });
    },
  }),
];

const AGENTS: readonly Tool[] = [
  tool({
    name: 'memory_agent_register',
    family: 'agents',
    writes: true,
    description: 'Register an agent, so that it may vote and policies know it.',
    input: z.object({ agent_id: text, agent_type: text, capabilities: z.array(text).optional() }),
    run: async (call, { agent_id, agent_type, capabilities = [] }) => {
      const about = { agent_id, agent_type, capabilities };
      const memory = { title: `agent:${agent_id}`, content: JSON.stringify(about), namespace: '_agents' };
      const kept = { tier: 'long', tags: ['agent-registration'], source: 'system', metadata: about } as const;
      const written = await call.access.store({ ...memory, ...kept, on_conflict: 'merge' }, writing(call));
      return writtenAnswer(call, written, { registered: written.result.status === 'done', ...about });
    },
  }),
  tool({
    name: 'memory_agent_list',
    family: 'agents',
    description: 'Registered agents.',
    input: z.object({}),
    run: async (call) => shown(call, await call.access.list({ namespace: '_agents', limit: 1000 }), undefined),
  }),
  tool({
    name: 'memory_notify',
    family: 'agents',
    writes: true,
    description: 'Leave a message for another agent.',
    input: z.object({
      target_agent_id: text,
      title: text,
      payload: text,
      priority: z.number().optional(),
      tier: tierField,
    }),
    run: async (call, { target_agent_id, payload, ...rest }) => {
      const message = { ...rest, content: payload, namespace: `_messages/${target_agent_id}`, source: 'notify' };
      const written = await call.access.store(given({ ...message, on_conflict: 'version' as const }), writing(call));
      return writtenAnswer(call, written, { to: target_agent_id, sent: written.result.status === 'done' });
    },
  }),
  tool({
    name: 'memory_inbox',
    family: 'agents',
    description: 'Messages of other agents to this one.',
    input: z.object({ agent_id: text.optional(), limit }),
    run: async (call, { agent_id = call.caller.agent_id, limit: most }) =>
      shown(call, await call.access.list(given({ namespace: `_messages/${agent_id}`, limit: most })), undefined),
  }),
];

const OPERATIONS: readonly Tool[] = [
  tool({
    name: 'memory_stats',
    family: 'operations',
    description: 'How much is remembered, where and how.',
    input: z.object({}),
    run: async ({ access }) => JSON.stringify(await access.statistics()),
  }),
  tool({
    name: 'memory_gc',
    family: 'operations',
    writes: true,
    description: 'Archive what has expired now.',
    input: z.object({}),
    run: async ({ access }) => JSON.stringify(await access.archiveExpired()),
  }),
  tool({
    name: 'memory_session_start',
    family: 'operations',
    description: 'The memories to begin a session with: the most important of a namespace.',
    input: z.object({ namespace: namespaceField, limit }),
    run: async (call, input) => shown(call, await call.access.list(given({ limit: 10, ...given(input) })), undefined),
  }),
  tool({
    name: 'memory_check_duplicate',
    family: 'operations',
    description: 'Before storing: the memory most like a text by its words, and whether it says the same.',
    input: z.object({ title: text, content: text, namespace: namespaceField, threshold: limit }),
    run: async ({ access, caller }, input) =>
      JSON.stringify({ notice: NOTICE, ...(await checkDuplicate(access, input, caller)) }),
  }),
  tool({
    name: 'memory_verify',
    family: 'operations',
    description: 'Where a memory comes from: every operation on it, and how many machines have the last.',
    input: z.object({ id: idField }),
    run: async ({ access }, { id }) => {
      const entries = await access.history(id);
      const last = entries.at(-1);
      const receipt = last ? await access.durability(last.operation) : null;
      const operations = entries.map(({ operation, kind, at, by, fields }) => ({
        ...{ operation, kind, at, fields },
        by: authorship(by),
      }));
      return JSON.stringify({ id, operations, durable_on: receipt && `${receipt.durable_on} of ${receipt.members}` });
    },
  }),
];

export const MORE_TOOLS: readonly Tool[] = [
  ...LIFECYCLE,
  ...LINKS,
  ...ARCHIVE,
  ...GOVERNANCE,
  ...AGENTS,
  ...OPERATIONS,
];
