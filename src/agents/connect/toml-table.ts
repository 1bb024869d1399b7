/**
 * One table of ours in a TOML file of somebody else's, under a comment that says whose it is. It is added at the end and cut out
 * again; the rest is never parsed and written, so that comments, order and blank lines stay to the byte.
 *
 * The line break before the comment belongs to the table. A file that begins with the comment was made for it.
 */
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'smol-toml';
import { InvalidInputError } from '../../platform/errors.ts';
import { lineEndOf, type Edit } from './edit.ts';

export type TomlData = string | number | boolean | readonly TomlData[] | { readonly [key: string]: TomlData };

/**
 * The value at `path`, or undefined.
 * @throws InvalidInputError `agents.config` for a file that is no TOML
 */
export function tableAt(text: string, path: readonly string[]): unknown {
  let value: unknown = parsed(text);
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * Adds the table at the end. `mark` is the text of the comment above it.
 * @throws InvalidInputError `agents.config` when the file has no room for it (an inline table of the same name, say)
 */
export function addTable(
  text: string | null,
  path: readonly string[],
  mark: string,
  values: Readonly<Record<string, TomlData>>,
): Edit {
  const before = text ?? '';
  const eol = lineEndOf(before);
  const lines = [`# ${mark}`, `[${path.join('.')}]`, ...stringify(values).trimEnd().split('\n')];
  const insert = (text === null ? '' : eol) + lines.map((line) => line + eol).join('');
  const edit = { offset: before.length, remove: 0, insert };
  if (!isDeepStrictEqual(tableAt(before + insert, path), parsed(stringify(values))))
    throw new InvalidInputError('agents.config', `It has no room for a table ${path.join('.')}`);
  return edit;
}

/**
 * Cuts out the marked table, and the tables below it, which agents write themselves (which of its tools need no question).
 * Null edit: the file was made for it. No edit: there is no such table.
 * @throws InvalidInputError `agents.config` when something else would change with it
 */
export function removeTable(text: string, path: readonly string[], mark: string): { edit: Edit | null } | undefined {
  const stretches = stretchesOf(text, path.join('.'), `# ${mark}`);
  if (stretches.length === 0) return undefined;
  let rest = text;
  for (const { start, end } of stretches.toReversed()) rest = joined(rest.slice(0, start), rest.slice(end));
  if (tableAt(rest, path) !== undefined || !isDeepStrictEqual(without(parsed(rest), path), without(parsed(text), path)))
    throw new InvalidInputError('agents.config', `Its table ${path.join('.')} cannot be told from the rest`);
  if (rest === '' && stretches[0]?.start === 0 && text.startsWith('#')) return { edit: null };
  return { edit: replacing(text, rest) };
}

/** The comment, the table, and the tables below it, each to before the next header or a comment of its own. */
function stretchesOf(text: string, name: string, mark: string): { start: number; end: number }[] {
  const stretches: { start: number; end: number }[] = [];
  let ours: { start: number; end: number } | null = null;
  let marked: number | null = null;
  let offset = 0;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const content = line.trim();
    if (content.startsWith('[')) {
      const belongs =
        content === `[${name}]` ? marked !== null : stretches.length > 0 && content.startsWith(`[${name}.`);
      ours = belongs ? { start: content === `[${name}]` ? (marked ?? offset) : offset, end: offset } : null;
      if (ours !== null) stretches.push(ours);
    } else if (content === '' || content.startsWith('#')) ours = null;
    marked = content === mark ? startWithBreak(text, offset) : null;
    offset += line.length;
    if (ours !== null) ours.end = offset;
  }
  return stretches;
}

/** The place of the line break that belongs to the comment at `offset`. */
function startWithBreak(text: string, offset: number): number {
  if (text.slice(0, offset).endsWith('\r\n')) return offset - 2;
  return text[offset - 1] === '\n' ? offset - 1 : offset;
}

/** What stood before and after, on lines of their own. */
function joined(before: string, after: string): string {
  if (before === '' || after === '' || before.endsWith('\n') || /^\r?\n/.test(after)) return before + after;
  return before + lineEndOf(before + after) + after;
}

/** One edit that turns the one text into the other. */
function replacing(from: string, to: string): Edit {
  let start = 0;
  while (start < to.length && from[start] === to[start]) start++;
  let same = 0;
  while (same < to.length - start && from.at(-1 - same) === to.at(-1 - same)) same++;
  return { offset: start, remove: from.length - start - same, insert: to.slice(start, to.length - same) };
}

function without(data: Record<string, unknown>, path: readonly string[]): Record<string, unknown> {
  const [key = '', ...deeper] = path;
  const { [key]: value, ...others } = data;
  if (deeper.length === 0 || typeof value !== 'object' || value === null) return others;
  const left = without(value as Record<string, unknown>, deeper);
  // A table that only stands in the names of others is gone with the last of them.
  return Object.keys(left).length === 0 ? others : { ...data, [key]: left };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return parse(text.replace(/^\uFEFF/, ''), { integersAsBigInt: 'asNeeded' });
  } catch (cause) {
    throw new InvalidInputError('agents.config', 'It is not valid TOML', { cause });
  }
}
