/**
 * How text becomes terms of the index, the same for every store and for queries. The terms of a name are the words it is
 * made of (`parseUserId`, `parse_user_id`, `src/api/user.ts:42`), so that any run of them is found as a phrase; a name whose
 * words are told apart by capitals alone is a term as a whole, too. Scripts without spaces between words become pairs of
 * characters, of which any two or more are found as a phrase, a single one as the beginning of a pair.
 */

/** A term of a text, and the UTF-16 offsets of what it stands for. */
export type VisitTerm = (term: string, start: number, end: number, place: TermPlace) => void;

/**
 * `word`: a word, or a part of a name. `name`: a name as a whole, told after its parts; it has no place of its own among
 * the words. `pair`, `last` and `single` are of scripts without spaces: two characters, the last one of a run again, and
 * the only one of a run.
 */
export type TermPlace = 'word' | 'name' | 'pair' | 'last' | 'single';

/** What stands between texts that must not be joined to a phrase. No query has it. */
export const GAP = '=';

/** Longer runs of letters and digits are no names but data: one term, cut to this many UTF-16 units. */
const MAX_TERM = 64;
/** Names of more parts are data, too, such as base64. */
const MAX_PARTS = 12;

const SEPARATOR = 0;
const LOWER = 1;
const UPPER = 2;
const DIGIT = 3;
/** A character of a script without spaces between words. */
const DENSE = 4;
/** Belongs to the character before it. */
const MARK = 5;
const UNKNOWN = 255;

const DENSE_CHARACTER =
  /^(?=[\p{L}\p{N}])[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Mymr}]$/u;
/** Vowels and finals of decomposed Hangul go on with the character that their first letter began. */
const CONTINUATION = /^[\p{M}\u1160-\u11ff]$/u;

/** Class of each UTF-16 unit, found once. Surrogates are judged as the characters they make. */
const classes = new Uint8Array(0x10000).fill(UNKNOWN);
for (let unit = 0; unit < 0x80; unit++) classes[unit] = classOf(String.fromCharCode(unit));

/** Tells every term of a text in order. */
export function forEachTerm(text: string, visit: VisitTerm): void {
  const { length } = text;
  let at = 0;
  while (at < length) {
    const kind = classAt(text, at);
    if (kind === SEPARATOR) at += widthAt(text, at);
    else if (kind === DENSE) at = visitDense(text, at, visit);
    else at = visitPlainWord(text, at, visit) || visitRun(text, at, visit);
  }
}

/** The usual case, and all of most texts: small letters and digits alone. Returns where it ends, 0 for another case. */
function visitPlainWord(text: string, start: number, visit: VisitTerm): number {
  let at = start;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return 0;
    const kind = classes[unit];
    if (kind === SEPARATOR) break;
    if (kind === UPPER) return 0;
  }
  visit(text.slice(start, Math.min(at, start + MAX_TERM)), start, at, 'word');
  return at;
}

/** The text for an index that splits at spaces: its words in order, then its names as wholes. */
export function indexText(text: string): string {
  let words = '';
  let names: Set<string> | null = null;
  forEachTerm(text, (term, _start, _end, place) => {
    if (place === 'name') (names ??= new Set()).add(term);
    else words = words === '' ? term : `${words} ${term}`;
  });
  if (names !== null) for (const name of names as Set<string>) words += ` ${GAP} ${name}`;
  return words;
}

function widthAt(text: string, at: number): 1 | 2 {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdbff || at + 1 >= text.length) return 1;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff ? 2 : 1;
}

function classAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit >= 0xd800 && unit <= 0xdbff && widthAt(text, at) === 2) return classOf(text.slice(at, at + 2));
  let kind = classes[unit] ?? SEPARATOR;
  if (kind === UNKNOWN) classes[unit] = kind = classOf(text[at] ?? '');
  return kind;
}

function classOf(character: string): number {
  if (CONTINUATION.test(character)) return MARK;
  if (DENSE_CHARACTER.test(character)) return DENSE;
  if (/^[\p{Lu}\p{Lt}]$/u.test(character)) return UPPER;
  if (/^\p{Nd}$/u.test(character)) return DIGIT;
  return /^[\p{L}\p{N}]$/u.test(character) ? LOWER : SEPARATOR;
}

/** A run of letters and digits, and the parts that its capitals make of it. Returns where it ends. */
function visitRun(text: string, start: number, visit: VisitTerm): number {
  const bounds: number[] = [start];
  let last = start;
  let before = SEPARATOR;
  let before_at = start;
  let at = start;
  let ascii = true;
  while (at < text.length) {
    const kind = classAt(text, at);
    if (kind === SEPARATOR || kind === DENSE) break;
    if (text.charCodeAt(at) > 0x7f) ascii = false;
    // parse|User, utf8|String; HTTP|Server begins at the last of several capitals.
    if (kind === UPPER && (before === LOWER || before === DIGIT)) bounds.push((last = at));
    else if (kind === LOWER && before === UPPER && before_at > last) bounds.push((last = before_at));
    if (kind !== MARK) {
      before = kind;
      before_at = at;
    }
    at += widthAt(text, at);
  }
  const is_name = bounds.length > 1 && bounds.length <= MAX_PARTS && at - start <= MAX_TERM;
  if (!is_name) emit(text, start, at, ascii, 'word', visit);
  else {
    for (const [i, bound] of bounds.entries()) emit(text, bound, bounds[i + 1] ?? at, ascii, 'word', visit);
    emit(text, start, at, ascii, 'name', visit);
  }
  return at;
}

function emit(text: string, start: number, end: number, ascii: boolean, place: TermPlace, visit: VisitTerm): void {
  const shown = text.slice(start, Math.min(end, start + MAX_TERM));
  const term = ascii ? shown.toLowerCase() : fold(shown);
  if (term !== '') visit(term, start, end, place);
}

/** A run of a script without spaces. Returns where it ends. */
function visitDense(text: string, start: number, visit: VisitTerm): number {
  let at = start;
  let before = '';
  let before_start = start;
  let pairs = 0;
  while (at < text.length && classAt(text, at) === DENSE) {
    const character_start = at;
    at += widthAt(text, at);
    while (at < text.length && classAt(text, at) === MARK) at += widthAt(text, at);
    const character = fold(text.slice(character_start, at));
    if (before !== '' && character !== '') {
      visit(before + character, before_start, at, 'pair');
      pairs++;
    }
    if (character === '') continue;
    before = character;
    before_start = character_start;
  }
  if (before !== '') visit(before, before_start, at, pairs === 0 ? 'single' : 'last');
  return at;
}

/** Without case, accents and compatibility forms; never with anything at which an index would split. */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .replace(/[\0-/:-@[-`{-\x7f\s\ud800-\udfff]/gu, '');
}
