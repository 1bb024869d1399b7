import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { tomlPositions } from './toml-positions.ts';

/** `key -> line:column`, for reading. */
function places(text: string): Record<string, string> {
  parse(text);
  return Object.fromEntries([...tomlPositions(text)].map(([key, at]) => [key, `${at.line}:${at.column}`]));
}

describe('tomlPositions', () => {
  it('finds keys, headers, dotted and quoted keys', () => {
    expect(places('a = 1\n\n[b.c] # note\n  d.e = "x"\n"f g" = 2\n')).toEqual({
      a: '1:1',
      b: '3:1',
      'b.c': '3:1',
      'b.c.d': '4:3',
      'b.c.d.e': '4:3',
      'b.c.f g': '5:1',
    });
  });

  it('counts the tables of a list, and tables below them', () => {
    expect(places('[[x]]\nn = 1\n[[x]]\nn = 2\n[x.y]\nz = 3')).toMatchObject({
      'x[0]': '1:1',
      'x[0].n': '2:1',
      'x[1]': '3:1',
      'x[1].n': '4:1',
      'x[1].y.z': '6:1',
    });
  });

  it('takes the first header of a table, not that of a later part of it', () => {
    expect(places('[a.b]\nx = 1\n[a.c]\ny = 1')).toMatchObject({ a: '1:1', 'a.c': '3:1' });
  });

  it('goes into lists and inline tables', () => {
    expect(places('a = [ "x",\n  { b = 1, c = [2] }, # no\n]\nd = 1')).toMatchObject({
      'a[0]': '1:7',
      'a[1].b': '2:5',
      'a[1].c[0]': '2:17',
      d: '4:1',
    });
  });

  it.each([
    ['brackets, quotes and hashes in strings', `a = "x ] # \\" y"\nb = 1`, '2:1'],
    ['literal strings', `a = 'c:\\'\nb = 1`, '2:1'],
    ['multi-line strings', `a = """\nb = 2\n[c]\n\\""" "" """\nb = 1`, '5:1'],
    ['multi-line strings that end in quotes', `a = """x"""""\nb = 1`, '2:1'],
    ['multi-line literals', `a = '''\nb = 2'''\nb = 1`, '3:1'],
    ['dates', 'a = 1979-05-27 07:32:00 # t\nb = 1', '2:1'],
    ['line ends of Windows', 'a = 1\r\nb = 1\r\n', '2:1'],
  ])('is not misled by %s', (_, text, expected) => {
    expect(places(text)['b']).toBe(expected);
  });

  it('finds each key of any file at the line where it was written', () => {
    const name = fc.stringMatching(/^[a-z]{1,6}$/);
    const value = fc.constantFrom(
      '1',
      '"# [x] = "',
      "'a'",
      '[1, "]", { k = 2 }]',
      '{ k = "}" }',
      '"""\n[t]\n"""',
      'true',
    );
    const section = fc.tuple(name, fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 5 }));
    fc.assert(
      fc.property(fc.uniqueArray(section, { selector: ([key]) => key, maxLength: 5 }), (sections) => {
        const lines: string[] = [];
        const expected: [string, number][] = [];
        for (const [header, keys] of sections) {
          lines.push(`[${header}]`, '# comment = 1');
          for (const [key, written] of keys) {
            expected.push([`${header}.${key}`, lines.join('\n').split('\n').length + 1]);
            lines.push(`${key} = ${written}`);
          }
        }
        const found = tomlPositions(lines.join('\n'));
        for (const [key, line] of expected) expect([key, found.get(key)?.line]).toEqual([key, line]);
      }),
    );
  });
});
