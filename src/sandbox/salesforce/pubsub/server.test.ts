/** The rules of the stream itself (records.md §12.10), spoken to with bare gRPC. */
import { fileURLToPath } from 'node:url';
import type { Client } from '@grpc/grpc-js';
import { credentials, loadPackageDefinition, Metadata, status, type ClientDuplexStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../../platform/random.ts';
import { Org } from '../org/org.ts';
import type { CommitReplayResponse, FetchResponse } from './messages.ts';
import { startPubSub, type RunningPubSub } from './server.ts';

const TOPIC = '/data/AccountChangeEvent';
const PROTO = fileURLToPath(new URL('../../../records/salesforce/pubsub/pubsub_api.proto', import.meta.url));

type Answer = FetchResponse & { commit_response: CommitReplayResponse | null };
type Stream = ClientDuplexStream<object, Answer>;
type Unary = (
  request: object,
  metadata: Metadata,
  callback: (error: { code: number; metadata: Metadata } | null, reply: Record<string, unknown>) => void,
) => void;
interface Api extends Client {
  Subscribe(metadata: Metadata): Stream;
  ManagedSubscribe(metadata: Metadata): Stream;
  GetTopic: Unary;
  GetSchema: Unary;
}

let org: Org;
let pubsub: RunningPubSub;
let api: Api;
let now_ms: number;

beforeEach(async () => {
  now_ms = Date.parse('2026-01-01T00:00:00Z');
  org = new Org({ clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms }, random: seededRandom(7) });
  pubsub = await startPubSub(org, {
    port: 0,
    acceptsToken: (token) => token !== 'bad',
    managed_subscriptions: [{ id: '18x000000000001', developer_name: 'Managed', topic: TOPIC }],
    channels: [{ topic: '/data/Sync__chn', entities: ['Account'], enrichment: { Account: ['External_Id__c'] } }],
  });
  const definition = loadSync(PROTO, { keepCase: true, longs: Number, enums: String, defaults: true });
  const { eventbus } = loadPackageDefinition(definition) as unknown as {
    eventbus: { v1: { PubSub: new (...parameters: ConstructorParameters<typeof Client>) => Api } };
  };
  api = new eventbus.v1.PubSub(`localhost:${pubsub.port}`, credentials.createSsl(Buffer.from(pubsub.certificate)));
});

afterEach(async () => {
  api.close();
  await pubsub.close();
});

function metadata(changes: Record<string, string> = {}): Metadata {
  const meta = new Metadata();
  const told = { accesstoken: 'token', instanceurl: 'https://sandbox.example', tenantid: org.org_id, ...changes };
  for (const [key, value] of Object.entries(told)) meta.set(key, value);
  return meta;
}

/** What comes over a stream, and how it ended. */
function listen(stream: Stream) {
  const heard = {
    answers: [] as Answer[],
    error: null as { code: number; metadata: Metadata; details: string } | null,
  };
  stream.on('data', (answer: Answer) => heard.answers.push(answer));
  stream.on('error', (error) => (heard.error = error as unknown as typeof heard.error));
  const events = () => heard.answers.flatMap((answer) => answer.events);
  return { heard, events };
}

const create = (count: number): void => {
  for (let n = 0; n < count; n++) org.create('Account', { Name: `n${n}` });
};
const asks = (num_requested: number, changes: object = {}): object => ({
  topic_name: TOPIC,
  num_requested,
  ...changes,
});
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

test('it sends as many as were asked for, and waits; requests add up to 100 and no further', async () => {
  create(250);
  const stream = api.Subscribe(metadata());
  const { heard, events } = listen(stream);
  stream.write(asks(3, { replay_preset: 'EARLIEST' }));
  await expect.poll(() => events().length).toBe(3);
  await quiet();
  expect(events()).toHaveLength(3);
  expect(heard.answers.at(-1)).toMatchObject({ pending_num_requested: 0 });
  expect(heard.answers.at(-1)?.latest_replay_id).toEqual(events().at(-1)?.replay_id);
  stream.write(asks(2));
  stream.write(asks(4));
  await expect.poll(() => events().length).toBe(9);
  stream.write(asks(500));
  await expect.poll(() => events().length).toBe(109);
  await quiet();
  expect(events()).toHaveLength(109);
  const ids = events().map(({ replay_id }) => BigInt(`0x${replay_id.toString('hex')}`));
  expect(ids.every((id, at) => at === 0 || id > (ids[at - 1] ?? 0n))).toBe(true);
  expect(ids.some((id, at) => at > 0 && id > (ids[at - 1] ?? 0n) + 1n)).toBe(true);
  stream.cancel();
});

test('requests for what is not there yet add up, too', async () => {
  const stream = api.Subscribe(metadata());
  const { events } = listen(stream);
  stream.write(asks(60));
  stream.write(asks(60));
  await expect.poll(() => pubsub.streams()).toBe(1);
  await quiet();
  create(130);
  await expect.poll(() => events().length).toBe(100);
  await quiet();
  expect(events()).toHaveLength(100);
  stream.cancel();
});

test.each([
  ['another topic later', { topic_name: '/data/ContactChangeEvent', num_requested: 1 }],
  ['a request for nothing', { topic_name: TOPIC, num_requested: 0 }],
])('%s ends the stream', async (_name, second) => {
  const stream = api.Subscribe(metadata());
  const { heard } = listen(stream);
  stream.write(asks(1));
  stream.write(second);
  await expect.poll(() => heard.error?.code).toBe(status.INVALID_ARGUMENT);
  expect(pubsub.streams()).toBe(0);
});

test('a refusal bears its code and the id of the call', async () => {
  const stream = api.Subscribe(metadata());
  const { heard } = listen(stream);
  stream.write(asks(1, { replay_preset: 'CUSTOM', replay_id: Buffer.from('nothing') }));
  await expect.poll(() => heard.error).not.toBeNull();
  expect(heard.error).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining('The Replay ID validation failed') as string,
  });
  expect(heard.error?.metadata.get('error-code')).toEqual([
    'sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted',
  ]);
  expect(heard.error?.metadata.get('rpc-id')).toEqual(['rpc-1']);
});

test.each([
  ['a token that is none', { accesstoken: 'bad' }],
  ['another organisation', { tenantid: '00D000000000000' }],
])('%s is refused everywhere', async (_name, changes) => {
  const stream = api.Subscribe(metadata(changes));
  const { heard } = listen(stream);
  await expect.poll(() => heard.error?.code).toBe(status.UNAUTHENTICATED);
  const codes = await Promise.all(
    (['GetTopic', 'GetSchema'] as const).map(
      (rpc) =>
        new Promise((resolve) => api[rpc]({ topic_name: TOPIC }, metadata(changes), (error) => resolve(error?.code))),
    ),
  );
  expect(codes).toEqual([status.UNAUTHENTICATED, status.UNAUTHENTICATED]);
});

test('topics and schemas: of one object, of several, of none', async () => {
  const ask = (rpc: 'GetTopic' | 'GetSchema', request: object) =>
    new Promise<Record<string, unknown> | number>((resolve) =>
      api[rpc](request, metadata(), (error, reply) => resolve(error ? error.code : reply)),
    );
  const account = (await ask('GetTopic', { topic_name: TOPIC })) as { schema_id: string };
  expect(account).toMatchObject({ topic_name: TOPIC, can_subscribe: true, can_publish: false });
  const schema = (await ask('GetSchema', { schema_id: account.schema_id })) as { schema_json: string };
  expect(JSON.parse(schema.schema_json)).toMatchObject({
    name: 'AccountChangeEvent',
    fields: expect.arrayContaining([]) as unknown,
  });
  expect(await ask('GetTopic', { topic_name: '/data/Invoice__ChangeEvent' })).toMatchObject({ can_subscribe: true });
  expect(await ask('GetTopic', { topic_name: '/data/ChangeEvents' })).toMatchObject({ schema_id: '' });
  expect(await ask('GetTopic', { topic_name: '/data/Sync__chn' })).toMatchObject({ can_subscribe: true });
  expect(await ask('GetTopic', { topic_name: '/data/NothingChangeEvent' })).toBe(status.NOT_FOUND);
  expect(await ask('GetSchema', { schema_id: 'none' })).toBe(status.INVALID_ARGUMENT);
});

test('the hundred and first stream of a topic is refused', async () => {
  const streams = Array.from({ length: 100 }, () => api.Subscribe(metadata()));
  for (const stream of streams) {
    listen(stream);
    stream.write(asks(1));
  }
  await expect.poll(() => pubsub.streams()).toBe(100);
  const one_more = api.Subscribe(metadata());
  const { heard } = listen(one_more);
  one_more.write(asks(1));
  await expect.poll(() => heard.error?.code).toBe(status.RESOURCE_EXHAUSTED);
  for (const stream of streams) stream.cancel();
  await expect.poll(() => pubsub.streams()).toBe(0);
});

test('a managed subscription goes on behind what was committed', async () => {
  const first = api.ManagedSubscribe(metadata());
  const { heard, events } = listen(first);
  first.write({ developer_name: 'Managed', num_requested: 10 });
  await expect.poll(() => pubsub.streams()).toBe(1);
  create(3);
  await expect.poll(() => events().length).toBe(3);
  first.write({
    subscription_id: '18x000000000001',
    commit_replay_id_request: { commit_request_id: 'c1', replay_id: events()[1]?.replay_id },
  });
  await expect
    .poll(() => heard.answers.find(({ commit_response }) => commit_response)?.commit_response?.commit_request_id)
    .toBe('c1');
  first.cancel();
  const again = api.ManagedSubscribe(metadata());
  const second = listen(again);
  again.write({ subscription_id: '18x000000000001', num_requested: 10 });
  await expect.poll(() => second.events().length).toBe(1);
  expect(second.events()[0]?.replay_id).toEqual(events()[2]?.replay_id);
  again.cancel();
});

test('what is older than 72 hours is not told, and a stream that has not got it yet is ended', async () => {
  create(3);
  const slow = api.Subscribe(metadata());
  const { heard, events } = listen(slow);
  slow.write(asks(1, { replay_preset: 'EARLIEST' }));
  await expect.poll(() => events().length).toBe(1);
  now_ms += 73 * 3_600_000;
  create(1);
  await expect.poll(() => heard.error?.code).toBe(status.INVALID_ARGUMENT);
  const fresh = api.Subscribe(metadata());
  const second = listen(fresh);
  fresh.write(asks(100, { replay_preset: 'EARLIEST' }));
  await expect.poll(() => second.events().length).toBe(1);
  fresh.cancel();
});
