/**
 * Agents joined to this program: their hooks and their memory server, in user-level files alone (R9, R15). Nothing is written
 * before the whole of it was planned and shown.
 */
import { existsSync } from 'node:fs';
import { SynclineError } from '../../platform/errors.ts';
import { readConfigFile, replaceConfigFile } from './config-file.ts';
import { contentsOf, withoutOurs, withOurs, type Rewrite } from './contents.ts';
import { applyEdit } from './edit.ts';
import { configPlaces, CONNECTABLE, type Connectable, type ConfigPlace } from './places.ts';
import type { Program } from './program.ts';

export { CONNECTABLE, type Connectable, type ConfigPlace, type Program };

/**
 * `connected`: as this program writes it. `stale`: ours, and of another program, another version, or not whole. `by_hand`: made by
 * somebody else for the same purpose. `unusable`: the file cannot be read or changed.
 */
export type ConnectionState = 'connected' | 'stale' | 'by_hand' | 'none' | 'unusable';

export interface Connection extends ConfigPlace {
  state: ConnectionState;
  /** Entries of ours in the file. */
  entries: number;
  /** Entries of the same purpose made by others. */
  by_hand: number;
  /** The program that ours call, when it is no longer there. */
  gone: string | null;
  /** What is wrong with the file, for `unusable`. */
  problem: string | null;
}

/** A file that would change. Nothing has been written. */
export interface PlannedChange extends ConfigPlace {
  before: string | null;
  after: string | null;
  /** What comes and goes, with the line where. */
  diff: { line: number; removed: string[]; added: string[] }[];
}

export interface Plan {
  changes: PlannedChange[];
  /** Files that cannot be changed, and why; nothing of them is touched. */
  problems: (ConfigPlace & { problem: string })[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What of ours is in each agent's files. An agent that was never used here has none. */
export function listConnections(env: Environment, program: Program): Connection[] {
  return configPlaces(env).map((place) => connectionAt(place, program));
}

function connectionAt(place: ConfigPlace, program: Program): Connection {
  try {
    const found = contentsOf(place, readConfigFile(place.file), program);
    const gone = found.programs.find((path) => !existsSync(path)) ?? null;
    const state = found.ours > 0 ? (found.current && gone === null ? 'connected' : 'stale') : 'none';
    return {
      ...{ ...place, entries: found.ours, by_hand: found.by_hand, gone, problem: null },
      state: state === 'none' && found.by_hand > 0 ? 'by_hand' : state,
    };
  } catch (error) {
    return { ...place, state: 'unusable', entries: 0, by_hand: 0, gone: null, problem: problemOf(error) };
  }
}

/** What `connect` would do. A memory server of that name that somebody else made is left as it is. */
export function planConnect(env: Environment, agents: readonly Connectable[], program: Program): Plan {
  return planned(env, agents, (place, text) => {
    const found = contentsOf(place, text, program);
    if (found.current || (place.part === 'memory' && found.by_hand > 0)) return null;
    return withOurs(place, text, program);
  });
}

/** What `disconnect` would do: only what carries our mark goes. */
export function planDisconnect(env: Environment, agents: readonly Connectable[]): Plan {
  return planned(env, agents, withoutOurs);
}

function planned(
  env: Environment,
  agents: readonly Connectable[],
  rewrite: (place: ConfigPlace, text: string | null) => Rewrite | null,
): Plan {
  const plan: Plan = { changes: [], problems: [] };
  for (const place of configPlaces(env).filter(({ agent }) => agents.includes(agent))) {
    try {
      const before = readConfigFile(place.file);
      const rewritten = rewrite(place, before);
      if (rewritten === null || rewritten.after === before) continue;
      plan.changes.push({ ...place, before, after: rewritten.after, diff: diffOf(before ?? '', rewritten) });
    } catch (error) {
      plan.problems.push({ ...place, problem: problemOf(error) });
    }
  }
  return plan;
}

/** Our own lines only: a line of somebody else's that gets a comma may hold a secret of theirs. */
function diffOf(before: string, { edits }: Rewrite): PlannedChange['diff'] {
  const diff: PlannedChange['diff'] = [];
  let text = before;
  for (const edit of edits) {
    const { offset, remove, insert } = edit;
    const removed = shownLines(text.slice(offset, offset + remove));
    const added = shownLines(insert);
    const line = text.slice(0, offset).split('\n').length;
    if (removed.length + added.length > 0) diff.push({ line, removed, added });
    text = applyEdit(text, edit);
  }
  return diff;
}

function shownLines(text: string): string[] {
  const body = text.replace(/^,?\s*?\r?\n|^,\s*/, '').replace(/\s+$/, '');
  return body === '' ? [] : body.split(/\r?\n/);
}

/** Carries the plan out, file by file. @throws StaleError `agents.changed` */
export function carryOut({ file, before, after }: PlannedChange): void {
  replaceConfigFile(file, before, after);
}

function problemOf(error: unknown): string {
  if (error instanceof SynclineError) return error.message;
  throw error;
}
