import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readChangeEvent, partName } from './change-event.ts';
import type { DecodedEvent, EventField, EventSchema } from './event-schema.ts';

const field = (name: string, children: readonly string[] | null = null): EventField => ({ name, children });
const FIELDS: EventField[] = [
  field('ChangeEventHeader', ['entityName']),
  field('Name'),
  field('Industry'),
  field('Description'),
  field('BillingAddress', ['Street', 'City']),
  field('LastModifiedDate'),
  field('External_Id__c'),
  field('Place__c', ['Latitude', 'Longitude']),
];
const schema: EventSchema = {
  schema_id: 's1',
  name: 'AccountChangeEvent',
  fields: FIELDS,
  read: () => ({}),
};
const BIT = Object.fromEntries(FIELDS.map(({ name }, at) => [name, 1 << at]));
const bitmap = (...names: string[]): string =>
  `0x${names.reduce((bits, name) => bits | (BIT[name] ?? 0), 0).toString(16)}`;

const EMPTY = Object.fromEntries(FIELDS.slice(1).map(({ name }) => [name, null]));
const HEADER = {
  entityName: 'Account',
  recordIds: ['001SIM000000001AAA'],
  changeType: 'UPDATE',
  changeOrigin: 'com/salesforce/api/rest/67.0;client=our-sync',
  transactionKey: '0000aaaa-bbbb-cccc-dddd-0123456789ab',
  sequenceNumber: 1,
  commitTimestamp: 1767225600000,
  commitNumber: 1000000000001,
  commitUser: '005SIM000000001AAA',
  nulledFields: [] as string[],
  diffFields: [] as string[],
  changedFields: [] as string[],
};
const event = (header: Partial<typeof HEADER>, body: Record<string, unknown> = {}): DecodedEvent => ({
  ChangeEventHeader: { ...HEADER, ...header },
  ...EMPTY,
  ...body,
});
const read = (header: Partial<typeof HEADER>, body: Record<string, unknown> = {}) =>
  readChangeEvent(schema, event(header, body));

test('an update holds what changed and nothing else: a null that nobody names is not told', () => {
  const changedFields = [bitmap('Industry', 'LastModifiedDate')];
  const [captured, ...more] = read({ changedFields }, { Industry: 'Apparel', LastModifiedDate: 1767225600000 });
  expect(more).toEqual([]);
  expect(captured).toEqual({
    entity: 'Account',
    salesforce_id: '001SIM000000001AAA',
    change: 'updated',
    fields: { Industry: 'Apparel', LastModifiedDate: 1767225600000 },
    enriched: {},
    needs_fetch: false,
    client: 'our-sync',
    user: '005SIM000000001AAA',
    commit_ms: 1767225600000,
    transaction_key: '0000aaaa-bbbb-cccc-dddd-0123456789ab',
    sequence: 1,
  });
});

test('a field became empty when either list names it', () => {
  expect(read({ nulledFields: [bitmap('Industry')] })[0]?.fields).toEqual({ Industry: null });
  expect(read({ changedFields: [bitmap('Industry')] })[0]?.fields).toEqual({ Industry: null });
  const both = [bitmap('Industry')];
  expect(read({ changedFields: both, nulledFields: both })[0]?.fields).toEqual({ Industry: null });
});

test('parts of a compound have the names that the record gives them', () => {
  const changedFields = [bitmap('LastModifiedDate'), '4-0x2', '7-0x3'];
  const body = {
    BillingAddress: { Street: null, City: 'Ulm' },
    Place__c: { Latitude: 48.4, Longitude: 10 },
    LastModifiedDate: 1,
  };
  expect(read({ changedFields, nulledFields: ['4-0x1'] }, body)[0]).toMatchObject({
    fields: {
      LastModifiedDate: 1,
      BillingCity: 'Ulm',
      BillingStreet: null,
      Place__Latitude__s: 48.4,
      Place__Longitude__s: 10,
    },
    needs_fetch: false,
  });
  expect(partName('Name', 'LastName')).toBe('LastName');
});

test('a compound that changed without saying in which part is read where a part is not told', () => {
  const changedFields = [bitmap('BillingAddress')];
  expect(read({ changedFields }, { BillingAddress: { Street: 'A 1', City: 'Ulm' } })[0]).toMatchObject({
    fields: { BillingStreet: 'A 1', BillingCity: 'Ulm' },
    needs_fetch: false,
  });
  const [half] = read({ changedFields }, { BillingAddress: { Street: 'A 1', City: null } });
  expect(half).toMatchObject({ fields: { BillingStreet: 'A 1' }, needs_fetch: true });
  expect(half?.fields).not.toHaveProperty('BillingCity');
  const [nulled] = read({ changedFields, nulledFields: changedFields });
  expect(nulled).toMatchObject({ fields: { BillingStreet: null, BillingCity: null }, needs_fetch: false });
});

test('a creation and an undeletion tell everything, empty fields too', () => {
  for (const [changeType, change] of [
    ['CREATE', 'created'],
    ['UNDELETE', 'undeleted'],
  ] as const) {
    const [captured] = read({ changeType }, { Name: 'Acme', BillingAddress: { Street: null, City: 'Ulm' } });
    expect(captured).toMatchObject({ change, needs_fetch: false });
    expect(captured?.fields).toEqual({
      Name: 'Acme',
      Industry: null,
      Description: null,
      BillingStreet: null,
      BillingCity: 'Ulm',
      LastModifiedDate: null,
      External_Id__c: null,
      Place__Latitude__s: null,
      Place__Longitude__s: null,
    });
  }
});

test('a deletion tells nothing; what the channel adds is kept apart, of an update as well', () => {
  expect(read({ changeType: 'DELETE' }, { External_Id__c: 'e1' })[0]).toMatchObject({
    change: 'deleted',
    fields: {},
    enriched: { External_Id__c: 'e1' },
  });
  expect(read({ changedFields: [bitmap('Name')] }, { Name: 'New', External_Id__c: 'e1' })[0]).toMatchObject({
    fields: { Name: 'New' },
    enriched: { External_Id__c: 'e1' },
  });
});

test('a long text told as a difference is never taken for the text', () => {
  const changedFields = [bitmap('Description', 'LastModifiedDate')];
  const body = { Description: '--- a\n+++ b\n', LastModifiedDate: 1 };
  for (const lists of [
    { changedFields, diffFields: [bitmap('Description')] },
    { changedFields: [bitmap('LastModifiedDate')], diffFields: [bitmap('Description')] },
  ]) {
    const [captured] = read(lists, body);
    expect(captured).toMatchObject({ fields: { LastModifiedDate: 1 }, enriched: {}, needs_fetch: true });
    expect(captured?.fields).not.toHaveProperty('Description');
  }
});

test('merged events are one entry a record, with the same content', () => {
  const recordIds = ['001SIM000000001AAA', '001SIM000000002AAA', '001SIM000000003AAA'];
  const captured = read({ recordIds, changedFields: [bitmap('Industry')] }, { Industry: 'Energy' });
  expect(captured.map(({ salesforce_id }) => salesforce_id)).toEqual(recordIds);
  expect(captured.every(({ fields }) => fields['Industry'] === 'Energy')).toBe(true);
});

test.each(['GAP_CREATE', 'GAP_UPDATE', 'GAP_DELETE', 'GAP_UNDELETE', 'SNAPSHOT', 'SOMETHING_NEW'])(
  '%s: the record must be read',
  (changeType) => {
    expect(read({ changeType })[0]).toMatchObject({
      change: 'gap',
      fields: {},
      needs_fetch: true,
      salesforce_id: '001SIM000000001AAA',
    });
  },
);

test('an overflow and a wildcard mean the whole object', () => {
  expect(read({ changeType: 'GAP_OVERFLOW', recordIds: ['000000000000000AAA'] })).toMatchObject([
    { change: 'overflow', salesforce_id: null, needs_fetch: true },
  ]);
  expect(read({ changeType: 'GAP_UPDATE', recordIds: ['001*'] })).toMatchObject([
    { change: 'gap', salesforce_id: null, needs_fetch: true },
  ]);
});

test('where the records are known and the rest is not, they are read', () => {
  const recordIds = ['001SIM000000001AAA', '001SIM000000002AAA'];
  for (const broken of [{ changedFields: ['nonsense'] }, { nulledFields: ['0x400000'] }, { diffFields: ['1-0x1'] }])
    expect(read({ recordIds, ...broken }, { Name: 'x' })).toMatchObject([
      { change: 'gap', fields: {}, needs_fetch: true },
      { change: 'gap', fields: {}, needs_fetch: true },
    ]);
});

test.each([
  [{ recordIds: [] }, 'recordIds'],
  [{ entityName: undefined as unknown as string }, 'entityName'],
  [{ transactionKey: 7 as unknown as string }, 'transactionKey'],
  [{ commitTimestamp: Number.NaN }, 'commitTimestamp'],
])('a header without what it must have is refused by the name of the field, without values', (header, name) => {
  expect(() => read(header, { Name: 'a secret' })).toThrow(
    expect.objectContaining({ code: 'salesforce.change_event', field: name }),
  );
});

test('folding the events of a record gives the record, whatever changed in which order', () => {
  const columns = ['Name', 'Industry', 'BillingStreet', 'BillingCity'] as const;
  const value = fc.option(fc.constantFrom('a', 'b', 'c'));
  const row = fc.record({ Name: value, Industry: value, BillingStreet: value, BillingCity: value });
  fc.assert(
    fc.property(row, fc.array(row, { maxLength: 6 }), fc.boolean(), (first, rest, nulled_in_changed) => {
      let before: Record<string, string | null> = first;
      const folded = { ...read({ changeType: 'CREATE' }, body(before, columns))[0]?.fields };
      for (const after of rest) {
        const changed = columns.filter((name) => before[name] !== after[name]);
        const nulled = changed.filter((name) => after[name] === null);
        const told = changed.filter((name) => after[name] !== null);
        const header = { changedFields: lists(nulled_in_changed ? changed : told), nulledFields: lists(nulled) };
        Object.assign(folded, read(header, body(after, told))[0]?.fields);
        before = after;
      }
      expect(Object.fromEntries(columns.map((name) => [name, folded[name]]))).toEqual(before);
    }),
  );
});

function body(row: Record<string, string | null>, told: readonly string[]): Record<string, unknown> {
  const value = (name: string): string | null => (told.includes(name) ? (row[name] ?? null) : null);
  const [Street, City] = [value('BillingStreet'), value('BillingCity')];
  return {
    Name: value('Name'),
    Industry: value('Industry'),
    BillingAddress: Street === null && City === null ? null : { Street, City },
  };
}

function lists(names: readonly string[]): string[] {
  const plain = names.filter((name) => !name.startsWith('Billing'));
  const parts = (names.includes('BillingStreet') ? 1 : 0) | (names.includes('BillingCity') ? 2 : 0);
  return [...(plain.length > 0 ? [bitmap(...plain)] : []), ...(parts > 0 ? [`4-0x${parts}`] : [])];
}
