import { stampTime } from '../clock/stamp.ts';
import { readMemoryState } from '../merge/row.ts';
import type { Replica } from '../replica.ts';
import { parseInstant, type Instant } from './instant.ts';

/** Why a memory that does not live is gone, and since when. */
export interface Gone {
  gone: 'archived' | 'dead';
  at: Instant;
}

/**
 * Of memories that do not live: those that were archived or deleted. One that is left out was never here, waits for its
 * `store`, or is only hidden because its time is over.
 */
export async function goneOf(replica: Pick<Replica, 'states'>, ids: readonly string[]): Promise<Map<string, Gone>> {
  if (ids.length === 0) return new Map();
  const rows = await replica.states(ids.map((key) => ({ row: 'memory', key })));
  return new Map(
    rows.flatMap(({ key, state }): [string, Gone][] => {
      const { dead, life, registers } = readMemoryState(state);
      const { archived } = registers;
      if (life === '' && dead !== '') return [[key, { gone: 'dead', at: instantOfStamp(dead) }]];
      if (archived && archived.value !== null) return [[key, { gone: 'archived', at: instantOfStamp(archived.stamp) }]];
      return [];
    }),
  );
}

function instantOfStamp(stamp: string): Instant {
  return parseInstant(stampTime(stamp)) ?? 0n;
}
