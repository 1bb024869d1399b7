import { createHash } from 'node:crypto';
import { formatStamp, type Stamp } from '../clock/stamp.ts';
import type { JsonObject } from '../json.ts';
import { changeOfLife, metadataRegisters } from '../merge/memory.ts';
import { stateText } from '../merge/row.ts';
import { originOf } from '../origin.ts';
import { timeOf, type Draft } from './request.ts';
import { authorOf, write, type WriteScope } from './scope.ts';

/** Stands where the origin of a stamp does; no member has it, so no clock ever issues such a stamp. */
const ELSEWHERE = originOf('adopted', '0');

/**
 * Takes in a memory that was begun outside of the cluster, where several members may hear of it, at different times and in
 * different versions. So its life is made of its id: the same for all who take it in, and older than every deletion, which a
 * member that had not heard of the deletion yet would otherwise undo. Its fields are as old as the version they are of, so the
 * newer version wins wherever it came in, and what was changed here since wins over both.
 *
 * `adopted_at`: when that version was written, RFC 3339; one that lies ahead counts as now. @throws InvalidInputError
 */
export function adoptMemory(scope: WriteScope, id: string, { fields, metadata }: Draft, adopted_at: string): void {
  const by: JsonObject = { ...authorOf(scope) };
  const values = { ...fields, ...metadataRegisters(metadata), born: by, by };
  const state = { ...changeOfLife(lifeOf(id), stampOf(adopted_at, scope.work.now_ms), values), stored: true };
  write(scope, { kind: 'state', row: 'memory', key: id, state: JSON.parse(stateText('memory', state)) as JsonObject });
}

/** Within the first weeks of 1970; 48 bits of chance keep the lives of one title apart. */
function lifeOf(id: string): Stamp {
  const hash = createHash('sha256').update(id).digest();
  return formatStamp({ ms: hash.readUInt32BE(0), counter: hash.readUInt16BE(4), origin: ELSEWHERE });
}

function stampOf(adopted_at: string, now_ms: number): Stamp {
  const ms = timeOf('adopted_at', adopted_at);
  if (ms > now_ms) return formatStamp({ ms: now_ms, counter: 0, origin: ELSEWHERE });
  const finer = /\.\d{3}(\d{1,6})/.exec(adopted_at)?.[1] ?? '';
  // The counter holds 16 bits: steps of 16 ns keep the order within a millisecond.
  return formatStamp({ ms, counter: Math.floor(Number(finer.padEnd(6, '0')) / 16), origin: ELSEWHERE });
}
