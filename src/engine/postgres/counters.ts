import type { CounterChange } from '../store.ts';
import type { Transaction } from './database.ts';

/** Slots of a counter. A connection has one transaction at a time, so two meet in a slot only by chance. */
const SLOTS = 32;

/** In a fixed order: two transactions that happen to share slots wait for each other one way only. */
const ADD = `
  INSERT INTO syncline.counter AS c (name, label, slot, value)
  SELECT name, label, pg_backend_pid() % ${SLOTS}, by FROM unnest($1::text[], $2::text[], $3::bigint[]) AS a (name, label, by)
  ORDER BY name COLLATE "C", label COLLATE "C"
  ON CONFLICT (name, label, slot) DO UPDATE SET value = c.value + excluded.value`;

/** Adds to counters inside the transaction that causes the change, so that no drop or duplicate goes uncounted. */
export async function addCounters(tx: Transaction, changes: readonly CounterChange[]): Promise<void> {
  const sums = new Map<string, CounterChange>();
  for (const { name, label, by } of changes) {
    const id = `${name}\n${label}`;
    const sum = sums.get(id);
    if (sum) sum.by += by;
    else sums.set(id, { name, label, by });
  }
  const real = [...sums.values()].filter(({ by }) => by !== 0);
  if (real.length === 0) return;
  await tx.run(
    ADD,
    real.map(({ name }) => name),
    real.map(({ label }) => label),
    real.map(({ by }) => by),
  );
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
