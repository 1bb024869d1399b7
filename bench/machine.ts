import { DatabaseSync } from 'node:sqlite';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What a figure depends on; no host name, user or path. */
export interface Machine {
  cores: number;
  processor: string;
  memory_gib: number;
  os: string;
  node: string;
  sqlite: string;
}

export function describeMachine(): Machine {
  const db = new DatabaseSync(':memory:');
  const row = db.prepare('SELECT sqlite_version() AS version').get();
  db.close();
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memory_gib: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.versions.node,
    sqlite: String(row?.['version']),
  };
}
