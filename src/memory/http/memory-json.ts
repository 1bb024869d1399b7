/**
 * Rows as the HTTP API writes them: ai-memory's members, field for field, with ours beside (`own_title`, `written`, `changed`).
 * Members that a newer dialect sent come back as they came.
 */
import type { Receipt } from '../durability.ts';
import type { JsonObject } from '../json.ts';
import type {
  ArchivedMemory,
  FoundMemory,
  Memory,
  MemoryLink,
  NamespaceStandard,
  PendingAction,
  Provenance,
} from '../memory.ts';

type Wire = Record<string, unknown>;

export function memoryJson(memory: Memory): Wire {
  return {
    ...memory.extra,
    id: memory.id,
    tier: memory.tier,
    namespace: memory.namespace,
    title: memory.title,
    content: memory.content,
    tags: memory.tags,
    priority: memory.priority,
    confidence: memory.confidence,
    source: memory.source,
    access_count: memory.access_count,
    created_at: memory.created_at,
    updated_at: memory.updated_at,
    ...(memory.last_accessed_at === null ? {} : { last_accessed_at: memory.last_accessed_at }),
    ...(memory.expires_at === null ? {} : { expires_at: memory.expires_at }),
    metadata: memory.metadata,
    ...(memory.own_title === memory.title ? {} : { own_title: memory.own_title }),
    written: provenanceJson(memory.written),
    changed: provenanceJson(memory.updated),
  };
}

export function foundJson(memory: FoundMemory): Wire {
  return { ...memoryJson(memory), score: memory.score };
}

export function archivedJson(memory: ArchivedMemory): Wire {
  return { ...memoryJson(memory), archived_at: memory.archived_at, archive_reason: memory.archive_reason };
}

/** Who, on which machine, in which session, when (R15). */
export function provenanceJson({ agent_id, member, device, session, at, foreign }: Provenance): Wire {
  return {
    agent_id,
    member,
    device,
    session: session?.id ?? null,
    session_hash: session?.hash ?? null,
    at,
    foreign,
  };
}

/** `signature` is a list of 64 byte values there, base64 here. */
export function linkJson(link: MemoryLink): Wire {
  const { source_id, target_id, relation, created_at, valid_from, valid_until, observed_by, signature } = link;
  return {
    source_id,
    target_id,
    relation,
    created_at,
    ...(valid_from === undefined ? {} : { valid_from }),
    ...(valid_until === undefined ? {} : { valid_until }),
    ...(observed_by === undefined ? {} : { observed_by }),
    ...(signature === undefined ? {} : { signature: [...Buffer.from(signature, 'base64')] }),
    attest_level: signature === undefined ? 'unsigned' : 'self_signed',
    written: provenanceJson(link.written),
  };
}

export function pendingJson(action: PendingAction): Wire {
  const { decided_by, decided_at, ...rest } = action;
  return { ...rest, ...(decided_by === null ? {} : { decided_by }), ...(decided_at === null ? {} : { decided_at }) };
}

export function standardJson({ namespace, standard_id, parent, updated_at }: NamespaceStandard): Wire {
  return { namespace, standard_id, parent_namespace: parent, updated_at };
}

export function receiptJson({ operation, durable_on, members, on }: Receipt): Wire {
  return { operation, durable_on, members, on };
}

/** `metadata.governance` of a standard, if it has one. */
export function governanceOf(metadata: JsonObject): unknown {
  return metadata['governance'] ?? null;
}
