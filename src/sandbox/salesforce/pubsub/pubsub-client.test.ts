/** The server against the client that others use, unmodified (records.md §11.5). */
import PubSubApiClient from 'salesforce-pubsub-api-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../../platform/random.ts';
import { text } from '../org/fields.ts';
import { Org } from '../org/org.ts';
import { startPubSub, type RunningPubSub } from './server.ts';

interface Parsed {
  replayId: number;
  schemaId: string;
  payload: Record<string, unknown> & { ChangeEventHeader: Record<string, unknown> };
}

const TOPIC = '/data/AccountChangeEvent';
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let org: Org;
let pubsub: RunningPubSub;
let client: PubSubApiClient;
let now_ms = Date.parse('2026-01-01T00:00:00Z');

beforeEach(async () => {
  now_ms = Date.parse('2026-01-01T00:00:00Z');
  org = new Org({ clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms }, random: seededRandom(7) });
  pubsub = await startPubSub(org, {
    port: 0,
    platform_events: [{ name: 'Order__e', fields: [{ name: 'Number__c', type: 'string' }] }],
  });
  client = new PubSubApiClient(
    {
      authType: 'user-supplied',
      accessToken: `${org.org_id}!token`,
      instanceUrl: 'https://sandbox.example',
      organizationId: org.org_id,
      pubSubEndpoint: `127.0.0.1:${pubsub.port}`,
      rejectUnauthorizedSsl: false,
    },
    quiet,
  );
  await client.connect();
});

afterEach(async () => {
  client.close();
  await pubsub.close();
});

/** The next events of a topic, after `count` have come. */
function events(
  begin: (callback: (info: unknown, type: string, data: unknown) => void) => void,
  count: number,
): Promise<Parsed[]> {
  return new Promise((resolve, reject) => {
    const got: Parsed[] = [];
    begin((_info, type, data) => {
      if (type === 'error') reject(new Error('The client reported an error', { cause: data }));
      if (type !== 'event') return;
      got.push(data as Parsed);
      if (got.length === count) resolve(got);
    });
  });
}

test('it receives creation, update and deletion, with the names of what changed', async () => {
  const coming = events((callback) => client.subscribeFromEarliestEvent(TOPIC, callback, 3), 3);
  const id = org.create('Account', { Name: 'Acme', BillingCity: 'Ulm', External_Id__c: 'e1' });
  org.update('Account', id, { Industry: 'Apparel', BillingCity: null }, { client: 'our-sync' });
  org.delete('Account', id);
  const [created, updated, deleted] = await coming;
  expect(created?.payload).toMatchObject({
    ChangeEventHeader: { entityName: 'Account', changeType: 'CREATE', recordIds: [id], changedFields: [] },
    Name: 'Acme',
    External_Id__c: 'e1',
  });
  expect(updated?.payload).toMatchObject({
    ChangeEventHeader: {
      changeType: 'UPDATE',
      changeOrigin: 'com/salesforce/api/rest/67.0;client=our-sync',
      changedFields: ['Industry', 'LastModifiedDate'],
    },
    Industry: 'Apparel',
    Name: null,
  });
  expect(deleted?.payload).toMatchObject({ ChangeEventHeader: { changeType: 'DELETE', recordIds: [id] }, Name: null });
});

test('it goes on after a replay id, and no event comes twice or is missed', async () => {
  const all = events((callback) => client.subscribeFromEarliestEvent(TOPIC, callback, 3), 3);
  for (const name of ['a', 'b', 'c']) org.create('Account', { Name: name });
  const [first] = await all;
  const rest = events(
    (callback) => client.subscribeFromReplayId('/data/ChangeEvents', callback, 2, first?.replayId ?? 0),
    2,
  );
  expect((await rest).map(({ payload }) => payload['Name'])).toEqual(['b', 'c']);
});

test('it names the parts of a compound, and what became empty', async () => {
  const id = org.create('Account', { Name: 'Acme', BillingCity: 'Ulm', Industry: 'Banking' });
  const coming = events((callback) => client.subscribe(TOPIC, callback, 1), 1);
  // The subscription begins with what comes after it was taken.
  await expect.poll(() => pubsub.streams()).toBe(1);
  org.update('Account', id, { BillingCity: null, BillingStreet: 'A 1', Industry: null });
  const [{ payload } = { payload: null }] = await coming;
  expect(payload?.ChangeEventHeader).toMatchObject({
    changedFields: ['LastModifiedDate', 'BillingAddress.Street'],
    nulledFields: ['Industry', 'BillingAddress.City'],
  });
});

test('it reads events of a schema that changed in between, each by its own', async () => {
  const coming = events((callback) => client.subscribeFromEarliestEvent(TOPIC, callback, 2), 2);
  org.create('Account', { Name: 'before' });
  org.addFields('Account', [text('New__c', 20)]);
  org.create('Account', { Name: 'after', New__c: 'there' });
  const [before, after] = await coming;
  expect(after?.schemaId).not.toBe(before?.schemaId);
  expect([before?.payload['New__c'], after?.payload['New__c']]).toEqual([undefined, 'there']);
});

test('it reads two deletions of one transaction as one event of two records', async () => {
  const ids = ['a', 'b'].map((Name) => org.create('Account', { Name }));
  const coming = events((callback) => client.subscribeFromEarliestEvent(TOPIC, callback, 3), 3);
  org.transaction((transaction) => ids.forEach((id) => transaction.delete('Account', id)));
  expect((await coming)[2]?.payload.ChangeEventHeader).toMatchObject({ changeType: 'DELETE', recordIds: ids });
});

test('it publishes platform events and receives them', async () => {
  const topic = '/event/Order__e';
  const coming = events((callback) => client.subscribeFromEarliestEvent(topic, callback, 1), 1);
  const payload = { CreatedDate: now_ms, CreatedById: org.admin_id, Number__c: { string: 'n 1' } };
  const { correlationKey } = (await client.publish(topic, payload, 'k1')) as { correlationKey: string };
  expect(correlationKey).toBe('k1');
  expect((await coming)[0]?.payload).toMatchObject({ Number__c: 'n 1' });
});
