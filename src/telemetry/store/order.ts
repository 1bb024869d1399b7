/**
 * Total orders over records. Merging picks the greatest or smallest of two whole tuples, which is commutative,
 * associative and idempotent: rows then do not depend on the order, batching or repetition of what arrived.
 */

export type Scalar = string | number | null;

/** Compares position by position; null comes before everything, numbers before texts, texts by UTF-16 code units. */
export function compareTuples(a: readonly Scalar[], b: readonly Scalar[]): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareScalars(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function compareScalars(a: Scalar, b: Scalar): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : 1;
}

/** Smaller of two numbers of which either may be unknown. */
export function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

/** Greater of two numbers of which either may be unknown. */
export function latest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

/** The known one of two texts; of two known ones the smaller. */
export function knownText(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a <= b ? a : b;
}
