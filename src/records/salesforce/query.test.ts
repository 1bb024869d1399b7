import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accounts } from '../../../test/support/salesforce-side.ts';
import { queryAll, soql, soqlText } from './query.ts';
import { readIds, readKeys, type ReadContext } from './read.ts';
import { scan } from './scan.ts';
import type { SalesforceTransport } from './transport.ts';

const signal = new AbortController().signal;
const answering = (...bodies: unknown[]): SalesforceTransport => {
  const read = async () => ({ ok: true, status: 200, headers: {}, body: bodies.shift() });
  return { read, base: '/services/data/v67.0', takes_long_queries: false } as unknown as SalesforceTransport;
};
const context = (...bodies: unknown[]): ReadContext => ({
  transport: answering(...bodies),
  descriptions: { of: async () => ({ fields: [] }) } as unknown as ReadContext['descriptions'],
  parents: () => new Map(),
});
const page = (totalSize: number, records: object[], next?: string) => ({
  totalSize,
  done: next === undefined,
  records,
  ...(next === undefined ? {} : { nextRecordsUrl: next }),
});
const short = { code: 'salesforce.short' };
const raw = { Id: '001000000000001AAA', External_Id__c: 'a' };

describe('a text in SOQL', () => {
  test('is one literal, and means itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("'", '\\', '\n', '\r', '\t', 'a', '%', '日', 'n') }), (text) => {
        const literal = soqlText(text);
        // Nothing but an escaped quote stands between the first and the last.
        expect(literal).toMatch(/^'(?:[^'\\\n\r]|\\.)*'$/u);
        const letters: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
        const meant = literal.slice(1, -1).replace(/\\(.)/g, (_, mark: string) => letters[mark] ?? mark);
        expect(meant).toBe(text);
      }),
    );
  });

  test('names of a mapping cannot be anything but names', () => {
    expect(() => soql({ object: 'Account', fields: ['Id FROM User --'] })).toThrow(/another form/);
    expect(() => soql({ object: 'A B', fields: ['Id'] })).toThrow(/another form/);
  });
});

describe('an answer that is not whole', () => {
  test('is never taken for an absence', async () => {
    await expect(queryAll(answering(page(2, [{}])), 'q', signal)).rejects.toMatchObject(short);
    await expect(queryAll(answering(page(3, [{}], '/services/x'), page(3, [{}])), 'q', signal)).rejects.toMatchObject(
      short,
    );
    await expect(queryAll(answering({ records: [] }), 'q', signal)).rejects.toMatchObject({
      code: 'salesforce.answer',
    });
    await expect(readKeys(context(page(1, [])), accounts(), ['a'], signal)).rejects.toMatchObject(short);
    await expect(scan(context(page(5, [raw])), accounts(), null, signal)).rejects.toMatchObject(short);
    await expect(scan(context(page(5, [], '/services/x')), accounts(), null, signal)).rejects.toMatchObject(short);
    const ids = Array.from({ length: 400 }, (_, at) => `001${String(at).padStart(12, '0')}`);
    await expect(readIds(context(ids.slice(1).map(() => null)), accounts(), ids, signal)).rejects.toMatchObject(short);
  });

  test('a record that was not asked for means that Salesforce takes two keys for one', async () => {
    await expect(readKeys(context(page(1, [raw])), accounts(), ['á'], signal)).rejects.toMatchObject({
      code: 'salesforce.answer',
    });
  });
});
