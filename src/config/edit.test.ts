import { parse } from 'smol-toml';
import { expect, test } from 'vitest';
import { tableText, withTable, withoutTable } from './edit.ts';

const LIST = ['memory', 'compat', 'peer'];
const text = `# mine
[memory]
name = "m"   # here

# the first one
[[memory.compat.peer]]
name = "a"
send = [
  "x",  # why
]

[[memory.compat.peer]]
name = "b"

# about http
[http]
port = 4778
`;

const namesIn = (toml: string): string[] =>
  ((parse(toml)['memory'] as { compat?: { peer?: { name: string }[] } }).compat?.peer ?? []).map(({ name }) => name);

test('a table is added at the end, and all else stays to the byte', () => {
  const table = tableText('memory.compat.peer', { name: 'c"', send: ['team/**'], url: undefined, unscoped: true });
  const changed = withTable(text, table);
  expect(changed.startsWith(text.trimEnd())).toBe(true);
  expect(namesIn(changed)).toEqual(['a', 'b', 'c"']);
  expect(withTable('', table)).toBe(table);
});

test('a table is taken out with what belongs to it, and comments of others stay', () => {
  const first = withoutTable(text, LIST, 0);
  expect(namesIn(first)).toEqual(['b']);
  expect(first).toContain('# mine');
  expect(first).not.toContain('"x"');
  const second = withoutTable(text, LIST, 1);
  expect(namesIn(second)).toEqual(['a']);
  expect(second).toContain('# about http\n[http]\nport = 4778\n');
  expect(namesIn(withoutTable(first, LIST, 0))).toEqual([]);
});

test('a list that is written as one value is left to its owner', () => {
  expect(() => withoutTable('[memory.compat]\npeer = [{ name = "a" }]\n', LIST, 0)).toThrow(/not a table of its own/);
});
