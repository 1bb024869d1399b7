import { statSync, type Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentName } from './event.ts';
import type { Place } from './source.ts';

/** A place as `places` of a source tells it; looks at nothing but whether the folder is there. */
export function placeAt(agent: AgentName, path: string, because: string): Place {
  return { agent, path, because, exists: statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false };
}

/** Home as agents find it, or null. */
export function homeOf(env: Readonly<Record<string, string | undefined>>): string | null {
  return env['HOME'] || env['USERPROFILE'] || null;
}

/**
 * Every regular file below `root` to `max_depth` folders, by its path relative to it. Follows no link, passes over what
 * cannot be read: it only counts for the first screen.
 */
export async function filesBelow(root: string, max_depth: number): Promise<string[]> {
  const files: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(join(root, folder))) {
      const path = join(folder, entry.name);
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && depth < max_depth) await visit(path, depth + 1);
    }
  };
  await visit('', 0);
  return files;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return []; // not there or not ours to read; `doctor` tells which
  }
}
