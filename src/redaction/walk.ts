import type { Clock } from '../platform/clock.ts';
import { jsonBytes, parseContainer, type JsonValue } from './json.ts';
import { isSecretVariable, type KeyVerdict } from './keys.ts';
import type { WalkPolicy } from './policy.ts';
import { count, unscanned, type Tally } from './report.ts';
import { redactArguments, redactCommand } from './shell.ts';

/** Beyond a limit the field is replaced, never passed through (R23). */
export interface WalkLimits {
  /** Levels of arrays, objects and JSON strings. */
  max_depth: number;
  /** Values in one call. */
  max_nodes: number;
  /** Time for one call. Checked between values; one text is bounded by its own length limit. */
  max_ms: number;
}

export interface Walk {
  redactText: (text: string, tally?: Tally) => string;
  policy: WalkPolicy;
  limits: WalkLimits;
  clock: Clock;
}

const SECRET = '<REDACTED:secret>';
/** Keys repeat from event to event; their verdict and redacted form are kept. A bound, because keys can be content. */
const MAX_KNOWN_KEYS = 4096;
const MAX_KNOWN_KEY_CHARS = 64;
/** Reading the clock costs more than a short text does. */
const NODES_PER_CLOCK_READ = 64;

type JsonObject = { [key: string]: JsonValue };
interface KnownKey {
  verdict: KeyVerdict;
  name: string;
}

/** Redacts whole JSON values. Clean parts are returned by reference; the input is never changed. Never throws. */
export class Walker {
  readonly #walk: Walk;
  readonly #known = new Map<string, KnownKey>();
  #nodes = 0;
  #deadline_ms = 0;
  #late = false;
  #tally: Tally | undefined;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  redact(value: JsonValue, tally?: Tally): JsonValue {
    this.#nodes = 0;
    this.#late = false;
    this.#deadline_ms = this.#walk.clock.monotonic_ms() + this.#walk.limits.max_ms;
    this.#tally = tally;
    return this.#value(value, 0);
  }

  #value(value: JsonValue, depth: number): JsonValue {
    if (typeof value === 'string') return this.#spent() ? this.#unscanned(value) : this.#string(value, depth);
    if (typeof value !== 'object' || value === null || isRawNumber(value)) return value;
    if (depth >= this.#walk.limits.max_depth || this.#spent()) return this.#unscanned(value);
    return Array.isArray(value) ? this.#array(value, depth) : this.#object(value, depth);
  }

  #spent(): boolean {
    this.#nodes++;
    if (this.#late || this.#nodes > this.#walk.limits.max_nodes) return true;
    if (this.#nodes % NODES_PER_CLOCK_READ === 0) this.#late = this.#walk.clock.monotonic_ms() > this.#deadline_ms;
    return this.#late;
  }

  #unscanned(value: JsonValue): string {
    if (typeof value === 'string' && /^\[REDACTED:unscanned bytes=\d{1,15}\]$/.test(value)) return value;
    count(this.#tally, 'unscanned');
    return unscanned(typeof value === 'string' ? Buffer.byteLength(value) : jsonBytes(value));
  }

  #text(text: string, tally = this.#tally): string {
    try {
      return this.#walk.redactText(text, tally);
    } catch {
      // Fails closed and counted (R23): whatever went wrong, the text does not pass.
      return this.#unscanned(text);
    }
  }

  #string(text: string, depth: number): string {
    const container = text.length > 1 ? parseContainer(text) : null;
    if (container === null) return this.#text(text);
    const walked = this.#value(container, depth + 1);
    if (walked !== container) return typeof walked === 'string' ? walked : this.#spelled(walked, text);
    // What fires on the raw text but not on the parsed value is a second member of the same name that parsing drops,
    // or a count beside a word like "token". The parsed value is clean, and so is its own spelling; writing it is
    // several times faster than scanning it again.
    const spelled = this.#spelled(container, text);
    return spelled === text || this.#text(text, new Map()) === text ? text : spelled;
  }

  #spelled(value: JsonValue, text: string): string {
    if (!this.#walk.policy.keeps_layout) return JSON.stringify(value);
    const indent = /^[[{]\r?\n([ \t]{1,10})\S/.exec(text.trimStart())?.[1];
    const before = text.slice(0, text.length - text.trimStart().length);
    return before + JSON.stringify(value, null, indent) + text.slice(text.trimEnd().length);
  }

  #array(items: JsonValue[], depth: number): JsonValue[] {
    let copy: JsonValue[] | null = null;
    for (const [index, item] of items.entries()) {
      const redacted = this.#value(item, depth + 1);
      if (redacted !== item) copy ??= items.slice(0, index);
      copy?.push(redacted);
    }
    return copy ?? items;
  }

  #object(object: JsonObject, depth: number, holds_variables = false): JsonObject {
    const entries: [string, JsonValue][] = [];
    let changed = false;
    for (const key of Object.keys(object)) {
      const value = object[key];
      if (value === undefined) continue;
      const known = this.#key(key, depth);
      const verdict = holds_variables && isSecretVariable(known.name) ? 'secret' : known.verdict;
      if (verdict === 'drop') {
        count(this.#tally, 'dropped-key');
        changed = true;
        continue;
      }
      const redacted = this.#member(verdict, value, depth);
      changed ||= redacted !== value || known.name !== key;
      entries.push([known.name, redacted]);
    }
    // fromEntries makes own properties, also of a key named __proto__.
    return changed ? Object.fromEntries(withoutCollisions(entries)) : object;
  }

  #member(verdict: KeyVerdict, value: JsonValue, depth: number): JsonValue {
    if (verdict === 'command') return this.#command(value, depth);
    if (verdict === 'environment') return this.#environment(value, depth);
    if (verdict === 'walk' || verdict === 'drop') return this.#value(value, depth + 1);
    const removes = verdict === 'secret' ? value !== null : typeof value === 'string' || typeof value === 'object';
    if (!removes || value === null || value === '' || value === SECRET) return value;
    count(this.#tally, 'secret-key');
    return SECRET;
  }

  #environment(value: JsonValue, depth: number): JsonValue {
    const holds_variables =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !isRawNumber(value) &&
      depth + 1 < this.#walk.limits.max_depth;
    return holds_variables && !this.#spent() ? this.#object(value, depth + 1, true) : this.#value(value, depth + 1);
  }

  #command(value: JsonValue, depth: number): JsonValue {
    const { isSecretWord } = this.#walk.policy;
    const text = (part: string): string => this.#string(part, depth + 1);
    if (typeof value === 'string') {
      if (this.#spent()) return this.#unscanned(value);
      return redactCommand(value, text, isSecretWord, this.#tally);
    }
    if (Array.isArray(value) && value.every((word) => typeof word === 'string')) {
      this.#nodes += value.length;
      if (this.#spent()) return this.#unscanned(value);
      const words = redactArguments(value, text, isSecretWord, this.#tally);
      return words.every((word, index) => word === value[index]) ? value : words;
    }
    return this.#value(value, depth + 1);
  }

  #key(key: string, depth: number): KnownKey {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const judged: KnownKey = { verdict: this.#walk.policy.judgeKey(key), name: this.#string(key, depth + 1) };
    // A key that changes is content, and has to be counted each time.
    const worthKeeping = judged.name === key && key.length <= MAX_KNOWN_KEY_CHARS;
    if (worthKeeping && this.#known.size < MAX_KNOWN_KEYS) this.#known.set(key, judged);
    return judged;
  }
}

/** A number kept in its own spelling (JSON.rawJSON). */
const isRawNumber = (value: object): boolean =>
  (JSON as unknown as { isRawJSON(v: unknown): boolean }).isRawJSON(value);

/** Two keys may become one marker; the later ones get `#2`, `#3`, so that no member is lost. */
function withoutCollisions(entries: [string, JsonValue][]): [string, JsonValue][] {
  const names = new Set<string>();
  return entries.map(([name, value]) => {
    let unique = name;
    for (let n = 2; names.has(unique); n++) unique = `${name}#${n}`;
    names.add(unique);
    return [unique, value];
  });
}
