import { invariant } from '../../../platform/errors.ts';
import type { SearchPhrase } from '../../search/query.ts';
import { DONE, SAID, type Part } from '../message-texts.ts';
import { GAP_PLACES, IN_TREE } from './block.ts';

/** A document of a block. */
export interface BlockDocument {
  part: Part;
  in_tree: boolean;
  /** Of a segment's 64. */
  ordinal: number;
  turn: bigint;
  at_ms: number;
  /** Places of all its texts: its length for ranking. */
  length: number;
}

/** The documents of a block, and which of them each place belongs to. */
export interface BlockDocuments {
  documents: BlockDocument[];
  /** Texts in the order of their places: where each begins, its document and field. */
  texts: { from: number; document: number; field: number }[];
}

/** Section 0 of a block; see block.ts. */
export function readDocuments(section: Buffer): BlockDocuments {
  const bytes = new ByteSource(section);
  const documents: BlockDocument[] = [];
  const texts: BlockDocuments['texts'] = [];
  let from = 0;
  for (let count = bytes.varint(); count > 0; count--) {
    const flags = bytes.byte();
    const document: BlockDocument = {
      part: (flags & 1) === SAID ? SAID : DONE,
      in_tree: (flags & IN_TREE) !== 0,
      ordinal: bytes.varint(),
      turn: bytes.uint64(),
      at_ms: bytes.double(),
      length: 0,
    };
    for (let left = bytes.varint(); left > 0; left--) {
      texts.push({ from, document: documents.length, field: bytes.byte() });
      const places = bytes.varint();
      document.length += places;
      from += places + GAP_PLACES;
    }
    documents.push(document);
  }
  return { documents, texts };
}

/** Where a phrase stands, by its first place, ascending. `sections` are those of its terms, in their order. */
export function placesOf({ terms, prefix }: SearchPhrase, sections: readonly Buffer[]): number[] {
  let places: number[] | null = null;
  for (const [i, term] of terms.entries()) {
    const section = sections[i];
    const found = section ? placesInSection(section, term, prefix && i === terms.length - 1) : [];
    places = places === null ? found : following(places, found, i);
    if (places.length === 0) return places;
  }
  return places ?? [];
}

/** Those of `begun` that a place of `next` follows `distance` later; both ascend. */
function following(begun: readonly number[], next: readonly number[], distance: number): number[] {
  const kept: number[] = [];
  let at = 0;
  for (const place of begun) {
    while (at < next.length && (next[at] ?? 0) < place + distance) at++;
    if (next[at] === place + distance) kept.push(place);
  }
  return kept;
}

function placesInSection(section: Buffer, term: string, prefix: boolean): number[] {
  const wanted = Buffer.from(term);
  const bytes = new ByteSource(section);
  const found: number[][] = [];
  while (!bytes.isAtEnd) {
    const length = bytes.varint();
    const fits = prefix ? length >= wanted.length : length === wanted.length;
    const is_it = fits && bytes.begins(wanted);
    bytes.skip(length);
    const size = bytes.varint();
    if (!is_it) {
      bytes.skip(size);
      continue;
    }
    found.push(placesIn(bytes, size));
    if (!prefix) break;
  }
  const [only = [], ...more] = found;
  return more.length === 0 ? only : found.flat().sort((a, b) => a - b);
}

function placesIn(bytes: ByteSource, size: number): number[] {
  const places: number[] = [];
  const end = bytes.at + size;
  for (let place = 0; bytes.at < end;) places.push((place += bytes.varint()));
  return places;
}

/** Reads what `ByteSink` wrote. */
class ByteSource {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    invariant(byte !== undefined, 'a block ends where it says');
    return byte;
  }

  varint(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  uint64(): bigint {
    this.at += 8;
    return this.#bytes.readBigUInt64BE(this.at - 8);
  }

  double(): number {
    this.at += 8;
    return this.#bytes.readDoubleBE(this.at - 8);
  }

  /** Whether these bytes come next. */
  begins(wanted: Uint8Array): boolean {
    for (let i = 0; i < wanted.length; i++) if (this.#bytes[this.at + i] !== wanted[i]) return false;
    return true;
  }

  skip(bytes: number): void {
    this.at += bytes;
  }
}
