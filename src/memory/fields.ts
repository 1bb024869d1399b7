/** Checks of single values, shared by requests and operations. Each names the field that is at fault. */
import { InvalidInputError } from '../platform/errors.ts';
import { isObject, jsonDepth, type Json, type JsonObject } from './json.ts';
import { MEMORY_LIMITS } from './limits.ts';

/** How much wider an operation's bounds are than a request's: marks may be longer than what they stand for. */
export type Slack = 1 | 4;

export function invalid(field: string, message: string): InvalidInputError {
  return new InvalidInputError('memory.invalid', `${field}: ${message}`, { field });
}

// As the original refuses them; tab and line feed are allowed in texts.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;
const ANY_CONTROL = /[\u0000-\u001f\u007f]/;

export function checkText(field: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(field, 'is not a text');
  if (CONTROL.test(value)) throw invalid(field, 'holds a control character other than a line feed or tab');
  if (!value.isWellFormed()) throw invalid(field, 'holds half a surrogate pair');
  return value;
}

export function checkTitle(field: string, value: unknown, slack: Slack = 1): string {
  const title = checkText(field, value);
  if (title.trim() === '') throw invalid(field, 'is empty');
  if (lengthOf(title) > MEMORY_LIMITS.title_chars * slack)
    throw invalid(field, `has more than ${MEMORY_LIMITS.title_chars} characters`);
  return title;
}

export function checkContent(field: string, value: unknown, slack: Slack = 1): string {
  const content = checkText(field, value);
  if (content.trim() === '') throw invalid(field, 'is empty');
  if (Buffer.byteLength(content) > MEMORY_LIMITS.content_bytes * slack)
    throw invalid(field, `has more than ${MEMORY_LIMITS.content_bytes} bytes`);
  return content;
}

export function checkTags(field: string, value: unknown, slack: Slack = 1): string[] {
  if (!Array.isArray(value)) throw invalid(field, 'is not a list');
  if (value.length > MEMORY_LIMITS.tags) throw invalid(field, `has more than ${MEMORY_LIMITS.tags} tags`);
  return value.map((tag, i) => {
    const text = checkText(`${field}.${i}`, tag);
    if (text.trim() === '') throw invalid(`${field}.${i}`, 'is empty');
    if (Buffer.byteLength(text) > MEMORY_LIMITS.tag_bytes * slack)
      throw invalid(`${field}.${i}`, `has more than ${MEMORY_LIMITS.tag_bytes} bytes`);
    return text;
  });
}

export function checkPriority(field: string, value: unknown): number {
  const { min, max } = MEMORY_LIMITS.priority;
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    throw invalid(field, `is not a whole number from ${min} to ${max}`);
  return value as number;
}

export function checkConfidence(field: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw invalid(field, 'is not a number from 0 to 1');
  return value;
}

export function checkShortText(field: string, value: unknown, most = 64): string {
  const text = checkText(field, value);
  if (text.trim() === '' || Buffer.byteLength(text) > most) throw invalid(field, `has not 1 to ${most} bytes`);
  return text;
}

/** Epoch milliseconds, or null for never. */
export function checkExpiry(field: string, value: unknown): number | null {
  if (value === null) return null;
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid(field, 'is not a point in time');
  return value as number;
}

/** An id that someone else made: not blank, at most 128 bytes, no control characters. */
export function checkId(field: string, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw invalid(field, 'is empty');
  if (Buffer.byteLength(value) > MEMORY_LIMITS.id_bytes)
    throw invalid(field, `has more than ${MEMORY_LIMITS.id_bytes} bytes`);
  if (ANY_CONTROL.test(value) || !value.isWellFormed()) throw invalid(field, 'holds a control character');
  return value;
}

export function checkAgentId(field: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_\-:@./]{1,128}$/.test(value))
    throw invalid(field, 'is not 1 to 128 letters, digits or _ - : @ . /');
  return value;
}

/** `team/ops`: at most 8 segments and 512 characters, no blanks, backslashes, control characters, empty or dot segments. */
export function checkNamespace(field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'is empty');
  if (lengthOf(value) > MEMORY_LIMITS.namespace_chars)
    throw invalid(field, `has more than ${MEMORY_LIMITS.namespace_chars} characters`);
  if (ANY_CONTROL.test(value) || /[\s\\]/.test(value) || !value.isWellFormed())
    throw invalid(field, 'holds a blank, backslash or control character');
  const segments = value.split('/');
  if (segments.length > MEMORY_LIMITS.namespace_segments)
    throw invalid(field, `has more than ${MEMORY_LIMITS.namespace_segments} segments`);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw invalid(field, 'has an empty segment, or one of dots');
  return value;
}

/** `*` stands above all namespaces. */
export function checkNamespaceOrAll(field: string, value: unknown): string {
  return value === '*' ? '*' : checkNamespace(field, value);
}

export function checkMetadata(field: string, value: unknown, slack: Slack = 1): JsonObject {
  if (!isObject(value)) throw invalid(field, 'is not an object');
  if (jsonDepth(value, MEMORY_LIMITS.metadata_depth) > MEMORY_LIMITS.metadata_depth)
    throw invalid(field, `is deeper than ${MEMORY_LIMITS.metadata_depth} levels`);
  if (Buffer.byteLength(JSON.stringify(value)) > MEMORY_LIMITS.metadata_bytes * slack)
    throw invalid(field, `has more than ${MEMORY_LIMITS.metadata_bytes} bytes`);
  return value;
}

export function checkObject(field: string, value: unknown): JsonObject {
  if (!isObject(value)) throw invalid(field, 'is not an object');
  return value;
}

/** One check a known field of a memory; others are of newer members and stay as they are. */
export const FIELD_CHECKS: Readonly<Record<string, (field: string, value: unknown, slack: Slack) => Json>> = {
  title: checkTitle,
  content: checkContent,
  namespace: checkNamespace,
  tier: (field, value) => checkShortText(field, value),
  tags: checkTags,
  priority: checkPriority,
  confidence: checkConfidence,
  source: (field, value) => checkShortText(field, value),
  expires_at: checkExpiry,
};

/** Characters as people and Rust count them. */
function lengthOf(text: string): number {
  if (text.length <= 512) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}
