import { InvalidInputError } from '../../platform/errors.ts';
import {
  checkAgentId,
  checkId,
  checkNamespace,
  checkNamespaceOrAll,
  checkObject,
  checkShortText,
  invalid,
} from '../fields.ts';
import { isObject, jsonDepth, type JsonObject } from '../json.ts';
import { MEMORY_LIMITS } from '../limits.ts';
import { RECEIVER_FIELD } from './freshness.ts';
import { RequestRefused } from './refusal.ts';
import { SIGNATURE_BYTES } from './ed25519.ts';
import { checkTime, readWireMemory, type WireMemory } from './wire-memory.ts';

/** Most items of one list of a push, and most bytes of its body (memory specification §3). */
export const MAX_LIST_ITEMS = 1000;
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

export interface PushedLink {
  source_id: string;
  target_id: string;
  relation: string;
  /** Texts as they came: a signature covers them so. */
  created_at: string | null;
  valid_from: string | null;
  valid_until: string | null;
  observed_by: string | null;
  signature: Uint8Array | null;
}

export interface PushedPending {
  id: string;
  action_type: string;
  memory_id: string | null;
  namespace: string;
  payload: JsonObject;
  requested_by: string;
  requested_at: string;
  status: string;
  decided_by: string | null;
  approvals: { agent_id: string }[];
}

export interface PushedDecision {
  id: string;
  approved: boolean;
  decider: string;
}

export interface PushedNamespaceMeta {
  namespace: string;
  standard_id: string;
  parent_namespace: string | null;
}

export interface PushedEmbedding {
  memory_id: string;
  model: string;
  vector: Float32Array;
}

/** The lists of a push, in the order in which they are applied (§5). */
export interface PushLists {
  memories: WireMemory;
  deletions: string;
  archives: string;
  restores: string;
  links: PushedLink;
  pendings: PushedPending;
  pending_decisions: PushedDecision;
  namespace_meta: PushedNamespaceMeta;
  namespace_meta_clears: string;
  embeddings: PushedEmbedding;
}
export type PushList = keyof PushLists;

/** One item, or why it is skipped: names the field, never a value. */
export type ReadItem<T> = { item: T } | { skipped: string };

export interface PushBody {
  sender_agent_id: string;
  sender_wall_clock: string | null;
  /** Whom the sender meant; only ours say so. */
  receiver: string | null;
  dry_run: boolean;
  lists: { [L in PushList]: ReadItem<PushLists[L]>[] };
}

const READERS: { [L in PushList]: (value: unknown) => PushLists[L] } = {
  memories: readWireMemory,
  deletions: (value) => checkId('id', value),
  archives: (value) => checkId('id', value),
  restores: (value) => checkId('id', value),
  links: readLink,
  pendings: readPending,
  pending_decisions: readDecision,
  namespace_meta: readNamespaceMeta,
  namespace_meta_clears: (value) => checkNamespaceOrAll('namespace', value),
  embeddings: readEmbedding,
};

/**
 * Reads the body of `POST /api/v1/sync/push`. Keys that nobody knows are ignored. An item that is not well formed is skipped
 * by itself, with its reason; the baseline refused the whole request for it, so that one bad row held up all others.
 * @throws RequestRefused 400 with the texts of the wire: not JSON, another shape, a list over the cap, a bad sender
 */
export function readPushBody(text: string): PushBody {
  const body = parseObject(text);
  const sender = body['sender_agent_id'];
  if (typeof sender !== 'string') throw malformed('sender_agent_id is missing or no text');
  if (!isAgentId(sender)) throw new RequestRefused(400, 'invalid sender_agent_id');
  const dry_run = body['dry_run'] ?? false;
  if (typeof dry_run !== 'boolean') throw malformed('dry_run is neither true nor false');
  if (body['memories'] === undefined) throw malformed('memories is missing');
  const list = <L extends PushList>(name: L): ReadItem<PushLists[L]>[] => readList(name, body[name], READERS[name]);
  return {
    sender_agent_id: sender,
    sender_wall_clock: textOrNull(body['sender_wall_clock']),
    receiver: textOrNull(body[RECEIVER_FIELD]),
    dry_run,
    lists: {
      memories: list('memories'),
      deletions: list('deletions'),
      archives: list('archives'),
      restores: list('restores'),
      links: list('links'),
      pendings: list('pendings'),
      pending_decisions: list('pending_decisions'),
      namespace_meta: list('namespace_meta'),
      namespace_meta_clears: list('namespace_meta_clears'),
      embeddings: list('embeddings'),
    },
  };
}

/** Memories that were pulled, as if their node had pushed them. */
export function readMemoryList(sender_agent_id: string, rows: readonly unknown[]): PushBody {
  const body = readPushBody(JSON.stringify({ sender_agent_id, memories: [] }));
  return { ...body, lists: { ...body.lists, memories: rows.map((row) => readItem(row, readWireMemory)) } };
}

/** The same grammar everywhere that an agent names itself. */
export function isAgentId(text: string): boolean {
  return /^[A-Za-z0-9_\-:@./]{1,128}$/.test(text);
}

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message repeats a piece of the text, which may be anything.
    throw malformed('not JSON');
  }
  if (!isObject(value)) throw malformed('not an object');
  return value;
}

function readList<T>(name: string, value: unknown, read: (value: unknown) => T): ReadItem<T>[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(`${name} is no list`);
  if (value.length > MAX_LIST_ITEMS)
    throw new RequestRefused(400, `sync_push limited to ${MAX_LIST_ITEMS} ${name} per request`);
  return value.map((item) => readItem(item, read));
}

function readItem<T>(value: unknown, read: (value: unknown) => T): ReadItem<T> {
  try {
    return { item: read(value) };
  } catch (error) {
    if (error instanceof InvalidInputError) return { skipped: error.message };
    throw error;
  }
}

function readLink(value: unknown): PushedLink {
  const link = checkObject('link', value);
  const source_id = checkId('source_id', link['source_id']);
  const target_id = checkId('target_id', link['target_id']);
  if (source_id === target_id) throw invalid('target_id', 'is the source itself');
  return {
    source_id,
    target_id,
    relation: checkShortText('relation', link['relation'] ?? 'related_to'),
    created_at: timeText('created_at', link['created_at']),
    valid_from: timeText('valid_from', link['valid_from']),
    valid_until: timeText('valid_until', link['valid_until']),
    observed_by: (link['observed_by'] ?? null) === null ? null : checkAgentId('observed_by', link['observed_by']),
    signature: readSignatureBytes(link['signature']),
  };
}

/** The wire carries a signature as a list of 64 numbers. */
function readSignatureBytes(value: unknown): Uint8Array | null {
  if (value === undefined || value === null) return null;
  const is_signature =
    Array.isArray(value) && value.length === SIGNATURE_BYTES && value.every((byte) => isWithin(byte, 0, 255));
  if (!is_signature) throw invalid('signature', `is not ${SIGNATURE_BYTES} bytes`);
  return Uint8Array.from(value as number[]);
}

function readPending(value: unknown): PushedPending {
  const pending = checkObject('pending', value);
  const payload = checkObject('payload', pending['payload'] ?? {});
  if (jsonDepth(payload, MEMORY_LIMITS.metadata_depth + 1) > MEMORY_LIMITS.metadata_depth + 1)
    throw invalid('payload', 'is too deep');
  return {
    id: checkId('id', pending['id']),
    action_type: checkShortText('action_type', pending['action_type']),
    memory_id: (pending['memory_id'] ?? null) === null ? null : checkId('memory_id', pending['memory_id']),
    namespace: checkNamespace('namespace', pending['namespace']),
    payload,
    requested_by: checkAgentId('requested_by', pending['requested_by']),
    requested_at: timeText('requested_at', pending['requested_at']) ?? '',
    status: checkShortText('status', pending['status'] ?? 'pending'),
    decided_by: (pending['decided_by'] ?? null) === null ? null : checkAgentId('decided_by', pending['decided_by']),
    approvals: readApprovals(pending['approvals']),
  };
}

function readApprovals(value: unknown): { agent_id: string }[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > MAX_LIST_ITEMS) throw invalid('approvals', 'is no list, or too long');
  return value.map((approval) => ({
    agent_id: checkAgentId('approvals', checkObject('approvals', approval)['agent_id']),
  }));
}

function readDecision(value: unknown): PushedDecision {
  const decision = checkObject('decision', value);
  if (typeof decision['approved'] !== 'boolean') throw invalid('approved', 'is neither true nor false');
  return {
    id: checkId('id', decision['id']),
    approved: decision['approved'],
    decider: checkAgentId('decider', decision['decider']),
  };
}

function readNamespaceMeta(value: unknown): PushedNamespaceMeta {
  const meta = checkObject('namespace_meta', value);
  const parent = meta['parent_namespace'] ?? null;
  const namespace = checkNamespaceOrAll('namespace', meta['namespace']);
  if (parent === namespace) throw invalid('parent_namespace', 'is the namespace itself');
  return {
    namespace,
    standard_id: checkId('standard_id', meta['standard_id']),
    parent_namespace: parent === null ? null : checkNamespaceOrAll('parent_namespace', parent),
  };
}

function readEmbedding(value: unknown): PushedEmbedding {
  const embedding = checkObject('embedding', value);
  const { dim, vector } = embedding;
  const is_vector =
    Array.isArray(vector) &&
    vector.length > 0 &&
    vector.length <= MEMORY_LIMITS.embedding_dimensions &&
    vector.every((number) => typeof number === 'number' && Number.isFinite(Math.fround(number)));
  if (!is_vector) throw invalid('vector', 'is no list of finite numbers');
  if (dim !== vector.length) throw invalid('dim', 'is not the length of the vector');
  return {
    memory_id: checkId('memory_id', embedding['memory_id']),
    model: checkShortText('model', embedding['model'], 128),
    vector: Float32Array.from(vector as number[]),
  };
}

function timeText(field: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  checkTime(field, value);
  return value as string;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function malformed(what: string): RequestRefused {
  return new RequestRefused(400, `malformed sync_push body: ${what}`);
}
