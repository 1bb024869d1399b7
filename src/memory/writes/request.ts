/** Checks what a request wants to write, and removes secrets from it before anything exists of it (R10, M7). */
import type { JsonValue } from '../../redaction/json.ts';
import { parseTime } from '../clock/stamp.ts';
import {
  checkConfidence,
  checkContent,
  checkId,
  checkMetadata,
  checkNamespace,
  checkObject,
  checkPriority,
  checkTags,
  checkTitle,
  invalid,
} from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { MEMORY_LIMITS } from '../limits.ts';
import type { MemoryChange, NewMemory } from '../memories.ts';
import { SCOPES, SOURCES, TIERS } from '../memory.ts';
import type { MemoryFields } from '../operation.ts';
import type { WriteScope } from './scope.ts';
import { expiryOf } from './tiers.ts';

/** What is written of a memory: fields, and members of metadata. */
export interface Draft {
  fields: MemoryFields;
  metadata: JsonObject;
}

/** @throws InvalidInputError `memory.invalid`, names the field */
export function draftOf(scope: WriteScope, request: NewMemory, defaults: { namespace?: string } = {}): Draft {
  const now_ms = scope.work.now_ms;
  const tier = oneOf('tier', request.tier ?? 'mid', TIERS);
  const namespace = checkNamespace('namespace', request.namespace ?? defaults.namespace ?? 'global');
  const fields: MemoryFields = {
    title: checkTitle('title', request.title).trim(),
    content: checkContent('content', request.content),
    namespace,
    tier,
    tags: checkTags('tags', request.tags ?? []),
    priority: checkPriority('priority', request.priority ?? 5),
    confidence: checkConfidence('confidence', request.confidence ?? 1),
    source: oneOf('source', request.source ?? 'api', SOURCES),
    expires_at: expiryAsked(request, now_ms) ?? expiryOf(scope.settings.tiers, tier, now_ms),
    ...(request.extra === undefined ? {} : checkExtra(request.extra)),
  };
  if (request.expires_at === null) fields.expires_at = null;
  const metadata = { ...checkMetadata('metadata', request.metadata ?? {}) } as Record<string, JsonObject[string]>;
  if (request.scope !== undefined) metadata['scope'] = oneOf('scope', request.scope, SCOPES);
  return redacted(scope, { fields, metadata });
}

/** The same of a change: only what it names. `expires_at` follows the tier when only that changes. */
export function changeOf(
  scope: WriteScope,
  change: MemoryChange,
  namespace: string,
): { fields: JsonObject; metadata: JsonObject | null } {
  const fields: Record<string, JsonObject[string]> = {
    ...(change.extra === undefined ? {} : checkExtra(change.extra)),
  };
  if (change.title !== undefined) fields['title'] = checkTitle('title', change.title).trim();
  if (change.content !== undefined) fields['content'] = checkContent('content', change.content);
  if (change.namespace !== undefined) fields['namespace'] = checkNamespace('namespace', change.namespace);
  if (change.tags !== undefined) fields['tags'] = checkTags('tags', change.tags);
  if (change.priority !== undefined) fields['priority'] = checkPriority('priority', change.priority);
  if (change.confidence !== undefined) fields['confidence'] = checkConfidence('confidence', change.confidence);
  if (change.source !== undefined) fields['source'] = oneOf('source', change.source, SOURCES);
  if (change.tier !== undefined) fields['tier'] = oneOf('tier', change.tier, TIERS);
  if (change.expires_at !== undefined)
    fields['expires_at'] = change.expires_at === null ? null : timeOf('expires_at', change.expires_at);
  const metadata = change.metadata === undefined ? {} : checkMetadata('metadata', change.metadata);
  const space = change.namespace ?? namespace;
  const masked = redactedParts(scope, space, fields, metadata);
  return { fields: masked.fields, metadata: change.metadata === undefined ? null : masked.metadata };
}

/** Removes secrets from a short text of a request: a reason, a title. */
export function redactText(scope: WriteScope, namespace: string, text: string): string {
  return scope.settings.is_redacted(namespace) ? scope.settings.redactor.redactText(text, scope.tally) : text;
}

function redacted(scope: WriteScope, { fields, metadata }: Draft): Draft {
  const masked = redactedParts(scope, fields.namespace, fields, metadata);
  return { fields: masked.fields as MemoryFields, metadata: masked.metadata };
}

/** Names, numbers and closed sets stay; everything that someone wrote is walked. */
const KEPT = new Set(['namespace', 'tier', 'source', 'priority', 'confidence', 'expires_at', 'created_ms']);
/** Read by policies: masking them would change who may do what. */
const KEPT_METADATA = new Set(['agent_id', 'scope', 'governance']);

function redactedParts(
  { settings, tally }: WriteScope,
  namespace: string,
  fields: JsonObject,
  metadata: JsonObject,
): { fields: JsonObject; metadata: JsonObject } {
  if (!settings.is_redacted(namespace)) return { fields, metadata };
  const walk = (part: JsonObject, kept: ReadonlySet<string>): JsonObject => {
    const written = Object.entries(part).filter(([name]) => !kept.has(name));
    const masked = settings.redactor.redactValue(Object.fromEntries(written) as JsonValue, tally) as JsonObject;
    return { ...masked, ...Object.fromEntries(Object.entries(part).filter(([name]) => kept.has(name))) };
  };
  return { fields: walk(fields, KEPT), metadata: walk(metadata, KEPT_METADATA) };
}

function expiryAsked(request: NewMemory, now_ms: number): number | null {
  if (typeof request.expires_at === 'string') {
    const at = timeOf('expires_at', request.expires_at);
    if (at <= now_ms) throw invalid('expires_at', 'lies in the past');
    return at;
  }
  if (request.ttl_seconds === undefined) return null;
  const { min, max } = MEMORY_LIMITS.ttl_seconds;
  if (!Number.isInteger(request.ttl_seconds) || request.ttl_seconds < min || request.ttl_seconds > max)
    throw invalid('ttl_seconds', `is not a whole number from ${min} to ${max}`);
  return now_ms + request.ttl_seconds * 1000;
}

export function timeOf(field: string, text: unknown): number {
  const at = typeof text === 'string' ? parseTime(text) : null;
  if (at === null) throw invalid(field, 'is not a time of RFC 3339');
  return at;
}

export function oneOf<T extends string>(field: string, value: string, of: readonly T[]): T {
  const known = of.find((item) => item === value);
  if (known === undefined) throw invalid(field, `is not one of ${of.join(', ')}`);
  return known;
}

function checkExtra(extra: JsonObject): JsonObject {
  return checkMetadata('extra', checkObject('extra', extra));
}

export function checkIds(field: string, ids: readonly string[], most: number): string[] {
  if (!Array.isArray(ids) || ids.length > most) throw invalid(field, `has more than ${most} ids`);
  return [...new Set(ids.map((id, i) => checkId(`${field}.${i}`, id)))];
}
