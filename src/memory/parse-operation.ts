/** Reads the text of an operation. The same checks stand before a local commit, so no member makes what another refuses. */
import { InvalidInputError, SynclineError, messageOf } from '../platform/errors.ts';
import { parseStamp, type Stamp } from './clock/stamp.ts';
import {
  FIELD_CHECKS,
  checkAgentId,
  checkExpiry,
  checkId,
  checkMetadata,
  checkNamespace,
  checkNamespaceOrAll,
  checkObject,
  checkShortText,
  invalid,
} from './fields.ts';
import type { Json, JsonObject } from './json.ts';
import { MAX_OPERATION_BYTES, MEMORY_LIMITS } from './limits.ts';
import {
  OPERATION_VERSION,
  ROW_KINDS,
  type Author,
  type EmbeddingValue,
  type LinkDetail,
  type MemoryFields,
  type Operation,
  type OperationBody,
  type OperationKind,
  type PendingFields,
  type RowKind,
} from './operation.ts';
import { isOrigin, placeOf, type VersionVector } from './origin.ts';

/** Operations may be wider than requests (`limits.ts`). */
const SLACK = 4;

/**
 * @throws InvalidInputError `memory.invalid` (names the field), `memory.json`, `memory.too_large`,
 * `memory.unknown_kind` and `memory.unknown_version` (a newer program wrote it)
 */
export function parseOperation(text: string): Operation {
  if (Buffer.byteLength(text) > MAX_OPERATION_BYTES)
    throw new InvalidInputError('memory.too_large', `An operation has more than ${MAX_OPERATION_BYTES} bytes`);
  return checkOperation(readJson(text));
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidInputError('memory.json', 'An operation is not JSON');
  }
}

/** As `parseOperation`, of a value. Members that nobody knows are dropped from what is returned, never from the text. */
export function checkOperation(value: unknown): Operation {
  const object = checkObject('operation', value);
  if (object['v'] !== OPERATION_VERSION)
    throw new InvalidInputError('memory.unknown_version', 'An operation has a version that this program does not know');
  const kind = object['kind'];
  if (typeof kind !== 'string') throw invalid('kind', 'is not a text');
  if (!Object.hasOwn(BODIES, kind))
    throw new InvalidInputError('memory.unknown_kind', 'An operation is of a kind that this program does not know');
  const body = BODIES[kind as OperationKind](object);
  const group = object['group'];
  if (group !== undefined && (typeof group !== 'string' || !placeOf(group)))
    throw invalid('group', 'is not the id of an operation');
  const common = { v: OPERATION_VERSION, stamp: checkStamp('stamp', object['stamp']), by: checkAuthor(object['by']) };
  const replaces = object['replaces'];
  if (replaces !== undefined && (typeof replaces !== 'string' || !placeOf(replaces)))
    throw invalid('replaces', 'is not the id of an operation');
  return {
    ...common,
    ...body,
    ...(group === undefined ? {} : { group }),
    ...(replaces === undefined ? {} : { replaces }),
  } as Operation;
}

/** The reason of a refusal for a peer or a person: code and field, no value. */
export function refusalOf(error: unknown): string {
  if (!(error instanceof SynclineError)) return messageOf(error);
  return error.field === undefined ? error.code : `${error.code} ${error.field}`;
}

const BODIES: { [K in OperationKind]: (o: JsonObject) => Extract<OperationBody, { kind: K }> } = {
  store: (o) => ({
    kind: 'store',
    id: checkId('id', o['id']),
    fields: checkAllFields(o['fields']),
    metadata: checkMetadata('metadata', o['metadata'], SLACK),
  }),
  update: (o) => ({
    kind: 'update',
    ...life(o),
    fields: checkFields(o['fields']),
    ...(o['metadata'] === undefined ? {} : { metadata: checkMetadata('metadata', o['metadata'], SLACK) }),
  }),
  archive: (o) => ({
    kind: 'archive',
    ...life(o),
    reason: checkShortText('reason', o['reason'], MEMORY_LIMITS.reason_chars * SLACK),
    ...(o['expires_at'] === undefined ? {} : { expires_at: checkExpiry('expires_at', o['expires_at']) ?? 0 }),
  }),
  restore: (o) => ({ kind: 'restore', ...life(o) }),
  delete: (o) => ({ kind: 'delete', id: checkId('id', o['id']) }),
  link: (o) => ({ kind: 'link', ...ends(o), detail: checkDetail(o['detail']) }),
  unlink: (o) => ({ kind: 'unlink', ...ends(o) }),
  namespace_set: (o) => ({
    kind: 'namespace_set',
    namespace: checkNamespaceOrAll('namespace', o['namespace']),
    standard_id: checkId('standard_id', o['standard_id']),
    parent: o['parent'] === null ? null : checkNamespaceOrAll('parent', o['parent']),
  }),
  namespace_clear: (o) => ({ kind: 'namespace_clear', namespace: checkNamespaceOrAll('namespace', o['namespace']) }),
  pending: (o) => ({ kind: 'pending', id: checkId('id', o['id']), pending: checkPending(o['pending']) }),
  vote: (o) => ({ kind: 'vote', id: checkId('id', o['id']), agent_id: checkAgentId('agent_id', o['agent_id']) }),
  decide: (o) => ({
    kind: 'decide',
    id: checkId('id', o['id']),
    approved: checkBoolean('approved', o['approved']),
    decider: checkAgentId('decider', o['decider']),
  }),
  pending_clear: (o) => ({ kind: 'pending_clear', id: checkId('id', o['id']) }),
  embedding: (o) => ({ kind: 'embedding', ...life(o), embedding: checkEmbedding(o['embedding']) }),
  purge: (o) => ({ kind: 'purge', before: checkStamp('before', o['before']), after: checkVector('after', o['after']) }),
  state: (o) => ({
    kind: 'state',
    row: checkRowKind(o['row']),
    key: checkShortText('key', o['key'], 1024),
    state: checkObject('state', o['state']),
  }),
};

function life(o: JsonObject): { id: string; life: Stamp } {
  return { id: checkId('id', o['id']), life: checkStamp('life', o['life']) };
}

function ends(o: JsonObject): { source_id: string; target_id: string; relation: string } {
  return {
    source_id: checkId('source_id', o['source_id']),
    target_id: checkId('target_id', o['target_id']),
    relation: checkShortText('relation', o['relation']),
  };
}

export function checkStamp(field: string, value: unknown): Stamp {
  if (!parseStamp(value)) throw invalid(field, 'is not a stamp');
  return value as Stamp;
}

function checkAuthor(value: unknown): Author {
  const by = checkObject('by', value);
  const session = by['session'];
  return {
    agent_id: checkAgentId('by.agent_id', by['agent_id']),
    device: checkShortText('by.device', by['device'], 255),
    ...(session === undefined ? {} : { session: checkSession(session) }),
  };
}

function checkSession(value: Json): { id: string; hash: string } {
  const session = checkObject('by.session', value);
  return {
    id: checkShortText('by.session.id', session['id'], 255),
    hash: checkShortText('by.session.hash', session['hash'], 255),
  };
}

const FIELD_NAME = /^[a-z][a-z0-9_]{0,63}$/;
/** Have registers of their own, under these names. */
const RESERVED_FIELDS = new Set(['metadata', 'embedding', 'archived', 'by', 'born']);

function checkFields(value: unknown): JsonObject {
  const fields = checkObject('fields', value);
  for (const [name, field] of Object.entries(fields)) {
    if (!FIELD_NAME.test(name) || RESERVED_FIELDS.has(name)) throw invalid('fields', 'has a name that no field has');
    FIELD_CHECKS[name]?.(`fields.${name}`, field, SLACK);
  }
  return fields;
}

function checkAllFields(value: unknown): MemoryFields {
  const fields = checkFields(value);
  for (const name of Object.keys(FIELD_CHECKS))
    if (!Object.hasOwn(fields, name)) throw invalid(`fields.${name}`, 'is missing');
  return fields as MemoryFields;
}

const DETAIL = ['created_at', 'valid_from', 'valid_until', 'observed_by', 'signature'] as const;

function checkDetail(value: unknown): LinkDetail {
  const detail = checkObject('detail', value);
  const checked: LinkDetail = {};
  for (const name of DETAIL)
    if (detail[name] !== undefined) checked[name] = checkShortText(`detail.${name}`, detail[name], 255);
  return checked;
}

function checkPending(value: unknown): PendingFields {
  const pending = checkObject('pending', value);
  const memory_id = pending['memory_id'] ?? null;
  return {
    action_type: checkShortText('pending.action_type', pending['action_type']),
    memory_id: memory_id === null ? null : checkId('pending.memory_id', memory_id),
    namespace: checkNamespace('pending.namespace', pending['namespace']),
    payload: checkObject('pending.payload', pending['payload']),
    requested_by: checkAgentId('pending.requested_by', pending['requested_by']),
    approver: pending['approver'] ?? 'human',
  };
}

function checkEmbedding(value: unknown): EmbeddingValue {
  const embedding = checkObject('embedding', value);
  const vector = embedding['vector'];
  const most = Math.ceil((MEMORY_LIMITS.embedding_dimensions * 4 * 4) / 3) + 4;
  if (typeof vector !== 'string' || vector.length > most || !/^[A-Za-z0-9+/]+={0,2}$/.test(vector))
    throw invalid('embedding.vector', 'is not Base64 of at most 4,096 numbers');
  return {
    model: checkShortText('embedding.model', embedding['model'], 128),
    vector,
    text: checkStamp('embedding.text', embedding['text']),
  };
}

function checkVector(field: string, value: unknown): VersionVector {
  const vector = checkObject(field, value);
  for (const [origin, sequence] of Object.entries(vector))
    if (!isOrigin(origin) || !Number.isSafeInteger(sequence) || (sequence as number) < 0)
      throw invalid(field, 'is not origins with sequences');
  return vector as VersionVector;
}

function checkBoolean(field: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(field, 'is not true or false');
  return value;
}

function checkRowKind(value: unknown): RowKind {
  const row = ROW_KINDS.find((kind) => kind === value);
  if (!row) throw invalid('row', 'is not a kind of row');
  return row;
}
