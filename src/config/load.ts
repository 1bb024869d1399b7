/** Reading the configuration: one file, the environment, the flags and the defaults become one checked value. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { UsageError } from '../platform/errors.ts';
import { environmentLayer, type Assignment, type Environment } from './environment.ts';
import { fileLayer, fileOrigin, mergeLayers, valueAt, type Merged, type Tree } from './layers.ts';
import { formatPath, tomlPositions, type KeyPath, type Position } from '../platform/toml-positions.ts';
import { formatProblem, problemsOf, type ConfigProblem, type Origin } from './problems.ts';
import { AVAILABLE_DESTINATIONS, configSchema, type Config } from './schema.ts';

/** A key set on the command line: `{ key: 'http.port', flag: '--port', value: 4778 }`. */
export interface FlagValue {
  key: string;
  flag: string;
  value: unknown;
}

export interface ConfigInputs {
  file: string;
  /** True when the user named the file (`--config`): then it must exist. */
  file_required?: boolean;
  env: Environment;
  flags?: readonly FlagValue[];
}

export interface LoadedConfig {
  config: Config;
  file: string;
  file_exists: boolean;
  /** Where each key that is not a default was set, by dotted key. */
  origins: ReadonlyMap<string, Origin>;
  /** What parses but does nothing in this version; at present nothing. */
  notes: string[];
}

export interface Inspection {
  /** Null when there are problems. */
  loaded: LoadedConfig | null;
  problems: ConfigProblem[];
}

/**
 * Reads and checks everything.
 * @throws UsageError `config.invalid` that lists every problem with its place (exit 2). Never falls back to defaults.
 */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const { loaded, problems } = inspectConfig(inputs);
  if (loaded !== null) return loaded;
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`).join('\n');
  throw new UsageError('config.invalid', `The configuration is not valid; nothing was done.\n${lines}`, {
    ...(problems[0]?.key ? { field: problems[0].key } : {}),
    hint: 'Every key: syncline config schema, docs/configuration.md.',
  });
}

/** Reads and checks everything, and returns all problems instead of throwing the first. */
export function inspectConfig(inputs: ConfigInputs): Inspection {
  const read = readConfigFile(inputs.file, inputs.file_required ?? false);
  if ('problem' in read) return { loaded: null, problems: [read.problem] };

  const environment = environmentLayer(inputs.env);
  const flags = (inputs.flags ?? []).map(flagAssignment);
  const merged = mergeLayers([fileLayer(read.tree, inputs.file, read.positions), environment.assignments, flags]);
  const originOf = originFinder(merged, inputs.file, read.positions);

  const result = configSchema.safeParse(merged.values);
  const found = result.success
    ? unavailable(result.data, originOf)
    : problemsOf(result.error, originOf, (path) => valueAt(merged.values, path));
  const problems = [...environment.problems, ...found].sort((a, b) => lineOf(a) - lineOf(b));
  if (!result.success || problems.length > 0) return { loaded: null, problems };
  resolveFiles(result.data, merged, inputs.file);
  const { file } = inputs;
  return {
    loaded: { config: result.data, file, file_exists: read.exists, origins: merged.origins, notes: [] },
    problems,
  };
}

type FileContent = { tree: Tree; positions: Map<string, Position>; exists: boolean };

/** A missing file is an empty one unless it was named; an unreadable or invalid one is a problem, never the defaults. */
function readConfigFile(file: string, required: boolean): FileContent | { problem: ConfigProblem } {
  const failed = (message: string, line: number | null = null, column: number | null = null) => ({
    problem: { key: '', message, origin: { kind: 'file' as const, file, line, column } },
  });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return { tree: {}, positions: new Map(), exists: false };
    return failed(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? 'unknown error'})`);
  }
  try {
    return { tree: parse(text), positions: tomlPositions(text), exists: true };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line of the message only: the rest shows the text around, which may hold a secret.
    const reason = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '') ?? '';
    return failed(`not valid TOML: ${reason}`, error.line, error.column);
  }
}

function flagAssignment({ key, flag, value }: FlagValue): Assignment {
  return { path: key.split('.'), value, origin: { kind: 'flag', name: flag } };
}

/** Where the value at a path, or the nearest one around it, was set. */
function originFinder(merged: Merged, file: string, positions: ReadonlyMap<string, Position>) {
  return (path: KeyPath): Origin => {
    for (let length = path.length; length > 0; length--) {
      const origin = merged.origins.get(formatPath(path.slice(0, length)));
      // A list is one value; its elements still have places of their own.
      if (origin) return origin.kind === 'file' ? fileOrigin(path, file, positions) : origin;
    }
    const around = fileOrigin(path, file, positions);
    return around.kind === 'file' && around.line !== null ? around : { kind: 'default' };
  };
}

/** A file named in the configuration file stands beside it, wherever the program is started; others are as given. */
function resolveFiles({ server }: Config, { origins }: Merged, file: string): void {
  for (const key of ['tls_cert', 'tls_key'] as const)
    if (server[key] !== undefined && origins.get(`server.${key}`)?.kind === 'file')
      server[key] = resolve(dirname(file), server[key]);
}

/** Destinations of later versions: delivering nowhere without a word would be worse than not starting. */
function unavailable(config: Config, originOf: (path: KeyPath) => Origin): ConfigProblem[] {
  return config.telemetry.destination.flatMap(({ type }, index) => {
    if (AVAILABLE_DESTINATIONS.some((available) => available === type)) return [];
    const path = ['telemetry', 'destination', index, 'type'];
    const message = `a destination of type "${type}" is not available in this version; remove it or use "server"`;
    return [{ key: formatPath(path), message, origin: originOf(path) }];
  });
}

/** Problems of the file come first, in its order. */
function lineOf({ origin }: ConfigProblem): number {
  return origin.kind === 'file' ? (origin.line ?? 0) : Number.MAX_SAFE_INTEGER;
}
