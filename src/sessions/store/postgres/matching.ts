import type { SearchExpression, SearchPhrase } from '../../search/query.ts';
import type { SearchScope } from '../session-store.ts';
import { placesOf, type BlockDocument, type BlockDocuments } from './block-reader.ts';
import { BUCKETS, FIELDS, FIELDS_OF, WEIGHTS, bucketOf } from './block.ts';

/** A document that satisfies an expression. */
export interface Match {
  document: BlockDocument;
  /** How often each phrase of the search stands in it, by weight of the field. */
  weighted: Float64Array;
}

/** Finds the documents of blocks that satisfy an expression within some scopes. */
export class BlockSearch {
  /** Every phrase of the expression once; what is excluded comes last. */
  readonly phrases: readonly SearchPhrase[];
  /** The sections that are needed of a block besides its documents, ascending. */
  readonly sections: readonly number[];
  /** How many documents had each phrase, of those that were looked at. */
  readonly frequencies: Float64Array;
  /** For each group the phrases of which one must be there. */
  readonly #required: number[][] = [];
  readonly #excluded_from: number;
  /** By the field's number; 0: not looked at. */
  readonly #weights: readonly number[];

  constructor(expression: SearchExpression, scopes: readonly SearchScope[]) {
    const phrases: SearchPhrase[] = [];
    for (const group of expression.required) {
      const members = group.flat();
      this.#required.push(members.map((_, i) => phrases.length + i));
      phrases.push(...members);
    }
    this.#excluded_from = phrases.length;
    this.phrases = [...phrases, ...expression.excluded.flat()];
    const terms = this.phrases.flatMap((phrase) => phrase.terms);
    this.sections = [...new Set(terms.map(sectionOf))].sort((a, b) => a - b);
    this.frequencies = new Float64Array(this.phrases.length);
    const seen = new Set(scopes.flatMap((scope) => FIELDS_OF[scope]));
    this.#weights = FIELDS.map((field) => (seen.has(field) ? WEIGHTS[field] : 0));
  }

  /** The documents that match; `sections` as `this.sections` names them. */
  matches({ documents, texts }: BlockDocuments, sections: readonly Buffer[]): Match[] {
    const by_number: Buffer[] = new Array<Buffer>(BUCKETS + 1);
    for (const [i, number] of this.sections.entries()) by_number[number] = sections[i] ?? Buffer.alloc(0);
    const count = this.phrases.length;
    const weighted = new Float64Array(count * documents.length);
    for (const [p, phrase] of this.phrases.entries()) {
      const places = placesOf(
        phrase,
        phrase.terms.map((term) => by_number[sectionOf(term)] ?? Buffer.alloc(0)),
      );
      let text = 0;
      for (const place of places) {
        while ((texts[text + 1]?.from ?? Infinity) <= place) text++;
        const { document = 0, field = 0 } = texts[text] ?? {};
        weighted[document * count + p]! += this.#weights[field] ?? 0;
      }
    }
    return documents.flatMap((document, d) => {
      const own = weighted.subarray(d * count, (d + 1) * count);
      for (let p = 0; p < count; p++) if ((own[p] ?? 0) > 0) this.frequencies[p]! += 1;
      return this.#satisfies(own) ? [{ document, weighted: own.slice() }] : [];
    });
  }

  #satisfies(weighted: Float64Array): boolean {
    for (let p = this.#excluded_from; p < weighted.length; p++) if ((weighted[p] ?? 0) > 0) return false;
    return this.#required.every((group) => group.some((p) => (weighted[p] ?? 0) > 0));
  }
}

function sectionOf(term: string): number {
  const [first, second] = Buffer.from(term.slice(0, 2));
  return bucketOf(first ?? 0, second);
}

/** What blocks must have to be looked at, as a tsquery: words of each group. Terms hold neither quotes nor backslashes. */
export function blockQuery({ required }: SearchExpression): string {
  const all = (phrase: SearchPhrase): string =>
    `(${phrase.terms.map((term, i) => `'${term}'${phrase.prefix && i === phrase.terms.length - 1 ? ':*' : ''}`).join(' & ')})`;
  return required.map((group) => `(${group.flat().map(all).join(' | ')})`).join(' & ');
}
