/** The sandbox under the vendor's own client, unmodified: what it sends is answered so that it understands. */
import { createSign, generateKeyPairSync } from 'node:crypto';
import jsforce from '@jsforce/jsforce-node';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSalesforce, type SalesforceWorld } from '../../../test/support/salesforce.ts';
import { SANDBOX_APP } from './oauth/connected-app.ts';

const { Connection, OAuth2 } = jsforce;
type Client = InstanceType<typeof Connection>;
const { client_id: clientId, client_secret: clientSecret } = SANDBOX_APP;
const redirectUri = 'http://localhost:1717/OauthRedirect';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const certificate = publicKey.export({ type: 'spki', format: 'pem' }).toString();

let world: SalesforceWorld;
let client: Client;

beforeEach(async () => {
  world = await startSalesforce({ apps: [{ ...SANDBOX_APP, certificate }] });
  client = new Connection({
    instanceUrl: world.url,
    accessToken: world.token,
    version: '67.0',
    callOptions: { client: 'jsforce-tag' },
  });
});
afterEach(() => world.close());

const failure = async (
  act: PromiseLike<unknown>,
): Promise<{ name: string; errorCode: string; message: string; data?: unknown }> => {
  try {
    await act;
  } catch (error) {
    return error as { name: string; errorCode: string; message: string };
  }
  throw new Error('it did not fail');
};

describe('signing in', () => {
  it('by client credentials and by JWT, and it knows who it is', async () => {
    const assertionOf = (): string => {
      const now_s = Math.floor(world.clock.now / 1000);
      const claims = {
        iss: clientId,
        sub: 'admin@sandbox.example',
        aud: 'https://login.salesforce.com',
        exp: now_s + 100,
      };
      const parts = [{ alg: 'RS256' }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${parts}.${createSign('RSA-SHA256').update(parts).sign(privateKey).toString('base64url')}`;
    };
    for (const params of [
      { grant_type: 'client_credentials' },
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertionOf() },
    ]) {
      const connection = new Connection({
        loginUrl: world.url,
        oauth2: { loginUrl: world.url, clientId, clientSecret },
      });
      const user = await connection.authorize(params);
      expect(user).toMatchObject({ id: world.org.admin_id, organizationId: world.org.org_id });
      expect(connection.instanceUrl).toBe(world.url);
      expect(await connection.identity()).toMatchObject({ username: 'admin@sandbox.example' });
    }
  });

  it('by a code with PKCE, refreshes when the session has ended, and revokes', async () => {
    const oauth2 = new OAuth2({ loginUrl: world.url, clientId, clientSecret, redirectUri, useVerifier: true });
    const page = await request(oauth2.getAuthorizationUrl({ scope: 'api refresh_token', state: 'x' }));
    await page.body.dump();
    const code = new URL(String(page.headers['location'])).searchParams.get('code')!;
    const connection = new Connection({ loginUrl: world.url, oauth2 });
    await connection.authorize(code);
    const first = connection.accessToken;
    world.sessions.expireAccessTokens();
    expect(await connection.query('SELECT Id FROM Account')).toMatchObject({ totalSize: 0, done: true });
    expect(connection.accessToken).not.toBe(first);
    await connection.logout(true);
    expect(world.requests.at(-1)).toMatchObject({ status: 200, target: '/services/oauth2/revoke' });
  });

  it('fails with the codes of the platform', async () => {
    const connection = new Connection({
      oauth2: { loginUrl: world.url, clientId, clientSecret: 'x' },
      loginUrl: world.url,
    });
    expect((await failure(connection.authorize({ grant_type: 'client_credentials' }))).message).toContain(
      'invalid client credentials',
    );
    world.sessions.expireAccessTokens();
    expect((await failure(client.query('SELECT Id FROM Account'))).errorCode).toBe('INVALID_SESSION_ID');
  });
});

describe('rows', () => {
  it('are made, read, changed, deleted; the client knows how much of the limit is used', async () => {
    const made = await client.sobject('Account').create({ Name: 'Acme', Phone: '1' });
    expect(made).toMatchObject({ success: true, errors: [] });
    const id = made.id!;
    expect(await client.sobject('Account').retrieve(id)).toMatchObject({
      Id: id,
      Name: 'Acme',
      attributes: { type: 'Account' },
    });
    expect(await client.sobject('Account').update({ Id: id, Name: 'B' })).toMatchObject({ id, success: true });
    expect(await client.sobject('Account').destroy(id)).toMatchObject({ id, success: true });
    expect((await failure(client.sobject('Account').retrieve(id))).errorCode).toBe('ENTITY_IS_DELETED');
    expect(client.limitInfo.apiUsage).toEqual({ used: 5, limit: 15_000 });
    expect(world.org.commitsAfter(0).at(-1)?.change_origin).toBe('com/salesforce/api/rest/67.0;client=jsforce-tag');
  });

  it('are upserted by external id in new and old versions', async () => {
    const account = client.sobject('Account');
    expect(await account.upsert({ Name: 'A', External_Id__c: 'e1' }, 'External_Id__c')).toMatchObject({
      success: true,
      created: true,
    });
    expect(await account.upsert({ Name: 'B', External_Id__c: 'e1' }, 'External_Id__c')).toMatchObject({
      success: true,
      created: false,
    });
    client.version = '45.0';
    expect(await account.upsert({ Name: 'C', External_Id__c: 'e1' }, 'External_Id__c')).toEqual({
      success: true,
      errors: [],
    });
    expect(world.org.rows('Account').map(({ Name }) => Name)).toEqual(['C']);
    world.org.seed('Account', [
      { Name: 'L', Legacy_Id__c: 'l' },
      { Name: 'M', Legacy_Id__c: 'l' },
    ]);
    const several = await failure(account.upsert({ Name: 'x', Legacy_Id__c: 'l' }, 'Legacy_Id__c'));
    expect([several.errorCode, (several.data as string[]).length]).toEqual(['MULTIPLE_CHOICES', 2]);
  });

  it('fail with the code and the name of it', async () => {
    expect(await failure(client.sobject('Account').create({}))).toMatchObject({
      name: 'REQUIRED_FIELD_MISSING',
      errorCode: 'REQUIRED_FIELD_MISSING',
    });
    world.faults.add({ effect: { kind: 'reply', status: 503, body: '<html>down</html>' }, times: 1 });
    expect((await failure(client.sobject('Account').create({ Name: 'A' }))).errorCode).toBe('ERROR_HTTP_503');
  });

  it('describe themselves', async () => {
    const { fields, keyPrefix } = await client.describe('Invoice__c');
    expect(keyPrefix).toBe('a00');
    expect(fields.find(({ name }) => name === 'External_Id__c')).toMatchObject({ externalId: true, idLookup: true });
    expect((await client.describeGlobal()).sobjects.map(({ name }) => name)).toContain('Invoice__c');
  });
});

describe('collections and composite', () => {
  it('create, retrieve, update, upsert and delete many at once', async () => {
    const account = client.sobject('Account');
    const made = await account.create([{ Name: 'A', External_Id__c: '1' }, { External_Id__c: '2' }]);
    expect(made).toMatchObject([
      { success: true },
      { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING', fields: ['Name'] }] },
    ]);
    const id = made[0]!.id!;
    expect(await account.retrieve([id])).toMatchObject([{ Name: 'A' }]);
    expect(await account.update([{ Id: id, Phone: '1' }])).toMatchObject([{ id, success: true }]);
    expect(
      await account.upsert(
        [
          { Name: 'A2', External_Id__c: '1' },
          { Name: 'C', External_Id__c: '3' },
        ],
        'External_Id__c',
      ),
    ).toMatchObject([{ created: false }, { created: true }]);
    expect(await account.destroy([id])).toMatchObject([{ id, success: true }]);
    const many = Array.from({ length: 250 }, (_, i) => ({ Name: `N${i}` }));
    expect(await account.create(many, { allowRecursive: true })).toHaveLength(250);
    expect(
      world.requests.filter(({ method, target }) => method === 'POST' && target.endsWith('/composite/sobjects')),
    ).toHaveLength(3);
  });

  it('composite through its plain request', async () => {
    const body = {
      allOrNone: true,
      compositeRequest: [
        { method: 'POST', url: '/services/data/v67.0/sobjects/Account', referenceId: 'a', body: { Name: 'A' } },
        {
          method: 'POST',
          url: '/services/data/v67.0/sobjects/Contact',
          referenceId: 'c',
          body: { LastName: 'C', AccountId: '@{a.id}' },
        },
      ],
    };
    const { compositeResponse } = await client.requestPost<{ compositeResponse: { httpStatusCode: number }[] }>(
      '/composite',
      body,
    );
    expect(compositeResponse.map(({ httpStatusCode }) => httpStatusCode)).toEqual([201, 201]);
  });
});

describe('reading', () => {
  it('queries page by page', async () => {
    world.org.seed(
      'Account',
      Array.from({ length: 2500 }, (_, i) => ({ Name: `A${i}` })),
    );
    const first = await client.query<{ Name: string }>('SELECT Id, Name FROM Account ORDER BY SystemModstamp, Id');
    expect([first.totalSize, first.records.length, first.done]).toEqual([2500, 2000, false]);
    const second = await client.queryMore(first.nextRecordsUrl!);
    expect([second.records.length, second.done]).toEqual([500, true]);
    const all = await client.query('SELECT Id FROM Account').execute({ autoFetch: true, maxFetch: 10_000 });
    expect(all.records ?? all).toHaveLength(2500);
  });

  it('lists what was updated and deleted', async () => {
    const [kept, gone] = ['A', 'B'].map((Name) => world.org.create('Account', { Name }));
    world.org.delete('Account', gone!);
    world.clock.now += 120_000;
    const [from, to] = [new Date(world.clock.now - 600_000), new Date(world.clock.now)];
    expect(await client.sobject('Account').updated(from, to)).toMatchObject({ ids: [kept] });
    expect(await client.sobject('Account').deleted(from, to)).toMatchObject({ deletedRecords: [{ id: gone }] });
    expect(await client.limits()).toMatchObject({ DailyApiRequests: { Max: 15_000 } });
  });
});

describe('bulk 2.0', () => {
  it('loads records and reads the results', async () => {
    client.bulk2.pollInterval = 1;
    const results = await client.bulk2.loadAndWaitForResults({
      object: 'Account',
      operation: 'upsert',
      externalIdFieldName: 'External_Id__c',
      input: [
        { External_Id__c: '1', Name: 'A', Phone: null },
        { External_Id__c: '2', Name: '' },
      ],
      pollInterval: 1,
    });
    expect(results.successfulResults).toMatchObject([{ sf__Created: 'true', External_Id__c: '1', Phone: '#N/A' }]);
    expect(results.failedResults).toMatchObject([
      { External_Id__c: '2', sf__Error: 'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --' },
    ]);
    expect(world.requests.find(({ method }) => method === 'PUT')?.headers).toMatchObject({
      'transfer-encoding': 'chunked',
    });
    expect(world.org.commitsAfter(0).at(-1)?.change_origin).toBe('com/salesforce/api/bulkapi/67.0;client=jsforce-tag');
  });

  it('queries, in one page', async () => {
    world.org.seed('Account', [{ Name: 'A' }, { Name: 'B' }]);
    const stream = await client.bulk2.query('SELECT Name FROM Account ORDER BY Name', { pollInterval: 1 });
    expect(await stream.toArray()).toMatchObject([{ Name: 'A' }, { Name: 'B' }]);
  });
});
