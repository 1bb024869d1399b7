/**
 * Operations: what travels between members, and the only way in which anything changes. The text of an operation is made
 * once, at its origin, and never written again; its id is its place (`origin:sequence`), which it does not repeat.
 */
import type { Stamp } from './clock/stamp.ts';
import type { Json, JsonObject } from './json.ts';
import type { OperationId, VersionVector } from './origin.ts';

export const OPERATION_VERSION = 1;

/** Who caused an operation, as recall shows it. The member stands in the stamp. */
export interface Author {
  agent_id: string;
  /** Name of the machine, as its owner gave it. */
  device: string;
  /** The conversation that wrote it: its id, and its hash as telemetry carries it. */
  session?: { id: string; hash: string };
}

interface Common {
  v: typeof OPERATION_VERSION;
  stamp: Stamp;
  by: Author;
  /** First operation of the act that this one is a part of (consolidate, bulk, …). */
  group?: OperationId;
  /** One of the same member that nobody took, as its stamp lay in the future: whoever keeps that aside lets it go. */
  replaces?: OperationId;
}

/**
 * Fields of a memory, each with a register of its own. Members that this version does not know are kept and travel on.
 * `expires_at` is epoch milliseconds; null = never.
 */
export interface MemoryFields {
  title: string;
  content: string;
  namespace: string;
  tier: string;
  tags: readonly string[];
  priority: number;
  confidence: number;
  source: string;
  expires_at: number | null;
  readonly [unknown: string]: Json;
}

/** Members of `metadata`, each with a register of its own; null removes one. */
export type MetadataChange = JsonObject;

/** Describes the text that had the stamp `text`; of no use once the title or content is newer. */
export interface EmbeddingValue {
  model: string;
  /** Base64 of little-endian 32-bit floats, of length one. */
  vector: string;
  text: Stamp;
}

export interface LinkDetail {
  created_at?: string;
  valid_from?: string;
  valid_until?: string;
  observed_by?: string;
  /** Base64 of an Ed25519 signature. */
  signature?: string;
}

export interface PendingFields {
  action_type: string;
  memory_id: string | null;
  namespace: string;
  payload: JsonObject;
  requested_by: string;
  /** Who may decide, as the policy said when it was asked; so that every member counts votes alike. */
  approver: Json;
}

export type OperationBody =
  /** Begins a life of the id: its stamp names the life. */
  | { kind: 'store'; id: string; fields: MemoryFields; metadata: MetadataChange }
  /** Only what changed. Without effect on any other life than the one it names. */
  | { kind: 'update'; id: string; life: Stamp; fields: JsonObject; metadata?: MetadataChange }
  /** `expires_at`: only while the memory still expires then (`ttl_expired`). */
  | { kind: 'archive'; id: string; life: Stamp; reason: string; expires_at?: number }
  | { kind: 'restore'; id: string; life: Stamp }
  /** Ends every life up to its stamp. */
  | { kind: 'delete'; id: string }
  | { kind: 'link'; source_id: string; target_id: string; relation: string; detail: LinkDetail }
  | { kind: 'unlink'; source_id: string; target_id: string; relation: string }
  | { kind: 'namespace_set'; namespace: string; standard_id: string; parent: string | null }
  | { kind: 'namespace_clear'; namespace: string }
  | { kind: 'pending'; id: string; pending: PendingFields }
  | { kind: 'vote'; id: string; agent_id: string }
  | { kind: 'decide'; id: string; approved: boolean; decider: string }
  /** Erases a pending action: what it asked for goes, and with it its votes and decision. */
  | { kind: 'pending_clear'; id: string }
  | { kind: 'embedding'; id: string; life: Stamp; embedding: EmbeddingValue }
  /** Tombstones and absent links older than `before` are needed by nobody any more (causal stability). */
  /** Whoever has all of `after` has everything that ended before `before`, and every change to it; not sooner may it forget. */
  | { kind: 'purge'; before: Stamp; after: VersionVector }
  /** Repair: joins the state of one row, as another member has it. */
  | { kind: 'state'; row: RowKind; key: string; state: JsonObject };

export type Operation = Common & OperationBody;
export type OperationKind = OperationBody['kind'];

/** Kinds of replicated rows. `floor` is one row: how far purges have gone. */
export const ROW_KINDS = ['memory', 'link', 'pending', 'namespace', 'floor'] as const;
export type RowKind = (typeof ROW_KINDS)[number];

/** The text that travels. */
export function formatOperation(operation: Operation): string {
  return JSON.stringify(operation);
}
