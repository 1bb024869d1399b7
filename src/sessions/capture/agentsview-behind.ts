import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Days are for a machine that is off, or a viewer that is started when somebody wants to look. */
export const BEHIND_MS = 2 * 86_400_000;

/** agentsview does not run: transcripts were written long after its database was. */
export interface Behind {
  /** When its database was written last. */
  written_ms: number;
}

/**
 * Whether agentsview's database stands still while Claude Code goes on: then waiting for it would keep nothing of what is
 * said now, and Claude Code deletes its transcripts after a month. Null: it does not, or there is nothing newer.
 *
 * Costs two `stat` calls while the database was written within the last days; else looks through the transcripts, newest
 * projects first, up to the first that is newer by `BEHIND_MS`.
 */
export function agentsviewBehind(
  database: string,
  transcript_folders: readonly string[],
  now_ms: number,
): Behind | null {
  const written_ms = Math.max(modifiedMs(database), writtenMs(`${database}-wal`));
  if (written_ms + BEHIND_MS >= now_ms) return null;
  for (const folder of transcript_folders)
    for (const project of newestFirst(folder))
      for (const name of namesIn(project))
        if (name.endsWith('.jsonl') && modifiedMs(join(project, name)) > written_ms + BEHIND_MS) return { written_ms };
  return null;
}

function newestFirst(folder: string): string[] {
  return namesIn(folder)
    .map((name) => join(folder, name))
    .map((path) => ({ path, at_ms: modifiedMs(path) }))
    .sort((a, b) => b.at_ms - a.at_ms)
    .map(({ path }) => path);
}

/** Of what is no folder, or may not be listed: none. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A file among the folders, one that went meanwhile, or another user's: nothing is concluded from it.
    return [];
  }
}

/** An empty log says nothing: whoever opens the database to read makes one. */
function writtenMs(log: string): number {
  const stats = statSync(log, { throwIfNoEntry: false });
  return stats !== undefined && stats.size > 0 ? stats.mtimeMs : 0;
}

/** 0 where there is none. */
function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
