/**
 * Whose clock a lease counts by. `database`: that of PostgreSQL, so that no worker's clock can end another's lease or
 * keep its own. `caller`: the `now_ms` of each call, for tests that drive time.
 */
export type LeaseTime = 'database' | 'caller';

/** The present in a statement: of the database where the parameter is null. */
export const present = (parameter: string): string =>
  `coalesce(${parameter}::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)`;

/** The parameter of `present`. */
export function presentOf(lease_time: LeaseTime, now_ms: number): number | null {
  return lease_time === 'caller' ? now_ms : null;
}
