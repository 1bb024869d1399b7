import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AnchorsByExpression, AnchorsByTable, type Anchors } from './anchors.ts';
import { examples } from './examples.ts';
import { rules } from './rules.ts';

/** What it stands for. An expression for each word: V8 13.6 does not find `s` in "sa" by `/ſa|s|ſſ/i`. */
function placesOneByOne(words: readonly string[], text: string): [number, string][] {
  const expressions = words.map((word) => new RegExp(word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'), 'iy'));
  return Array.from({ length: text.length }, (_, at): [number, string][] => {
    const index = expressions.findIndex((expression) => {
      expression.lastIndex = at;
      return expression.test(text);
    });
    return index < 0 ? [] : [[at, words[index] ?? '']];
  }).flat();
}

function placesByTable(words: readonly string[], text: string): [number, string][] {
  return placesOf(new AnchorsByTable(new Map(words.map((word) => [word, word]))), text);
}

function placesOf(anchors: Anchors<string>, text: string): [number, string][] {
  const places: [number, string][] = [];
  for (let at = anchors.find(text, 0); at >= 0; at = anchors.find(text, at + 1)) places.push([at, anchors.found ?? '']);
  return places;
}

/** Few characters, so that words overlap and stand in texts by chance; with those whose cases are no pairs. */
const CHARACTERS = [...'abAB@:/_- .', 'k', 'K', '\u212a', 's', 'S', 'ſ', 'é', 'É', 'σ', 'ς', 'Σ', 'ß', 'ı', 'İ', '😀'];
const piece = fc.string({ unit: fc.constantFrom(...CHARACTERS), minLength: 1, maxLength: 4 });
/** Lower case, none of which begins another, as rules have them. */
const words = fc
  .uniqueArray(
    piece.map((word) => word.toLowerCase()),
    { minLength: 1, maxLength: 12 },
  )
  .map((all) => all.filter((word) => !all.some((other) => other !== word && word.startsWith(other))));

it('finds every word in any case, where an expression of its own does', () => {
  fc.assert(
    fc.property(words, fc.array(piece, { maxLength: 30 }), (some, pieces) => {
      const text = pieces.join('');
      expect(placesByTable(some, text)).toEqual(placesOneByOne(some, text));
    }),
    { numRuns: 2_000 },
  );
});

it('finds the words of the rules in every example of theirs, where an expression of its own does', () => {
  const anchors = [...new Set(rules.flatMap((rule) => rule.anchors))];
  const by_expression = new AnchorsByExpression(new Map(anchors.map((anchor) => [anchor, anchor])));
  for (const { positive, negative } of Object.values(examples)) {
    for (const text of [...positive.map((parts) => parts.join('')), ...negative])
      for (const shown of [text, text.toUpperCase(), `é${text}`]) {
        const places = placesOneByOne(anchors, shown);
        expect(placesByTable(anchors, shown)).toEqual(places);
        expect(placesOf(by_expression, shown)).toEqual(places);
      }
  }
});

it('tells more characters apart than it has classes', () => {
  const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((one) => !/[A-Z]/.test(one));
  const all = visible.map((one) => one + one);
  const text = visible.join('') + all.join('');
  expect(placesByTable(all, text)).toEqual(placesOneByOne(all, text));
});
