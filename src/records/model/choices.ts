/** The choices of a multi-select picklist: a set, written in one order. */

/** In code point order, joined by `;`, none twice and none empty; null when there is none. */
export function joinChoices(choices: readonly string[]): string | null {
  const distinct = [...new Set(choices)].filter((choice) => choice !== '');
  return distinct.length === 0 ? null : distinct.sort(byCodePoint).join(';');
}

/** The choices of a text as Salesforce writes it, or as `joinChoices` does. */
export function splitChoices(text: string): string[] {
  return text.split(';').filter((choice) => choice !== '');
}

/** JavaScript's own order is that of UTF-16 units, in which U+1F600 comes before U+FF21. */
function byCodePoint(a: string, b: string): number {
  const left = a[Symbol.iterator]();
  const right = b[Symbol.iterator]();
  for (;;) {
    const [one, other] = [left.next(), right.next()];
    if (one.done || other.done) return Number(other.done ?? false) - Number(one.done ?? false);
    const difference = (one.value.codePointAt(0) ?? 0) - (other.value.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
}
