/** A mapping file (mapping-file.ts) as an `ObjectMapping`, or all that is wrong with it, each with its place. */
import { hash } from 'node:crypto';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { UsageError } from '../../platform/errors.ts';
import { nearest } from '../../platform/nearest.ts';
import { formatPath, tomlPositions, type KeyPath, type Position } from '../../platform/toml-positions.ts';
import { crossChecks } from './mapping-cross-checks.ts';
import { mappingFile, type FieldEntry, type MappingFile } from './mapping-file.ts';
import type { Brakes, FieldMapping, ObjectMapping } from './mapping.ts';

/** What the configuration says of the file. */
export interface MappingSource {
  /** Of `[[records.object]]`. */
  readonly name: string;
  /** As problems are to name it. */
  readonly file: string;
  /** What holds where the file sets no brakes of its own. */
  readonly brakes: Brakes;
}

export interface MappingProblem {
  /** Dotted; empty for the whole file. */
  readonly key: string;
  readonly message: string;
  readonly position: Position | null;
}

export type InspectedMapping =
  | { readonly mapping: ObjectMapping; readonly problems: readonly [] }
  | { readonly mapping: null; readonly problems: readonly MappingProblem[] };

/** @throws UsageError `mapping.invalid` that lists every problem with its place */
export function parseMapping(text: string, source: MappingSource): ObjectMapping {
  const { mapping, problems } = inspectMapping(text, source);
  if (mapping !== null) return mapping;
  const lines = problems.map((problem) => `  ${formatMappingProblem(problem, source.file)}`).join('\n');
  throw new UsageError('mapping.invalid', `The mapping ${source.name} is not valid; nothing was done.\n${lines}`, {
    ...(problems[0]?.key ? { field: problems[0].key } : {}),
    hint: 'What a mapping file holds: docs/records-mapping.md.',
  });
}

/** `accounts.toml:3:1: message` */
export function formatMappingProblem({ message, position }: MappingProblem, file: string): string {
  return `${file}${position === null ? '' : `:${position.line}:${position.column}`}: ${message}`;
}

/** Never throws for what the file holds. */
export function inspectMapping(text: string, source: MappingSource): InspectedMapping {
  const read = readToml(text);
  if ('problem' in read) return { mapping: null, problems: [read.problem] };
  const positions = tomlPositions(text);
  const placed = (path: KeyPath, message: string): MappingProblem => ({
    key: formatPath(path),
    message,
    position: placeOf(path, positions),
  });
  const result = mappingFile.safeParse(read.values);
  const found = result.success ? crossChecks(result.data) : issuesOf(result.error, read.values);
  if (!result.success || found.length > 0) {
    const problems = found.map(([path, message]) => placed(path, message));
    return { mapping: null, problems: problems.sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0)) };
  }
  return { mapping: mappingFrom(result.data, source), problems: [] };
}

/** References between the mappings of a configuration: each names one that exists, by the external id that this one has. */
export function checkReferences(mappings: readonly ObjectMapping[]): string[] {
  const by_name = new Map(mappings.map((mapping) => [mapping.name, mapping]));
  return mappings.flatMap(({ name, fields }) =>
    fields.flatMap((field) => {
      if (field.references === null) return [];
      const parent = by_name.get(field.references);
      const at = `${name}: fields.${field.name}`;
      if (parent === undefined) {
        const meant = nearest(field.references, by_name.keys());
        return [
          `${at}.references names no mapping of the configuration${meant === null ? '' : `; did you mean "${meant}"?`}`,
        ];
      }
      const { external_id } = parent.salesforce;
      if (field.relationship?.external_id === external_id) return [];
      return [`${at}.relationship must end in .${external_id}, the external id of the mapping ${parent.name}`];
    }),
  );
}

function mappingFrom(file: MappingFile, { name, brakes }: MappingSource): ObjectMapping {
  const { salesforce, postgres, direction, policy, deletes, natural_keys } = file;
  const deciding = {
    name,
    // Ids carry their case in their last three characters; there is nothing to fold.
    salesforce: { ...salesforce, case_sensitive: salesforce.case_sensitive || salesforce.external_id === 'Id' },
    postgres: { table: postgres.table, key: postgres.key, salesforce_id: postgres.salesforce_id ?? null },
    direction,
    policy,
    deletes,
    natural_keys,
    fields: Object.entries(file.fields)
      .map(([field, entry]) => fieldFrom(field, entry, direction))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
  // Every member above is written in a fixed order, so that equal mappings have equal texts.
  const version = hash('sha256', JSON.stringify(deciding), 'hex').slice(0, 16);
  return { ...deciding, version, brakes: { ...brakes, ...withoutUndefined(file.brakes) } };
}

function fieldFrom(name: string, entry: FieldEntry, object_direction: ObjectMapping['direction']): FieldMapping {
  const direction = entry.direction ?? object_direction;
  const source = direction === 'both' ? null : direction === 'salesforce_to_postgres' ? 'salesforce' : 'postgres';
  const [relation, external_id] = entry.relationship?.split('.') ?? [];
  return {
    name,
    salesforce: entry.salesforce,
    postgres: entry.postgres ?? name,
    kind: entry.kind,
    direction,
    owner: source ?? entry.owner ?? 'shared',
    references: entry.references ?? null,
    relationship: relation === undefined || external_id === undefined ? null : { name: relation, external_id },
    length: entry.length ?? null,
    scale: entry.scale ?? null,
  };
}

function withoutUndefined(brakes: MappingFile['brakes']): Partial<Brakes> {
  return Object.fromEntries(Object.entries(brakes).filter(([, value]) => value !== undefined));
}

function readToml(text: string): { values: unknown } | { problem: MappingProblem } {
  try {
    return { values: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line of the message only: the rest shows the text around.
    const reason = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '') ?? '';
    const position = { line: error.line, column: error.column };
    return { problem: { key: '', message: `not valid TOML: ${reason}`, position } };
  }
}

function issuesOf(error: z.ZodError, values: unknown): [KeyPath, string][] {
  return error.issues.flatMap((issue): [KeyPath, string][] => {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => [[...path, name], unknownKey([...path, name])]);
    const form = issue.code === 'invalid_type' && issue.expected === 'object' ? 'a table' : issue.message;
    const state = valueAt(values, path) === undefined ? 'is missing; it must be' : 'must be';
    return [[path, `${formatPath(path)} ${state} ${form}${meantWord(valueAt(values, path), form)}`]];
  });
}

function meantWord(value: unknown, form: string): string {
  const words = [...form.matchAll(/"([^"]+)"/g)].map(([, word]) => word ?? '');
  const meant = typeof value === 'string' && form.startsWith('"') ? nearest(value, words) : null;
  return meant === null ? '' : `; did you mean "${meant}"?`;
}

const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(mappingFile.shape),
  salesforce: Object.keys(mappingFile.shape.salesforce.shape),
  postgres: Object.keys(mappingFile.shape.postgres.shape),
  brakes: Object.keys(mappingFile.shape.brakes.def.innerType.shape),
  fields: Object.keys(mappingFile.shape.fields.def.valueType.shape),
};

function unknownKey(path: KeyPath): string {
  const known = KNOWN_KEYS[path.length === 1 ? '' : String(path[0])] ?? [];
  const meant = nearest(String(path.at(-1)), known);
  return `unknown key ${formatPath(path)}${meant === null ? '' : `; did you mean ${meant}?`}`;
}

function valueAt(values: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], values);
}

/** Where the key, or the nearest one around it, stands. */
function placeOf(path: KeyPath, positions: ReadonlyMap<string, Position>): Position | null {
  for (let length = path.length; length > 0; length--) {
    const position = positions.get(formatPath(path.slice(0, length)));
    if (position !== undefined) return position;
  }
  return null;
}
