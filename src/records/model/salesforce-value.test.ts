import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { fieldAndTwoValues, fieldOf, mappingOf } from './generated.contract.ts';
import type { FieldMapping } from './mapping.ts';
import {
  bulkCell,
  bulkColumn,
  readBulkCell,
  readSalesforceField,
  readSalesforceRecord,
  salesforceBody,
} from './salesforce-value.ts';
import type { FieldKind, Value } from './value.ts';

const parents = new Map([['parents', mappingOf([])]]);
const context = { parents };

function read(field: FieldMapping, raw: unknown) {
  return readSalesforceField(field, { [field.salesforce]: raw }, context);
}

describe('JSON', () => {
  test.each<[FieldKind, unknown, Value]>([
    ['text', '', null],
    ['text', null, null],
    ['text', ' a ', ' a '],
    ['picklist', 'Hot', 'Hot'],
    ['multipicklist', 'b;a;b', 'a;b'],
    ['multipicklist', '', null],
    ['multipicklist', '😀;Ａ', 'Ａ;😀'],
    ['integer', 12.0, '12'],
    ['integer', '12.0', '12'],
    ['decimal', 1e21, '1000000000000000000000'],
    ['decimal', 0.1, '0.1'],
    ['boolean', null, false],
    ['boolean', true, true],
    ['date', '2024-02-29', '2024-02-29'],
    ['date', 19_782, '2024-02-29'],
    ['date', 1_709_164_800_000, '2024-02-29'],
    ['date', 0, '1970-01-01'],
    ['date', -1, '1969-12-31'],
    ['datetime', '2024-01-01T00:00:00.000+0000', '2024-01-01T00:00:00.000Z'],
    ['datetime', '2024-01-01T01:30:00.000+0130', '2024-01-01T00:00:00.000Z'],
    ['datetime', 1_704_067_200_000, '2024-01-01T00:00:00.000Z'],
  ])('%s %j is read as %j', (kind, raw, value) => {
    expect(read(fieldOf(kind), raw)).toEqual({ ok: true, value });
  });

  test.each<[FieldKind, unknown, string]>([
    ['text', 12, 'not_text'],
    ['text', '\ud800', 'not_unicode'],
    ['integer', 12.5, 'not_integer'],
    ['integer', 'secret', 'not_number'],
    ['boolean', 'yes', 'not_boolean'],
    ['date', '2023-02-29', 'not_date'],
    ['datetime', '2024-01-01', 'not_datetime'],
    ['datetime', '2024-01-01T24:00:00Z', 'not_datetime'],
    ['multipicklist', 5, 'not_choices'],
    ['multipicklist', ['a;b'], 'not_choices'],
  ])('%s %j is a problem: %s', (kind, raw, code) => {
    expect(read(fieldOf(kind), raw)).toMatchObject({ ok: false, problem: { field: 'field', code } });
    expect(JSON.stringify(read(fieldOf(kind), raw))).not.toContain('secret');
  });

  it('does not know what the record does not mention', () => {
    expect(readSalesforceRecord(mappingOf([fieldOf('text')]), {}, context)).toEqual({ document: {}, problems: [] });
  });

  it('rounds to the scale, half to even', () => {
    expect(read(fieldOf('decimal', { scale: 2 }), 0.1 + 0.2)).toEqual({ ok: true, value: '0.3' });
    expect(read(fieldOf('decimal', { scale: 2 }), '0.125')).toEqual({ ok: true, value: '0.12' });
  });

  it('reads a reference through the relation, by the rules of the parent', () => {
    const field = fieldOf('reference');
    const folding = new Map([
      ['parents', mappingOf([], { salesforce: { object: 'P', external_id: 'Ext__c', case_sensitive: false } })],
    ]);
    const related = (record: object) => readSalesforceField(field, record as never, { parents: folding });
    expect(related({ Parent__r: { Ext__c: 'ABC' } })).toEqual({ ok: true, value: 'abc' });
    expect(related({ Parent__r: { Ext__c: 12 } })).toEqual({ ok: true, value: '12' });
    expect(related({ Parent__r: null, Parent__c: null })).toEqual({ ok: true, value: null });
    expect(related({ Parent__c: null })).toEqual({ ok: true, value: null });
    expect(related({})).toBeNull();
    for (const unknown of [
      { Parent__r: { Ext__c: null } },
      { Parent__r: null, Parent__c: '001000000000001AAA' },
      { Parent__c: '001000000000001AAA' },
    ])
      expect(related(unknown)).toMatchObject({ problem: { code: 'unknown_reference' } });
    const keyOfId = (mapping: string, id: string) => `${mapping} ${id.slice(0, 3)}`;
    expect(readSalesforceField(field, { Parent__c: '001000000000001AAA' }, { parents, keyOfId })).toEqual({
      ok: true,
      value: 'parents 001',
    });
  });

  it('writes references through the relation, nothing through the field', () => {
    const mapping = mappingOf([fieldOf('reference')]);
    expect(salesforceBody(mapping, { field: 'x' }).body).toEqual({ Parent__r: { Ext__c: 'x' } });
    expect(salesforceBody(mapping, { field: null }).body).toEqual({ Parent__c: null });
  });

  test.each<[FieldKind, Partial<FieldMapping>, Value, string]>([
    ['text', { length: 2 }, 'abc', 'too_long'],
    ['decimal', {}, '12345678901234567.89', 'too_precise'],
    ['integer', {}, '123456789012345678', 'too_precise'],
    ['date', {}, '1600-01-01', 'out_of_range'],
    ['datetime', {}, '4001-01-01T00:00:00.000Z', 'out_of_range'],
    ['text', {}, true, 'wrong_kind'],
    ['boolean', {}, 'true', 'wrong_kind'],
  ])('refuses a %s that Salesforce would not keep: %j %j', (kind, changes, value, code) => {
    const written = salesforceBody(mappingOf([fieldOf(kind, changes)]), { field: value });
    expect(written).toMatchObject({ body: {}, problems: [{ field: 'field', code }] });
    expect(bulkCell(fieldOf(kind, changes), value)).toMatchObject({ ok: false, problem: { code } });
  });

  it('counts characters, not UTF-16 units', () => {
    expect(salesforceBody(mappingOf([fieldOf('text', { length: 2 })]), { field: '😀😀' }).problems).toEqual([]);
  });

  it('gives back what was written, and writes two values alike exactly when they are equal', () => {
    fc.assert(
      fc.property(fieldAndTwoValues, ({ field, one, other }) => {
        const mapping = mappingOf([field]);
        const [first, second] = [one, other].map((value) => salesforceBody(mapping, { field: value }));
        expect(first?.problems).toEqual([]);
        const wire = JSON.parse(JSON.stringify(first?.body)) as Record<string, unknown>;
        expect(readSalesforceRecord(mapping, wire, context)).toEqual({ document: { field: one }, problems: [] });
        expect(JSON.stringify(first) === JSON.stringify(second)).toBe(one === other);
      }),
    );
  });
});

describe('bulk files', () => {
  it('writes null as #N/A, reads an empty cell as null, and refuses a text that would be taken for null', () => {
    expect(bulkCell(fieldOf('text'), null)).toEqual({ ok: true, value: '#N/A' });
    expect(bulkCell(fieldOf('boolean'), null)).toEqual({ ok: true, value: 'false' });
    expect(bulkCell(fieldOf('text'), '#N/A')).toMatchObject({ problem: { code: 'not_in_bulk' } });
    expect(readBulkCell(fieldOf('text'), '#N/A', parents)).toEqual({ ok: true, value: '#N/A' });
    expect(readBulkCell(fieldOf('text'), '', parents)).toEqual({ ok: true, value: null });
    expect(bulkColumn(fieldOf('reference'))).toBe('Parent__r.Ext__c');
    expect(bulkColumn(fieldOf('text'))).toBe('Field__c');
  });

  it('gives back what was written, and writes two values alike exactly when they are equal', () => {
    fc.assert(
      fc.property(fieldAndTwoValues, ({ field, one, other }) => {
        const [first, second] = [bulkCell(field, one), bulkCell(field, other)];
        if (!first.ok || !second.ok) throw new Error('the values are such that all can be written');
        const cell = first.value === '#N/A' ? '' : first.value;
        expect(readBulkCell(field, cell, parents)).toEqual({ ok: true, value: one });
        expect(first.value === second.value).toBe(one === other);
      }),
    );
  });
});
