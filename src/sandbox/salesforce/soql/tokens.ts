import { OrgRefusal } from '../org/refusal.ts';

export type Token =
  | { kind: 'name'; text: string; at: number }
  | { kind: 'string'; text: string; at: number }
  | { kind: 'number'; text: string; at: number }
  | { kind: 'datetime'; text: string; at: number }
  | { kind: 'date'; text: string; at: number }
  | { kind: 'symbol'; text: string; at: number };

const SPACE = /\s+/y;
const PATTERNS: readonly [Token['kind'], RegExp][] = [
  ['datetime', /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})/y],
  ['date', /\d{4}-\d{2}-\d{2}/y],
  ['number', /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['name', /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y],
  ['symbol', /<=|>=|!=|<>|[(),=<>]/y],
];
const STRING = /'((?:[^'\\]|\\[^])*)'/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/**
 * The words of a query.
 * @throws OrgRefusal MALFORMED_QUERY with where it stopped
 */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(SPACE, query, at)?.[0].length ?? 0;
    if (at >= query.length) return tokens;
    const token = tokenAt(query, at);
    if (!token) throw malformed(`line 1:${at} unexpected character '${query.charAt(at)}'`);
    tokens.push(token.token);
    at += token.length;
  }
}

function tokenAt(query: string, at: number): { token: Token; length: number } | null {
  const quoted = matchAt(STRING, query, at);
  if (quoted) return { token: { kind: 'string', text: unescape(quoted[1] ?? ''), at }, length: quoted[0].length };
  for (const [kind, pattern] of PATTERNS) {
    const found = matchAt(pattern, query, at);
    if (found) return { token: { kind, text: found[0], at }, length: found[0].length };
  }
  return null;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** A pattern of LIKE keeps what it escapes: the one who compares knows what `\%` means. */
function unescape(text: string): string {
  return text.replace(/\\([^])/g, (whole, char: string) => {
    if (char === '%' || char === '_') return whole;
    return ESCAPES[char] ?? char;
  });
}

export function malformed(message: string): OrgRefusal {
  return new OrgRefusal('MALFORMED_QUERY', message);
}
