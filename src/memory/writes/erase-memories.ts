import { MAX_BULK } from '../limits.ts';
import { writeDelete } from './remove-memory.ts';
import { checkIds } from './request.ts';
import type { WriteScope } from './scope.ts';

/** Deletes what is not deleted yet, in whatever state; a policy is not asked: it is the owner of the machine who erases. */
export function eraseMemories(scope: WriteScope, given: readonly string[]): { erased: string[] } {
  const ids = checkIds('ids', given, MAX_BULK);
  const rows = scope.db.all<{ id: string }>(
    `SELECT id FROM memory WHERE status <> 'dead' AND id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  );
  for (const { id } of rows) writeDelete(scope, id);
  return { erased: rows.map(({ id }) => id) };
}
