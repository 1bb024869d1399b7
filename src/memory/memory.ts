/** Rows as readers see them. Times are RFC 3339 with nanoseconds and `+00:00`, as the original writes them. */
import type { Stamp } from './clock/stamp.ts';
import type { JsonObject } from './json.ts';
import type { Author, LinkDetail } from './operation.ts';
import type { MemberId, OperationId } from './origin.ts';

export const TIERS = ['short', 'mid', 'long'] as const;
export type Tier = (typeof TIERS)[number];

/** What a request may name; a row from another member may hold others. */
export const SOURCES = [
  'user',
  'claude',
  'hook',
  'api',
  'cli',
  'import',
  'consolidation',
  'system',
  'chaos',
  'notify',
  'nhi',
] as const;

export const RELATIONS = ['related_to', 'supersedes', 'contradicts', 'derived_from'] as const;

export const SCOPES = ['private', 'team', 'unit', 'org', 'collective'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who wrote something, where, in which conversation, and when (R15). */
export interface Provenance extends Author {
  member: MemberId;
  at: string;
  /** Another member wrote it: whoever shows it marks it so. */
  foreign: boolean;
}

export interface Memory {
  id: string;
  tier: string;
  namespace: string;
  /** What is shown: `title (2)` when an older memory of the namespace has the same one. */
  title: string;
  /** As it was written. */
  own_title: string;
  content: string;
  tags: string[];
  priority: number;
  confidence: number;
  source: string;
  /** Recalls on this member; never replicated. */
  access_count: number;
  created_at: string;
  updated_at: string;
  last_accessed_at: string | null;
  expires_at: string | null;
  metadata: JsonObject;
  /** Fields of newer members, as they came. */
  extra: JsonObject;
  life: Stamp;
  /** Of title and content: what an embedding of them has to name. */
  text_version: Stamp;
  /** Who began this life of it, and who changed its text or fields last. */
  written: Provenance;
  updated: Provenance;
}

export interface ArchivedMemory extends Memory {
  archived_at: string;
  archive_reason: string;
}

/** A memory that a search or recall found. */
export interface FoundMemory extends Memory {
  /** Greater is better; comparable within one answer only. */
  score: number;
}

export interface MemoryLink extends LinkDetail {
  source_id: string;
  target_id: string;
  relation: string;
  created_at: string;
  written: Provenance;
}

export type PendingStatus = 'pending' | 'approved' | 'rejected' | 'expired';

export interface PendingAction {
  id: string;
  /** `store`, `delete`, `promote`. */
  action_type: string;
  memory_id: string | null;
  namespace: string;
  payload: JsonObject;
  requested_by: string;
  requested_at: string;
  status: PendingStatus;
  decided_by: string | null;
  decided_at: string | null;
  approvals: { agent_id: string; approved_at: string }[];
}

export interface NamespaceStandard {
  namespace: string;
  standard_id: string;
  /** As it was set; null = found by cutting the name at `-`. */
  parent: string | null;
  updated_at: string;
}

/** One line of a memory's past, oldest first. */
export interface HistoryEntry {
  operation: OperationId;
  kind: string;
  at: string;
  by: Provenance;
  /** Names of the fields that it set; of metadata as `metadata.key`. */
  fields: string[];
  /** The operation as it travels, parsed; null = erased or past retention. */
  detail: JsonObject | null;
}

export interface MemoryStatistics {
  memories: number;
  by_tier: Record<string, number>;
  by_namespace: Record<string, number>;
  /** Live rows whose time is over and that wait to be archived. */
  expired: number;
  archived: number;
  links: number;
  pending: number;
  tombstones: number;
  operations: number;
  size_bytes: number;
}
