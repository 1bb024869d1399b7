import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSearch } from '../../search/query.ts';
import { satisfies } from '../../search/snippet.ts';
import { forEachTerm } from '../../search/tokens.ts';
import { DONE, SAID } from '../message-texts.ts';
import { readDocuments } from './block-reader.ts';
import { BlockWriter, type TextBlock } from './block-writer.ts';
import { FIELDS } from './block.ts';
import { BlockSearch } from './matching.ts';

const word = fc.constantFrom(
  ...['red', 'green', 'parseUserId', 'parse_user_id', 'HTTPServer', '検索エンジン', 'héllo', 'x1', 'A', 'ünder', '42'],
  ...['a'.repeat(70), `${'b'.repeat(64)}C`, 'ﷺ'.repeat(40), '\ud800', '😀', 'src/api/user.ts:42', 'É', '  ', '='],
  // Its places take more than 127 bytes.
  'often '.repeat(200),
);
const text = fc.oneof(
  fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
  fc.string({ unit: 'binary' }),
);
const document = fc.record({
  ordinal: fc.nat(63),
  part: fc.constantFrom(SAID, DONE),
  in_tree: fc.constantFrom(0 as const, 1 as const),
  turn: fc.bigInt({ min: 0n, max: 2n ** 61n - 1n }),
  at_ms: fc.integer({ min: -1e12, max: 4e12 }),
  texts: fc.array(fc.record({ field: fc.constantFrom(...FIELDS), text }), { maxLength: 4 }),
});
type Document = typeof document extends fc.Arbitrary<infer T> ? T : never;

function blockOf(writer: BlockWriter, documents: readonly Document[]): TextBlock | null {
  for (const { ordinal, part, in_tree, turn, at_ms, texts } of documents) {
    for (const { field, text } of texts) writer.text(field, text);
    writer.document(ordinal, part, { id: turn, in_tree }, at_ms);
  }
  return writer.finish();
}

/** A section as SQL cuts it. */
function section({ postings, bounds }: TextBlock, number: number): Buffer {
  return postings.subarray(bounds[number]! - 1, bounds[number + 1]! - 1);
}

function termsOf(text: string): string[] {
  const terms: string[] = [];
  forEachTerm(text, (term) => terms.push(term));
  return terms;
}

describe('a block of texts', () => {
  it('gives back its documents, and finds in each what a look at its texts finds', () => {
    // One writer for all, as the store has it: nothing of one block may be left in the next.
    const writer = new BlockWriter();
    fc.assert(
      fc.property(
        fc.array(document, { maxLength: 6 }),
        fc.array(word, { minLength: 1, maxLength: 3 }),
        (given, words) => {
          const block = blockOf(writer, given);
          const indexed = given.filter(({ texts }) => texts.some(({ text }) => termsOf(text).length > 0));
          expect(block?.documents ?? 0).toBe(indexed.length);
          if (block === null) return;
          const read = readDocuments(section(block, 0));
          expect(read.documents.map(({ length: _, ...rest }) => rest)).toEqual(
            indexed.map(({ ordinal, part, in_tree, turn, at_ms }) => ({
              ordinal,
              part,
              in_tree: in_tree === 1,
              turn,
              at_ms,
            })),
          );
          for (const query of [
            words.join(' '),
            `"${words.join(' ')}"`,
            `${words[0]}*`,
            words.join(' OR '),
            words.join(' -'),
          ]) {
            const expression = parseSearch(query);
            if (expression === null) continue;
            const search = new BlockSearch(expression, ['message', 'thinking', 'tool_input', 'tool_output', 'title']);
            const found = search.matches(
              read,
              search.sections.map((number) => section(block, number)),
            );
            const wanted = indexed.map(({ texts }) =>
              satisfies(
                texts.map((one) => one.text),
                expression,
              ),
            );
            expect(
              read.documents.map((one) => found.some((match) => match.document === one)),
              query,
            ).toEqual(wanted);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([1, 127, 128, 129, 16_383, 16_384, 40_000])('keeps all places of a term that stands %i times', (times) => {
    const text = `first ${'often '.repeat(times)}last of all`;
    const texts: Document['texts'] = [{ field: 'reply', text }];
    const block = blockOf(new BlockWriter(), [{ ordinal: 0, part: SAID, in_tree: 0, turn: 1n, at_ms: 0, texts }])!;
    for (const phrase of ['"first often"', '"often last of all"', times > 1 ? '"often often last"' : 'often']) {
      const search = new BlockSearch(parseSearch(phrase)!, ['message']);
      const sections = search.sections.map((number) => section(block, number));
      expect(search.matches(readDocuments(section(block, 0)), sections), phrase).toHaveLength(1);
    }
  });

  it('names every term for the index, and says when it cannot', () => {
    const block = (texts: string[]): TextBlock =>
      blockOf(new BlockWriter(), [
        {
          ordinal: 0,
          part: SAID,
          in_tree: 0,
          turn: 1n,
          at_ms: 0,
          texts: texts.map((one) => ({ field: 'reply', text: one })),
        },
      ])!;
    const lexemes = (terms: Buffer): string[] => terms.subarray(4).toString().split('\0\0\0').slice(0, -1);
    const plain = block(['parseUserId and 検索', 'and more']);
    expect(plain.is_partial).toBe(false);
    expect(lexemes(plain.terms).sort()).toEqual(
      ['and', 'id', 'more', 'parse', 'parseuserid', 'user', '検索', '索'].sort(),
    );
    expect(plain.terms.readUInt32BE()).toBe(8);
    const many = block([Array.from({ length: 100_000 }, (_, i) => `term${i}`).join(' ')]);
    expect([many.terms.readUInt32BE(), many.is_partial]).toEqual([0, true]);
  });
});
