import { forEachTerm, type TermPlace } from '../../search/tokens.ts';
import type { Part, Turn } from '../message-texts.ts';
import { BUCKETS, FIELDS, GAP_PLACES, IN_TREE, type Field } from './block.ts';
import { ByteSink } from './byte-sink.ts';
import { NO_HASH, TermTable, hashOf } from './term-table.ts';

/** One row of `text_block`, apart from where it belongs. */
export interface TextBlock {
  documents: number;
  tokens: number;
  is_partial: boolean;
  /** `tsvector` in its binary form, without places. */
  terms: Buffer;
  postings: Buffer;
  bounds: number[];
}

/**
 * Of all lexemes of a tsvector 2^20 (PostgreSQL manual, "Text Search Limitations"). One lexeme may have 2,046: a term has
 * 1,920 at most, 64 times U+FDFA.
 */
const MAX_LEXEMES_BYTES = 1_000_000;

/** What tokens.ts cuts is longer. */
const PLAIN_LENGTH = 64;
const SEPARATOR = 0;
const PLAIN = 1;
const CAPITAL = 2;
/** Of each byte of ASCII, as tokens.ts sees it. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[a-z0-9]/.test(character)) return PLAIN;
  return /[A-Z]/.test(character) ? CAPITAL : SEPARATOR;
});

/** Collects the texts of a segment, document by document, and writes them as a block. Used again after `finish`. */
export class BlockWriter {
  readonly #terms = new TermTable();
  /** The terms' numbers in the order of the texts, and where each stands. */
  #tokens = new Int32Array(16_384);
  #places = new Int32Array(16_384);
  #count = 0;
  #place = 0;
  /** The text that is being read, when it is one. */
  #ascii = Buffer.allocUnsafe(65_536);
  #names: Set<string> | null = null;
  /** Of the terms, while a block is written; kept, as new ones for each block would be as large as the block. */
  #starts = new Int32Array(4_096);
  #next = new Int32Array(4_096);
  #sorted = new Int32Array(16_384);
  #order = new Int32Array(4_096);
  readonly #documents = new ByteSink();
  readonly #lexemes = new ByteSink(16_384);
  readonly #postings = new ByteSink(65_536);
  #document_count = 0;
  #texts: { field: number; places: number }[] = [];

  /** Ends a document, whose texts were added before. Without a term it is none. */
  document(ordinal: number, part: Part, turn: Turn, at_ms: number): void {
    if (this.#texts.length === 0) return;
    this.#document_count++;
    this.#documents.byte(part | (turn.in_tree === 1 ? IN_TREE : 0));
    this.#documents.varint(ordinal);
    this.#documents.uint64(turn.id);
    this.#documents.double(at_ms);
    this.#documents.varint(this.#texts.length);
    for (const { field, places } of this.#texts) {
      this.#documents.byte(field);
      this.#documents.varint(places);
    }
    this.#texts = [];
  }

  text(field: Field, text: string): void {
    const from = this.#place;
    if (text.length * 3 > this.#ascii.length) this.#ascii = Buffer.allocUnsafe(text.length * 3);
    const bytes = this.#ascii.write(text);
    if (bytes === text.length) this.#asciiText(text);
    else forEachTerm(text, this.#visit);
    if (this.#names !== null) {
      for (const name of this.#names) {
        this.#place += GAP_PLACES;
        this.#add(this.#terms.ofTerm(name));
      }
      this.#names = null;
    }
    const places = this.#place - from;
    if (places === 0) return;
    this.#texts.push({ field: FIELDS.indexOf(field), places });
    this.#place += GAP_PLACES;
  }

  /** Null: there was no term in any of it. What it gives is valid until the next text comes. */
  finish(): TextBlock | null {
    if (this.#document_count === 0) return null;
    this.#sortPlaces();
    this.#sortTerms();
    const terms = this.#terms;
    const bounds = [1];
    const postings = this.#postings;
    postings.clear();
    postings.varint(this.#document_count);
    postings.bytes(this.#documents.done());
    for (let i = 0, bucket = 0; i < terms.count; i++) {
      const id = this.#order[i] ?? 0;
      for (; bucket < terms.bucketOf(id); bucket++) bounds.push(postings.length + 1);
      postings.varint(terms.lengthOf(id));
      terms.writeTo(postings, id);
      postings.differences(this.#sorted, this.#starts[id] ?? 0, this.#starts[id + 1] ?? 0);
    }
    while (bounds.length <= BUCKETS) bounds.push(postings.length + 1);
    bounds.push(postings.length + 1);
    const [documents, tokens] = [this.#document_count, this.#count];
    const block = { documents, tokens, ...this.#lexemesOf(), postings: postings.done(), bounds };
    this.#reset();
    return block;
  }

  readonly #visit = (term: string, _start: number, _end: number, place: TermPlace): void => {
    if (place === 'name') (this.#names ??= new Set()).add(term);
    else this.#add(this.#terms.ofTerm(term));
  };

  /**
   * The terms of a text that stands in `#ascii`: what most of them are, words of small letters and digits, without making a
   * string of each. What has capitals or is long goes the general way.
   */
  #asciiText(text: string): void {
    const bytes = this.#ascii;
    const terms = this.#terms;
    const { length } = text;
    for (let at = 0; at < length;) {
      const start = at;
      let hash = NO_HASH;
      let kind = KINDS[bytes[at] ?? 0];
      for (; kind === PLAIN && at < length; kind = KINDS[bytes[++at] ?? 0]) hash = hashOf(hash, bytes[at] ?? 0);
      if (kind !== CAPITAL && at - start <= PLAIN_LENGTH) {
        if (at > start) this.#add(terms.ofBytes(bytes, start, at, hash));
        at++;
        continue;
      }
      while (at < length && KINDS[bytes[at] ?? 0] !== SEPARATOR) at++;
      forEachTerm(text.slice(start, at), this.#visit);
    }
  }

  #add(id: number): void {
    if (this.#count === this.#tokens.length) {
      this.#tokens = grown(this.#tokens);
      this.#places = grown(this.#places);
    }
    this.#tokens[this.#count] = id;
    this.#places[this.#count] = this.#place++;
    this.#count++;
  }

  /** Puts the places of each term together: in `#sorted` from `#starts[id]` to `#starts[id + 1]`. */
  #sortPlaces(): void {
    const { count } = this.#terms;
    this.#starts = cleared(this.#starts, count + 1);
    for (let i = 0; i < this.#count; i++) this.#starts[(this.#tokens[i] ?? 0) + 1]! += 1;
    for (let id = 1; id <= count; id++) this.#starts[id]! += this.#starts[id - 1] ?? 0;
    this.#next = cleared(this.#next, count);
    this.#next.set(this.#starts.subarray(0, count));
    this.#sorted = cleared(this.#sorted, this.#count);
    for (let i = 0; i < this.#count; i++) {
      const id = this.#tokens[i] ?? 0;
      this.#sorted[this.#next[id]!++] = this.#places[i] ?? 0;
    }
  }

  /** Puts the terms into `#order`: section by section, those of one as they came. */
  #sortTerms(): void {
    const { count } = this.#terms;
    const next = new Int32Array(BUCKETS + 2);
    for (let id = 0; id < count; id++) next[this.#terms.bucketOf(id) + 1]! += 1;
    for (let bucket = 1; bucket < next.length; bucket++) next[bucket]! += next[bucket - 1] ?? 0;
    this.#order = cleared(this.#order, count);
    for (let id = 0; id < count; id++) this.#order[next[this.#terms.bucketOf(id)]!++] = id;
  }

  /** The terms as a tsvector without places: count, then each as a C string with the count 0 of its places. */
  #lexemesOf(): Pick<TextBlock, 'terms' | 'is_partial'> {
    const sink = this.#lexemes;
    sink.clear();
    sink.uint32(this.#terms.count);
    for (let id = 0; id < this.#terms.count; id++) {
      this.#terms.writeTo(sink, id);
      // The end of the string, and no places.
      sink.zeros(3);
    }
    const is_partial = sink.length > MAX_LEXEMES_BYTES;
    return { terms: is_partial ? Buffer.alloc(4) : sink.done(), is_partial };
  }

  #reset(): void {
    this.#terms.clear();
    this.#count = 0;
    this.#place = 0;
    this.#documents.clear();
    this.#document_count = 0;
  }
}

/** Zeros where the first `length` numbers stand; another array when it is too short. */
function cleared(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  return length <= array.length ? array.fill(0, 0, length) : new Int32Array(length * 2);
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
