import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../storage/sqlite/database.ts';
import { ftsMatch, parseSearch } from './query.ts';
import { satisfies } from './snippet.ts';
import { indexText } from './tokens.ts';

const db = new Database(':memory:');
db.exec(
  `CREATE VIRTUAL TABLE search USING fts5 (one, two, content = '', contentless_delete = 1, tokenize = "ascii tokenchars '='")`,
);
beforeEach(() => db.exec('DELETE FROM search'));
afterAll(() => db.close());

function matches(text: string, query: string): boolean {
  const expression = parseSearch(query);
  if (expression === null) return false;
  db.exec('DELETE FROM search');
  db.run('INSERT INTO search (rowid, one, two) VALUES (1, ?, ?)', indexText(text), '');
  return db.all('SELECT rowid FROM search WHERE search MATCH ?', ftsMatch(expression, ['one', 'two'])).length === 1;
}

describe('queries', () => {
  it('are read as words, phrases, exclusions, beginnings and choices', () => {
    expect(parseSearch('red "green blue"* -grey')).toEqual({
      required: [[[{ terms: ['red'], prefix: false }]], [[{ terms: ['green', 'blue'], prefix: true }]]],
      excluded: [[{ terms: ['grey'], prefix: false }]],
    });
    expect(parseSearch('a OR b c')?.required.map((group) => group.length)).toEqual([2, 1]);
    expect(parseSearch('parseUserId')?.required).toEqual([
      [
        [
          { terms: ['parse', 'user', 'id'], prefix: false },
          { terms: ['parseuserid'], prefix: false },
        ],
      ],
    ]);
    expect(parseSearch('--verbose')?.required).toEqual([[[{ terms: ['verbose'], prefix: false }]]]);
    for (const nothing of ['', '  ', '-a', '"', '*', '()', '💥']) expect(parseSearch(nothing)).toBeNull();
  });

  it('are bounded, whatever is typed', () => {
    const expression = parseSearch('word '.repeat(10_000));
    expect(expression?.required).toHaveLength(32);
    const phrase = parseSearch(`"${'a '.repeat(900)}"`)?.required[0]?.[0]?.[0];
    expect(phrase?.terms).toHaveLength(64);
  });

  it('never fail in the index, on any text', () => {
    const odd = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('"', '*', '-', ' ', 'OR', 'AND', 'NOT', '(', ':', '日', 'aB'),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(odd, fc.string(), (parts, text) => {
        expect(() => matches(text, parts.join(''))).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('find in the index exactly what they mean', () => {
    const piece = fc.constantFrom(
      'red',
      'green',
      'Red',
      'redGreen',
      'GREEN_red',
      'greenRed',
      '日本',
      '本',
      '日',
      'r',
      'g',
      'é',
    );
    const text = fc.array(fc.tuple(piece, fc.constantFrom(' ', '_', '', '-')), { maxLength: 8 });
    const term = fc.tuple(
      fc.constantFrom('', '', '', '-'),
      fc.constantFrom('', '"'),
      fc.array(piece, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', '', '*'),
      fc.constantFrom(' ', ' ', ' OR '),
    );
    fc.assert(
      fc.property(text, fc.array(term, { minLength: 1, maxLength: 4 }), (pieces, terms) => {
        const given = pieces.flat().join('');
        const query = terms
          .map(([minus, quote, words, star, gap]) => minus + quote + words.join(quote ? ' ' : '') + quote + star + gap)
          .join('');
        const expression = parseSearch(query);
        expect(matches(given, query), `${query} in ${given}`).toBe(
          expression !== null && satisfies([given], expression),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('find every run of words of a text as a phrase', () => {
    const word = fc.constantFrom(
      'parseUserId',
      'src/api',
      'user.ts:42',
      'kebab-case',
      'plain',
      'CAPS',
      'n0',
      '日本語',
      'é',
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), fc.nat(), fc.nat(), (words, a, b) => {
        const from = a % words.length;
        const to = from + 1 + (b % (words.length - from));
        expect(matches(words.join(' '), `"${words.slice(from, to).join(' ')}"`)).toBe(true);
      }),
    );
  });

  it('find any two or more neighbours of a script without spaces, and any one', () => {
    const run = fc.string({ unit: fc.constantFrom('日', '本', '語', '検', '索', 'カ'), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(run, fc.nat(), fc.nat(), (given, a, b) => {
        const from = a % given.length;
        const to = from + 1 + (b % (given.length - from));
        expect(matches(`x${given} y`, given.slice(from, to))).toBe(true);
      }),
    );
  });
});
