/** Small changes of the configuration file: what stands there stays as it is written, comments and order included. */
import { stringify } from 'smol-toml';
import { UsageError } from '../platform/errors.ts';
import { formatPath, tomlPositions, type KeyPath } from '../platform/toml-positions.ts';

/** The table, as it would stand in the file. Members that are undefined are left out. */
export function tableText(list: string, members: Readonly<Record<string, unknown>>): string {
  const said = Object.entries(members).filter(([, value]) => value !== undefined);
  return `[[${list}]]\n${stringify(Object.fromEntries(said)).trimEnd()}\n`;
}

/** The text with one more table of a list at its end. */
export function withTable(text: string, table: string): string {
  const before = text.trimEnd();
  return `${before}${before === '' ? '' : '\n\n'}${table}`;
}

/**
 * The text without the table of a list at this place. Comments above what follows stay.
 * @throws UsageError `config.form` when the list is written as one value
 */
export function withoutTable(text: string, list: readonly string[], index: number): string {
  const path = formatPath([...list, index] as KeyPath);
  const positions = tomlPositions(text);
  const start = positions.get(path)?.line;
  const lines = text.split('\n');
  if (start === undefined || !lines[start - 1]?.trimStart().startsWith('[['))
    throw new UsageError('config.form', `${path} is not a table of its own in the configuration file.`, {
      field: path,
      hint: 'Take it out by hand.',
    });
  const after = [...positions].flatMap(([key, { line }]) => (line > start && !isWithin(key, path) ? [line] : []));
  let end = Math.min(lines.length + 1, ...after) - 1;
  while (end > start && /^\s*(?:#.*)?$/.test(lines[end - 1] ?? '')) end--;
  // The blank line that set it off goes with it.
  const begin = start > 1 && lines[start - 2]?.trim() === '' ? start - 2 : start - 1;
  return [...lines.slice(0, begin), ...lines.slice(end)].join('\n');
}

function isWithin(key: string, path: string): boolean {
  return key === path || key.startsWith(`${path}.`) || key.startsWith(`${path}[`);
}
