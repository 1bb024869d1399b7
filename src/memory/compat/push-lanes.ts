import type { JsonObject } from '../json.ts';
import { RECEIVER_FIELD } from './freshness.ts';
import { formatInstant, type Instant } from './instant.ts';
import type { PushList } from './push-body.ts';
import { formatWireMemory, type WireMemory } from './wire-memory.ts';

export interface LaneLink {
  source_id: string;
  target_id: string;
  relation: string;
  created_at: string;
  valid_from?: string | undefined;
  valid_until?: string | undefined;
  observed_by?: string | undefined;
  signature?: Uint8Array | undefined;
}

export interface LaneEmbedding {
  model: string;
  vector: readonly number[];
}

/** One write as the original broadcasts it (§4.6, §4.7): which lists its body has, and by which name a reply knows it. */
export type Lane =
  /** `broadcast_store_quorum`, and with a vector `broadcast_store_quorum_with_embedding`. */
  | { lane: 'store'; memory: WireMemory; embedding?: LaneEmbedding | undefined }
  | { lane: 'delete'; id: string }
  | { lane: 'archive'; id: string }
  | { lane: 'restore'; id: string }
  | { lane: 'link'; link: LaneLink }
  | { lane: 'consolidate'; memory: WireMemory; source_ids: readonly string[] }
  | { lane: 'pending'; pending: JsonObject & { id: string } }
  | { lane: 'pending_decision'; id: string; approved: boolean; decider: string }
  | {
      lane: 'namespace_meta';
      namespace: string;
      standard_id: string;
      parent_namespace: string | null;
      updated_at: string;
    }
  | { lane: 'namespace_meta_clear'; namespaces: readonly string[] };

/** Items of a body by list, each as its JSON text. */
export type LaneItems = Partial<Record<PushList, string[]>>;

/** What a lane puts into a body. */
export function itemsOf(lane: Lane): LaneItems {
  switch (lane.lane) {
    case 'store':
      return {
        memories: [formatWireMemory(lane.memory)],
        ...(lane.embedding === undefined ? {} : { embeddings: [embeddingText(lane.memory.id, lane.embedding)] }),
      };
    case 'delete':
      return { deletions: [JSON.stringify(lane.id)] };
    case 'archive':
      return { archives: [JSON.stringify(lane.id)] };
    case 'restore':
      return { restores: [JSON.stringify(lane.id)] };
    case 'link':
      return { links: [linkText(lane.link)] };
    case 'consolidate':
      return { memories: [formatWireMemory(lane.memory)], deletions: lane.source_ids.map((id) => JSON.stringify(id)) };
    case 'pending':
      return { pendings: [JSON.stringify(lane.pending)] };
    case 'pending_decision':
      return { pending_decisions: [JSON.stringify({ id: lane.id, approved: lane.approved, decider: lane.decider })] };
    case 'namespace_meta':
      return { namespace_meta: [metaText(lane)] };
    case 'namespace_meta_clear':
      return { namespace_meta_clears: lane.namespaces.map((namespace) => JSON.stringify(namespace)) };
  }
}

/** The name under which a reply's `ids` would say that the item arrived (§4.4, §4.6). */
export function expectedId(lane: Lane): string {
  switch (lane.lane) {
    case 'store':
    case 'consolidate':
      return lane.memory.id;
    case 'delete':
    case 'archive':
    case 'restore':
    case 'pending_decision':
      return lane.id;
    case 'link':
      return `${lane.link.source_id}→${lane.link.target_id}`;
    case 'pending':
      return lane.pending.id;
    case 'namespace_meta':
      return lane.namespace;
    case 'namespace_meta_clear':
      return lane.namespaces.join(',');
  }
}

export interface Envelope {
  sender_agent_id: string;
  /** Whom we mean, for one of ours at the other end (`freshness.ts`). */
  receiver?: string | undefined;
  sender_wall_clock?: Instant | undefined;
}

/** The order of lists in a body. */
const ORDER: readonly PushList[] = [
  ...(['memories', 'embeddings', 'deletions', 'archives', 'restores', 'links'] as const),
  ...(['pendings', 'pending_decisions', 'namespace_meta', 'namespace_meta_clears'] as const),
];

/**
 * The body of a push, joined from texts. `memories` is always there; another list only when it has items, so that a store
 * without a vector is the same, byte for byte, whichever way it was asked for.
 */
export function buildPush(envelope: Envelope, items: LaneItems): string {
  const members = ORDER.flatMap((list) => {
    const texts = items[list] ?? [];
    return texts.length > 0 || list === 'memories' ? [`"${list}":[${texts.join(',')}]`] : [];
  });
  const { receiver, sender_wall_clock } = envelope;
  const said = [
    ...(receiver === undefined ? [] : [`"${RECEIVER_FIELD}":${JSON.stringify(receiver)}`]),
    ...(sender_wall_clock === undefined ? [] : [`"sender_wall_clock":"${formatInstant(sender_wall_clock)}"`]),
  ];
  return `{${[`"sender_agent_id":${JSON.stringify(envelope.sender_agent_id)}`, ...said, ...members, '"dry_run":false'].join(',')}}`;
}

/** One body's items of several, in their order. */
export function mergeItems(parts: readonly LaneItems[]): LaneItems {
  const merged: LaneItems = {};
  for (const list of ORDER) {
    const texts = parts.flatMap((part) => part[list] ?? []);
    if (texts.length > 0) merged[list] = texts;
  }
  return merged;
}

/** Bytes that items take in a body, commas included. */
export function itemBytes(items: LaneItems): number {
  let bytes = 0;
  for (const texts of Object.values(items)) for (const text of texts) bytes += Buffer.byteLength(text) + 1;
  return bytes;
}

function embeddingText(memory_id: string, { model, vector }: LaneEmbedding): string {
  return JSON.stringify({ memory_id, model, dim: vector.length, vector });
}

/** Members that are not there are left out, which `JSON.stringify` does by itself. */
function linkText(link: LaneLink): string {
  return JSON.stringify({ ...link, signature: link.signature === undefined ? undefined : [...link.signature] });
}

function metaText(meta: Extract<Lane, { lane: 'namespace_meta' }>): string {
  const { namespace, standard_id, parent_namespace, updated_at } = meta;
  return JSON.stringify({ namespace, standard_id, parent_namespace: parent_namespace ?? undefined, updated_at });
}
