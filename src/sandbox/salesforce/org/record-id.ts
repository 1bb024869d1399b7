/** Ids of records: 15 case-sensitive characters, or the same with three that make them safe to compare without case. */

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const ID_15 = /^[A-Za-z0-9]{15}$/;
const ID_18 = /^[A-Za-z0-9]{15}[A-Z0-5]{3}$/;
const BLOCK = 5;
const COUNTER_CHARS = 9;

/** The three characters after an id of 15: of each block of five, which are capitals (records.md §12.1). */
export function checksumOf(id15: string): string {
  let checksum = '';
  for (let start = 0; start < 15; start += BLOCK) {
    let bits = 0;
    for (let i = 0; i < BLOCK; i++) if (/[A-Z]/.test(id15.charAt(start + i))) bits |= 1 << i;
    checksum += CHECKSUM.charAt(bits);
  }
  return checksum;
}

/** An id as the API returns it, 18 characters; null for what is no id or has a wrong checksum. */
export function parseRecordId(text: string): string | null {
  if (ID_15.test(text)) return text + checksumOf(text);
  return ID_18.test(text) && checksumOf(text.slice(0, 15)) === text.slice(15) ? text : null;
}

/** The first three characters: which object a record is of. */
export function keyPrefixOf(id: string): string {
  return id.slice(0, 3);
}

/** The `n`th id of an object on an instance: prefix, three characters of the instance, a counter in base 62. */
export function makeRecordId(key_prefix: string, instance: string, n: number): string {
  let counter = '';
  for (let rest = n; counter.length < COUNTER_CHARS; rest = Math.floor(rest / 62))
    counter = BASE62.charAt(rest % 62) + counter;
  const id15 = `${key_prefix}${instance}${counter}`;
  return id15 + checksumOf(id15);
}

/** The three characters of an instance, drawn by chance: two organisations of two seeds share no id. */
export function makeInstanceCode(unit: () => number): string {
  return Array.from({ length: 3 }, () => BASE62.charAt(Math.floor(unit() * 62))).join('');
}
