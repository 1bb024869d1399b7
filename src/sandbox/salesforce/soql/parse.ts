import { parseDatetime } from '../org/field-values.ts';
import type { Comparison, Condition, FieldPath, Literal, Ordering, SoqlQuery } from './query.ts';
import { malformed, tokensOf, type Token } from './tokens.ts';

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** Deeper than any query of a program. */
const DEEPEST = 50;

/**
 * Reads a query.
 * @throws OrgRefusal MALFORMED_QUERY
 */
export function parseSoql(text: string): SoqlQuery {
  return new Parser(tokensOf(text)).query();
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  query(): SoqlQuery {
    this.#expectWord('SELECT');
    const select = this.#select();
    this.#expectWord('FROM');
    const from = this.#name();
    const where = this.#takeWord('WHERE') ? this.#condition() : null;
    const order_by = this.#orderings();
    const limit = this.#takeWord('LIMIT') ? this.#count() : null;
    const offset = this.#takeWord('OFFSET') ? this.#count() : 0;
    const all_rows = this.#takeWord('ALL');
    if (all_rows) this.#expectWord('ROWS');
    const rest = this.#peek();
    if (rest) throw malformed(`line 1:${rest.at} unexpected token: '${rest.text}'`);
    return { select, from, where, order_by, limit, offset, all_rows };
  }

  #select(): SoqlQuery['select'] {
    if (this.#isWord(this.#peek(), 'COUNT') && this.#peek(1)?.text === '(') {
      this.#next += 1;
      this.#expect('(');
      this.#expect(')');
      return { kind: 'count' };
    }
    const paths: FieldPath[] = [];
    do paths.push(this.#selected());
    while (this.#take(','));
    return { kind: 'fields', paths };
  }

  /** `FIELDS(ALL)` is kept as one name, to be spelled out when the object is known. */
  #selected(): FieldPath {
    const path = this.#path();
    if (path.length !== 1 || path[0]?.toUpperCase() !== 'FIELDS' || !this.#take('(')) return path;
    const which = this.#name().toUpperCase();
    this.#expect(')');
    return [`FIELDS(${which})`];
  }

  #condition(): Condition {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw malformed('The query is nested too deeply');
    const first = this.#factor();
    // SOQL has no precedence between the two: who mixes them says by parentheses which comes first, or is refused.
    const word = this.#isWord(this.#peek(), 'OR') ? 'OR' : 'AND';
    const parts = [first];
    while (this.#takeWord(word)) parts.push(this.#factor());
    this.#depth -= 1;
    return parts.length === 1 ? first : { kind: word === 'OR' ? 'or' : 'and', parts };
  }

  #factor(): Condition {
    if (this.#takeWord('NOT')) return { kind: 'not', part: this.#factor() };
    if (this.#take('(')) {
      const inner = this.#condition();
      this.#expect(')');
      return inner;
    }
    const path = this.#path();
    if (this.#takeWord('NOT')) {
      this.#expectWord('IN');
      return { kind: 'in', path, negated: true, values: this.#values() };
    }
    if (this.#takeWord('IN')) return { kind: 'in', path, negated: false, values: this.#values() };
    if (this.#takeWord('LIKE')) return { kind: 'compare', path, operator: 'LIKE', value: this.#literal() };
    const symbol = this.#advance();
    const operator = symbol.kind === 'symbol' ? COMPARISONS[symbol.text] : undefined;
    if (operator === undefined) throw malformed(`line 1:${symbol.at} unexpected token: '${symbol.text}'`);
    return { kind: 'compare', path, operator, value: this.#literal() };
  }

  #values(): Literal[] {
    this.#expect('(');
    const values: Literal[] = [];
    do values.push(this.#literal());
    while (this.#take(','));
    this.#expect(')');
    return values;
  }

  #literal(): Literal {
    const token = this.#advance();
    if (token.kind === 'string') return { type: 'string', value: token.text };
    if (token.kind === 'number') return { type: 'number', value: Number(token.text) };
    if (token.kind === 'date' || token.kind === 'datetime') return timeLiteral(token);
    if (this.#isWord(token, 'NULL')) return { type: 'null' };
    if (this.#isWord(token, 'TRUE')) return { type: 'boolean', value: true };
    if (this.#isWord(token, 'FALSE')) return { type: 'boolean', value: false };
    throw malformed(`line 1:${token.at} unexpected token: '${token.text}'`);
  }

  #orderings(): Ordering[] {
    if (!this.#takeWord('ORDER')) return [];
    this.#expectWord('BY');
    const orderings: Ordering[] = [];
    do {
      const path = this.#path();
      const descending = this.#takeWord('DESC');
      if (!descending) this.#takeWord('ASC');
      orderings.push({ path, descending, nulls_last: this.#nullsLast() });
    } while (this.#take(','));
    return orderings;
  }

  #nullsLast(): boolean {
    if (!this.#takeWord('NULLS')) return false;
    if (this.#takeWord('LAST')) return true;
    this.#expectWord('FIRST');
    return false;
  }

  #count(): number {
    const token = this.#advance();
    if (token.kind === 'number' && /^\d+$/.test(token.text)) return Number(token.text);
    throw malformed(`line 1:${token.at} unexpected token: '${token.text}'`);
  }

  #path(): FieldPath {
    const token = this.#advance();
    if (token.kind === 'name') return token.text.split('.');
    throw malformed(`line 1:${token.at} unexpected token: '${token.text}'`);
  }

  #name(): string {
    const path = this.#path();
    if (path.length === 1) return path[0] ?? '';
    throw malformed(`unexpected token: '${path.join('.')}'`);
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead];
  }

  #advance(): Token {
    const token = this.#peek();
    if (!token) throw malformed('unexpected token: <EOF>');
    this.#next += 1;
    return token;
  }

  #isWord(token: Token | undefined, word: string): boolean {
    return token?.kind === 'name' && token.text.toUpperCase() === word;
  }

  #takeWord(word: string): boolean {
    if (!this.#isWord(this.#peek(), word)) return false;
    this.#next += 1;
    return true;
  }

  #expectWord(word: string): void {
    if (!this.#takeWord(word)) throw malformed(`expecting '${word}', found '${this.#peek()?.text ?? '<EOF>'}'`);
  }

  #take(symbol: string): boolean {
    const token = this.#peek();
    if (token?.kind !== 'symbol' || token.text !== symbol) return false;
    this.#next += 1;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) throw malformed(`expecting '${symbol}', found '${this.#peek()?.text ?? '<EOF>'}'`);
  }
}

function timeLiteral(token: Token): Literal {
  const ms = parseDatetime(token.text);
  if (ms === null) throw malformed(`line 1:${token.at} not a date: '${token.text}'`);
  return token.kind === 'date' ? { type: 'date', day: token.text } : { type: 'datetime', ms };
}
