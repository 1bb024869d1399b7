import type { Memory } from '../memory.ts';
import { liveMemory } from '../store/reads.ts';
import type { WriteScope } from './scope.ts';

/** The oldest live memory of the namespace with this title. */
export function titled(scope: WriteScope, namespace: string, title: string): Memory | null {
  const row = scope.db.get<{ id: string }>(
    `SELECT id FROM memory WHERE status = 'live' AND namespace = ? AND title = ? AND (expires_ms IS NULL OR expires_ms > ?)
     ORDER BY life LIMIT 1`,
    namespace,
    title,
    scope.work.now_ms,
  );
  return row ? liveMemory(scope, row.id) : null;
}
