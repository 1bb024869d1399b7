/** Tools about facts in time and the names of things. */
import { z } from 'zod';
import { entityByAlias, registerEntity } from '../graph/entities.ts';
import { reachedFrom, timelineOf } from '../graph/facts.ts';
import { given } from '../given.ts';
import { NOTICE } from './fence.ts';
import { idField, namespaceField, sinceField, text, tool, writing, writtenAnswer, type Tool } from './tool.ts';

const relation = z.enum(['related_to', 'supersedes', 'contradicts', 'derived_from']);
const limit = z.number().optional();

/** Titles are stored text: JSON quotes them, under the line that says what they are. */
function asData(answer: object): string {
  return JSON.stringify({ notice: NOTICE, ...answer });
}

export const GRAPH_TOOLS: readonly Tool[] = [
  tool({
    name: 'memory_kg_timeline',
    family: 'links',
    description: 'What the links from a memory say, oldest first, with the time in which each holds.',
    input: z.object({ source_id: idField, since: sinceField, until: sinceField, limit }),
    run: async ({ access }, input) => {
      const events = await timelineOf(access, given(input));
      return asData({ source_id: input.source_id, events, count: events.length });
    },
  }),
  tool({
    name: 'memory_kg_query',
    family: 'links',
    description: 'Memories that links lead to from one, up to 5 links away.',
    input: z.object({
      source_id: idField,
      max_depth: z.number().describe('1 to 5, default 1.').optional(),
      valid_at: text.describe('RFC 3339: only links that hold then.').optional(),
      allowed_agents: z.array(text).optional(),
      limit,
    }),
    run: async ({ access }, input) => {
      const memories = await reachedFrom(access, given(input));
      return asData({ source_id: input.source_id, max_depth: input.max_depth ?? 1, memories, count: memories.length });
    },
  }),
  tool({
    name: 'memory_kg_invalidate',
    family: 'links',
    writes: true,
    description: 'Say that a link holds no longer, from a time on; it stays, with its past.',
    input: z.object({
      ...{ source_id: text, target_id: text, relation },
      valid_until: text.describe('RFC 3339, default now.').optional(),
    }),
    run: async (call, input) => {
      const written = await call.access.invalidateLink(given(input), writing(call));
      const { link, previous_valid_until } = written.result;
      const { source_id, target_id } = input;
      const ends = { source_id, target_id, relation: input.relation };
      if (!link) return JSON.stringify({ found: false, ...ends });
      return writtenAnswer(call, written, {
        found: true,
        ...ends,
        valid_until: link.valid_until,
        previous_valid_until,
      });
    },
  }),
  tool({
    name: 'memory_entity_register',
    family: 'links',
    writes: true,
    description: 'Name a person, project or thing and what else it is called; again adds names.',
    input: z.object({
      ...{ canonical_name: text, namespace: text, aliases: z.array(text).optional() },
      metadata: z.record(z.string(), z.json()).optional(),
    }),
    run: async (call, input) => {
      const written = await registerEntity(call.access, given(input), writing(call));
      return writtenAnswer(call, written, { ...written.result });
    },
  }),
  tool({
    name: 'memory_entity_get_by_alias',
    family: 'links',
    description: 'The entity that is called so, by its name or an alias.',
    input: z.object({ alias: text, namespace: namespaceField }),
    run: async ({ access }, { alias, namespace }) => {
      const found = await entityByAlias(access, alias, namespace);
      return found ? asData({ found: true, ...found }) : JSON.stringify({ found: false, entity_id: null });
    },
  }),
];
