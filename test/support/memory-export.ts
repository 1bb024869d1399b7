import { join } from 'node:path';
import { canonicalLines } from '../../src/memory/store/snapshot.ts';
import { Database } from '../../src/storage/sqlite/database.ts';
import type { Machine } from './machine.ts';

/** The canonical export (P6) of a machine's memory, read beside whatever runs there. */
export function canonicalExport({ state }: Machine): string {
  const db = new Database(join(state, 'memory.db'), { read_only: true });
  try {
    return [...canonicalLines(db)].join('\n');
  } finally {
    db.close();
  }
}
