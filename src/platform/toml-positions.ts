/**
 * Where each key of a TOML text stands, for messages with a line. smol-toml gives positions for syntax errors only, so
 * this walks the text a second time; it relies on the text having parsed, and reads nothing but structure.
 */

export interface Position {
  /** Both from 1. */
  line: number;
  column: number;
}

export type KeyPath = readonly (string | number)[];

/** `telemetry.destination[0].url` */
export function formatPath(path: KeyPath): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** The place of every key, table header and array element, by its formatted path. `text` must be valid TOML. */
export function tomlPositions(text: string): Map<string, Position> {
  return new Walk(text).document();
}

class Walk {
  readonly #text: string;
  readonly #found = new Map<string, Position>();
  /** How many tables each [[array]] has so far. */
  readonly #lengths = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Map<string, Position> {
    let table: KeyPath = [];
    for (this.#blank(); this.#at < this.#text.length; this.#blank()) {
      if (this.#text[this.#at] === '[') table = this.#header();
      else this.#pair(table);
    }
    return this.#found;
  }

  #header(): KeyPath {
    const start = this.#at;
    const of_array = this.#text.startsWith('[[', start);
    this.#at += of_array ? 2 : 1;
    const names = this.#dottedKey();
    this.#at = this.#text.indexOf(']', this.#at) + (of_array ? 2 : 1);

    let path: KeyPath = [];
    names.forEach((name, index) => {
      path = [...path, name];
      const key = formatPath(path);
      if (of_array && index === names.length - 1) this.#lengths.set(key, (this.#lengths.get(key) ?? 0) + 1);
      this.#note(path, start);
      const length = this.#lengths.get(key);
      if (length !== undefined) path = [...path, length - 1];
    });
    this.#note(path, start);
    return path;
  }

  #pair(table: KeyPath): void {
    const start = this.#at;
    let path = table;
    for (const name of this.#dottedKey()) {
      path = [...path, name];
      this.#note(path, start);
    }
    this.#at = this.#text.indexOf('=', this.#at) + 1;
    this.#value(path);
  }

  #value(path: KeyPath): void {
    this.#blank();
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string(first);
    else if (first === '[') this.#list(path);
    else if (first === '{') this.#inlineTable(path);
    else this.#at += /^[^,\]}\n#]*/.exec(this.#text.slice(this.#at))?.[0].length ?? 0;
  }

  #list(path: KeyPath): void {
    this.#at++;
    for (let index = 0; ; index++) {
      this.#blank(',');
      if (this.#text[this.#at] === ']' || this.#at >= this.#text.length) break;
      this.#note([...path, index], this.#at);
      this.#value([...path, index]);
    }
    this.#at++;
  }

  #inlineTable(path: KeyPath): void {
    this.#at++;
    for (;;) {
      this.#blank(',');
      if (this.#text[this.#at] === '}' || this.#at >= this.#text.length) break;
      this.#pair(path);
    }
    this.#at++;
  }

  /** `a."b c".d`; leaves the cursor behind the last part. */
  #dottedKey(): string[] {
    const names: string[] = [];
    for (;;) {
      this.#at += /^[ \t]*/.exec(this.#text.slice(this.#at))?.[0].length ?? 0;
      const quote = this.#text[this.#at];
      const start = this.#at;
      if (quote === '"' || quote === "'") {
        this.#string(quote);
        names.push(this.#text.slice(start + 1, this.#at - 1));
      } else {
        this.#at += /^[A-Za-z0-9_-]*/.exec(this.#text.slice(start))?.[0].length ?? 0;
        names.push(this.#text.slice(start, this.#at));
      }
      const dot = /^[ \t]*\./.exec(this.#text.slice(this.#at));
      if (!dot) return names;
      this.#at += dot[0].length;
    }
  }

  /** Passes a string of any of the four kinds. */
  #string(quote: string): void {
    const triple = quote.repeat(3);
    const end = this.#text.startsWith(triple, this.#at) ? triple : quote;
    this.#at += end.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at))
      this.#at += quote === '"' && this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at += end.length;
    // A multi-line string may end in up to two quotes of its own before the closing three.
    while (end === triple && this.#text[this.#at] === quote) this.#at++;
  }

  /** Passes white space, line ends, comments and any character of `also`. */
  #blank(also = ''): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] ?? '';
      if (character === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#text.length : end;
      } else if (!/\s/.test(character) && !also.includes(character)) return;
    }
  }

  /** The first place counts: a table's header, not a later sub-table. */
  #note(path: KeyPath, at: number): void {
    const key = formatPath(path);
    if (this.#found.has(key)) return;
    const before = this.#text.slice(0, at);
    this.#found.set(key, { line: before.split('\n').length, column: at - before.lastIndexOf('\n') });
  }
}
