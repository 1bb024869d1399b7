import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { RecordChange } from '../change.ts';
import type { Document } from '../model/value.ts';
import { fetched, fold, UNHEARD, type FoldEntry, type SalesforceState } from './fold.ts';

const change = (changes: Partial<RecordChange>): RecordChange => ({
  side: 'salesforce',
  operation: 'changed',
  fields: {},
  whole: false,
  salesforce_id: null,
  committed_ms: null,
  ours: false,
  actor: null,
  session: null,
  ...changes,
});
const entries = (...changes: Partial<RecordChange>[]): FoldEntry[] =>
  changes.map((one, index) => ({ partition_id: 1, offset: index + 1, change: change(one) }));
const present = (document: Document, changes: Partial<SalesforceState> = {}): SalesforceState => ({
  ...UNHEARD,
  presence: 'present',
  id: '001A',
  document,
  whole: true,
  ...changes,
});
const absent: SalesforceState = { ...UNHEARD, presence: 'absent', whole: true };
const outcome = ({ presence, document }: SalesforceState) => ({ presence, document });

describe('what one entry makes of a state', () => {
  test.each<[string, SalesforceState, Partial<RecordChange>, SalesforceState['presence'], Document | null]>([
    ['a part sets its fields', present({ a: '1', b: '2' }), { fields: { a: '9' } }, 'present', { a: '9', b: '2' }],
    ['a null is a value', present({ a: '1' }), { fields: { a: null } }, 'present', { a: null }],
    ['a whole sets it anew', present({ a: '1', b: '2' }), { whole: true, fields: { a: '9' } }, 'present', { a: '9' }],
    ['a whole of the unheard makes it known', UNHEARD, { whole: true, fields: { a: '1' } }, 'present', { a: '1' }],
    ['a part of the unheard needs a fetch', UNHEARD, { fields: { a: '1' } }, 'unknown', null],
    ['a delete makes it absent', present({ a: '1' }), { operation: 'deleted' }, 'absent', {}],
    ['a gap needs a fetch', present({ a: '1' }), { operation: 'touched' }, 'unknown', null],
    ['a part of what is gone needs a fetch', absent, { fields: { a: '1' } }, 'unknown', null],
    ['a whole of what is gone may be late', absent, { whole: true, fields: { a: '1' } }, 'unknown', null],
    [
      'an undelete brings it back',
      { ...absent, modified_ms: 5 },
      { operation: 'undeleted', whole: true, fields: { a: '1' }, committed_ms: 6 },
      'present',
      { a: '1' },
    ],
    ['a part of an undelete needs a fetch', absent, { operation: 'undeleted', fields: { a: '1' } }, 'unknown', null],
    [
      'a change of another record with this external id needs a fetch',
      present({ a: '1' }),
      { salesforce_id: '001B', fields: { a: '2' } },
      'unknown',
      null,
    ],
    [
      'the delete of another one, too',
      present({ a: '1' }),
      { salesforce_id: '001B', operation: 'deleted' },
      'unknown',
      null,
    ],
    [
      'what was committed before the fetch is in it',
      present({ a: '2' }, { as_of_ms: 10 }),
      { fields: { a: '1' }, committed_ms: 9 },
      'present',
      { a: '2' },
    ],
    [
      'what was committed after the fetch counts',
      present({ a: '2' }, { as_of_ms: 10 }),
      { fields: { a: '3' }, committed_ms: 11 },
      'present',
      { a: '3' },
    ],
    [
      'a gap counts whenever it was',
      present({ a: '2' }, { as_of_ms: 10 }),
      { operation: 'touched', committed_ms: 9 },
      'unknown',
      null,
    ],
    [
      'a reading that is older than an event needs a fetch',
      present({ a: '2' }, { modified_ms: 10 }),
      { whole: true, fields: { a: '1' }, committed_ms: 9 },
      'unknown',
      null,
    ],
    [
      'a reading from before the delete does not revive it',
      { ...absent, modified_ms: 10 },
      { whole: true, fields: { a: '1' }, committed_ms: 9 },
      'unknown',
      null,
    ],
    [
      'a change in PostgreSQL says nothing',
      present({ a: '1' }),
      { side: 'postgres', fields: { a: '2' } },
      'present',
      { a: '1' },
    ],
  ])('%s', (_, state, entry, presence, document) => {
    const next = fold(state, entries(entry));
    expect(next.presence).toBe(presence);
    if (document !== null) expect(next.document).toEqual(document);
    expect(next.folded).toEqual({ 1: 1 });
  });
});

describe('entries of ours', () => {
  const state = present({ a: 'new', b: 'old', c: 'old' });
  const ours = (fields: Document, more: Partial<RecordChange> = {}) => entries({ ours: true, fields, ...more });

  it('change nothing, even when they are older than what we wrote last', () => {
    expect(outcome(fold(state, ours({ a: 'older' })))).toEqual(outcome(state));
    expect(outcome(fold(state, ours({ a: 'older' }), [{ a: 'new' }, { a: 'older' }]))).toEqual(outcome(state));
  });

  it('bring what Salesforce changed along with them', () => {
    expect(fold(state, ours({ a: 'new', b: 'by a flow' }), [{ a: 'new' }]).document).toEqual({
      a: 'new',
      b: 'by a flow',
      c: 'old',
    });
  });

  it('make a created record whole', () => {
    const created = present({ a: 'new' }, { whole: false });
    const next = fold(created, ours({ a: 'new', number: '7' }, { whole: true }), [{ a: 'new' }]);
    expect(next).toMatchObject({ whole: true, document: { a: 'new', number: '7' } });
  });

  it('need a fetch when Salesforce changed the very value that we sent', () => {
    expect(fold(state, ours({ a: 'changed by a trigger' }), [{ a: 'new' }]).presence).toBe('unknown');
  });

  it('of a delete need a fetch when the record is known to be there', () => {
    expect(fold(state, ours({}, { operation: 'deleted' })).presence).toBe('unknown');
    expect(fold(absent, ours({}, { operation: 'deleted' })).presence).toBe('absent');
  });
});

it('does not take our own write for a change that somebody made', () => {
  const record = { key: 'k', id: '001A', document: { a: '1' }, modified_ms: 7, problems: [] };
  const previous = present({ a: '1' }, { modified_ms: 5 });
  expect(fetched({ kind: 'record', record }, {}, previous)).toMatchObject({ modified_ms: 5, as_of_ms: 7 });
  expect(fetched({ kind: 'record', record }, {}, present({ a: '2' }, { modified_ms: 5 })).modified_ms).toBe(7);
});

it('takes what a fetch found', () => {
  const record = { key: 'k', id: '001A', document: { a: '1' }, modified_ms: 7, problems: [] };
  expect(fetched({ kind: 'record', record }, { 1: 5 }, null)).toEqual({
    presence: 'present',
    id: '001A',
    document: { a: '1' },
    whole: true,
    modified_ms: 7,
    as_of_ms: 7,
    folded: { 1: 5 },
  });
  expect(fetched({ kind: 'missing' }, {}, null).presence).toBe('absent');
  expect(fetched({ kind: 'ambiguous', ids: ['1', '2'] }, {}, null).presence).toBe('unknown');
});

describe('delivery', () => {
  const anyChange: fc.Arbitrary<Partial<RecordChange>> = fc.record({
    operation: fc.constantFrom<RecordChange['operation']>(
      'changed',
      'changed',
      'changed',
      'deleted',
      'undeleted',
      'touched',
    ),
    fields: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2', null)),
    whole: fc.boolean(),
    salesforce_id: fc.constantFrom('001A', '001A', '001B', null),
    committed_ms: fc.option(fc.integer({ min: 0, max: 9 }), { nil: null }),
    ours: fc.boolean(),
  });
  const start = fc.constantFrom(
    UNHEARD,
    absent,
    present({ a: '1', b: '1' }),
    present({ a: '1' }, { as_of_ms: 4, modified_ms: 4 }),
  );

  it('in another order, twice or in pieces gives the same state', () => {
    fc.assert(
      fc.property(start, fc.array(anyChange, { maxLength: 8 }), fc.nat(), fc.nat(8), (state, changes, seed, cut) => {
        const all = entries(...changes);
        const expected = fold(state, all, [{ a: '1' }]);
        const shuffled = [...all, ...all].sort((a, b) => ((a.offset * 7 + seed) % 5) - ((b.offset * 7 + seed) % 5));
        expect(fold(state, shuffled, [{ a: '1' }])).toEqual(expected);
        const first = fold(state, all.slice(0, cut), [{ a: '1' }]);
        expect(fold(first, all, [{ a: '1' }])).toEqual(expected);
        expect(fold(expected, all, [{ a: '1' }])).toEqual(expected);
      }),
    );
  });
});
