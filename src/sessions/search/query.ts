import { forEachTerm, type TermPlace } from './tokens.ts';

/** Terms that follow each other; of the last one only the beginning when `prefix`. At least one term. */
export interface SearchPhrase {
  terms: readonly string[];
  prefix: boolean;
}

/** One thing to look for, in any of its spellings. */
export type SearchTerm = readonly SearchPhrase[];

/** What a person asked for: of each group at least one term, and none of the excluded ones. */
export interface SearchExpression {
  /** At least one group of at least one term. */
  required: readonly (readonly SearchTerm[])[];
  excluded: readonly SearchTerm[];
}

/** UTF-16 units of a query that are read. */
const MAX_QUERY = 2_000;
/** Terms of a query that count; the ones after them are left out. */
const MAX_TERMS = 32;
const MAX_PHRASE = 64;

type Item = { kind: 'or' } | { kind: 'term'; term: SearchTerm; excluded: boolean };

/**
 * Reads a query: words, `"phrases"`, `-excluded`, `begin*`, `one OR other`; anything else in it separates words. Takes any
 * text. Null: there is nothing to look for (nothing but exclusions, too).
 */
export function parseSearch(text: string): SearchExpression | null {
  const items = itemsOf(text.slice(0, MAX_QUERY));
  const required: SearchTerm[][] = [];
  const excluded: SearchTerm[] = [];
  let joins = false;
  for (const [i, item] of items.entries()) {
    if (item.kind === 'term' && item.excluded) excluded.push(item.term);
    else if (item.kind === 'term' && joins) required.at(-1)?.push(item.term);
    else if (item.kind === 'term') required.push([item.term]);
    joins = item.kind === 'or' && isPositive(items[i - 1]) && isPositive(items[i + 1]);
    // Without something to choose from it is a word.
    if (item.kind === 'or' && !joins) required.push([[{ terms: ['or'], prefix: false }]]);
  }
  return required.length === 0 ? null : { required, excluded };
}

function isPositive(item: Item | undefined): boolean {
  return item?.kind === 'term' && !item.excluded;
}

const ITEM = /(?<excluded>-(?![-\s]))?(?:"(?<phrase>[^"]*)(?:"(?<begin>\*)?|$)|(?<word>[^\s"]+))/gu;

function itemsOf(text: string): Item[] {
  const items: Item[] = [];
  let terms = 0;
  for (const { groups = {} } of text.matchAll(ITEM)) {
    const { phrase, begin, word } = groups;
    const excluded = groups['excluded'] !== undefined;
    if (word === 'AND' && !excluded) continue;
    if (word === 'OR' && !excluded) {
      items.push({ kind: 'or' });
      continue;
    }
    const prefix = begin !== undefined || (word?.endsWith('*') ?? false);
    const term = termOf(phrase ?? word ?? '', prefix);
    if (term.length > 0 && ++terms <= MAX_TERMS) items.push({ kind: 'term', term, excluded });
  }
  return items;
}

/** The spellings of a word or phrase; none when it holds nothing that is indexed. */
function termOf(text: string, prefix: boolean): SearchTerm {
  const words: string[] = [];
  const names: string[] = [];
  let first_start = -1;
  let last_end = -1;
  let is_one_name = false;
  let last_place: TermPlace = 'word';
  forEachTerm(text, (term, start, end, place) => {
    if (place === 'name') {
      names.push(term);
      is_one_name = start === first_start && end === last_end;
      return;
    }
    if (first_start < 0) first_start = start;
    last_end = end;
    is_one_name = false;
    words.push(term);
    last_place = place;
  });
  const open = endOfPhrase(words, last_place);
  const phrases: SearchPhrase[] = [];
  if (words.length > 0) phrases.push({ terms: words.slice(0, MAX_PHRASE), prefix: prefix || open });
  const [name] = names;
  if (is_one_name && name !== undefined) phrases.push({ terms: [name], prefix });
  return phrases;
}

/**
 * Where a run of a script without spaces ends the phrase, the text may go on: its last character alone is not asked for,
 * and a run of one character is the beginning of a pair.
 */
function endOfPhrase(words: string[], last_place: TermPlace): boolean {
  if (last_place === 'last') words.pop();
  return last_place === 'single';
}

/** As FTS5 writes it, over the given columns. Terms hold no quotes. */
export function ftsMatch(expression: SearchExpression, columns: readonly string[]): string {
  const required = expression.required.map((group) => anyOf(group.map(ftsTerm))).join(' AND ');
  const excluded = expression.excluded.map(ftsTerm);
  const wanted = excluded.length === 0 ? required : `(${required}) NOT ${anyOf(excluded)}`;
  return `{${columns.join(' ')}} : (${wanted})`;
}

function ftsTerm(term: SearchTerm): string {
  return anyOf(term.map(({ terms, prefix }) => `"${terms.join(' ')}"${prefix ? '*' : ''}`));
}

function anyOf(alternatives: string[]): string {
  return alternatives.length === 1 ? (alternatives[0] ?? '') : `(${alternatives.join(' OR ')})`;
}
