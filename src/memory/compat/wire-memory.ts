import { TIERS, type Memory, type Tier } from '../memory.ts';
import {
  checkConfidence,
  checkContent,
  checkId,
  checkMetadata,
  checkNamespace,
  checkPriority,
  checkShortText,
  checkTags,
  checkTitle,
  invalid,
} from '../fields.ts';
import { isObject, jsonDepth, type Json, type JsonObject } from '../json.ts';
import { MEMORY_LIMITS } from '../limits.ts';
import { formatInstant, parseInstant, type Instant } from './instant.ts';

/** A memory as the dialect carries it: the fifteen fields of the baseline, and what newer releases added (§2.1). */
export interface WireMemory {
  id: string;
  tier: Tier;
  namespace: string;
  title: string;
  content: string;
  tags: readonly string[];
  priority: number;
  confidence: number;
  source: string;
  access_count: number;
  created_at: Instant;
  updated_at: Instant;
  last_accessed_at: Instant | null;
  expires_at: Instant | null;
  metadata: JsonObject;
  /** Fields that the baseline does not know, as they came; they travel on. */
  extra: JsonObject;
}

/** The fields with a meaning of their own; every other one is `extra`. */
const KNOWN = new Set([
  ...['id', 'tier', 'namespace', 'title', 'content', 'tags', 'priority', 'confidence', 'source', 'access_count'],
  ...['created_at', 'updated_at', 'last_accessed_at', 'expires_at', 'metadata'],
]);

/** Names that operations give to fields; a field of another form of name is dropped, and so are names with a meaning there. */
const EXTRA_NAME = /^(?!(?:embedding|archived|by|born|created_ms)$)[a-z][a-z0-9_]{0,63}$/;

/**
 * Reads one memory of a body. Holds it to the limits of §2.1, except that a `source` of a newer release is taken (an older
 * one drops it silently), and puts times into the form that is stored.
 * @throws InvalidInputError `memory.invalid` naming the field
 */
export function readWireMemory(value: unknown): WireMemory {
  if (!isObject(value)) throw invalid('memory', 'is not an object');
  return {
    id: checkId('id', value['id']),
    tier: checkTier(value['tier']),
    namespace: checkNamespace('namespace', value['namespace']),
    title: checkTitle('title', value['title']),
    content: checkContent('content', value['content']),
    tags: checkTags('tags', value['tags']),
    priority: checkPriority('priority', value['priority']),
    confidence: checkConfidence('confidence', value['confidence']),
    source: checkShortText('source', value['source'], MEMORY_LIMITS.source_bytes),
    access_count: checkCount(value['access_count']),
    created_at: checkTime('created_at', value['created_at']),
    updated_at: checkTime('updated_at', value['updated_at']),
    last_accessed_at: optionalTime('last_accessed_at', value['last_accessed_at']),
    expires_at: optionalTime('expires_at', value['expires_at']),
    metadata: checkMetadata('metadata', value['metadata'] ?? {}),
    extra: readExtra(value),
  };
}

/** The memory as text; members that are null are left out, as the original does. */
export function formatWireMemory(memory: WireMemory): string {
  const { created_at, updated_at, last_accessed_at, expires_at, metadata, extra, ...plain } = memory;
  const own = {
    ...plain,
    created_at: formatInstant(created_at),
    updated_at: formatInstant(updated_at),
    ...(last_accessed_at === null ? {} : { last_accessed_at: formatInstant(last_accessed_at) }),
    ...(expires_at === null ? {} : { expires_at: formatInstant(expires_at) }),
    metadata,
  };
  return JSON.stringify({ ...extra, ...own });
}

/** One of ours as an old peer is to see it: under the title that is shown, which no other of its namespace has. */
export function wireMemoryOf(memory: Memory): WireMemory {
  return {
    id: memory.id,
    tier: isTier(memory.tier) ? memory.tier : 'mid',
    namespace: memory.namespace,
    title: memory.title,
    content: memory.content,
    tags: memory.tags,
    priority: memory.priority,
    confidence: memory.confidence,
    source: memory.source,
    access_count: memory.access_count,
    created_at: instantOf(memory.created_at),
    updated_at: instantOf(memory.updated_at),
    last_accessed_at: memory.last_accessed_at === null ? null : instantOf(memory.last_accessed_at),
    expires_at: memory.expires_at === null ? null : instantOf(memory.expires_at),
    metadata: memory.metadata,
    extra: memory.extra,
  };
}

/** Rows of ours hold times in the fixed form. */
function instantOf(text: string): Instant {
  return parseInstant(text) ?? 0n;
}

function isTier(value: unknown): value is Tier {
  return TIERS.some((tier) => tier === value);
}

function checkTier(value: unknown): Tier {
  if (!isTier(value)) throw invalid('tier', `is none of ${TIERS.join(', ')}`);
  return value;
}

function checkCount(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid('access_count', 'is no count');
  return value as number;
}

export function checkTime(field: string, value: unknown): Instant {
  const instant = typeof value === 'string' ? parseInstant(value) : null;
  if (instant === null) throw invalid(field, 'is no RFC 3339 time');
  return instant;
}

function optionalTime(field: string, value: unknown): Instant | null {
  return value === undefined || value === null ? null : checkTime(field, value);
}

function readExtra(value: JsonObject): JsonObject {
  const extra: [string, Json][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (KNOWN.has(name) || member === null || !EXTRA_NAME.test(name)) continue;
    if (jsonDepth(member, MEMORY_LIMITS.metadata_depth) > MEMORY_LIMITS.metadata_depth)
      throw invalid(name, `is deeper than ${MEMORY_LIMITS.metadata_depth} levels`);
    extra.push([name, member]);
  }
  const object = Object.fromEntries(extra);
  if (Buffer.byteLength(JSON.stringify(object)) > MEMORY_LIMITS.metadata_bytes)
    throw invalid('memory', `has more than ${MEMORY_LIMITS.metadata_bytes} bytes of other fields`);
  return object;
}
