/** The tables of docs/configuration.md, made from the schema so that they cannot go stale. */
import { z } from 'zod';
import { variableOf } from './environment.ts';
import { allKeys, bareType, isSecret, typeAt, type ConfigKey } from './keys.ts';
import { configSchema } from './schema.ts';

/** One section of Markdown for each section of the file, with every key. */
export function configReference(): string {
  return Object.entries(configSchema.shape)
    .map(([name, section]) => sectionText(name, section))
    .join('\n');
}

function sectionText(name: string, section: z.core.$ZodType): string {
  const keys = allKeys(section, [name]).flatMap((key) => [key, ...elementKeys(key)]);
  const variables = keys.find(({ path }) => !path.join('.').includes('[]'))?.path ?? [name];
  return [
    `### [${name}]`,
    '',
    descriptionOf(section),
    '',
    '| Key | Value | Default | Meaning |',
    '|---|---|---|---|',
    ...keys.map(
      (key) =>
        `| \`${key.path.slice(1).join('.')}\` | ${cell(formOf(key))} | ${defaultOf(key)} | ${cell(key.description)} |`,
    ),
    '',
    `In the environment: \`${variableOf(variables)}\`.`,
    '',
  ].join('\n');
}

/** Keys of the tables of a list, as `destination[].url`. */
function elementKeys({ path, type }: ConfigKey): ConfigKey[] {
  const list = bareType(type);
  if (!(list instanceof z.ZodArray)) return [];
  const element = bareType(list.element);
  const table = element instanceof z.ZodDiscriminatedUnion ? element.options[0] : element;
  if (!(table instanceof z.ZodObject)) return [];
  return allKeys(table, [...path.slice(0, -1), `${path.at(-1) ?? ''}[]`]);
}

function descriptionOf(type: z.core.$ZodType): string {
  return z.globalRegistry.get(type)?.description ?? z.globalRegistry.get(bareType(type))?.description ?? '';
}

/** What the key must be: the very words that a wrong value is answered with. */
function formOf({ path, type }: ConfigKey): string {
  if (isSecretPath(path)) return '`{ file = "NAME" }` or `{ env = "NAME" }`';
  const bare = bareType(type);
  if (bare instanceof z.ZodLiteral) return `"${String(bare.value)}"`;
  const wrong = z.safeParse(type, Symbol('no key takes a symbol'));
  return wrong.error?.issues[0]?.message ?? '';
}

function isSecretPath(path: readonly string[]): boolean {
  const indexed = path.flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), 0] : [part]));
  return typeAt(indexed) !== null && isSecret(indexed);
}

function defaultOf({ type }: ConfigKey): string {
  if (type instanceof z.ZodOptional) return 'not set';
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault)
    return `\`${JSON.stringify(type.def.defaultValue)}\``;
  return '**needed**';
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
