/**
 * Bounds of what a memory may hold (ai-memory's, so that rows interoperate). A request is held to these; an operation to
 * the wider ones below, because a mark that stands for a secret can be longer than the secret was.
 */
export const MEMORY_LIMITS = {
  title_chars: 512,
  content_bytes: 65_536,
  tags: 50,
  tag_bytes: 128,
  metadata_bytes: 65_536,
  metadata_depth: 32,
  source_bytes: 64,
  id_bytes: 128,
  agent_id_chars: 128,
  priority: { min: 1, max: 10 },
  confidence: { min: 0, max: 1 },
  ttl_seconds: { min: 1, max: 31_536_000 },
  namespace_chars: 512,
  namespace_segments: 8,
  reason_chars: 256,
  /** Numbers of a vector. */
  embedding_dimensions: 4096,
} as const;

/** Of the text of one operation. Larger ones are never made and never taken. */
export const MAX_OPERATION_BYTES = 512 * 1024;

/** Most memories of one bulk, import, archive or forget call; one transaction. */
export const MAX_BULK = 1000;

/** Bounds of a page of operations, both when it is read and when it is applied: one transaction. */
export const PAGE_LIMITS = { max_items: 1000, max_bytes: 4 * 1024 * 1024 } as const;
