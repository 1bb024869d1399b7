import { createHash } from 'node:crypto';
import { nativeIdOf, type StampedTranscript } from '../../agents/claude/conversations.ts';
import { CLAUDE_ARCHIVE } from '../conversation-key.ts';
import type { SourceMark } from './session-source.ts';

/**
 * Sessions of Claude Code by their native ids, with the files that each is made of: one, mostly. The same session in two
 * folders (an older layout, a copied folder) is one session of two files.
 *
 * A subagent's id is short and may come twice, under two sessions. The first that was seen keeps the name, which is
 * agentsview's for it, too; another one's has its session's id behind it. Who has the name is remembered (`owners`), so
 * that it passes to nobody when its transcript vanishes: its conversation would be overwritten by another.
 */
export class ClaudeSessions {
  readonly #sessions = new Map<string, StampedTranscript[]>();
  readonly #ids_of_project = new Map<string, Set<string>>();
  readonly #revisions = new Map<string, number>();
  /** The session whose subagent has a name that others wanted, too. */
  readonly #owners: Map<string, string>;

  constructor(owners: Readonly<Record<string, string>> = {}) {
    this.#owners = new Map(Object.entries(owners));
  }

  get size(): number {
    return this.#sessions.size;
  }

  get owners(): Record<string, string> {
    return Object.fromEntries(this.#owners);
  }

  ids(): Iterable<string> {
    return this.#sessions.keys();
  }

  *files(): Generator<StampedTranscript, void> {
    for (const files of this.#sessions.values()) yield* files;
  }

  /** The files of a session, oldest first; none when it is not known. */
  filesOf(native_id: string): readonly StampedTranscript[] {
    return this.#sessions.get(native_id) ?? [];
  }

  /** Transcripts of sessions, not of subagents, in the folder of a project. */
  sessionsIn(project: string): StampedTranscript[] {
    const files = [...(this.#ids_of_project.get(project) ?? [])].flatMap((native_id) => this.filesOf(native_id));
    return files.filter((file) => file.subagent_id === null && file.project === project);
  }

  /** Another number after files came to a project or went. */
  revisionOf(project: string): number {
    return this.#revisions.get(project) ?? 0;
  }

  /** What is to be compared of a session, or null when it has no file any more. */
  markOf(native_id: string): SourceMark | null {
    const files = this.filesOf(native_id);
    const [first] = files;
    if (first === undefined) return null;
    return {
      native_id,
      archive: CLAUDE_ARCHIVE,
      mark: digest(files.map(({ stamp }) => stamp)),
      group: digest([first.project]).slice(0, 16),
    };
  }

  /** Adds files, oldest first. Returns the sessions that they belong to. */
  add(files: readonly StampedTranscript[]): Set<string> {
    const changed = new Set<string>();
    for (const file of files) {
      const { project } = file;
      const native_id = this.#nameOf(file);
      this.#put(native_id, file);
      const known = this.#ids_of_project.get(project) ?? new Set();
      this.#ids_of_project.set(project, known.add(native_id));
      this.#revisions.set(project, this.revisionOf(project) + 1);
      changed.add(native_id);
    }
    return changed;
  }

  /** Puts what a project's folder holds now in the place of what it held. Returns the sessions whose files changed. */
  replaceProject(project: string, files: readonly StampedTranscript[]): Set<string> {
    const before = new Map<string, string>();
    for (const native_id of this.#ids_of_project.get(project) ?? []) {
      before.set(native_id, stampsOf(this.filesOf(native_id)));
      this.#remove(native_id, (file) => file.project === project);
    }
    this.#ids_of_project.delete(project);
    this.#revisions.set(project, this.revisionOf(project) + 1);
    const seen = this.add(files);
    return new Set([...before.keys(), ...seen].filter((id) => before.get(id) !== stampsOf(this.filesOf(id))));
  }

  /** Puts a new look at a file in the place of the last. Returns its session. */
  replaceFile(file: StampedTranscript): string {
    const native_id = this.#nameOf(file);
    this.#remove(native_id, ({ path }) => path === file.path);
    this.#put(native_id, file);
    return native_id;
  }

  #put(native_id: string, file: StampedTranscript): void {
    const known = this.filesOf(native_id);
    // Nearly always alone: an array that was spread keeps room for sixteen more.
    this.#sessions.set(native_id, known.length === 0 ? [file] : [...known, file].sort(byBirth));
  }

  #remove(native_id: string, isMeant: (file: StampedTranscript) => boolean): void {
    const left = this.filesOf(native_id).filter((file) => !isMeant(file));
    if (left.length === 0) this.#sessions.delete(native_id);
    else this.#sessions.set(native_id, left);
  }

  #nameOf(file: StampedTranscript): string {
    const native_id = nativeIdOf(file);
    if (file.subagent_id === null) return native_id;
    const owner = this.#owners.get(native_id) ?? this.filesOf(native_id)[0]?.session_id ?? file.session_id;
    if (owner === file.session_id) return native_id;
    this.#owners.set(native_id, owner);
    return `${native_id}:${file.session_id}`;
  }
}

function stampsOf(files: readonly StampedTranscript[]): string {
  return files.map(({ path, stamp }) => `${path}\n${stamp}`).join('\n');
}

function byBirth(a: StampedTranscript, b: StampedTranscript): number {
  return a.birth_ms - b.birth_ms || (a.path < b.path ? -1 : 1);
}

/** 32 hex digits over texts that stay here. */
function digest(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 32);
}
