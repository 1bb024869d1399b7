/** JSON values with the canonical text that hashes and exports are made of. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** JSON with sorted members and no blanks: equal values have equal text on every machine. */
export function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let text = '';
  if (isList(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value).sort())
    text += `${text === '' ? '' : ','}${memberName(key)}${canonicalJson(value[key] ?? null)}`;
  return `{${text}}`;
}

const names = new Map<string, string>();
const NAMES_KEPT = 1000;

/** The name of a member with its colon; those that come first are remembered, as a few names stand in every row. */
export function memberName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = `${JSON.stringify(name)}:`;
  if (names.size < NAMES_KEPT) names.set(name, text);
  return text;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Levels of objects and lists; a scalar has none. Stops counting beyond `most`. */
export function jsonDepth(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (most <= 0) return 1;
  let deepest = 0;
  for (const member of Object.values(value)) deepest = Math.max(deepest, jsonDepth(member, most - 1));
  return deepest + 1;
}
