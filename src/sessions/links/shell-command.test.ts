import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitShell } from './shell-command.ts';

/** Any UTF-16 unit, lone surrogates too. */
const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
const words = (script: string): string[][] => splitShell(script).map((command) => command.words);

describe('splitShell', () => {
  it.each<[script: string, commands: string[][]]>([
    ['a b', [['a', 'b']]],
    ['a && b || c; d | e & f\ng', [['a'], ['b'], ['c'], ['d'], ['e'], ['f'], ['g']]],
    [`a 'b && c' "d; e" f\\ g`, [['a', 'b && c', 'd; e', 'f g']]],
    [`a 'it'"'"'s' $'x\\'y' ""`, [['a', "it's", "x'y", '']]],
    ['A=1 B="x y" a C=2', [['a', 'C=2']]],
    ['a >x 2>&1 <y b &>z c', [['a', 'b', 'c']]],
    ['a # b && c\nd#e', [['a'], ['d#e']]],
    ['(a; (b)) && { c; }', [['a'], ['b'], ['{', 'c'], ['}']]],
    ['a $(b "$(c)") `d`', [['c'], ['b', '$(c)'], ['d'], ['a', '$(b "$(c)")', '`d`']]],
    ['a \\\n  b \\\r\n c', [['a', 'b', 'c']]],
    ["a <<'E' && b\nc && d\nE\ne", [['a'], ['b'], ['e']]],
    ['a <<-E <<F\n\tx\n\tE\ny\nF\nb', [['a'], ['b']]],
    [
      'a -m "$(cat <<\'E\'\nIt\'s a "quote" (open\nE\n)" && b',
      [['cat'], ['a', '-m', "$(cat <<'E'\nIt's a \"quote\" (open\nE\n)"], ['b']],
    ],
    [
      'cd <d79d87fe:path> && a <REDACTED:arg>x',
      [
        ['cd', '<d79d87fe:path>'],
        ['a', '<REDACTED:arg>x'],
      ],
    ],
    ['a <<< "b c"', [['a']]],
    ['f() { a; }', [['f'], ['{', 'a'], ['}']]],
    ['case x in y) a ;; z) b ;; esac', [['case', 'x', 'in', 'y'], ['a'], ['z'], ['b'], ['esac']]],
  ])('%j', (script, commands) => {
    expect(words(script)).toEqual(commands);
  });

  it('says what stands between, what a file takes, and what a command reads', () => {
    expect(splitShell('a && b > f; c 2> f | d').map(({ after, diverted }) => [after, diverted])).toEqual([
      [';', false],
      ['&&', true],
      [';', false],
      ['|', false],
    ]);
    expect(splitShell('sh <<E\nx\ny\nE')[0]?.input).toBe('x\ny\n');
    expect(splitShell('x=$(a)').map(({ diverted }) => diverted)).toEqual([true]);
  });

  it('reads back quoted words (property)', () => {
    const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
    fc.assert(
      fc.property(fc.array(fc.array(fc.string(), { minLength: 1 }), { minLength: 1 }), (commands) => {
        const script = commands.map((command) => ['p', ...command].map(quote).join(' ')).join('\n');
        expect(words(script)).toEqual(commands.map((command) => ['p', ...command]));
      }),
    );
  });

  it('never throws (property)', () => {
    const piece = fc.constantFrom(
      ...[
        "'",
        '"',
        '`',
        '$(',
        ')',
        '(',
        '<<E\n',
        'E\n',
        '<<-',
        '\\',
        '\n',
        ' ',
        '&&',
        '|',
        ';',
        '#',
        '>',
        '<',
        "$'",
        'git',
        'é',
        '{',
      ],
    );
    fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => void splitShell(pieces.join(''))));
    fc.assert(fc.property(fc.string({ unit: anyUnit }), (text) => void splitShell(text)));
  });
});
