import { constants, type BigIntStats, type Dirent } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { messageOf } from '../../platform/errors.ts';
import type { Place, TranscriptFile } from '../source.ts';
import { isObject, stringField } from './field.ts';
import { fileStamp } from './file-mark.ts';

export interface Problem {
  path: string;
  message: string;
}

export interface ListingProblem extends Problem {
  /** What lies there may be transcripts that were not listed; false for a link that leads out, on purpose not followed. */
  hides_files: boolean;
}

export interface Discovery {
  files: TranscriptFile[];
  problems: Problem[];
}

/** A transcript with its `fileStamp` and the folder of its project. */
export interface StampedTranscript extends TranscriptFile {
  stamp: string;
  project: string;
}

export interface TranscriptListing extends Discovery {
  files: StampedTranscript[];
  problems: ListingProblem[];
  /** The `projects` folders that could be listed, links resolved. */
  roots: string[];
  /** The folders in them, one a project, also those without transcripts. */
  projects: string[];
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
  /** The folder of its project. */
  project: string;
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
  const { files, problems } = await listTranscripts(places);
  // Stamps are for those who compare them; kept for every file, they would cost everybody else their memory.
  return {
    files: files.map(({ stamp: _stamp, project: _project, ...file }) => file),
    problems: problems.map(({ path, message }) => ({ path, message })),
  };
}

/** The same with stamps, and the folders that were looked into. */
export async function listTranscripts(places: readonly Place[]): Promise<TranscriptListing> {
  const found = newListing();
  for (const place of places) {
    if (!place.exists) continue;
    const root = await attempt(place.path, found, () => realpath(place.path));
    if (root === null || found.roots.includes(root)) continue;
    const candidates = await listRoot(root, found);
    if (candidates === null) continue;
    found.roots.push(root);
    await addFiles(candidates, found);
  }
  found.files.sort(byBirth);
  return found;
}

/** The transcripts of one project's folder, stamped, oldest birth first; none when it is not there any more. */
export async function listProjectTranscripts(folder: string): Promise<TranscriptListing> {
  const found = newListing();
  await addFiles(await listProject(folder, found), found);
  found.files.sort(byBirth);
  return found;
}

function newListing(): TranscriptListing {
  return { files: [], problems: [], roots: [], projects: [] };
}

function byBirth(a: TranscriptFile, b: TranscriptFile): number {
  return a.birth_ms - b.birth_ms || (a.path < b.path ? -1 : 1);
}

/** Null when the root itself cannot be listed. */
async function listRoot(root: string, found: TranscriptListing): Promise<Candidate[] | null> {
  const entries = await attempt(root, found, () => readdir(root, { withFileTypes: true }));
  if (entries === null) return null;
  const candidates: Candidate[] = [];
  for (const project of entries.sort(byName)) {
    const folder = join(root, project.name);
    if (project.isDirectory()) candidates.push(...(await listProject(folder, found)));
    else if (project.isSymbolicLink()) await noteLink(folder, root, found);
  }
  if (candidates.length <= MAX_FILES) return candidates;
  const message = `holds more than ${MAX_FILES} transcripts; the rest is not read`;
  found.problems.push({ path: root, message, hides_files: true });
  return candidates.slice(0, MAX_FILES);
}

async function listProject(folder: string, found: TranscriptListing): Promise<Candidate[]> {
  found.projects.push(folder);
  const candidates: Candidate[] = [];
  for (const entry of await list(folder, found)) {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name.endsWith('.jsonl')) {
      const subagent_id = subagentOf(entry.name);
      const session_id = subagent_id === null ? stem(entry.name) : null;
      candidates.push({ path, project: folder, subagent_id, session_id });
    } else if (entry.isDirectory() && entry.name === 'sessions') {
      candidates.push(...(await listLegacySessions(path, folder, found)));
    } else if (entry.isDirectory() && entry.name !== 'memory') {
      const session = { project: folder, session_id: entry.name };
      candidates.push(...(await listSubagents(join(path, 'subagents'), session, 0, found)));
    }
  }
  return candidates;
}

/** `<project>/sessions/<id>/*.jsonl`, the layout before there were project-level files. */
async function listLegacySessions(folder: string, project: string, found: TranscriptListing): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const session of await list(folder, found)) {
    if (!session.isDirectory()) continue;
    for (const entry of await list(join(folder, session.name), found)) {
      if (!entry.isFile() || !entry.name.endsWith('.jsonl')) continue;
      const path = join(folder, session.name, entry.name);
      candidates.push({ path, project, session_id: session.name, subagent_id: subagentOf(entry.name) });
    }
  }
  return candidates;
}

async function listSubagents(
  folder: string,
  session: { project: string; session_id: string },
  depth: number,
  found: TranscriptListing,
): Promise<Candidate[]> {
  if (depth > MAX_SUBAGENT_DEPTH) return [];
  const candidates: Candidate[] = [];
  for (const entry of await list(folder, found, depth === 0)) {
    const path = join(folder, entry.name);
    const subagent_id = entry.isFile() ? subagentOf(entry.name) : null;
    if (subagent_id !== null) candidates.push({ path, ...session, subagent_id });
    else if (entry.isDirectory()) candidates.push(...(await listSubagents(path, session, depth + 1, found)));
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

async function addFiles(candidates: readonly Candidate[], found: TranscriptListing): Promise<void> {
  for (let at = 0; at < candidates.length; at += STATS_AT_ONCE) {
    const files = await Promise.all(candidates.slice(at, at + STATS_AT_ONCE).map((one) => fileOf(one, found)));
    found.files.push(...files.filter((file) => file !== null));
  }
}

async function fileOf(candidate: Candidate, found: TranscriptListing): Promise<StampedTranscript | null> {
  const { path, project, subagent_id } = candidate;
  const stat = await attempt(path, found, () => lstat(path, { bigint: true }));
  if (stat === null || !stat.isFile()) return null;
  const session_id = candidate.session_id ?? (await attempt(path, found, () => sessionInside(path))) ?? stem(path);
  return { agent: 'claude', path, project, session_id, subagent_id, ...figuresOf(stat) };
}

function figuresOf(stat: BigIntStats): Pick<StampedTranscript, 'size' | 'birth_ms' | 'mtime_ms' | 'stamp'> {
  const birth_ms = Math.max(0, Number(stat.birthtimeMs));
  return { size: Number(stat.size), birth_ms, mtime_ms: Number(stat.mtimeMs), stamp: fileStamp(stat) };
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

async function list(folder: string, found: TranscriptListing, may_be_absent = false): Promise<Dirent[]> {
  const entries = await attempt(folder, found, () => readdir(folder, { withFileTypes: true }), may_be_absent);
  return (entries ?? []).sort(byName);
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : 1;
}

/** A link into the same tree leads to what is found anyway; one that leads out is told, not followed. */
async function noteLink(path: string, root: string, found: TranscriptListing): Promise<void> {
  const target = await attempt(path, found, () => realpath(path));
  if (target === null || target === root || target.startsWith(root + sep)) return;
  const message = 'is a symbolic link out of the folder and is not followed';
  found.problems.push({ path, message, hides_files: false });
}

/** The result of `act`, or null with the failure noted. What vanished between two looks is no failure. */
async function attempt<T>(
  path: string,
  found: TranscriptListing,
  act: () => Promise<T>,
  may_be_absent = false,
): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    const absent = code === 'ENOENT' || (may_be_absent && code === 'ENOTDIR');
    const message = typeof code === 'string' ? code : messageOf(error);
    if (!absent) found.problems.push({ path, message, hides_files: true });
    return null;
  }
}
