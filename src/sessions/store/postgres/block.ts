import type { SearchScope } from '../session-store.ts';

/**
 * The form of `text_block.postings`: an inverted index of one segment's texts, or of a title.
 *
 * Section 0 is the list of documents; sections 1 to BUCKETS hold the terms, each in the section of its first character, so
 * that a search reads a thirtieth of what it looks through. All texts of the segment stand in one row of places, with gaps
 * where one ends, so a phrase is a run of places and cannot go on in another text.
 *
 *     documents: count, then each: flags (part, in_tree) · ordinal in the segment · turn (8 bytes) · at_ms (8 bytes, double)
 *                · texts, then each: field · places
 *     bucket:    each: bytes of the term · the term · bytes of the places · the places, as differences
 *
 * Numbers are varints (7 bits a byte, lowest first) where no size is said.
 */
export const BUCKETS = 32;

/**
 * The section in which a term, and every term that begins with it, stands: by its first character, of which two bytes of
 * UTF-8 at most are looked at.
 */
export function bucketOf(first_byte: number, second_byte = 0): number {
  const first = first_byte < 0x80 ? first_byte : (first_byte << 8) | second_byte;
  return 1 + (Math.imul(first, 0x9e3779b1) >>> 27);
}

/** What a text is, for ranking: its number in a block and its weight. */
export const FIELDS = ['title', 'person', 'reply', 'thinking', 'tool_input', 'tool_output'] as const;
export type Field = (typeof FIELDS)[number];

/** Titles and what a person said stand above what a model said, that above what tools printed. */
export const WEIGHTS: Readonly<Record<Field, number>> = {
  title: 10,
  person: 5,
  reply: 2,
  thinking: 1,
  tool_input: 1,
  tool_output: 0.5,
};

/** The fields that a scope looks at. */
export const FIELDS_OF: Readonly<Record<SearchScope, readonly Field[]>> = {
  title: ['title'],
  message: ['person', 'reply'],
  thinking: ['thinking'],
  tool_input: ['tool_input'],
  tool_output: ['tool_output'],
};

/** In place of a segment's index: the block of the title. */
export const TITLE_SEGMENT = -1;

/** Flags of a document. */
export const IN_TREE = 2;

/** Places between two texts, and before each whole name: nothing joins them to a phrase. */
export const GAP_PLACES = 2;
