import type { DeadLetter, EngineStore } from '../engine/store.ts';

const READ_AT_ONCE = 1000;

/** The field by which a later item of a kind replaces an earlier one; events never replace each other. */
const REPLACED_BY: Readonly<Record<string, string>> = { tool_spans: 'span_id_hash', sessions: 'session_id_hash' };

/**
 * Whether a newer version of a dead letter's item was appended since: spans and sessions are sent anew when they change,
 * and sending the old one again would undo the new one. Reads the partition from the letter on, in bounded steps.
 */
export async function isSuperseded(engine: EngineStore, letter: DeadLetter): Promise<boolean> {
  const partition = (await engine.partitions()).find(({ partition_id }) => partition_id === letter.partition_id);
  const field = REPLACED_BY[String(partition?.header['kind'])];
  if (!partition || field === undefined || letter.payload === null) return false;
  const name = identityIn(letter.payload, field);
  if (name === null) return false;
  for (let from = letter.offset + 1; from <= partition.last_offset; from += READ_AT_ONCE) {
    const entries = await engine.read(letter.partition_id, from, from + READ_AT_ONCE - 1);
    if (entries.some(({ payload }) => payload !== null && identityIn(payload, field) === name)) return true;
  }
  return false;
}

function identityIn(payload: string, field: string): string | null {
  const item = JSON.parse(payload) as Record<string, unknown>;
  const value = item[field];
  return typeof value === 'string' ? value : null;
}
