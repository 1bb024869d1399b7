import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import type { TranscriptFile } from '../source.ts';
import { readRange } from './file-mark.ts';

/** A tool's saved output is read up to here; the rest is cut and said so. */
export const MAX_PERSISTED_OUTPUT_BYTES = 16 * 1024 * 1024;

export type PersistedOutput =
  /** `bytes` is the size of the whole output. */
  | { ok: true; text: string; truncated: boolean; bytes: number }
  | { ok: false; reason: 'not_absolute' | 'outside' | 'missing' | 'not_a_file' };

/**
 * The text of a large tool result that the agent saved beside the transcript, only when it is wanted (§2.5). The path
 * stands in the transcript and can be planted there by any tool's output, so it is opened only when it lies, after
 * resolving links, inside this session's own `tool-results/` folder (the parent's, for a subagent).
 */
export async function readPersistedOutput(
  file: TranscriptFile,
  path: string,
  max_bytes = MAX_PERSISTED_OUTPUT_BYTES,
): Promise<PersistedOutput> {
  if (!isAbsolute(path)) return { ok: false, reason: 'not_absolute' };
  const folder = toolResultsFolder(file);
  if (folder === null) return { ok: false, reason: 'outside' };
  try {
    const [root, target] = await Promise.all([realpath(folder), realpath(path)]);
    if (!target.startsWith(root + sep)) return { ok: false, reason: 'outside' };
    return await readContained(target, max_bytes);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { ok: false, reason: 'missing' };
    throw error;
  }
}

/** `<project>/<session>/tool-results` of the session whose transcript `file` is, or null when its id is no file name. */
export function toolResultsFolder(file: TranscriptFile): string | null {
  const parts = file.path.split(sep);
  const subagents = file.subagent_id === null ? -1 : parts.lastIndexOf('subagents');
  if (subagents > 0) return join(parts.slice(0, subagents).join(sep), 'tool-results');
  // The id of an older subagent file comes from its content, and so could be `../../elsewhere`.
  if (!/^[\w-][\w.-]*$/.test(file.session_id)) return null;
  return join(dirname(file.path), file.session_id, 'tool-results');
}

async function readContained(path: string, max_bytes: number): Promise<PersistedOutput> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const opened = await handle.stat();
    const named = await lstat(path);
    // Between resolving and opening the name may have been given to another file.
    if (!opened.isFile() || opened.ino !== named.ino || opened.dev !== named.dev) {
      return { ok: false, reason: 'not_a_file' };
    }
    const bytes = await readRange(handle, 0, Math.min(opened.size, max_bytes));
    const truncated = opened.size > bytes.length;
    // Cut within a character, `stream` holds its bytes back instead of making U+FFFD of them.
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: truncated });
    return { ok: true, text, truncated, bytes: opened.size };
  } finally {
    await handle.close();
  }
}
