/**
 * Words as the index has them. Scripts without spaces (Han, Kana, Thai, Hangul in compounds) are one long word to FTS5, of which no part
 * would be found: their runs are written as pairs of neighbours, and the last character by itself, so that any piece of two or more is
 * a phrase of pairs, and a single character the beginning of one.
 */
const RUN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}ー々]+/gu;

/** Text as it is given to the index. */
export function indexedText(text: string): string {
  return text.replace(RUN, (run) => {
    const characters = [...run];
    return ` ${[...pairsOf(characters), characters.at(-1) ?? ''].join(' ')} `;
  });
}

/** A term as the index is asked for it: one quoted phrase, with nothing of a query language left in it. */
export function indexedTerm(term: string): string {
  const runs = term.match(RUN);
  if (runs === null) return `"${term}"`;
  if (runs[0] === term && [...term].length === 1) return `"${term}"*`;
  const spaced = term.replace(RUN, (run) => {
    const characters = [...run];
    return ` ${characters.length === 1 ? run : pairsOf(characters).join(' ')} `;
  });
  return `"${spaced.trim()}"`;
}

/** The same for one who takes any of it: each pair of a run, and what is no run, by itself. */
export function looseTerms(term: string): string[] {
  const runs = term.match(RUN);
  if (runs === null) return [indexedTerm(term)];
  const pairs = runs.flatMap((run) => {
    const characters = [...run];
    return characters.length === 1 ? [run] : pairsOf(characters);
  });
  const rest = term.split(RUN).filter((part) => /[\p{L}\p{N}]/u.test(part));
  return [...new Set([...pairs, ...rest])].map(indexedTerm);
}

/** Whether a text holds the term as it stands, in any case, as a whole word where the script has words. */
export function holdsTerm(text: string, term: string): boolean {
  const [folded, wanted] = [fold(text), fold(term)];
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + 1)) {
    const before = folded.slice(Math.max(0, at - 2), at);
    const after = folded.slice(at + wanted.length, at + wanted.length + 2);
    if (wanted.search(RUN) >= 0 || !(/[\p{L}\p{N}]$/u.test(before) || /^[\p{L}\p{N}]/u.test(after))) return true;
  }
  return false;
}

function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();
}

function pairsOf(characters: readonly string[]): string[] {
  return characters.slice(1).map((character, at) => (characters[at] ?? '') + character);
}
