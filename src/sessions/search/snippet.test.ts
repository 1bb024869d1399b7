import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSearch } from './query.ts';
import { MAX_SNIPPET, snippetOf } from './snippet.ts';

const cut = (text: string, query: string): ReturnType<typeof snippetOf> => snippetOf(text, parseSearch(query)!);
const marked = (text: string, query: string): string[] => {
  const { snippet, highlights } = cut(text, query);
  return highlights.map(({ start, end }) => snippet.slice(start, end));
};

describe('snippets', () => {
  it('mark what was found in UTF-16 units', () => {
    expect(cut('héllo wörld TOKEN', 'token')).toEqual({
      snippet: 'héllo wörld TOKEN',
      highlights: [{ start: 12, end: 17 }],
      found: 1,
    });
    expect(marked('call parseUserId(x)', 'parseUserId')).toEqual(['parseUserId']);
    expect(marked('call parseUserId(x)', 'parseuserid')).toEqual(['parseUserId']);
    expect(marked('call parseUserId(x)', 'user')).toEqual(['User']);
    expect(marked('日本語の検索', '本語')).toEqual(['本語']);
    expect(marked('red, green; blue', '"green blue"')).toEqual(['green; blue']);
    expect(marked('redder reds', 'red*')).toEqual(['redder', 'reds']);
    expect(marked('a b a', 'a OR b')).toEqual(['a', 'b', 'a']);
  });

  it('show the place where most of what was asked for stands', () => {
    const text = `${'red '.repeat(100)}${'x '.repeat(200)}red green${' y'.repeat(200)}`;
    expect(cut(text, 'red green').snippet).toContain('red green');
    expect(cut(text, 'red green').found).toBe(2);
  });

  it('begin with a whole word where the text is cut', () => {
    const { snippet } = cut(`${'lorem '.repeat(100)}needle${' ipsum'.repeat(100)}`, 'needle');
    expect(snippet).toMatch(/^…lorem .*needle.*…$/);
  });

  it('show a phrase that is longer than they are from its beginning', () => {
    const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
    const { snippet, highlights } = cut(`${'x '.repeat(300)}${words}${' y'.repeat(300)}`, `"${words}"`);
    expect(snippet.length).toBeLessThanOrEqual(MAX_SNIPPET);
    expect(highlights).toHaveLength(1);
    expect(snippet.slice(highlights[0]!.start)).toMatch(/^word0 word1/);
  });

  it('stay within their bounds and cut no character, in any text', () => {
    const piece = fc.oneof(
      fc.constantFrom('needle', '😀', 'e\u0301', ' ', '日本', '\n', 'parseNeedle'),
      fc.string({ unit: 'grapheme' }),
    );
    const long = fc.array(piece, { maxLength: 300, size: 'max' });
    const any = fc.tuple(long, long);
    fc.assert(
      fc.property(
        any,
        fc.constantFrom('needle', '"needle 日本"', 'needle OR 日', 'parse* needle'),
        ([left, right], query) => {
          const text = `${left.join('')} needle ${right.join('')}`;
          const { snippet, highlights } = cut(text, query);
          expect(snippet.length).toBeLessThanOrEqual(MAX_SNIPPET);
          expect(snippet.isWellFormed()).toBe(true);
          expect(text).toContain(snippet.replace(/^…/, '').replace(/…$/, ''));
          let before = 0;
          for (const { start, end } of highlights) {
            expect(start).toBeGreaterThanOrEqual(before);
            expect(end).toBeGreaterThan(start);
            before = end;
          }
          expect(before).toBeLessThanOrEqual(snippet.length);
          if (query === 'needle') {
            expect(highlights.length).toBeGreaterThan(0);
            for (const { start, end } of highlights) expect(snippet.slice(start, end).toLowerCase()).toMatch(/needle$/);
          }
        },
      ),
    );
  });
});
