import { moveCircuit } from '../circuit.ts';
import type { Transaction } from '../database.ts';
import { acceptedInGroups } from './groups.ts';

/** How old the note of the last success may be. */
const NOTED_EVERY_MS = 1000;

/**
 * Notes that keys were accepted, where that says something: as evidence against a key that was refused or failed, as the
 * end of a held group, or for a circuit that is not closed. Else only, about once a second, when it was: rows of groups and
 * destinations are shared by all workers, and one that wrote them at every settlement would wait for the others' commits.
 * `fences`: the highest of each group.
 */
export async function recordAcceptance(
  tx: Transaction,
  destination_id: string,
  fences: ReadonlyMap<string, number>,
  now_ms: number,
): Promise<void> {
  const row = await tx.get<{ matters: boolean; old: boolean }>(
    `SELECT d.circuit <> 'closed'
         OR EXISTS (SELECT 1 FROM syncline.task t WHERE t.destination_id = $1 AND t.refused_fence IS NOT NULL)
         OR EXISTS (SELECT 1 FROM syncline.key_group g WHERE g.destination_id = $1 AND (g.held_class IS NOT NULL OR g.parked)) AS matters,
       coalesce(abs($2::bigint - d.last_success_ms) >= ${NOTED_EVERY_MS}, true) AS old
     FROM syncline.destination d WHERE d.destination_id = $1`,
    destination_id,
    now_ms,
  );
  if (row?.matters) {
    // The destination before its groups: the order in which a claim locks them.
    await moveCircuit(tx, destination_id, 'succeeded', { fence: Math.max(...fences.values()), now_ms });
    await acceptedInGroups(tx, destination_id, fences);
    return;
  }
  if (!row?.old) return;
  // Who finds the row locked leaves it: somebody else notes a success at this moment.
  await tx.run(
    `UPDATE syncline.destination SET last_success_ms = $2 WHERE destination_id IN (
       SELECT destination_id FROM syncline.destination WHERE destination_id = $1 FOR NO KEY UPDATE SKIP LOCKED)`,
    destination_id,
    now_ms,
  );
}
