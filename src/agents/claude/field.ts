/**
 * Reading fields of JSON that somebody else wrote: no vendor publishes a schema of these files (agents specification,
 * introduction), so a field of another type counts as absent and nothing here throws.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object under `name`, or null. */
export function objectField(object: JsonObject, name: string): JsonObject | null {
  const value = object[name];
  return isObject(value) ? value : null;
}

/** The elements under `name` that are objects; none when it is no array. */
export function objectsField(object: JsonObject, name: string): JsonObject[] {
  const value = object[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The string under `name`, or null when it is absent, empty or no string. */
export function stringField(object: JsonObject, name: string): string | null {
  const value = object[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A count under `name`: a whole number ≥ 0, also from a numeric string (odd producers, §2.3). Null when it is none. */
export function countField(object: JsonObject, name: string): number | null {
  const value = object[name];
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) return null;
  return Math.min(Math.trunc(number), Number.MAX_SAFE_INTEGER);
}

/** Time under `name` (RFC 3339) in epoch milliseconds, or null. */
export function timeField(object: JsonObject, name: string): number | null {
  const text = stringField(object, name);
  if (text === null) return null;
  const ms = Date.parse(text);
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : null;
}

export function flagField(object: JsonObject, name: string): boolean {
  return object[name] === true;
}

/**
 * A word of the agent's own vocabulary (a subtype, a reason), fit to leave as a fact; null when the value is not of that
 * form, because facts always leave and free text must not travel as one.
 */
export function wordField(object: JsonObject, name: string): string | null {
  const value = stringField(object, name);
  return value !== null && /^[\w.:/-]{1,64}$/.test(value) ? value : null;
}
