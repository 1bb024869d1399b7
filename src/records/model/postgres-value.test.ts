import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { fieldAndTwoValues, fieldOf, mappingOf } from './generated.contract.ts';
import type { FieldMapping } from './mapping.ts';
import { postgresCells, postgresText, readPostgresField, readPostgresRow } from './postgres-value.ts';
import type { FieldKind, Value } from './value.ts';

const parents = new Map([['parents', mappingOf([])]]);

/** The types that a column may have for each kind. */
const TYPES: Readonly<Record<FieldKind, readonly string[]>> = {
  text: ['text', 'varchar', 'citext'],
  picklist: ['text', 'colour'],
  multipicklist: ['text', '_text'],
  integer: ['int8', 'numeric', 'float8'],
  decimal: ['numeric', 'float8'],
  boolean: ['bool'],
  date: ['date'],
  datetime: ['timestamp', 'timestamptz'],
  reference: ['text'],
};

test.each<[FieldKind, string, unknown, Value]>([
  ['text', 'text', '', null],
  ['text', 'text', '{a}', '{a}'],
  ['text', 'uuid', '2f1c0b8e-0000-4000-8000-000000000000', '2f1c0b8e-0000-4000-8000-000000000000'],
  ['integer', 'int4', '12', '12'],
  ['integer', 'int4', 12, '12'],
  ['integer', 'numeric', '12.000', '12'],
  ['decimal', 'numeric', '-12.50', '-12.5'],
  ['decimal', 'float8', '1e+20', '100000000000000000000'],
  ['boolean', 'bool', 't', true],
  ['boolean', 'bool', 'f', false],
  ['boolean', 'bool', true, true],
  ['boolean', 'bool', null, false],
  ['date', 'date', '2024-02-29', '2024-02-29'],
  ['datetime', 'timestamp', '2024-01-01 10:00:00.123456', '2024-01-01T10:00:00.123Z'],
  ['datetime', 'timestamptz', '2024-01-01 10:00:00+02', '2024-01-01T08:00:00.000Z'],
  ['datetime', 'timestamptz', '2024-01-01T10:00:00.5-05:30', '2024-01-01T15:30:00.500Z'],
  ['datetime', 'timestamptz', '1890-01-01 00:00:00+00:19:32', '1889-12-31T23:40:28.000Z'],
  ['multipicklist', '_text', '{b,a}', 'a;b'],
  ['multipicklist', '_text', '{"a,b","c\\"d",NULL,"NULL"}', 'NULL;a,b;c"d'],
  ['multipicklist', '_text', '{}', null],
  ['multipicklist', '_text', ['b', null, 'a'], 'a;b'],
  ['multipicklist', 'text', 'b;a', 'a;b'],
  ['multipicklist', 'text', '{b};a', 'a;{b}'],
])('%s of a %s column, %j, is read as %j', (kind, type, raw, value) => {
  expect(readPostgresField(fieldOf(kind), type, raw, parents)).toEqual({ ok: true, value });
});

test.each<[FieldKind, string, unknown, string]>([
  ['decimal', 'numeric', 'NaN', 'not_number'],
  ['decimal', 'float8', 'Infinity', 'not_number'],
  ['date', 'date', 'infinity', 'not_date'],
  ['date', 'date', '0044-03-15 BC', 'not_date'],
  ['datetime', 'timestamptz', '-infinity', 'not_datetime'],
  ['datetime', 'timestamptz', '0044-03-15 00:00:00+00 BC', 'not_datetime'],
  ['datetime', 'timestamptz', '12024-01-01 00:00:00+00', 'not_datetime'],
  ['multipicklist', '_text', '{{a},{b}}', 'not_choices'],
  ['multipicklist', '_text', '{"a;b"}', 'not_choices'],
])('%s of a %s column, %j, is a problem: %s', (kind, type, raw, code) => {
  expect(readPostgresField(fieldOf(kind), type, raw, parents)).toMatchObject({ ok: false, problem: { code } });
});

it('finds a text too long only where it could go to Salesforce', () => {
  const read = (changes: Partial<FieldMapping>) =>
    readPostgresRow(mappingOf([fieldOf('text', { length: 2, ...changes })]), new Map(), { field: 'abc' }, parents);
  expect(read({})).toMatchObject({ document: {}, problems: [{ field: 'field', code: 'too_long' }] });
  expect(read({ direction: 'salesforce_to_postgres' })).toEqual({ document: { field: 'abc' }, problems: [] });
});

test.each<[FieldKind, string, Value, string]>([
  ['integer', 'int2', '32768', 'out_of_range'],
  ['integer', 'int4', '-2147483649', 'out_of_range'],
  ['integer', 'int8', '9223372036854775808', 'out_of_range'],
  ['decimal', 'int4', '1.5', 'not_integer'],
  ['decimal', 'float4', '0.123456789', 'too_precise'],
  ['decimal', 'float8', '123456789012345678', 'too_precise'],
  ['text', 'uuid', '2F1C0B8E-0000-4000-8000-000000000000', 'not_uuid'],
  ['text', 'text', 'a\0b', 'nul_character'],
  ['text', 'text', '\udc00', 'not_unicode'],
  ['text', 'text', true, 'wrong_kind'],
  ['boolean', 'bool', 'true', 'wrong_kind'],
])('refuses a %s that a %s column would not keep: %j (%s)', (kind, type, value, code) => {
  expect(postgresText(fieldOf(kind), type, value)).toMatchObject({ ok: false, problem: { code } });
  const written = postgresCells(mappingOf([fieldOf(kind)]), new Map([['field', type]]), { field: value });
  expect(written).toMatchObject({ cells: {}, problems: [{ field: 'field', code }] });
});

it('writes a timestamp without zone in UTC', () => {
  expect(postgresText(fieldOf('datetime'), 'timestamp', '2024-01-01T08:00:00.000Z')).toEqual({
    ok: true,
    value: '2024-01-01 08:00:00.000',
  });
});

it('gives back what was written, and writes two values alike exactly when they are equal', () => {
  const written = fieldAndTwoValues.chain((values) =>
    fc.constantFrom(...TYPES[values.field.kind]).map((type) => ({ ...values, type })),
  );
  fc.assert(
    fc.property(written, ({ field, one, other, type }) => {
      const [first, second] = [postgresText(field, type, one), postgresText(field, type, other)];
      if (!first.ok || !second.ok) throw new Error('the values are such that all can be written');
      expect(readPostgresField(field, type, first.value, parents)).toEqual({ ok: true, value: one });
      expect(first.value === second.value).toBe(one === other);
    }),
  );
});
