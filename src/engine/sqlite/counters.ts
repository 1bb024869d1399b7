import type { Database } from '../../storage/sqlite/database.ts';
import type { CounterChange } from '../store.ts';

/** Adds to counters inside the transaction that causes the change, so that no drop or duplicate goes uncounted. */
export function addCounters(db: Database, changes: readonly CounterChange[]): void {
  for (const { name, label, by } of changes) {
    if (by === 0) continue;
    db.run(
      'INSERT INTO counter (name, label, value) VALUES (?, ?, ?) ON CONFLICT (name, label) DO UPDATE SET value = value + excluded.value',
      name,
      label,
      by,
    );
  }
}

/** All counters as name → label → value. */
export function readCounters(db: Database): Record<string, Record<string, number>> {
  const counters: Record<string, Record<string, number>> = {};
  for (const row of db.all<{ name: string; label: string; value: number }>('SELECT name, label, value FROM counter'))
    (counters[row.name] ??= {})[row.label] = row.value;
  return counters;
}
