import { expect, test } from 'vitest';
import { fieldOf, mappingOf } from '../../model/generated.contract.ts';
import type { Found } from '../../sides.ts';
import { captureChanges, captureSource, type CaptureOptions, type CaptureStep } from './capture.ts';
import type { EventField, EventSchema } from './event-schema.ts';
import type { ReceivedEvent, SubscriptionItem } from './subscription.ts';

const field = (name: string): EventField => ({ name, children: null });
const FIELDS = ['ChangeEventHeader', 'Name', 'Phone', 'ParentId', 'Ext__c', 'LastModifiedDate'].map(field);
const BITS = Object.fromEntries(FIELDS.map(({ name }, at) => [name, 1 << at]));
const bitmap = (names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`0x${names.reduce((bits, name) => bits | (BITS[name] ?? 0), 0).toString(16)}`];
const schema: EventSchema = { schema_id: 's1', name: 'AccountChangeEvent', fields: FIELDS, read: () => ({}) };

const mapping = mappingOf([
  fieldOf('text', { name: 'name', salesforce: 'Name' }),
  fieldOf('text', { name: 'phone', salesforce: 'Phone' }),
  fieldOf('reference', { name: 'parent', salesforce: 'ParentId', references: 'accounts' }),
]);
const ID = '001SIM000000001AAA';
const OTHER = '001SIM000000002AAA';

interface Given {
  type?: string;
  ids?: string[];
  changed?: string[];
  nulled?: string[];
  diffs?: string[];
  origin?: string;
  transaction?: string;
  entity?: string;
  body?: Record<string, unknown>;
}
let places = 0;
function event(given: Given): ReceivedEvent {
  const replay_id = Uint8Array.from([0, 0, ++places >> 8, places & 255]);
  const header = {
    entityName: given.entity ?? 'Account',
    recordIds: given.ids ?? [ID],
    changeType: given.type ?? 'UPDATE',
    changeOrigin: given.origin ?? '',
    transactionKey: given.transaction ?? 't1',
    sequenceNumber: 1,
    commitTimestamp: 1000,
    commitNumber: 1,
    commitUser: '005SIM000000001AAA',
    nulledFields: bitmap(given.nulled ?? []),
    diffFields: bitmap(given.diffs ?? []),
    changedFields: bitmap(given.changed ?? []),
  };
  const body = Object.fromEntries(FIELDS.slice(1).map(({ name }) => [name, given.body?.[name] ?? null]));
  return {
    kind: 'event',
    replay_id,
    event_id: 'e',
    schema_id: 's1',
    schema,
    value: { ChangeEventHeader: header, ...body },
  };
}

const poison = (): ReceivedEvent => ({
  kind: 'poisoned',
  replay_id: Uint8Array.from([9, ++places & 255]),
  event_id: 'p',
  schema_id: 's1',
  code: 'payload',
});
const batch = (...events: ReceivedEvent[]): SubscriptionItem => ({
  kind: 'events',
  events,
  replay_id: events.at(-1)?.replay_id ?? new Uint8Array(),
});

interface Known {
  /** id → key */
  links?: Record<string, string>;
  /** id → key, or `ambiguous`; what is not here is missing. */
  there?: Record<string, string>;
  mappings?: CaptureOptions['mappings'];
}

/** Steps of these items, and what was asked. */
async function capture(items: readonly SubscriptionItem[], known: Known = {}) {
  const asked = { resolve: [] as string[][], readIds: [] as string[][] };
  const options: CaptureOptions = {
    mappings: known.mappings ?? [mapping],
    client: 'our-sync',
    signal: new AbortController().signal,
    resolve: async (_mapping, ids) => {
      asked.resolve.push([...ids]);
      return new Map(Object.entries(known.links ?? {}).filter(([id]) => ids.includes(id)));
    },
    readIds: async (_mapping, ids) => {
      asked.readIds.push([...ids]);
      return ids.map((id): Found => {
        const key = known.there?.[id];
        if (key === undefined) return { kind: 'missing' };
        if (key === 'ambiguous') return { kind: 'ambiguous', ids: [id] };
        return { kind: 'record', record: { key, id, document: {}, modified_ms: null, problems: [] } };
      });
    },
  };
  const steps: CaptureStep[] = [];
  let hole = null;
  for await (const step of captureChanges(asyncOf(items), options)) {
    if (step.kind === 'hole') hole = step;
    else steps.push(step);
  }
  return {
    steps,
    hole,
    asked,
    changes: steps.flatMap(({ changes }) => changes),
    unkeyed: steps.flatMap(({ unkeyed }) => unkeyed),
  };
}

async function* asyncOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test('an update without an external id finds its key through the link (§10 e)', async () => {
  const update = event({ changed: ['Name', 'LastModifiedDate'], body: { Name: 'New', LastModifiedDate: 1 } });
  const { changes, asked } = await capture([batch(update)], { links: { [ID]: 'k1' } });
  expect(changes).toMatchObject([
    {
      key: 'k1',
      change: {
        side: 'salesforce',
        operation: 'changed',
        fields: { name: 'New' },
        whole: false,
        salesforce_id: ID,
        committed_ms: 1000,
        ours: false,
        actor: '005SIM000000001AAA',
        session: null,
      },
    },
  ]);
  expect(Object.keys(changes[0]?.change.fields ?? {})).toEqual(['name']);
  expect(asked.readIds).toEqual([]);
});

test('without a link the record is asked for, all of a step at once', async () => {
  const updates = [
    event({ changed: ['Name'], body: { Name: 'a' } }),
    event({ ids: [OTHER], changed: ['Name'], body: { Name: 'b' } }),
  ];
  const { changes, asked } = await capture([batch(...updates)], { there: { [ID]: 'k1', [OTHER]: 'k2' } });
  expect(changes.map(({ key }) => key)).toEqual(['k1', 'k2']);
  expect(asked).toEqual({ resolve: [[ID, OTHER]], readIds: [[ID, OTHER]] });
});

test('a creation that bears its external id asks nobody, and those behind it know it', async () => {
  const created = event({ type: 'CREATE', body: { Name: 'a', Ext__c: 'k1' } });
  const updated = event({ changed: ['Phone'], body: { Phone: '1' }, transaction: 't2' });
  const deleted = event({ type: 'DELETE', transaction: 't3' });
  const { changes, asked } = await capture([batch(created, updated), batch(deleted)]);
  expect(changes.map(({ key, change }) => [key, change.operation])).toEqual([
    ['k1', 'changed'],
    ['k1', 'changed'],
    ['k1', 'deleted'],
  ]);
  // All mapped fields are told, the reference as empty.
  expect(changes[0]?.change).toMatchObject({ whole: true, fields: { name: 'a', phone: null, parent: null } });
  expect(asked).toEqual({ resolve: [], readIds: [] });
});

test('external ids that are one in Salesforce are one key', async () => {
  const insensitive = mappingOf(mapping.fields, { salesforce: { ...mapping.salesforce, case_sensitive: false } });
  const created = event({ type: 'CREATE', body: { Ext__c: 'AbC' } });
  expect((await capture([batch(created)], { mappings: [insensitive] })).changes[0]?.key).toBe('abc');
});

test('a deletion of a record that nobody knows is counted, and not asked for', async () => {
  const { changes, unkeyed, asked } = await capture([batch(event({ type: 'DELETE' }))]);
  expect(changes).toEqual([]);
  expect(unkeyed).toEqual([{ mapping, salesforce_id: ID, reason: 'unknown' }]);
  expect(asked.readIds).toEqual([]);
});

test('merged ids become an entry each, gaps and differences are touched (§10 e)', async () => {
  const links = { [ID]: 'k1', [OTHER]: 'k2' };
  const { changes } = await capture(
    [
      batch(
        event({ ids: [ID, OTHER], changed: ['Name'], body: { Name: 'same' } }),
        event({ type: 'GAP_UPDATE', ids: [ID, OTHER] }),
        event({ changed: ['Name'], diffs: ['Name'], body: { Name: '+++ diff' } }),
        event({ type: 'UNDELETE', body: { Name: 'back', Ext__c: 'k1' } }),
      ),
    ],
    { links },
  );
  expect(changes.map(({ key, change }) => [key, change.operation, change.fields])).toEqual([
    ['k1', 'changed', { name: 'same' }],
    ['k2', 'changed', { name: 'same' }],
    ['k1', 'touched', {}],
    ['k2', 'touched', {}],
    ['k1', 'touched', {}],
    ['k1', 'undeleted', { name: 'back', phone: null, parent: null }],
  ]);
  expect(new Set(changes.map(({ cursor }) => cursor)).size).toBe(6);
});

test('an overflow and a wildcard ask for the whole object', async () => {
  const other = mappingOf([], {
    name: 'contacts',
    salesforce: { object: 'Contact', external_id: 'Ext__c', case_sensitive: true },
  });
  const overflow = event({ type: 'GAP_OVERFLOW', ids: ['000000000000000AAA'] });
  const wildcard = event({ type: 'GAP_UPDATE', ids: ['001*'] });
  const { steps } = await capture([batch(overflow), batch(wildcard)], { mappings: [mapping, other] });
  expect(steps.map(({ reread, changes }) => [reread.map(({ name }) => name), changes])).toEqual([
    [['accounts'], []],
    [['accounts'], []],
  ]);
});

test('our own writes are known by their tag, others are not (§10 f)', async () => {
  const of = (client: string) =>
    event({ changed: ['Name'], body: { Name: 'x' }, origin: `com/salesforce/api/rest/67.0${client}` });
  const { changes } = await capture([batch(of(';client=our-sync'), of(';client=other'), of(''))], {
    links: { [ID]: 'k1' },
  });
  expect(changes.map(({ change }) => change.ours)).toEqual([true, false, false]);
});

test('a reference is read, never taken from an id that may mean another record tomorrow; an empty one is told', async () => {
  const set = event({ changed: ['ParentId', 'Name'], body: { ParentId: OTHER, Name: 'x' } });
  const emptied = event({ nulled: ['ParentId'] });
  const { changes } = await capture([batch(set, emptied)], { links: { [ID]: 'k1' } });
  expect(changes.map(({ change }) => [change.operation, change.fields])).toEqual([
    ['touched', {}],
    ['changed', { parent: null }],
  ]);
});

test('what the mapping does not name makes no entry', async () => {
  const unmapped = event({ changed: ['LastModifiedDate'], body: { LastModifiedDate: 1 } });
  const { changes, steps } = await capture([batch(unmapped, event({ entity: 'Contact' }))], { links: { [ID]: 'k1' } });
  expect(changes).toEqual([]);
  expect(steps[0]?.passed).toBe(2);
});

test('another external id: both keys are looked at', async () => {
  const renamed = event({ changed: ['Ext__c'], body: { Ext__c: 'k2' } });
  const { changes } = await capture([batch(renamed)], { links: { [ID]: 'k1' } });
  expect(changes.map(({ key, change }) => [key, change.operation])).toEqual([
    ['k1', 'touched'],
    ['k2', 'touched'],
  ]);
  expect(changes[0]?.cursor).not.toBe(changes[1]?.cursor);
});

test('a record without an external id is counted, and comes when it gets one', async () => {
  const created = event({ type: 'CREATE', body: { Name: 'a' } });
  const emptied = event({ ids: [OTHER], nulled: ['Ext__c'], transaction: 't2' });
  const given = event({ changed: ['Ext__c'], body: { Ext__c: 'k1' }, transaction: 't3' });
  const { changes, unkeyed, asked } = await capture([batch(created), batch(emptied), batch(given)], {
    links: { [OTHER]: 'k2' },
  });
  expect(unkeyed.map(({ salesforce_id, reason }) => [salesforce_id, reason])).toEqual([
    [ID, 'no_external_id'],
    [OTHER, 'no_external_id'],
  ]);
  expect(changes.map(({ key, change }) => [key, change.operation])).toEqual([
    ['k2', 'touched'],
    ['k1', 'touched'],
  ]);
  expect(asked.readIds).toEqual([]);
});

test('several records with one external id are left alone and said', async () => {
  const update = event({ changed: ['Name'], body: { Name: 'x' } });
  const { unkeyed } = await capture([batch(update)], { there: { [ID]: 'ambiguous' } });
  expect(unkeyed).toMatchObject([{ reason: 'ambiguous' }]);
});

test('one bad event never stops the others, and is named by its place (§10 l)', async () => {
  const header_less: ReceivedEvent = { ...event({}), kind: 'event', schema, value: {} };
  const good = event({ type: 'CREATE', body: { Ext__c: 'k1' } });
  const { steps } = await capture([batch(poison(), header_less, good)]);
  expect(steps[0]?.poisoned.map(({ code }) => code)).toEqual(['payload', 'change_event']);
  expect(steps[0]?.changes).toHaveLength(1);
});

test('the same event makes the same entry, under the same cursor, twice in a step only once', async () => {
  const update = event({ changed: ['Name'], body: { Name: 'x' } });
  const first = await capture([batch(update, update)], { links: { [ID]: 'k1' } });
  const again = await capture([batch(update)], { there: { [ID]: 'k1' } });
  expect(first.changes).toHaveLength(1);
  expect(again.changes).toEqual(first.changes);
});

test('the same place in two topics or mappings is not the same entry (§10 g)', async () => {
  const wider = mappingOf(mapping.fields, { name: 'accounts', version: 'fedcba9876543210' });
  const update = event({ changed: ['Name'], body: { Name: 'x' } });
  const cursors = (
    await Promise.all(
      [mapping, wider].map((one) => capture([batch(update)], { links: { [ID]: 'k1' }, mappings: [one] })),
    )
  ).map(({ changes }) => changes[0]?.cursor);
  expect(new Set(cursors).size).toBe(2);
  const sources = ['/data/AccountChangeEvent', '/data/ChangeEvents'].flatMap((topic) =>
    ['00D000000000001', '00D000000000002'].map((organization) => captureSource(organization, topic)),
  );
  expect(new Set(sources).size).toBe(4);
});

test('the checkpoint stands at the end of a whole transaction, as the very bytes', async () => {
  const [a, b, c] = [event({ transaction: 't1' }), event({ transaction: 't1' }), event({ transaction: 't2' })] as const;
  const idle: SubscriptionItem = { kind: 'idle', replay_id: Uint8Array.from([0, 0, 255, 255]) };
  const { steps } = await capture([batch(a), batch(b), batch(c), idle], { links: { [ID]: 'k1' } });
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  expect(steps.map(({ checkpoint }) => checkpoint)).toEqual([null, null, text(b.replay_id), 'AAD//w==']);
});

test('a hole ends it', async () => {
  const { hole, steps } = await capture([{ kind: 'hole', replay_id: null, code: 'x' }, batch(event({}))]);
  expect(hole).toEqual({ kind: 'hole', replay_id: null, code: 'x' });
  expect(steps).toEqual([]);
});
