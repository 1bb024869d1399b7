/** What is wrong with a configuration, said so that it can be put right without looking anything up. */
import type { z } from 'zod';
import { allKeys, isSecret, keysOf } from './keys.ts';
import { nearest } from '../platform/nearest.ts';
import { formatPath, type KeyPath } from '../platform/toml-positions.ts';

/** Where a value came from. */
export type Origin =
  | { kind: 'flag'; name: string }
  | { kind: 'env'; name: string }
  | { kind: 'file'; file: string; line: number | null; column: number | null }
  | { kind: 'default' };

export interface ConfigProblem {
  /** Dotted key, or empty for the whole file. */
  key: string;
  message: string;
  origin: Origin;
}

/** `config.toml:3:1: message`, `SYNCLINE_TEAM__URL: message`, `--port: message`. */
export function formatProblem({ message, origin }: ConfigProblem): string {
  return origin.kind === 'default' ? message : `${formatOrigin(origin)}: ${message}`;
}

/** `flag --port`, `env SYNCLINE_PORT`, `config.toml:3:1`, `default`. */
export function formatOrigin(origin: Origin): string {
  if (origin.kind === 'default') return 'default';
  if (origin.kind !== 'file') return origin.name;
  return origin.file + (origin.line === null ? '' : `:${origin.line}:${origin.column ?? 1}`);
}

/** Turns what zod found into problems. `originOf` finds where a path was set, `valueAt` what was set there. */
export function problemsOf(
  error: z.ZodError,
  originOf: (path: KeyPath) => Origin,
  valueAt: (path: KeyPath) => unknown,
): ConfigProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    if (issue.code === 'unrecognized_keys' && !isSecret(path))
      return issue.keys.map((name) => unknownKey([...path, name], originOf([...path, name])));
    const form = issue.code === 'invalid_type' && issue.expected === 'object' ? 'a table' : issue.message;
    return [wrongValue(path, form, valueAt(path), originOf(path))];
  });
}

function wrongValue(path: KeyPath, form: string, value: unknown, origin: Origin): ConfigProblem {
  const key = formatPath(path);
  if (value === undefined) return { key, message: `${key} is missing; it must be ${form}`, origin };
  const words = [...form.matchAll(/"([^"]+)"/g)].map(([, word]) => word ?? '');
  const meant = typeof value === 'string' && form.startsWith('"') ? nearest(value, words) : null;
  return { key, message: `${key} must be ${form}${meant === null ? '' : `; did you mean "${meant}"?`}`, origin };
}

/** A key that the schema does not have: nearest in its section, else the same name in another. */
export function unknownKey(path: KeyPath, origin: Origin): ConfigProblem {
  const key = formatPath(path);
  const parent = path.slice(0, -1);
  const name = String(path.at(-1) ?? '');
  const sibling = nearest(name, keysOf(parent));
  const elsewhere = allKeys().find((known) => known.path.at(-1) === name && known.path.length > 1);
  const meant = sibling !== null ? formatPath([...parent, sibling]) : (elsewhere?.path.join('.') ?? null);
  return { key, message: `unknown key ${key}${meant === null ? '' : `; did you mean ${meant}?`}`, origin };
}
