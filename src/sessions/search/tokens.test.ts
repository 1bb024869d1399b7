import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forEachTerm, indexText, type TermPlace } from './tokens.ts';

interface Seen {
  term: string;
  start: number;
  end: number;
  place: TermPlace;
}

function termsOf(text: string): Seen[] {
  const terms: Seen[] = [];
  forEachTerm(text, (term, start, end, place) => terms.push({ term, start, end, place }));
  return terms;
}

/** Text in which code, prose and several scripts meet, and broken characters too. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom(
        'parseUserId',
        'HTTPServer2',
        'a_b',
        ' ',
        '日本語',
        '検',
        'ภาษา',
        'é',
        'e\u0301',
        'İ',
        '⑴',
        '\ud83d',
        '😀',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe('terms', () => {
  it.each([
    ['parseUserId', 'parse user id = parseuserid'],
    ['HTTPServerError2 v2', 'http server error2 v2 = httpservererror2'],
    ['utf8String x86', 'utf8 string x86 = utf8string'],
    ['utf8ID', 'utf8 id = utf8id'],
    ['parse_user_id', 'parse user id'],
    ['src/api/user.ts:42', 'src api user ts 42'],
    ['kebab-case 3.53.4', 'kebab case 3 53 4'],
    ['fooBar and fooBar', 'foo bar and foo bar = foobar'],
    ['日本語の', '日本 本語 語の の'],
    ['検 abc', '検 abc'],
    ['混合abc混', '混合 合 abc 混'],
    ['Héllo İstanbul ﬁle', 'hello istanbul file'],
    ['한글', '한글 글'],
    ['한글'.normalize('NFD'), '한글 글'],
    ['', ''],
    ['--- ... !!!', ''],
  ])('of %s', (given, expected) => {
    expect(indexText(given)).toBe(expected);
  });

  it('does not take data apart: one term of the beginning of a long run', () => {
    const base64 = 'aGVsbG8gd29ybGQ'.repeat(40);
    expect(indexText(base64)).toBe(base64.slice(0, 64).toLowerCase());
    expect(indexText('aBcDeFgHiJkLmNoPqRsTuVwX')).toBe('abcdefghijklmnopqrstuvwx');
  });

  it('holds nothing at which an index would split, in any text', () => {
    fc.assert(
      fc.property(text, (given) => {
        for (const { term } of termsOf(given)) expect(term).toMatch(/^[0-9a-z\u0080-\u{10ffff}]+$/u);
      }),
    );
  });

  it('points at whole characters of the original, in order', () => {
    fc.assert(
      fc.property(text, (given) => {
        let before = 0;
        for (const { start, end, place } of termsOf(given)) {
          expect(start).toBeLessThan(end);
          expect(end).toBeLessThanOrEqual(given.length);
          if (given.isWellFormed()) expect(given.slice(start, end).isWellFormed()).toBe(true);
          if (place === 'name') continue;
          expect(start).toBeGreaterThanOrEqual(before);
          before = start;
        }
      }),
    );
  });

  it('is the same in any case and with or without accents composed', () => {
    const latin = fc.string({ unit: fc.constantFrom('a', 'B', 'é', 'Ü', 'ñ', ' ', '_', '7') });
    fc.assert(
      fc.property(latin, (given) => {
        const lower = (one: string): string[] => termsOf(one.toLowerCase()).map(({ term }) => term);
        expect(lower(given.normalize('NFD'))).toEqual(lower(given.normalize('NFC')));
        expect(lower(given)).toEqual(lower(given.toUpperCase()));
      }),
    );
  });
});
