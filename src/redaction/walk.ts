import type { Clock } from '../platform/clock.ts';
import { jsonBytes, parseContainer, type JsonValue } from './json.ts';
import { judgeKey, type KeyVerdict } from './keys.ts';
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
    if (walked !== container) return typeof walked === 'string' ? walked : JSON.stringify(walked);
    // What fires on the raw text but not on the parsed value is a second member of the same name that parsing drops,
    // or a count beside a word like "token". The parsed value is clean, and so is its own spelling.
    return this.#text(text, new Map()) === text ? text : JSON.stringify(container);
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

  #object(object: JsonObject, depth: number): JsonObject {
    const entries: [string, JsonValue][] = [];
    let changed = false;
    for (const key of Object.keys(object)) {
      const value = object[key];
      if (value === undefined) continue;
      const { verdict, name } = this.#key(key, depth);
      if (verdict === 'drop') {
        count(this.#tally, 'dropped-key');
        changed = true;
        continue;
      }
      const redacted = this.#member(verdict, value, depth);
      changed ||= redacted !== value || name !== key;
      entries.push([name, redacted]);
    }
    // fromEntries makes own properties, also of a key named __proto__.
    return changed ? Object.fromEntries(withoutCollisions(entries)) : object;
  }

  #member(verdict: KeyVerdict, value: JsonValue, depth: number): JsonValue {
    if (verdict === 'command') return this.#command(value, depth);
    if (verdict === 'walk' || verdict === 'drop') return this.#value(value, depth + 1);
    const removes = verdict === 'secret' ? value !== null : typeof value === 'string' || typeof value === 'object';
    if (!removes || value === null || value === '' || value === SECRET) return value;
    count(this.#tally, 'secret-key');
    return SECRET;
  }

  #command(value: JsonValue, depth: number): JsonValue {
    const text = (part: string): string => this.#string(part, depth + 1);
    if (typeof value === 'string') {
      if (this.#spent()) return this.#unscanned(value);
      return redactCommand(value, text, this.#tally);
    }
    if (Array.isArray(value) && value.every((word) => typeof word === 'string')) {
      this.#nodes += value.length;
      if (this.#spent()) return this.#unscanned(value);
      const words = redactArguments(value, text, this.#tally);
      return words.every((word, index) => word === value[index]) ? value : words;
    }
    return this.#value(value, depth + 1);
  }

  #key(key: string, depth: number): KnownKey {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const judged: KnownKey = { verdict: judgeKey(key), name: this.#string(key, depth + 1) };
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
