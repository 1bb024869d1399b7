import { AnchorsByExpression, AnchorsByTable, type Anchors } from './anchors.ts';
import { MARKER_SOURCE, type Rule } from './rule.ts';

/** One secret found: where it stands and which rule says so. Offsets are UTF-16, end exclusive. */
export interface Hit {
  rule: Rule;
  /** Start of the part that goes (after a kept prefix such as `password=`). */
  start: number;
  end: number;
}

/** The rules, compiled. */
export interface Matcher {
  /** Hits from left to right, never overlapping. `accept` may turn one down. */
  hits(text: string, accept: (hit: Hit, text: string) => boolean): Hit[];
}

/** A pattern, compiled when its anchor is first met: most never are, and compiling all took the hook 3 ms. */
class Compiled {
  /** Null: a marker of an earlier run, passed over whole. */
  readonly rule: Rule | null;
  #expression: RegExp | undefined;

  constructor(rule: Rule | null) {
    this.rule = rule;
  }

  matchAt(text: string, at: number): RegExpExecArray | null {
    const { pattern, ignore_case } = this.rule ?? { pattern: MARKER_SOURCE };
    const expression = (this.#expression ??= new RegExp(pattern, ignore_case === true ? 'iy' : 'y'));
    expression.lastIndex = at;
    return expression.exec(text);
  }
}

/** Who looks through more than this has the time to make the faster table of words. UTF-16 units. */
const COLD_CHARS = 1024 * 1024;

/**
 * The words of all rules are looked for at once, and only where one stands the patterns of that word are tried, sticky.
 *
 * Measured with 70 rules: one alternation of all patterns behind a keyword expression (the best of the methods compared in
 * foundation §3e with 25 patterns) fell to 12 MB/s on texts that hold a keyword, because every position tries every
 * alternative; 70 expressions one after the other are slower still and let later rules see earlier markers. Case is
 * ignored by flags of whole expressions only: V8 13.6 misses matches of `(?i:…)` groups (it did not find
 * `(?i:(?:x|private)-key: …)` where the `i` flag does).
 */
export function compile(rules: readonly Rule[]): Matcher {
  const words = rulesByAnchor(rules);
  let anchors: Anchors<readonly Compiled[]> = new AnchorsByExpression(words);
  let looked_through = 0;

  return {
    hits(text, accept) {
      if (looked_through < COLD_CHARS && (looked_through += text.length) >= COLD_CHARS)
        anchors = new AnchorsByTable(words);
      const found: Hit[] = [];
      let from = 0;
      for (let at = anchors.find(text, 0); at >= 0;) {
        const end = tryAt(text, at, from, anchors.found ?? [], accept, found);
        // Anchors may overlap (`@` inside a path): without a hit the next one begins a character later.
        at = anchors.find(text, end ?? at + 1);
        from = end ?? from;
      }
      return found;
    },
  };
}

/** Which rules to try at which word. Nothing is compared here: in a cold start comparing anchors took the hook 8 ms. */
function rulesByAnchor(rules: readonly Rule[]): Map<string, Compiled[]> {
  const marker = [new Compiled(null)];
  const byAnchor = new Map([
    ['[redacted:', marker],
    ['<redacted:', marker],
  ]);
  for (const rule of rules) {
    const compiled = new Compiled(rule);
    for (const anchor of rule.anchors) {
      const known = byAnchor.get(anchor);
      if (known) known.push(compiled);
      else byAnchor.set(anchor, [compiled]);
    }
  }
  return byAnchor;
}

/**
 * Rules from outside, made fit for `compile`: anchors in lower case, and where one begins another (`sk-`, `sk-ant-`)
 * only the shorter, because at one place one anchor is found.
 */
export function withSeparateAnchors(rules: readonly Rule[]): Rule[] {
  const all = new Set(rules.flatMap((rule) => rule.anchors.map((anchor) => anchor.toLowerCase())));
  const shortest = (anchor: string): string => {
    for (let length = 1; length < anchor.length; length++) {
      if (all.has(anchor.slice(0, length))) return anchor.slice(0, length);
    }
    return anchor;
  };
  return rules.map((rule) => ({
    ...rule,
    anchors: [...new Set(rule.anchors.map((anchor) => shortest(anchor.toLowerCase())))],
  }));
}

/** Tries the rules of one place in their order; returns where the match ended, or null. */
function tryAt(
  text: string,
  at: number,
  from: number,
  candidates: readonly Compiled[],
  accept: (hit: Hit, text: string) => boolean,
  found: Hit[],
): number | null {
  for (const candidate of candidates) {
    const { rule } = candidate;
    const match = candidate.matchAt(text, at);
    if (match === null) continue;
    const end = at + match[0].length;
    if (rule === null) return end;
    const secret = match.groups?.['secret'];
    const start = secret === undefined ? at - (match.groups?.['lead']?.length ?? 0) : end - secret.length;
    const hit = { rule, start, end };
    if (start < from || !accept(hit, text)) continue;
    found.push(hit);
    return end;
  }
  return null;
}
