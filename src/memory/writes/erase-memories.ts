import { MAX_BULK } from '../limits.ts';
import { writeDelete } from './remove-memory.ts';
import { checkIds } from './request.ts';
import { write, type WriteScope } from './scope.ts';

/**
 * Deletes what is not deleted yet, in whatever state, and takes back what waits for a yes or did; a policy is not asked: it is the
 * owner of the machine who erases.
 */
export function eraseMemories(scope: WriteScope, given: readonly string[]): { erased: string[] } {
  const ids = checkIds('ids', given, MAX_BULK);
  const rows = scope.db.all<{ id: string }>(
    `SELECT id FROM memory WHERE status <> 'dead' AND id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  );
  for (const { id } of rows) writeDelete(scope, id);
  const pending = scope.db.all<{ id: string }>(
    `SELECT key AS id FROM coordination
     WHERE row = 'pending' AND key IN (SELECT value FROM json_each(?)) AND json_extract(state, '$.cleared') IS NULL`,
    JSON.stringify(ids),
  );
  for (const { id } of pending) write(scope, { kind: 'pending_clear', id });
  return { erased: [...rows, ...pending].map(({ id }) => id) };
}
