/** Flag over environment over file over default, the same for every key. */
import type { Assignment } from './environment.ts';
import { isSection } from './keys.ts';
import { formatPath, type KeyPath, type Position } from '../platform/toml-positions.ts';
import type { Origin } from './problems.ts';

export type Tree = Record<string, unknown>;

export interface Merged {
  values: Tree;
  /** Where each key that any layer set came from, by formatted path. */
  origins: Map<string, Origin>;
}

/** The keys that a file sets. Lists and secrets are one value each; a section that is not a table is one (wrong) value. */
export function fileLayer(tree: Tree, file: string, positions: ReadonlyMap<string, Position>): Assignment[] {
  const assignments: Assignment[] = [];
  const walk = (branch: Tree, prefix: string[]): void => {
    for (const [name, value] of Object.entries(branch)) {
      const path = [...prefix, name];
      if (isSection(path) && isTree(value)) {
        // An empty [team] is still a section somebody wrote: without this its missing keys would go unnoticed.
        if (Object.keys(value).length === 0) assignments.push(fromFile(path, {}));
        walk(value, path);
      } else assignments.push(fromFile(path, value));
    }
  };
  const fromFile = (path: string[], value: unknown): Assignment => ({
    path,
    value,
    origin: fileOrigin(path, file, positions),
  });
  walk(tree, []);
  return assignments;
}

/** The place of a key in the file, or of the nearest table around it. */
export function fileOrigin(path: KeyPath, file: string, positions: ReadonlyMap<string, Position>): Origin {
  for (let length = path.length; length > 0; length--) {
    const position = positions.get(formatPath(path.slice(0, length)));
    if (position) return { kind: 'file', file, line: position.line, column: position.column };
  }
  return { kind: 'file', file, line: null, column: null };
}

/** Puts layers over each other, the last on top. */
export function mergeLayers(layers: readonly (readonly Assignment[])[]): Merged {
  const values: Tree = {};
  const origins = new Map<string, Origin>();
  for (const { path, value, origin } of layers.flat()) {
    if (!assign(values, path, value)) continue;
    origins.set(formatPath(path), origin);
  }
  return { values, origins };
}

/** False when a wrong value stands where a section should be; that value is the problem to report. */
function assign(tree: Tree, path: readonly string[], value: unknown): boolean {
  const [name, ...rest] = path;
  if (name === undefined) return false;
  if (rest.length === 0) {
    tree[name] = value;
    return true;
  }
  const branch = (tree[name] ??= {});
  return isTree(branch) && assign(branch, rest, value);
}

/** A plain table: no list, date or other instance. */
export function isTree(value: unknown): value is Tree {
  if (typeof value !== 'object' || value === null) return false;
  // smol-toml makes tables without a prototype.
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** What stands at a path; undefined where nothing does. */
export function valueAt(tree: unknown, path: KeyPath): unknown {
  let value = tree;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
