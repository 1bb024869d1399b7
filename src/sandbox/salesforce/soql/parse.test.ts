import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { OrgRefusal } from '../org/refusal.ts';
import { parseSoql } from './parse.ts';
import type { Condition, Literal, SoqlQuery } from './query.ts';

const RESERVED = [
  'NOT',
  'AND',
  'OR',
  'NULL',
  'TRUE',
  'FALSE',
  'FIELDS',
  'COUNT',
  'LIKE',
  'IN',
  'FROM',
  'WHERE',
  'ORDER',
];
const name = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,8}$/)
  .filter(
    (word) =>
      ![...RESERVED, 'LIMIT', 'OFFSET', 'ALL', 'ASC', 'DESC', 'NULLS', 'BY', 'SELECT'].includes(word.toUpperCase()),
  );
const path = fc.array(name, { minLength: 1, maxLength: 3 });
const literal: fc.Arbitrary<Literal> = fc.oneof(
  fc.string().map((value): Literal => ({ type: 'string', value: value.replaceAll('\\', '') })),
  fc.integer().map((value): Literal => ({ type: 'number', value })),
  fc.boolean().map((value): Literal => ({ type: 'boolean', value })),
  fc.constant<Literal>({ type: 'null' }),
  fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds): Literal => ({ type: 'datetime', ms: seconds * 1000 })),
  fc.constant<Literal>({ type: 'date', day: '2026-02-28' }),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record<Condition & { kind: 'compare' }>({
      kind: fc.constant('compare'),
      path,
      operator: fc.constantFrom('=', '!=', '<', '<=', '>', '>=', 'LIKE'),
      value: literal,
    }),
    fc.record({
      kind: fc.constant<'in'>('in'),
      path,
      negated: fc.boolean(),
      values: fc.array(literal, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constantFrom<'and' | 'or'>('and', 'or'),
      parts: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant<'not'>('not'), part: tie('condition') }),
  ),
}));
const query: fc.Arbitrary<SoqlQuery> = fc.record({
  select: fc.oneof(
    fc.constant<SoqlQuery['select']>({ kind: 'count' }),
    fc.array(path, { minLength: 1, maxLength: 4 }).map((paths): SoqlQuery['select'] => ({ kind: 'fields', paths })),
  ),
  from: name,
  where: fc.option(condition),
  order_by: fc.array(fc.record({ path, descending: fc.boolean(), nulls_last: fc.boolean() }), { maxLength: 2 }),
  limit: fc.option(fc.nat(5000)),
  offset: fc.nat(50),
  all_rows: fc.boolean(),
});

function writtenLiteral(value: Literal): string {
  if (value.type === 'string') {
    const escaped = value.value.replaceAll("'", "\\'").replaceAll('\n', '\\n');
    return `'${escaped}'`;
  }
  if (value.type === 'datetime') return new Date(value.ms).toISOString();
  if (value.type === 'date') return value.day;
  return value.type === 'null' ? 'NULL' : String(value.value);
}

function writtenCondition(of: Condition): string {
  if (of.kind === 'compare') return `${of.path.join('.')} ${of.operator} ${writtenLiteral(of.value)}`;
  if (of.kind === 'in')
    return `${of.path.join('.')} ${of.negated ? 'not ' : ''}in (${of.values.map(writtenLiteral).join(' , ')})`;
  if (of.kind === 'not') return `not (${writtenCondition(of.part)})`;
  return of.parts.map((part) => `(${writtenCondition(part)})`).join(` ${of.kind} `);
}

function written(of: SoqlQuery): string {
  const select = of.select.kind === 'count' ? 'count()' : of.select.paths.map((each) => each.join('.')).join(', ');
  const order = of.order_by.map(
    (each) => `${each.path.join('.')} ${each.descending ? 'DESC' : 'ASC'} nulls ${each.nulls_last ? 'last' : 'first'}`,
  );
  return [
    `select ${select} from ${of.from}`,
    of.where && `where ${writtenCondition(of.where)}`,
    order.length > 0 && `order by ${order.join(',')}`,
    of.limit !== null && `limit ${of.limit}`,
    `offset ${of.offset}`,
    of.all_rows && 'all rows',
  ]
    .filter(Boolean)
    .join('\n');
}

describe('a query', () => {
  it('means what was written, whatever it is', () => {
    fc.assert(fc.property(query, (wanted) => void expect(parseSoql(written(wanted))).toEqual(wanted)));
  });

  it('is read or refused, never anything else', () => {
    const words = fc.constantFrom(
      'SELECT',
      'Id',
      'FROM',
      'A',
      'WHERE',
      '=',
      "'x'",
      '(',
      ')',
      ',',
      'AND',
      'NOT',
      'IN',
      '1',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((list) => list.join(' ')),
        ),
        (text) => {
          try {
            parseSoql(text);
          } catch (error) {
            expect(error).toBeInstanceOf(OrgRefusal);
            expect((error as OrgRefusal).status_code).toBe('MALFORMED_QUERY');
          }
        },
      ),
    );
  });

  test.each([
    'SELECT Id',
    'SELECT Id FROM',
    'SELECT FROM Account',
    'SELECT Id FROM Account WHERE',
    "SELECT Id FROM Account WHERE Name = 'open",
    'SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3',
    'SELECT Id FROM Account WHERE Name = other',
    'SELECT Id FROM Account WHERE CreatedDate > 2026-01-01T00:00:00',
    'SELECT Id FROM Account WHERE CreatedDate > 2026-13-01',
    'SELECT Id FROM Account LIMIT 1.5',
    'SELECT Id FROM Account LIMIT 5 WHERE Id = null',
    'SELECT Id, FROM Account',
    'SELECT Id FROM Account; DROP',
    `SELECT Id FROM Account WHERE ${'('.repeat(100)}`,
  ])('%s is malformed', (text) => {
    expect(() => parseSoql(text)).toThrow(OrgRefusal);
  });

  it('has the escapes of SOQL in its texts', () => {
    const { where } = parseSoql(String.raw`SELECT Id FROM A WHERE N LIKE 'it\'s \\ 10\% \n'`);
    expect(where).toMatchObject({ value: { value: "it's \\ 10\\% \n" } });
  });
});
