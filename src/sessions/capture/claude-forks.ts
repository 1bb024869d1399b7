import { firstUuidOf, openingOf, originalOf, type StampedTranscript } from '../../agents/claude/conversations.ts';
import type { ClaudeSessions } from './claude-sessions.ts';

/** Files whose beginnings are read at once. */
const OPENINGS_AT_ONCE = 32;

/** The sessions of one project by the `uuid` of their first line, which copies keep. */
interface ProjectIndex {
  revision: number;
  sessions: number;
  alike: Map<string, StampedTranscript[]>;
}

/**
 * Which sessions begin with another's lines (agents specification §2.8). A fork names nobody, so the first line of every
 * session in the same project's folder is looked at, once, when one of them is first read. Forks into another project's
 * folder are not found.
 */
export class ClaudeForks {
  readonly #projects = new Map<string, ProjectIndex>();
  /** By file; one without a line yet is looked at again. */
  readonly #first_uuids = new Map<string, { inode: string; uuid: string }>();

  /**
   * Native id of the session that `file` was forked from: the oldest by the evidence there is. Null when its lines are its
   * own.
   */
  async originOf(file: StampedTranscript, sessions: ClaudeSessions): Promise<string | null> {
    const alike = await this.#beginningAlike(file, sessions);
    if (alike.length < 2) return null;
    const read = await Promise.all(alike.map(async (one) => ({ file: one, opening: await openingOf(one.path) })));
    const original = originalOf(
      read.flatMap(({ file: one, opening }) => (opening === null ? [] : [{ file: one, opening }])),
    );
    return original === null || original.session_id === file.session_id ? null : original.session_id;
  }

  /** Forgets files that are not there any more. */
  keepOnly(paths: ReadonlySet<string>): void {
    this.#projects.clear();
    for (const path of this.#first_uuids.keys()) if (!paths.has(path)) this.#first_uuids.delete(path);
  }

  /** Sessions of its project that begin with the same line, itself among them. */
  async #beginningAlike(file: StampedTranscript, sessions: ClaudeSessions): Promise<StampedTranscript[]> {
    const index = await this.#indexOf(file.project, sessions);
    if (index.sessions < 2) return [];
    const known = this.#uuidOf(file);
    if (known === null) await this.#look([file]);
    const uuid = this.#uuidOf(file);
    if (uuid === null) return [];
    // It had no line yet when its project was looked at.
    if (known === null) addTo(index.alike, uuid, file);
    return index.alike.get(uuid) ?? [];
  }

  async #indexOf(project: string, sessions: ClaudeSessions): Promise<ProjectIndex> {
    const revision = sessions.revisionOf(project);
    const known = this.#projects.get(project);
    if (known?.revision === revision) return known;
    const files = sessions.sessionsIn(project);
    if (files.length > 1) await this.#look(files.filter((file) => this.#uuidOf(file) === null));
    const index: ProjectIndex = { revision, sessions: files.length, alike: new Map() };
    for (const file of files) {
      const uuid = this.#uuidOf(file);
      if (uuid !== null) addTo(index.alike, uuid, file);
    }
    this.#projects.set(project, index);
    return index;
  }

  async #look(files: readonly StampedTranscript[]): Promise<void> {
    for (let at = 0; at < files.length; at += OPENINGS_AT_ONCE)
      await Promise.all(
        files.slice(at, at + OPENINGS_AT_ONCE).map(async (file) => {
          const uuid = await firstUuidOf(file.path);
          if (uuid !== null) this.#first_uuids.set(file.path, { inode: inodeOf(file), uuid });
        }),
      );
  }

  #uuidOf(file: StampedTranscript): string | null {
    const known = this.#first_uuids.get(file.path);
    return known?.inode === inodeOf(file) ? known.uuid : null;
  }
}

/** Files of one session count once. */
function addTo(alike: Map<string, StampedTranscript[]>, uuid: string, file: StampedTranscript): void {
  const known = alike.get(uuid) ?? [];
  if (!known.some(({ session_id }) => session_id === file.session_id)) known.push(file);
  alike.set(uuid, known);
}

/** A file that is another under the same name begins anew. */
function inodeOf({ stamp }: StampedTranscript): string {
  return stamp.slice(0, stamp.indexOf(':'));
}
