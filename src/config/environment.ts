/**
 * The `SYNCLINE_*` environment as configuration: `SYNCLINE_TEAM__URL` is `team.url`. Text becomes the kind of value that
 * the key holds; what cannot is left as it is, so that the schema names the expected form.
 */
import { parse } from 'smol-toml';
import { z } from 'zod';
import { allKeys, bareType, isSecret, typeAt } from './keys.ts';
import { nearest } from '../platform/nearest.ts';
import type { ConfigProblem, Origin } from './problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One key set by one layer. */
export interface Assignment {
  path: string[];
  value: unknown;
  origin: Origin;
}

const PREFIX = 'SYNCLINE_';

/**
 * Variables that are not keys: where everything is, the port (a short name of `http.port`), the hook's opt-out, and the
 * conversation in which a command is called.
 */
export const RESERVED_VARIABLES = ['SYNCLINE_HOME', 'SYNCLINE_PORT', 'SYNCLINE_PRIVATE', 'SYNCLINE_SESSION'] as const;

/** `SYNCLINE_TEAM__URL` for `team.url`. */
export function variableOf(path: readonly string[]): string {
  return PREFIX + path.join('__').toUpperCase();
}

/** Reads the layer. An empty variable counts as not set, as is usual; an unknown one is a problem, as in the file. */
export function environmentLayer(env: Environment): { assignments: Assignment[]; problems: ConfigProblem[] } {
  const assignments: Assignment[] = [];
  const problems: ConfigProblem[] = [];
  for (const name of Object.keys(env).sort()) {
    const written = env[name];
    if (!name.startsWith(PREFIX) || written === undefined || written === '') continue;
    if (name === 'SYNCLINE_PORT') {
      assignments.push(portOf(written));
      if (env['SYNCLINE_HTTP__PORT'] && env['SYNCLINE_HTTP__PORT'] !== written)
        problems.push(problem(name, 'http.port', 'SYNCLINE_PORT and SYNCLINE_HTTP__PORT set different ports'));
      continue;
    }
    if (RESERVED_VARIABLES.some((reserved) => reserved === name)) continue;
    const found = assignmentOf(name, written);
    if (found === null) problems.push(unknownVariable(name));
    else assignments.push(found);
  }
  return { assignments, problems };
}

function portOf(written: string): Assignment {
  return { path: ['http', 'port'], value: numeric(written), origin: { kind: 'env', name: 'SYNCLINE_PORT' } };
}

function assignmentOf(name: string, written: string): Assignment | null {
  const origin: Origin = { kind: 'env', name };
  const path = name.slice(PREFIX.length).toLowerCase().split('__');
  const form = path.at(-1);
  if ((form === 'file' || form === 'env') && isSecret(path.slice(0, -1)))
    return { path: path.slice(0, -1), value: { [form]: written }, origin };
  // The variable itself holds the secret: only its name goes on, so that the value cannot be shown by anything.
  if (isSecret(path)) return { path, value: { env: name }, origin };
  const type = typeAt(path);
  if (type === null || bareType(type) instanceof z.ZodObject) return null;
  return { path, value: valueOf(bareType(type), written), origin };
}

function valueOf(type: z.core.$ZodType, written: string): unknown {
  if (type instanceof z.ZodBoolean) return written === 'true' ? true : written === 'false' ? false : written;
  if (type instanceof z.ZodNumber || type instanceof z.ZodUnion) return numeric(written);
  if (type instanceof z.ZodArray) return written.trimStart().startsWith('[') ? tomlList(written) : commaList(written);
  return written;
}

function numeric(written: string): unknown {
  return /^\d{1,15}$/.test(written) ? Number(written) : written;
}

function commaList(written: string): string[] {
  return written
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function tomlList(written: string): unknown {
  try {
    return parse(`value = ${written}`)['value'];
  } catch {
    // Not TOML: the schema answers with the form that the key must have.
    return written;
  }
}

function unknownVariable(name: string): ConfigProblem {
  const known = [...RESERVED_VARIABLES, ...allKeys().map((key) => variableOf(key.path))];
  // Without the prefix that all share: it would make everything look near.
  const meant = nearest(
    name.slice(PREFIX.length),
    known.map((variable) => variable.slice(PREFIX.length)),
  );
  return problem(name, '', `unknown variable${meant === null ? '' : `; did you mean ${PREFIX}${meant}?`}`);
}

function problem(name: string, key: string, message: string): ConfigProblem {
  return { key, message, origin: { kind: 'env', name } };
}
