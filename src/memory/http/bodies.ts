/**
 * Bodies of the HTTP API: the shape alone. What a value may be is decided where it is stored, so that HTTP, MCP and the
 * command line refuse the same things in the same words. Members that are not known are ignored, as the original does.
 */
import { z } from 'zod';
import { given } from '../given.ts';
import type {
  ConsolidateRequest,
  ForgetRequest,
  LinkRequest,
  MemoryChange,
  MemoryExport,
  StandardRequest,
  StoreRequest,
} from '../memories.ts';
import { SCOPES, TIERS } from '../memory.ts';
import { MAX_BULK } from '../limits.ts';

const text = z.string();
const metadata = z.record(z.string(), z.json());
const tier = z.enum(TIERS);
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

const fields = {
  tier: optional(tier).describe('Default mid.'),
  namespace: optional(text).describe('Default global.'),
  tags: optional(z.array(text)),
  priority: optional(z.number()).describe('1 to 10, default 5.'),
  confidence: optional(z.number()).describe('0 to 1, default 1.'),
  source: optional(text).describe('Default api.'),
  metadata: optional(metadata),
};

export const newMemoryBody = z.object({
  title: text,
  content: text,
  ...fields,
  expires_at: optional(text).describe('RFC 3339, ahead.'),
  ttl_secs: optional(z.number()),
  agent_id: optional(text).describe('Who writes; else X-Agent-Id, else the member and device of the token.'),
  scope: optional(z.enum(SCOPES)),
  on_conflict: optional(z.enum(['error', 'merge', 'version'])).describe('When the title is taken; default error.'),
});

export const bulkBody = z.array(newMemoryBody);

export const changeBody = z.object({
  title: optional(text),
  content: optional(text),
  ...fields,
  expires_at: text.nullable().optional().describe('Null, "" or "null" clears it.'),
  agent_id: z.unknown().optional().describe('Ignored: who wrote a memory first stays.'),
});

export const consolidateBody = z.object({
  ids: z.array(text),
  title: text,
  summary: text,
  namespace: optional(text),
  tier: optional(tier),
  source: optional(text),
  agent_id: optional(text),
});

export const forgetBody = z.object({
  namespace: optional(text),
  pattern: optional(text),
  tier: optional(tier),
  dry_run: optional(z.boolean()),
});

export const linkBody = z.object({
  source_id: text,
  target_id: text,
  relation: optional(text),
  valid_from: optional(text),
  valid_until: optional(text),
});

export const invalidationBody = z.object({
  source_id: text,
  target_id: text,
  relation: text,
  valid_until: optional(text).describe('RFC 3339; default now.'),
});

export const graphBody = z.object({
  source_id: text,
  max_depth: optional(z.int()).describe('1 to 5, default 1.'),
  valid_at: optional(text).describe('RFC 3339: only links that hold then.'),
  allowed_agents: optional(z.array(text)).describe('Only links that one of them observed.'),
  limit: optional(z.int()).describe('Default 200, at most 1,000.'),
});

export const entityBody = z.object({
  canonical_name: text,
  namespace: text,
  aliases: optional(z.array(text)),
  metadata: optional(metadata),
  agent_id: optional(text),
});

export const unlinkBody = z.object({ source_id: text, target_id: text, relation: optional(text) });
export const archiveBody = z.object({ ids: z.array(text), reason: optional(text) });
export const promoteBody = z.object({ to_namespace: optional(text) });

const standard = z.object({
  id: optional(text),
  parent: optional(text),
  governance: optional(z.json()),
});
export const standardBody = standard.extend({ namespace: optional(text), standard: optional(standard) });

export const recallBody = z.object({
  context: text,
  namespace: optional(text),
  limit: optional(z.number()),
  tags: optional(z.union([text, z.array(text)])),
  since: optional(text),
  until: optional(text),
  as_agent: optional(text),
  budget_tokens: optional(z.number()),
});

const importedMemory = newMemoryBody.omit({ on_conflict: true, agent_id: true, ttl_secs: true, tier: true }).extend({
  id: text,
  tier: optional(text).transform((value) => value as (typeof TIERS)[number] | undefined),
  created_at: optional(text),
});
export const importBody = z.object({
  memories: z.array(importedMemory).max(MAX_BULK),
  links: optional(z.array(linkBody)),
  revive: optional(z.boolean()),
});

export const agentBody = z.object({
  agent_id: text,
  agent_type: text,
  capabilities: optional(z.array(text)),
});

export const notifyBody = z.object({
  target_agent_id: text,
  title: text,
  payload: text,
  priority: optional(z.number()),
  tier: optional(tier),
});

export const duplicateBody = z.object({
  title: text,
  content: text,
  namespace: optional(text),
  threshold: optional(z.number()).describe('From which likeness on it is a duplicate; default 0.85, at least 0.5.'),
});

export const sessionStartBody = z.object({
  namespace: optional(text),
  limit: optional(z.int().min(1)).describe('Default 10, at most 50.'),
  agent_id: optional(text),
});

/** Every body by the name that it has in the OpenAPI document. */
export const MEMORY_BODIES = {
  NewMemory: newMemoryBody,
  NewMemories: bulkBody,
  MemoryChange: changeBody,
  Consolidation: consolidateBody,
  Forget: forgetBody,
  MemoryLink: linkBody,
  MemoryUnlink: unlinkBody,
  LinkInvalidation: invalidationBody,
  GraphQuery: graphBody,
  Entity: entityBody,
  Archive: archiveBody,
  Promotion: promoteBody,
  NamespaceStandard: standardBody,
  Recall: recallBody,
  MemoryImport: importBody,
  MemoryAgent: agentBody,
  Notification: notifyBody,
  DuplicateCheck: duplicateBody,
  SessionStart: sessionStartBody,
} as const;

/** A request to store of a body; `source` is where it came in when the body does not say. */
export function storeRequest(body: z.output<typeof newMemoryBody>, source: string): StoreRequest {
  const { ttl_secs, agent_id: _agent_id, ...rest } = body;
  return given({
    ...rest,
    source: rest.source ?? source,
    metadata: rest.metadata,
    ttl_seconds: ttl_secs,
  });
}

export function changeOf(body: z.output<typeof changeBody>): MemoryChange {
  const { agent_id: _agent_id, expires_at, ...rest } = body;
  const cleared = expires_at === null || expires_at === '' || expires_at === 'null';
  return given({
    ...rest,
    metadata: rest.metadata,
    expires_at: cleared ? null : expires_at,
  });
}

export function consolidateRequest(body: z.output<typeof consolidateBody>): ConsolidateRequest {
  const { agent_id: _agent_id, ...rest } = body;
  return given(rest);
}

export function forgetRequest(body: z.output<typeof forgetBody>): ForgetRequest {
  return given(body);
}

export function linkRequest({ source_id, target_id, relation, ...detail }: z.output<typeof linkBody>): LinkRequest {
  return given({ source_id, target_id, relation, detail: given(detail) });
}

/** The members may stand under `standard`, as some clients send them. */
export function standardRequest(body: z.output<typeof standardBody>, namespace: string): StandardRequest {
  const { id, parent, governance } = body.standard ?? body;
  return given({ namespace, id, parent, governance: governance });
}

export function importRequest({ memories, links }: z.output<typeof importBody>): MemoryExport {
  return {
    memories: memories.map((memory) => given({ ...memory, metadata: memory.metadata })),
    links: (links ?? []).map(({ source_id, target_id, relation, ...detail }) => ({
      source_id,
      target_id,
      relation: relation ?? 'related_to',
      detail: given(detail),
    })),
  };
}
