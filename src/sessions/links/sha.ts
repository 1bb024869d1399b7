/** Commit ids, whole or shortened. A store has what an output showed, a person asks with what a page shows: either may be the shorter. */

/** Shorter beginnings name too many commits. */
export const MIN_SHA_DIGITS = 7;
/** SHA-1 has 40 digits, SHA-256 has 64. */
export const MAX_SHA_DIGITS = 64;

const SHA = /^[0-9a-f]{7,64}$/i;

/** A commit id or its beginning of 7 to 64 hex digits, in lower case and without surrounding blanks; null: it is none. */
export function parseSha(text: string): string | null {
  const sha = text.trim();
  return SHA.test(sha) ? sha.toLowerCase() : null;
}

/** Whether two ids may name the same commit: one is a beginning of the other, of 7 digits or more. */
export function isSameCommit(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  return short.length >= MIN_SHA_DIGITS && long.toLowerCase().startsWith(short.toLowerCase());
}

/**
 * What a query on an index needs to find all ids that `isSameCommit` accepts for `sha`: those in `[from, before)`, which
 * begin with it, and those equal to one of `beginnings`, its own beginnings of 7 digits or more. Null: no commit id.
 */
export function shaMatches(sha: string): { from: string; before: string; beginnings: string[] } | null {
  const from = parseSha(sha);
  if (from === null) return null;
  const beginnings: string[] = [];
  for (let digits = MIN_SHA_DIGITS; digits < from.length; digits++) beginnings.push(from.slice(0, digits));
  // `g` follows `f`, the last digit: everything that begins with `from` sorts before it.
  return { from, before: `${from}g`, beginnings };
}
