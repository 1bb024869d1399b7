import { forEachTerm, type TermPlace } from '../../search/tokens.ts';
import type { Part, Turn } from '../message-texts.ts';
import { BUCKETS, FIELDS, GAP_PLACES, IN_TREE, bucketOf, type Field } from './block.ts';
import { ByteSink } from './byte-sink.ts';

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

/** Of one lexeme and of all lexemes of a tsvector (PostgreSQL manual, "Text Search Limitations"). */
const MAX_LEXEME_BYTES = 2_046;
const MAX_LEXEMES_BYTES = 1_000_000;

/** Collects the texts of a segment, document by document, and writes them as a block. Used again after `finish`. */
export class BlockWriter {
  readonly #ids = new Map<string, number>();
  #terms: string[] = [];
  /** The terms' ids in the order of the texts, and where each stands. */
  #tokens = new Int32Array(16_384);
  #places = new Int32Array(16_384);
  #count = 0;
  #place = 0;
  #names: Set<string> | null = null;
  readonly #documents = new ByteSink();
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
    forEachTerm(text, this.#visit);
    if (this.#names !== null) {
      for (const name of this.#names) {
        this.#place += GAP_PLACES;
        this.#add(name);
      }
      this.#names = null;
    }
    const places = this.#place - from;
    if (places === 0) return;
    this.#texts.push({ field: FIELDS.indexOf(field), places });
    this.#place += GAP_PLACES;
  }

  /** Null: there was no term in any of it. */
  finish(): TextBlock | null {
    if (this.#document_count === 0) return null;
    const sorted = this.#placesByTerm();
    const bounds = [1];
    const postings = new ByteSink(this.#documents.length + this.#count * 3 + this.#terms.length * 16);
    postings.varint(this.#document_count);
    postings.bytes(this.#documents.done());
    const buckets: number[][] = Array.from({ length: BUCKETS + 1 }, () => []);
    for (const [id, term] of this.#terms.entries()) buckets[bucketOf(term)]?.push(id);
    for (const ids of buckets.slice(1)) {
      bounds.push(postings.length + 1);
      for (const id of ids) this.#writePostings(postings, id, sorted);
    }
    bounds.push(postings.length + 1);
    const { terms, is_partial } = lexemesOf(this.#terms);
    const block = {
      documents: this.#document_count,
      tokens: this.#count,
      is_partial,
      terms,
      postings: postings.done(),
      bounds,
    };
    this.#reset();
    return block;
  }

  readonly #visit = (term: string, _start: number, _end: number, place: TermPlace): void => {
    if (place === 'name') (this.#names ??= new Set()).add(term);
    else this.#add(term);
  };

  #add(term: string): void {
    let id = this.#ids.get(term);
    if (id === undefined) {
      id = this.#terms.length;
      this.#ids.set(term, id);
      this.#terms.push(term);
    }
    if (this.#count === this.#tokens.length) {
      this.#tokens = grown(this.#tokens);
      this.#places = grown(this.#places);
    }
    this.#tokens[this.#count] = id;
    this.#places[this.#count] = this.#place++;
    this.#count++;
  }

  /** The places of all terms, those of one term together: from `starts[id]` to `starts[id + 1]`. */
  #placesByTerm(): { starts: Int32Array; places: Int32Array } {
    const starts = new Int32Array(this.#terms.length + 1);
    for (let i = 0; i < this.#count; i++) starts[(this.#tokens[i] ?? 0) + 1]! += 1;
    for (let id = 1; id < starts.length; id++) starts[id]! += starts[id - 1] ?? 0;
    const next = starts.slice();
    const places = new Int32Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      const id = this.#tokens[i] ?? 0;
      places[next[id]!++] = this.#places[i] ?? 0;
    }
    return { starts, places };
  }

  #writePostings(sink: ByteSink, id: number, { starts, places }: { starts: Int32Array; places: Int32Array }): void {
    sink.prefixedText(this.#terms[id] ?? '');
    const [from = 0, to = 0] = [starts[id], starts[id + 1]];
    let bytes = 0;
    for (let i = from, last = 0; i < to; last = places[i++] ?? 0) bytes += sizeOfVarint((places[i] ?? 0) - last);
    sink.varint(bytes);
    for (let i = from, last = 0; i < to; last = places[i++] ?? 0) sink.varint((places[i] ?? 0) - last);
  }

  #reset(): void {
    this.#ids.clear();
    this.#terms = [];
    this.#count = 0;
    this.#place = 0;
    this.#documents.clear();
    this.#document_count = 0;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** The terms as a tsvector without places: count, then each as a C string with the count 0 of its places. */
function lexemesOf(terms: readonly string[]): { terms: Buffer; is_partial: boolean } {
  const sink = new ByteSink(terms.length * 16 + 4);
  sink.uint32(terms.length);
  let left_out = 0;
  for (const term of terms) {
    const before = sink.length;
    sink.text(term);
    if (sink.length - before > MAX_LEXEME_BYTES) {
      sink.cut(before);
      left_out++;
      continue;
    }
    // The end of the string, and no places.
    sink.byte(0);
    sink.byte(0);
    sink.byte(0);
  }
  if (sink.length > MAX_LEXEMES_BYTES) return { terms: Buffer.alloc(4), is_partial: true };
  const done = sink.done();
  done.writeUInt32BE(terms.length - left_out);
  return { terms: done, is_partial: left_out > 0 };
}
