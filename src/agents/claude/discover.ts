import { constants, type Dirent, type Stats } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { messageOf } from '../../platform/errors.ts';
import type { Place, TranscriptFile } from '../source.ts';
import { isObject, stringField } from './field.ts';

export interface Problem {
  path: string;
  message: string;
}

export interface Discovery {
  files: TranscriptFile[];
  problems: Problem[];
}

/** Workflows nest one folder deep; more levels than this are no layout of the agent's. */
const MAX_SUBAGENT_DEPTH = 8;
const MAX_FILES = 200_000;
/** Bytes of a subagent file's head in which its session is looked for. */
const HEAD_BYTES = 64 * 1024;
/** `lstat` calls under way at once. */
const STATS_AT_ONCE = 32;

/** A transcript as its place tells it, before it was looked at. */
interface Candidate {
  path: string;
  /** Null when only the content names it: a subagent's file of the older layout. */
  session_id: string | null;
  subagent_id: string | null;
}

/**
 * All transcripts below `places`, oldest birth first. Knows the layouts of §1 by name, so `memory/`, `tool-results/` and
 * whatever else lies there is never opened. Folders reached by two ways are read once, symbolic links below a place are
 * not followed, and what cannot be read is a problem, not an exception.
 */
export async function discoverTranscripts(places: readonly Place[]): Promise<Discovery> {
  const found: Discovery = { files: [], problems: [] };
  const seen = new Set<string>();
  for (const place of places) {
    if (!place.exists) continue;
    const root = await attempt(place.path, found, () => realpath(place.path));
    if (root === null || seen.has(root)) continue;
    seen.add(root);
    await addFiles(await listRoot(root, found), found);
  }
  found.files.sort((a, b) => a.birth_ms - b.birth_ms || (a.path < b.path ? -1 : 1));
  return found;
}

async function listRoot(root: string, found: Discovery): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const project of await list(root, found)) {
    const folder = join(root, project.name);
    if (project.isDirectory()) candidates.push(...(await listProject(folder, found)));
    else if (project.isSymbolicLink()) await noteLink(folder, root, found);
  }
  if (candidates.length <= MAX_FILES) return candidates;
  found.problems.push({ path: root, message: `holds more than ${MAX_FILES} transcripts; the rest is not read` });
  return candidates.slice(0, MAX_FILES);
}

async function listProject(folder: string, found: Discovery): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const entry of await list(folder, found)) {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name.endsWith('.jsonl')) {
      const subagent_id = subagentOf(entry.name);
      candidates.push({ path, subagent_id, session_id: subagent_id === null ? stem(entry.name) : null });
    } else if (entry.isDirectory() && entry.name === 'sessions') {
      candidates.push(...(await listLegacySessions(path, found)));
    } else if (entry.isDirectory() && entry.name !== 'memory') {
      candidates.push(...(await listSubagents(join(path, 'subagents'), entry.name, 0, found)));
    }
  }
  return candidates;
}

/** `<project>/sessions/<id>/*.jsonl`, the layout before there were project-level files. */
async function listLegacySessions(folder: string, found: Discovery): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const session of await list(folder, found)) {
    if (!session.isDirectory()) continue;
    for (const entry of await list(join(folder, session.name), found)) {
      if (!entry.isFile() || !entry.name.endsWith('.jsonl')) continue;
      const path = join(folder, session.name, entry.name);
      candidates.push({ path, session_id: session.name, subagent_id: subagentOf(entry.name) });
    }
  }
  return candidates;
}

async function listSubagents(
  folder: string,
  session_id: string,
  depth: number,
  found: Discovery,
): Promise<Candidate[]> {
  if (depth > MAX_SUBAGENT_DEPTH) return [];
  const candidates: Candidate[] = [];
  for (const entry of await list(folder, found, depth === 0)) {
    const path = join(folder, entry.name);
    const subagent_id = entry.isFile() ? subagentOf(entry.name) : null;
    if (subagent_id !== null) candidates.push({ path, session_id, subagent_id });
    else if (entry.isDirectory()) candidates.push(...(await listSubagents(path, session_id, depth + 1, found)));
  }
  return candidates;
}

/** The id in `agent-<id>.jsonl`, or null for another name. */
function subagentOf(name: string): string | null {
  return /^agent-(.+)\.jsonl$/.exec(name)?.[1] ?? null;
}

function stem(name: string): string {
  return basename(name, '.jsonl');
}

async function addFiles(candidates: readonly Candidate[], found: Discovery): Promise<void> {
  for (let at = 0; at < candidates.length; at += STATS_AT_ONCE) {
    const files = await Promise.all(candidates.slice(at, at + STATS_AT_ONCE).map((one) => fileOf(one, found)));
    found.files.push(...files.filter((file) => file !== null));
  }
}

async function fileOf(candidate: Candidate, found: Discovery): Promise<TranscriptFile | null> {
  const { path, subagent_id } = candidate;
  const stat = await attempt(path, found, () => lstat(path));
  if (stat === null || !stat.isFile()) return null;
  const session_id = candidate.session_id ?? (await attempt(path, found, () => sessionInside(path))) ?? stem(path);
  return { agent: 'claude', path, session_id, subagent_id, ...figuresOf(stat) };
}

function figuresOf(stat: Stats): Pick<TranscriptFile, 'size' | 'birth_ms' | 'mtime_ms'> {
  return { size: stat.size, birth_ms: Math.max(0, Math.floor(stat.birthtimeMs)), mtime_ms: Math.floor(stat.mtimeMs) };
}

/** The session that the first lines name: the parent's, in a subagent's file. */
async function sessionInside(path: string): Promise<string | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n').slice(0, -1);
    for (const line of lines) {
      const session_id = sessionNamed(line);
      if (session_id !== null) return session_id;
    }
    return null;
  } finally {
    await handle.close();
  }
}

function sessionNamed(line: string): string | null {
  try {
    const body: unknown = JSON.parse(line);
    return isObject(body) ? stringField(body, 'sessionId') : null;
  } catch {
    return null; // a damaged line; the reader counts it
  }
}

async function list(folder: string, found: Discovery, may_be_absent = false): Promise<Dirent[]> {
  const entries = await attempt(folder, found, () => readdir(folder, { withFileTypes: true }), may_be_absent);
  return (entries ?? []).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A link into the same tree leads to what is found anyway; one that leads out is told, not followed. */
async function noteLink(path: string, root: string, found: Discovery): Promise<void> {
  const target = await attempt(path, found, () => realpath(path));
  if (target === null || target === root || target.startsWith(root + sep)) return;
  found.problems.push({ path, message: 'is a symbolic link out of the folder and is not followed' });
}

/** The result of `act`, or null with the failure noted. What vanished between two looks is no failure. */
async function attempt<T>(
  path: string,
  found: Discovery,
  act: () => Promise<T>,
  may_be_absent = false,
): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    const absent = code === 'ENOENT' || (may_be_absent && code === 'ENOTDIR');
    if (!absent) found.problems.push({ path, message: typeof code === 'string' ? code : messageOf(error) });
    return null;
  }
}
