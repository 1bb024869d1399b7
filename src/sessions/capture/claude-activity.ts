import { lstatSync, type BigIntStats } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileStamp, type StampedTranscript, type TranscriptListing } from '../../agents/claude/conversations.ts';

/** Files that changed within this time before a listing are looked at between listings, … */
const RECENT_MS = 6 * 60 * 60_000;
/** … the newest of them only: a look costs the same on every machine (some 2 µs a file). */
const MOST_FILES = 256;
const MOST_FOLDERS = 512;
/** Within this time a second change may bear the same time (kernels tick in milliseconds, FAT in 2 s). */
const SETTLED_AFTER_MS = 2_000;

/** What may have changed since a look. */
export interface ActivityChange {
  files: StampedTranscript[];
  /** Projects in whose folders something came or went. */
  projects: Set<string>;
  /** A project came or went. */
  roots: boolean;
}

/**
 * Where something is likely to happen: the transcripts that changed last, the folders in which sessions and subagents
 * begin. Looking there costs the same at any number of sessions.
 *
 * Not seen by it, and left to the watcher and to the next listing of everything: an old session that is taken up again (its
 * file grows, no folder changes), a subagent's first file in a session that was idle, and what happens in more projects at
 * once than are looked at.
 */
export class ClaudeActivity {
  readonly #files = new Map<string, StampedTranscript>();
  /** Time of the last change, by folder; null where it is too young to tell a further one. */
  readonly #folders = new Map<string, { mtime: string | null; project: string | null }>();

  /** `listed_ms`: when the listing began; what changed since then counts as unseen. */
  constructor(
    listing: Pick<TranscriptListing, 'roots' | 'projects'>,
    files: Iterable<StampedTranscript>,
    listed_ms: number,
  ) {
    for (const root of listing.roots) this.#watch(root, null, listed_ms);
    const projects = listing.projects.map((path) => ({ path, changed_ms: Number(lookAt(path)?.mtimeMs ?? 0n) }));
    for (const { path } of newest(projects, ({ changed_ms }) => changed_ms, MOST_FOLDERS))
      this.#watch(path, path, listed_ms);
    this.#follow(files, listed_ms);
  }

  /** After the change was taken in: `files` as they are now, and the projects that were listed anew at `listed_ms`. */
  takenIn(files: Iterable<StampedTranscript>, change: ActivityChange, listed_ms: number): void {
    for (const { path } of change.files) this.#files.delete(path);
    for (const [folder, { project }] of this.#folders)
      if (project !== null && change.projects.has(project)) this.#watch(folder, project, listed_ms);
    this.#follow(files, listed_ms);
  }

  /** Looks from now on at these files, where they are among the newest, and where their subagents begin. */
  #follow(files: Iterable<StampedTranscript>, listed_ms: number): void {
    const recent = [...files].filter(({ mtime_ms }) => mtime_ms >= listed_ms - RECENT_MS);
    const all = new Map([...this.#files.values(), ...recent].map((file) => [file.path, file]));
    this.#files.clear();
    for (const file of newest([...all.values()], ({ mtime_ms }) => mtime_ms, MOST_FILES)) {
      this.#files.set(file.path, file);
      this.#watchSession(file, listed_ms);
    }
  }

  /** How many files and folders a look goes to. */
  get places(): number {
    return this.#files.size + this.#folders.size;
  }

  /** What changed, or null when nothing did. */
  changes(): ActivityChange | null {
    const files = [...this.#files.values()].filter((file) => {
      const now = lookAt(file.path);
      return now === null || fileStamp(now) !== file.stamp;
    });
    const projects = new Set<string>();
    let roots = false;
    for (const [folder, known] of this.#folders) {
      if (timeOf(lookAt(folder)) === known.mtime) continue;
      if (known.project === null) roots = true;
      else projects.add(known.project);
    }
    return files.length === 0 && projects.size === 0 && !roots ? null : { files, projects, roots };
  }

  /** The folders in which a session's subagents begin. */
  #watchSession({ path, project, session_id, subagent_id }: StampedTranscript, listed_ms: number): void {
    const session = join(project, session_id);
    const folders = [session, join(session, 'subagents')];
    if (subagent_id !== null) folders.push(dirname(path));
    for (const folder of folders) if (!this.#folders.has(folder)) this.#watch(folder, project, listed_ms);
  }

  #watch(folder: string, project: string | null, listed_ms: number): void {
    const now = lookAt(folder);
    const settled = now === null || Number(now.mtimeMs) < listed_ms - SETTLED_AFTER_MS;
    this.#folders.set(folder, { mtime: settled ? timeOf(now) : null, project });
  }
}

/** Null when it is not there, or may not be looked at. */
export function lookAt(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch {
    return null; // a listing says why
  }
}

function timeOf(stat: BigIntStats | null): string {
  return stat === null ? '' : `${stat.ino}:${stat.mtimeNs}`;
}

function newest<T>(items: T[], timeOfItem: (item: T) => number, most: number): T[] {
  return items.sort((a, b) => timeOfItem(b) - timeOfItem(a)).slice(0, most);
}
