/**
 * Adding to and taking from a JSON file of somebody else's without touching a byte of what was there: comments, order, indents and
 * trailing commas stay. Every change is one stretch of text, and taking it out again gives the former text to the byte.
 *
 * Whether an object or array that is left empty was there before is read from the text itself: what we put into an empty one
 * follows its bracket at once (`[{`), what we make ourselves has a blank or a line break there.
 */
import { createScanner, findNodeAtLocation, parseTree, type Node, type ParseError } from 'jsonc-parser';
import { InvalidInputError } from '../../platform/errors.ts';
import { lineEndOf, type Edit } from './edit.ts';

export type JsonData = string | number | boolean | null | readonly JsonData[] | { readonly [key: string]: JsonData };
type Path = readonly (string | number)[];

/** Of the `SyntaxKind` of `jsonc-parser`, whose names are gone at run time. */
const COMMA = 5;
/** Comments, line breaks, blanks. */
const PASSED_OVER: readonly number[] = [12, 13, 14, 15];

/**
 * The root of a file with comments and trailing commas; null where there is nothing but blanks.
 * @throws InvalidInputError `agents.config`
 */
export function rootOf(text: string): Node | null {
  if (text.trim() === '' || text.trim() === '\uFEFF') return null;
  const errors: ParseError[] = [];
  const root = parseTree(text.replace(/^\uFEFF/, ' '), errors, { allowTrailingComma: true });
  if (root?.type === 'object' && errors.length === 0) return root;
  throw new InvalidInputError('agents.config', 'It is not a JSON object');
}

/** The node at a path, of members that are named twice the last, as programs read it. */
export function nodeAt(root: Node | null, path: Path): Node | undefined {
  let node: Node | undefined = root ?? undefined;
  for (const step of path) {
    if (node === undefined) return undefined;
    node =
      node.type === 'object'
        ? node.children?.findLast((property) => property.children?.[0]?.value === step)?.children?.[1]
        : findNodeAtLocation(node, [step]);
  }
  return node;
}

/**
 * Puts `value` at the end of the list at `path`, and makes what is missing on the way, the file (null) too.
 * @throws InvalidInputError `agents.config` where something else stands in the way
 */
export function appendElement(text: string | null, path: readonly string[], value: JsonData): Edit {
  return insertAt(text, path, 'array', null, value);
}

/**
 * Adds a member to the object at `path`, which must not have it, and makes what is missing on the way.
 * @throws InvalidInputError `agents.config` where something else stands in the way
 */
export function addMember(text: string | null, path: readonly string[], name: string, value: JsonData): Edit {
  return insertAt(text, path, 'object', name, value);
}

function insertAt(
  former: string | null,
  path: readonly string[],
  type: 'array' | 'object',
  name: string | null,
  value: JsonData,
): Edit {
  const text = former ?? '';
  const root = rootOf(text);
  const last = (content: JsonData): JsonData => (name === null ? [content] : { [name]: content });
  if (root === null) return wholeFile(former, nested(path, last(value)));
  for (let depth = path.length; depth >= 0; depth--) {
    const node = nodeAt(root, path.slice(0, depth));
    if (node === undefined) continue;
    if (node.type !== (depth === path.length ? type : 'object'))
      throw new InvalidInputError('agents.config', `Its ${path.slice(0, depth).join('.')} has another form`);
    if (depth === path.length) return insertInto(text, node, name, value);
    return insertInto(text, node, path[depth] ?? null, nested(path.slice(depth + 1), last(value)));
  }
  throw new InvalidInputError('agents.config', 'It is not a JSON object');
}

function nested(path: readonly string[], value: JsonData): JsonData {
  return path.reduceRight((inner, name) => ({ [name]: inner }), value);
}

/** A file that was not there ends with one line break, one that was there and empty with two: so is known which it was. */
function wholeFile(former: string | null, value: JsonData): Edit {
  const insert = `${onLines('', value, '')}\n${former === null ? '' : '\n'}`;
  return { offset: former?.length ?? 0, remove: 0, insert };
}

function insertInto(text: string, container: Node, name: string | null, value: JsonData): Edit {
  const last = container.children?.at(-1);
  const end = last === undefined ? container.offset + 1 : last.offset + last.length;
  const one_line = !text.includes('\n') || (last !== undefined && !text.slice(container.offset, end).includes('\n'));
  const indent = indentAt(text, last?.offset ?? container.offset);
  const key = name === null ? '' : `${JSON.stringify(name)}: `;
  const written = key + (one_line ? onOneLine(value) : onLines(text, value, indent));
  if (last === undefined) return { offset: end, remove: 0, insert: written };
  return { offset: end, remove: 0, insert: `,${one_line ? ' ' : lineEndOf(text) + indent}${written}` };
}

function onOneLine(value: JsonData): string {
  return JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ');
}

/** A member a line, and an element a line: so that a hook is one line of the file and of the diff. */
function onLines(text: string, value: JsonData, indent: string): string {
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
  const eol = lineEndOf(text);
  const written = (inner: JsonData, at: string): string => {
    const between = eol + at + unit;
    if (Array.isArray(inner) && inner.some((element) => typeof element === 'object'))
      return `[${between}${inner.map(onOneLine).join(`,${between}`)}${eol}${at}]`;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return onOneLine(inner);
    const members = Object.entries(inner).map(
      ([key, member]) => `${JSON.stringify(key)}: ${written(member, at + unit)}`,
    );
    return `{${between}${members.join(`,${between}`)}${eol}${at}}`;
  };
  return written(value, indent);
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

/**
 * Takes out the member or element at `path`, and with it the objects and lists that held nothing else and were made for it;
 * null when the whole file was.
 */
export function removeAt(text: string, path: Path): Edit | null {
  const root = rootOf(text);
  let node = nodeAt(root, path);
  if (node === undefined) return { offset: 0, remove: 0, insert: '' };
  for (;;) {
    const entry: Node = node.parent?.type === 'property' ? node.parent : node;
    const container: Node | undefined = entry.parent;
    if (container === undefined) return withoutRoot(text, entry);
    if (!madeFor(text, container, entry)) return cut(text, container, entry);
    if (container.parent === undefined) {
      const edit = withoutRoot(text, container);
      if (edit === null || edit.remove > 0) return edit;
      return { offset: container.offset, remove: container.length, insert: '{}' };
    }
    node = container;
  }
}

/** Whether the container holds nothing but this entry, and came with it. */
function madeFor(text: string, container: Node, entry: Node): boolean {
  if (container.children?.length !== 1) return false;
  const before = text.slice(container.offset + 1, entry.offset);
  const after = text.slice(entry.offset + entry.length, container.offset + container.length - 1);
  return before !== '' && before.trim() === '' && after.trim() === '';
}

/** Of a file that is ours alone: null when it was not there before, else the edit that leaves what was; none if unsure. */
function withoutRoot(text: string, root: Node): Edit | null {
  const tail = text.slice(root.offset + root.length);
  if (tail === '\n' && root.offset === 0) return null;
  if (tail === '\n\n') return { offset: root.offset, remove: root.length + 2, insert: '' };
  return { offset: 0, remove: 0, insert: '' };
}

function cut(text: string, container: Node, entry: Node): Edit {
  const siblings = container.children ?? [];
  const index = siblings.indexOf(entry);
  const [before, after] = [siblings[index - 1], siblings[index + 1]];
  const end = entry.offset + entry.length;
  const comma_after = commaFrom(text, end);
  if (before !== undefined) {
    const start = before.offset + before.length;
    if (/^\s*,\s*$/.test(text.slice(start, entry.offset))) return { offset: start, remove: end - start, insert: '' };
  }
  // A comment stands before it, which is not ours to remove: the entry goes with the comma behind it, if there is one.
  if (after !== undefined && comma_after !== null) {
    const blank = /^\s*$/.test(text.slice(comma_after + 1, after.offset));
    return { offset: entry.offset, remove: (blank ? after.offset : comma_after + 1) - entry.offset, insert: '' };
  }
  if (before === undefined)
    return { offset: entry.offset, remove: (comma_after ?? end - 1) + 1 - entry.offset, insert: '' };
  // The last one: the comma before it goes as well, and the comments between stay.
  const start = before.offset + before.length;
  const comma = commaFrom(text, start) ?? start;
  const kept = text.slice(start, comma) + text.slice(comma + 1, entry.offset);
  return { offset: start, remove: (comma_after ?? end - 1) + 1 - start, insert: kept };
}

/** Where the next token of the text is a comma, its place; comments and blanks are passed over. */
function commaFrom(text: string, offset: number): number | null {
  const scanner = createScanner(text, false);
  scanner.setPosition(offset);
  let token: number;
  do token = scanner.scan();
  while (PASSED_OVER.includes(token));
  return token === COMMA ? scanner.getTokenOffset() : null;
}
