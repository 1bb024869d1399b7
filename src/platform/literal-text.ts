/** A character that every spelling of a text holds as it is, JSON within JSON too: no quote, no slash, nothing beyond ASCII. */
const PLAIN_RUN = /[ !#-.0-[\]-~]+/g;

/**
 * A piece of text that a person looks for as it stands: no pattern, but the case of letters does not count.
 *
 * Databases hold texts as JSON, sometimes JSON within JSON, where quotes and line ends are spelled otherwise. So a statement
 * narrows down by `probe` what `isIn` then decides on the text itself.
 */
export class LiteralText {
  readonly text: string;
  /** The longest piece of it that stands so in any JSON, in small letters; empty: none does, everything must be looked at. */
  readonly probe: string;
  readonly #lower: string;

  constructor(text: string) {
    this.text = text;
    this.#lower = text.toLowerCase();
    const runs = text.match(PLAIN_RUN) ?? [];
    this.probe = runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '').toLowerCase();
  }

  isIn(text: string): boolean {
    return text.toLowerCase().includes(this.#lower);
  }

  /** Whether a value of a JSON text holds it; text that is no JSON is looked at as it is. */
  isInJson(json: string): boolean {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      return this.isIn(json);
    }
    return this.isInValue(value);
  }

  /** Whether a string within a value of JSON holds it; names of fields do not count. */
  isInValue(value: unknown): boolean {
    const waiting: unknown[] = [value];
    while (waiting.length > 0) {
      const next = waiting.pop();
      if (typeof next === 'string' && this.isIn(next)) return true;
      if (next !== null && typeof next === 'object') for (const inner of Object.values(next)) waiting.push(inner);
    }
    return false;
  }
}
