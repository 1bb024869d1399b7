/** The samples of records.md §12.9, from the simulator through Avro to what capture makes of them. */
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import { readChangeEvent } from '../../src/records/salesforce/pubsub/change-event.ts';
import { parseEventSchema } from '../../src/records/salesforce/pubsub/event-schema.ts';
import type { CommittedChange } from '../../src/sandbox/salesforce/org/commit.ts';
import { Org } from '../../src/sandbox/salesforce/org/org.ts';
import {
  bitmapsOf,
  changeEvents,
  DEFAULT_RULES,
  encodeChangeEvent,
  gapOf,
} from '../../src/sandbox/salesforce/pubsub/change-events.ts';
import { changeEventSchema } from '../../src/sandbox/salesforce/pubsub/event-schema.ts';

const AT_MS = 1767225600000;
const org = new Org({ clock: { now_ms: () => AT_MS, monotonic_ms: () => 0 }, random: seededRandom(1) });
const schema = changeEventSchema(org.table('Account').definition);
const read = parseEventSchema(schema.schema_id, schema.json);

const change: CommittedChange = {
  commit_number: 1000000000001,
  commit_ms: AT_MS,
  transaction_key: '0000aaaa-bbbb-cccc-dddd-0123456789ab',
  sequence_number: 1,
  commit_user: '005SIM000000001AAA',
  change_origin: 'com/salesforce/api/rest/67.0;client=our-sync',
  entity: 'Account',
  record_id: '001SIM000000001AAA',
  kind: 'UPDATE',
  changed_fields: ['Industry', 'LastModifiedDate'],
  nulled_fields: [],
  before: { Name: 'Acme', LastModifiedDate: AT_MS - 1 },
  after: { Name: 'Acme', Industry: 'Apparel', LastModifiedDate: AT_MS },
};
const SAMPLE_HEADER =
  '{"entityName":"Account","recordIds":["001SIM000000001AAA"],"changeType":"UPDATE","changeOrigin":"com/salesforce/api/rest/67.0;client=our-sync","transactionKey":"0000aaaa-bbbb-cccc-dddd-0123456789ab","sequenceNumber":1,"commitTimestamp":1767225600000,"commitNumber":1000000000001,"commitUser":"005SIM000000001AAA","nulledFields":[],"diffFields":[],"changedFields":["0x400800"]}';
const encoded = (made: CommittedChange, enrichment: string[] = []): Buffer => {
  const [event] = changeEvents([made], () => schema, DEFAULT_RULES);
  return encodeChangeEvent(event!, enrichment);
};

test('the update of the documentation, byte for byte, with every other field there and empty', () => {
  const { ChangeEventHeader: header, ...body } = read.read(encoded(change));
  expect(JSON.stringify(header)).toBe(SAMPLE_HEADER);
  expect(Object.keys(body).slice(0, 24).indexOf('Industry')).toBe(10);
  const told = Object.entries(body).filter(([, value]) => value !== null);
  expect(JSON.stringify(told)).toBe('[["Industry","Apparel"],["LastModifiedDate",1767225600000]]');
  expect(Object.keys(body)).toHaveLength(schema.fields.length);
});

test('the bitmap of Description is the documented one', () => {
  expect(bitmapsOf(schema, ['Description'])).toEqual(['0x010000']);
  expect(bitmapsOf(schema, ['Industry', 'LastModifiedDate'])).toEqual(['0x400800']);
  expect(bitmapsOf(schema, ['BillingCity', 'Name'])).toEqual(['0x02', '4-0x02']);
});

test('a gap event is the same with an empty body and empty lists', () => {
  const [event] = changeEvents([change], () => schema, DEFAULT_RULES);
  const { ChangeEventHeader: header, ...body } = read.read(encodeChangeEvent(gapOf(event!), []));
  const sample = SAMPLE_HEADER.replace('"UPDATE"', '"GAP_UPDATE"').replace('["0x400800"]', '[]');
  expect(JSON.stringify(header)).toBe(sample);
  expect(Object.values(body).every((value) => value === null)).toBe(true);
});

test('a channel adds its fields to updates and deletions, and they are not taken for changes', () => {
  const after = { ...change.after, External_Id__c: 'e1' };
  const [updated] = readChangeEvent(read, read.read(encoded({ ...change, after }, ['External_Id__c'])));
  expect(updated).toMatchObject({
    fields: { Industry: 'Apparel', LastModifiedDate: AT_MS },
    enriched: { External_Id__c: 'e1' },
  });
  const gone: CommittedChange = { ...change, kind: 'DELETE', changed_fields: [], before: after, after: null };
  expect(readChangeEvent(read, read.read(encoded(gone, ['External_Id__c'])))[0]).toMatchObject({
    change: 'deleted',
    fields: {},
    enriched: { External_Id__c: 'e1' },
  });
});

test('a long text is a difference with the hash of what was before', () => {
  const [old, now] = ['x'.repeat(2000), `${'x'.repeat(2000)}\ny`];
  const long = {
    ...change,
    changed_fields: ['Description'],
    before: { Description: old },
    after: { Description: now },
  };
  const payload = read.read(encoded(long));
  // sha256 of 2,000 times x
  const hash = (payload['Description'] as string).split('\n')[1];
  expect(hash).toMatch(/^\+\+\+ [0-9a-f]{64}$/);
  expect(readChangeEvent(read, payload)[0]).toMatchObject({ fields: {}, enriched: {}, needs_fetch: true });
});

test('beyond the limit of one transaction, one overflow an object', () => {
  const changes = Array.from({ length: 5 }, (_, n) => ({
    ...change,
    sequence_number: n + 1,
    record_id: `001SIM00000000${n}AAA`,
    after: { ...change.after, Industry: `i${n}` },
  }));
  const events = changeEvents(changes, () => schema, { ...DEFAULT_RULES, overflow_after: 6 });
  expect(events.map(({ change_type }) => change_type)).toEqual(['UPDATE', 'UPDATE', 'UPDATE', 'GAP_OVERFLOW']);
  const overflow = read.read(encodeChangeEvent(events[3]!, []));
  expect(readChangeEvent(read, overflow)[0]).toMatchObject({ change: 'overflow', salesforce_id: null });
});
