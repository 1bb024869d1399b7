import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { request } from 'undici';
import { startSalesforce, type SalesforceWorld } from '../../../../test/support/salesforce.ts';
import { startSalesforceSandbox } from '../start-sandbox.ts';

let world: SalesforceWorld;
beforeEach(async () => void (world = await startSalesforce()));
afterEach(() => world.close());

const NEW = '/sobjects/Account';

describe('/__sim', () => {
  it('edits records in one transaction, as somebody, and shows the commits', async () => {
    const user = world.org.addUser('lee@sandbox.example');
    const after = world.org.lastCommit;
    const { json } = await world.call('POST', '/__sim/transaction', {
      writes: [
        { verb: 'create', object: 'Account', values: { Name: 'A' } },
        { verb: 'create', object: 'Account', values: { Name: 'B' } },
      ],
      user: 'lee@sandbox.example',
    });
    const { ids } = json as { ids: string[] };
    await world.call('POST', '/__sim/transaction', { writes: [{ verb: 'delete', object: 'Account', id: ids[1] }] });
    expect((await world.call('GET', `/__sim/commits?after=${after}`)).json).toMatchObject({
      changes: [
        { kind: 'CREATE', record_id: ids[0], commit_user: user, change_origin: '' },
        { kind: 'CREATE', record_id: ids[1] },
        { kind: 'DELETE', record_id: ids[1] },
      ],
    });
    expect((await world.call('GET', '/__sim')).json).toMatchObject({ objects: { Account: 1 }, usage: { used: 0 } });
  });

  it('says what is wrong with a request, and that of the organisation', async () => {
    expect(
      await world.call('POST', '/__sim/transaction', { writes: [{ verb: 'create', object: 'Account' }] }),
    ).toMatchObject({
      status: 400,
      json: [{ errorCode: 'INVALID_INPUT', message: expect.stringContaining('writes.0.values') as string }],
    });
    expect(
      (await world.call('POST', '/__sim/transaction', { writes: [{ verb: 'create', object: 'Account', values: {} }] }))
        .json,
    ).toMatchObject([{ errorCode: 'REQUIRED_FIELD_MISSING' }]);
    expect((await world.call('POST', '/__sim/faults', { effect: { kind: 'nonsense' } })).status).toBe(400);
    expect((await world.call('GET', '/__sim/nowhere')).status).toBe(404);
  });

  it('adds and removes faults, and none of them strikes itself', async () => {
    const { json } = await world.call('POST', '/__sim/faults', { effect: { kind: 'reply', status: 500 } });
    expect((await world.call('GET', '/limits')).status).toBe(500);
    expect((await world.call('DELETE', `/__sim/faults/${(json as { id: number }).id}`)).status).toBe(204);
    expect((await world.call('GET', '/limits')).status).toBe(200);
    expect((await world.call('DELETE', '/__sim/faults/99')).status).toBe(404);
  });

  it('shows the log of requests without its own, and empties it', async () => {
    await world.call('POST', NEW, { Name: 'A' });
    expect((await world.call('GET', '/__sim/log')).json).toMatchObject({
      requests: [
        {
          method: 'POST',
          target: '/services/data/v67.0/sobjects/Account',
          body: '{"Name":"A"}',
          status: 201,
          outcome: 'replied',
        },
      ],
    });
    await world.call('DELETE', '/__sim/log');
    expect((await world.call('GET', '/__sim/log')).json).toEqual({ requests: [] });
  });

  it('sets the limit, ends tokens, and moves its own clock only', async () => {
    expect((await world.call('POST', '/__sim/limits', { max: 10, used: 10 })).json).toEqual({ used: 10, max: 10 });
    expect((await world.call('GET', '/limits')).status).toBe(403);
    await world.call('POST', '/__sim/tokens/expire', {});
    expect((await world.call('GET', '/limits')).status).toBe(401);
    expect((await world.call('POST', '/__sim/clock', { advance_ms: 1 })).status).toBe(409);
    const own = await startSalesforceSandbox({ port: 0 });
    const before_ms = own.org.clock.now_ms();
    const { statusCode } = await request(`${own.url}/__sim/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"advance_ms":86400000}',
    });
    expect([statusCode, own.org.clock.now_ms() - before_ms >= 86_400_000]).toEqual([200, true]);
    await own.close();
  });

  it('is not for pages of others, nor for other names of this machine', async () => {
    expect((await world.call('POST', '/__sim/limits', { max: 1 }, { origin: 'https://example.com' })).status).toBe(403);
    expect((await world.call('GET', '/__sim', undefined, { host: 'rebound.example' })).status).toBe(403);
    expect((await world.call('GET', '/__sim', undefined, { origin: world.url })).status).toBe(200);
  });
});

describe('faults', () => {
  const code = async (): Promise<string> => {
    const { status, json } = await world.call('POST', NEW, { Name: 'A', External_Id__c: 'e' });
    return `${status} ${(json as { errorCode?: string }[])[0]?.errorCode ?? ''}`.trim();
  };

  it('answer for a method and an address, so often, after so many', async () => {
    const effect = {
      kind: 'reply',
      status: 503,
      error_code: 'SERVER_UNAVAILABLE',
      headers: { 'retry-after': '3' },
    } as const;
    world.faults.add({ match: { method: 'POST', path: '/services/data/*/sobjects/*' }, effect, after: 1, times: 2 });
    const codes = [await code(), await code(), await code(), await code()];
    expect(codes).toEqual(['201', '503 SERVER_UNAVAILABLE', '503 SERVER_UNAVAILABLE', '400 DUPLICATE_VALUE']);
    expect((await world.call('GET', '/limits')).status).toBe(200);
  });

  it('drop the connection before anything was done, or after everything was', async () => {
    world.faults.add({ effect: { kind: 'drop_before_commit' }, times: 1 });
    await expect(code()).rejects.toThrow();
    expect(world.org.rows('Account')).toHaveLength(0);
    world.faults.add({ effect: { kind: 'drop_after_commit' }, times: 1 });
    await expect(code()).rejects.toThrow();
    expect(world.org.rows('Account')).toHaveLength(1);
    expect(world.requests.map(({ outcome }) => outcome)).toEqual(['dropped before commit', 'dropped after commit']);
  });

  it('delay through the timers that were given', async () => {
    await world.close();
    const waited: number[] = [];
    world = await startSalesforce({ timers: { sleep: async (ms) => void waited.push(ms) } });
    world.faults.add({ effect: { kind: 'delay', delay_ms: 60_000, when: 'after' }, times: 1 });
    expect(await code()).toBe('201');
    expect(waited).toEqual([60_000]);
  });

  it('end the session before the call', async () => {
    world.faults.add({ match: { object: 'Account' }, effect: { kind: 'expire_tokens' }, times: 1 });
    expect(await code()).toBe('401 INVALID_SESSION_ID');
  });

  it('lock or refuse single rows of any way to write, and no edit of a person', async () => {
    const id = world.org.create('Account', { Name: 'A' });
    world.faults.add({ match: { record_id: id }, effect: { kind: 'row', status_code: 'UNABLE_TO_LOCK_ROW' } });
    world.faults.add({
      match: { object: 'Account', values: { External_Id__c: 'dup' } },
      effect: { kind: 'row', status_code: 'DUPLICATES_DETECTED' },
      times: 1,
    });
    expect(await world.call('PATCH', `${NEW}/${id}`, { Phone: '1' })).toMatchObject({
      status: 400,
      json: [{ errorCode: 'UNABLE_TO_LOCK_ROW' }],
    });
    const attributes = { type: 'Account' };
    const records = [
      { attributes, id, Phone: '1' },
      { attributes, Name: 'B' },
    ];
    expect((await world.call('PATCH', '/composite/sobjects', { records })).json).toMatchObject([
      { success: false, errors: [{ statusCode: 'UNABLE_TO_LOCK_ROW' }] },
      {},
    ]);
    expect((await world.call('POST', NEW, { Name: 'C', External_Id__c: 'dup' })).json).toMatchObject([
      { errorCode: 'DUPLICATES_DETECTED' },
    ]);
    expect((await world.call('POST', NEW, { Name: 'C', External_Id__c: 'dup' })).status).toBe(201);
    world.org.update('Account', id, { Phone: '2' });
    expect(world.org.row('Account', id)).toMatchObject({ Phone: '2' });
  });
});
