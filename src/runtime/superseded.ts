import type { DeadLetter, EngineStore, Partition } from '../engine/store.ts';

const READ_AT_ONCE = 1000;

/** The field by which a later item of a kind replaces an earlier one; events never replace each other. */
const REPLACED_BY: Readonly<Record<string, string>> = { tool_spans: 'span_id_hash', sessions: 'session_id_hash' };

/**
 * The dead letters of whose item a newer version was appended since: spans and sessions are sent anew when they change,
 * and sending the old one again would undo the new one. Reads each partition once, in bounded steps, from its first
 * letter on.
 */
export async function supersededAmong(engine: EngineStore, letters: readonly DeadLetter[]): Promise<Set<string>> {
  const found = new Set<string>();
  const by_partition = Map.groupBy(letters, ({ partition_id }) => partition_id);
  for (const partition of await engine.partitions()) {
    const own = by_partition.get(partition.partition_id) ?? [];
    for (const { dead_letter_id } of await supersededIn(engine, partition, own)) found.add(dead_letter_id);
  }
  return found;
}

async function supersededIn(
  engine: EngineStore,
  { partition_id, header, last_offset }: Partition,
  letters: readonly DeadLetter[],
): Promise<DeadLetter[]> {
  const field = REPLACED_BY[String(header['kind'])];
  if (field === undefined || letters.length === 0) return [];
  const newest = new Map<string, number>();
  const first = Math.min(...letters.map(({ offset }) => offset)) + 1;
  for (let from = first; from <= last_offset; from += READ_AT_ONCE)
    for (const { offset, payload } of await engine.read(partition_id, from, from + READ_AT_ONCE - 1)) {
      const name = identityIn(payload, field);
      if (name !== null) newest.set(name, offset);
    }
  return letters.filter(({ payload, offset }) => (newest.get(identityIn(payload, field) ?? '') ?? 0) > offset);
}

function identityIn(payload: string | null, field: string): string | null {
  if (payload === null) return null;
  const value = (JSON.parse(payload) as Record<string, unknown>)[field];
  return typeof value === 'string' ? value : null;
}
