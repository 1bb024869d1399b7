import type { SearchExpression, SearchPhrase } from './query.ts';
import { forEachTerm } from './tokens.ts';

/** A piece of a text, and where in it something was found, in UTF-16 units: ascending, apart from each other. */
export interface Snippet {
  snippet: string;
  highlights: { start: number; end: number }[];
  /** Groups of the expression that the whole text satisfies, of those looked for. */
  found: number;
}

/** UTF-16 units of a snippet, ellipses included. */
export const MAX_SNIPPET = 240;
const ELLIPSIS = '…';
/** Units by which the beginning moves on to show no half word. */
const SNAP = 24;
/** Matches of one text that are looked at. */
const MAX_MATCHES = 256;

interface Match {
  start: number;
  end: number;
  group: number;
}

/** Cuts the piece of a text in which most of what was asked for stands. Offsets are of the original, never of an index. */
export function snippetOf(text: string, expression: SearchExpression): Snippet {
  const matches = matchesOf(text, expression);
  const found = new Set(matches.map(({ group }) => group)).size;
  const best = bestOf(matches);
  const window = windowOf(text, best);
  const before = window.from > 0 ? ELLIPSIS : '';
  const after = window.to < text.length ? ELLIPSIS : '';
  const shift = before.length - window.from;
  const shown = matches
    // What the window cuts is not marked, except the one it was made for.
    .filter(({ start, end }) => start >= window.from && (end <= window.to || start === best.start))
    .map(({ start, end }) => ({
      start: Math.max(start, window.from) + shift,
      end: Math.min(end, window.to) + shift,
    }));
  const snippet = before + text.slice(window.from, window.to).toWellFormed() + after;
  return { snippet, highlights: joined(shown), found };
}

/**
 * Whether texts that are searched as one satisfy an expression, as an index of them would say: of each group something
 * stands in one of them, and nothing excluded does.
 */
export function satisfies(texts: readonly string[], { required, excluded }: SearchExpression): boolean {
  // Exclusions are one more group, which must stay empty.
  const finder = new PhraseFinder([...required, excluded]);
  const groups = new Set<number>();
  for (const text of texts) {
    const matches: Match[] = [];
    finder.begin();
    forEachTerm(text, (term, start, end, place) => {
      if (place === 'name') finder.takeName(term, start, end, matches);
      else finder.take(term, start, end, matches);
      for (const { group } of matches.splice(0)) groups.add(group);
    });
  }
  return groups.size === required.length && !groups.has(required.length);
}

/** The first MAX_MATCHES places where a required phrase stands, by their beginning. */
function matchesOf(text: string, { required }: SearchExpression): Match[] {
  const finder = new PhraseFinder(required);
  const matches: Match[] = [];
  try {
    forEachTerm(text, (term, start, end, place) => {
      if (place === 'name') finder.takeName(term, start, end, matches);
      else finder.take(term, start, end, matches);
      if (matches.length >= MAX_MATCHES) throw ENOUGH;
    });
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  return matches.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** Ends the walk over a long text. */
const ENOUGH = new Error('enough');

interface Wanted extends SearchPhrase {
  group: number;
}

/** A phrase that has begun: how many of its terms were seen, and where the first one stands. */
interface Begun {
  phrase: Wanted;
  seen: number;
  start: number;
}

/** Follows all phrases at once along the terms of a text. */
class PhraseFinder {
  readonly #phrases: Wanted[];
  #begun: Begun[] = [];

  constructor(required: SearchExpression['required']) {
    this.#phrases = required.flatMap((group, i) => group.flat().map((phrase) => ({ ...phrase, group: i })));
  }

  /** Forgets what has begun: another text follows. */
  begin(): void {
    this.#begun = [];
  }

  take(term: string, start: number, end: number, matches: Match[]): void {
    const candidates = this.#begun;
    for (const phrase of this.#phrases) if (fits(phrase, 0, term)) candidates.push({ phrase, seen: 0, start });
    if (candidates.length === 0) return;
    this.#begun = [];
    for (const { phrase, seen, start: from } of candidates) {
      if (!fits(phrase, seen, term)) continue;
      if (seen + 1 === phrase.terms.length) matches.push({ start: from, end, group: phrase.group });
      else this.#begun.push({ phrase, seen: seen + 1, start: from });
    }
  }

  takeName(term: string, start: number, end: number, matches: Match[]): void {
    for (const phrase of this.#phrases)
      if (phrase.terms.length === 1 && fits(phrase, 0, term)) matches.push({ start, end, group: phrase.group });
  }
}

function fits({ terms, prefix }: SearchPhrase, place: number, term: string): boolean {
  const wanted = terms[place] ?? '';
  return prefix && place === terms.length - 1 ? term.startsWith(wanted) : term === wanted;
}

/** The stretch of at most MAX_SNIPPET units that begins with a match and holds most groups; the first such. */
function bestOf(matches: readonly Match[]): { start: number; end: number } {
  let best = { start: 0, end: 0 };
  let most = 0;
  for (const [i, first] of matches.entries()) {
    const groups = new Set<number>();
    let { end } = first;
    for (let j = i; j < matches.length; j++) {
      const match = matches[j];
      if (!match || match.end > first.start + MAX_SNIPPET - 2) break;
      groups.add(match.group);
      end = Math.max(end, match.end);
    }
    if (groups.size <= most) continue;
    most = groups.size;
    best = { start: first.start, end };
  }
  // A single match that is longer than a snippet is shown from its beginning.
  if (most === 0 && matches[0]) best = { start: matches[0].start, end: matches[0].start };
  return best;
}

/** Where the snippet begins and ends: around the match, whole characters, whole words at its beginning. */
function windowOf(text: string, { start, end }: { start: number; end: number }): { from: number; to: number } {
  if (text.length <= MAX_SNIPPET) return { from: 0, to: text.length };
  const room = MAX_SNIPPET - 2 * ELLIPSIS.length;
  let from = Math.max(0, start - Math.floor((room - (end - start)) / 2));
  const to = Math.min(text.length, from + room);
  from = Math.max(0, to - room);
  if (from > 0) {
    const space = text.slice(from, Math.min(from + SNAP, start)).search(/\s\S/u);
    if (space >= 0) from += space + 1;
  }
  return { from: isInside(text, from) ? from + 1 : from, to: isInside(text, to) ? to - 1 : to };
}

/** True between the two halves of a character. */
function isInside(text: string, at: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));
}

function joined(ranges: { start: number; end: number }[]): { start: number; end: number }[] {
  const result: { start: number; end: number }[] = [];
  for (const range of ranges.sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && range.start < last.end) last.end = Math.max(last.end, range.end);
    else result.push({ ...range });
  }
  return result;
}
