/** Thrown out of a transaction to roll it back: which of its keys are stale, by their place in what it was given. */
export class StaleKeys extends Error {
  readonly places: ReadonlySet<number>;

  constructor(places: ReadonlySet<number>) {
    super('keys are stale');
    this.places = places;
  }
}

/** So often a transaction is made again without the keys that were stale; then each key has one of its own. */
const ATTEMPTS_TOGETHER = 4;

/**
 * Does `work` for all items in one transaction. Where it throws `StaleKeys`, those have the answer `stale` and it is done
 * again for the others: bounded, because each time fewer are left.
 */
export async function withoutStale<T, R>(
  items: readonly T[],
  stale: () => R,
  work: (items: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const results = new Map<T, R>();
  let left = [...items];
  for (let attempt = 0; attempt < ATTEMPTS_TOGETHER && left.length > 0; attempt++)
    left = await doOnce(left, results, stale, work);
  for (const item of left) await doOnce([item], results, stale, work);
  return items.map((item) => results.get(item) ?? stale());
}

/** Returns what is left to do. */
async function doOnce<T, R>(
  items: readonly T[],
  results: Map<T, R>,
  stale: () => R,
  work: (items: readonly T[]) => Promise<readonly R[]>,
): Promise<T[]> {
  try {
    for (const [i, result] of (await work(items)).entries()) results.set(items[i] as T, result);
    return [];
  } catch (error) {
    if (!(error instanceof StaleKeys)) throw error;
    for (const place of error.places) results.set(items[place] as T, stale());
    return items.filter((_, place) => !error.places.has(place));
  }
}
