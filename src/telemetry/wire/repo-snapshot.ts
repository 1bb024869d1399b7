import { z } from 'zod';
import { optionalSafeUnsigned, optionalText, safeUnsigned, text } from './scalars.ts';

/** A chunk holds at most 100 facts and 100 edges as the original cuts them; a few more harm nobody. */
const MAX_FACTS = 1000;

const u32 = z.int().min(0).max(4_294_967_295);

const fileFact = z.object({
  path_hash: text,
  language: text,
  bytes: safeUnsigned,
  loc: u32,
  sloc: u32,
  complexity_total: u32,
  max_fn_complexity: u32,
  symbol_count: u32,
  import_count: u32,
  fan_in: u32,
  fan_out: u32,
  churn_30d: u32,
  churn_90d: u32,
  authors_90d: u32,
  last_changed_ms: optionalSafeUnsigned,
});

const edge = z.object({ from_hash: text, to_hash: text, kind: text, weight: u32 });

/** One chunk of a repository snapshot (telemetry specification §2.4). */
export const wireSnapshotChunk = z.object({
  snapshot_id_hash: text,
  commit_hash: optionalText,
  indexed_at_ms: safeUnsigned,
  dirty: z.boolean(),
  chunk_index: u32,
  chunk_total: u32,
  file_facts: z.array(fileFact).max(MAX_FACTS),
  edges: z.array(edge).max(MAX_FACTS),
});

/** One chunk as it stands in the body of `POST /v1/repo-snapshots`. */
export type WireSnapshotChunk = z.infer<typeof wireSnapshotChunk>;
