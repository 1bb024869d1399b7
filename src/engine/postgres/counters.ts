import type { CounterChange } from '../store.ts';
import type { Transaction } from './database.ts';

/** Slots of a counter. A connection has one transaction at a time, so two meet in a slot only by chance. */
const SLOTS = 32;

/**
 * Adds rows of (name, label, amount), which `source` selects as n, l, b. In a fixed order: two transactions that happen to
 * share slots wait for each other one way only.
 */
export const addingCounters = (source: string): string => `
  INSERT INTO syncline.counter AS c (name, label, slot, value)
  SELECT n, l, pg_backend_pid() % ${SLOTS}, sum(b)::bigint FROM ${source} AS changes (n, l, b) GROUP BY n, l ORDER BY n, l
  ON CONFLICT (name, label, slot) DO UPDATE SET value = c.value + excluded.value`;

const ADD = addingCounters('unnest($1::text[], $2::text[], $3::bigint[])');

/** Adds to counters inside the transaction that causes the change, so that no drop or duplicate goes uncounted. */
export async function addCounters(tx: Transaction, changes: readonly CounterChange[]): Promise<void> {
  const real = changes.filter(({ by }) => by !== 0);
  if (real.length === 0) return;
  const columns = counterColumns(real);
  await tx.run(ADD, columns.names, columns.labels, columns.amounts);
}

export function counterColumns(changes: readonly CounterChange[]): {
  names: string[];
  labels: string[];
  amounts: number[];
} {
  return {
    names: changes.map(({ name }) => name),
    labels: changes.map(({ label }) => label),
    amounts: changes.map(({ by }) => by),
  };
}

/** All counters as name → label → value. */
export async function readCounters(tx: Transaction): Promise<Record<string, Record<string, number>>> {
  const rows = await tx.all<{ name: string; label: string; value: number }>(
    'SELECT name, label, sum(value)::bigint AS value FROM syncline.counter GROUP BY name, label ORDER BY name, label',
  );
  const counters: Record<string, Record<string, number>> = {};
  for (const { name, label, value } of rows) (counters[name] ??= {})[label] = value;
  return counters;
}
