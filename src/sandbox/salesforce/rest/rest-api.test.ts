import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSalesforce, type SalesforceWorld } from '../../../../test/support/salesforce.ts';

let world: SalesforceWorld;
beforeEach(async () => void (world = await startSalesforce()));
afterEach(() => world.close());

const codeOf = (json: unknown): string | undefined => (json as { errorCode: string }[])[0]?.errorCode;

describe('every call', () => {
  it('needs a session that is good, says how much was used, and is refused beyond the limit', async () => {
    const first = await world.call('GET', '/limits');
    expect(first.headers['sforce-limit-info']).toBe('api-usage=1/15000');
    expect(first.json).toMatchObject({ DailyApiRequests: { Max: 15_000, Remaining: 14_999 } });
    expect(await world.call('GET', '/limits', undefined, { authorization: 'Bearer x' })).toMatchObject({
      status: 401,
      json: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }],
    });
    world.usage.max = 1;
    expect(await world.call('GET', '/limits')).toMatchObject({
      status: 403,
      json: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED' }],
    });
    world.clock.now += 25 * 3_600_000;
    world.usage.max = 2;
    const { access_token } = world.sessions.issue({ user_id: world.org.admin_id, client_id: 'x' });
    expect(await world.call('GET', '/limits', undefined, { authorization: `Bearer ${access_token}` })).toMatchObject({
      status: 200,
    });
  });

  it('versions need no session and do not count', async () => {
    const { json, headers } = await world.call('GET', '/services/data', undefined, { authorization: '' });
    expect((json as unknown[]).at(-1)).toEqual({ label: "Summer '26", url: '/services/data/v67.0', version: '67.0' });
    expect(headers['sforce-limit-info']).toBeUndefined();
    expect(world.usage.used).toBe(0);
  });

  it('leads to 404, 405, 414, 415 and 400 where it should', async () => {
    expect((await world.call('GET', '/services/data/v99.0/limits')).status).toBe(404);
    expect((await world.call('GET', '/nowhere')).status).toBe(404);
    expect((await world.call('PUT', '/sobjects/Account')).status).toBe(405);
    expect((await world.call('POST', '/sobjects/Account', '<a/>', { 'content-type': 'application/xml' })).status).toBe(
      415,
    );
    expect(
      codeOf((await world.call('POST', '/sobjects/Account', '{"Name"', { 'content-type': 'application/json' })).json),
    ).toBe('JSON_PARSER_ERROR');
    expect((await world.call('GET', '/sobjects/Account/%E0%A4%A')).status).toBe(400);
  });
});

describe('rows', () => {
  it('are made, read, changed and deleted', async () => {
    const made = await world.call('POST', '/sobjects/Account', { Name: 'Acme', Phone: '1' });
    const { id } = made.json as { id: string };
    expect(made).toMatchObject({
      status: 201,
      json: { id, success: true, errors: [] },
      headers: { location: `/services/data/v67.0/sobjects/Account/${id}` },
    });
    expect((await world.call('PATCH', `/sobjects/account/${id.slice(0, 15)}`, { phone: null })).status).toBe(204);
    expect((await world.call('GET', `/sobjects/Account/${id}?fields=Name,Phone,CreatedDate`)).json).toEqual({
      attributes: { type: 'Account', url: `/services/data/v67.0/sobjects/Account/${id}` },
      Name: 'Acme',
      Phone: null,
      CreatedDate: '2026-11-21T12:00:00.000+0000',
    });
    expect(await world.call('PATCH', `/sobjects/Account/${id}`, { Id: id })).toMatchObject({
      status: 400,
      json: [{ errorCode: 'INVALID_FIELD', fields: ['Id'] }],
    });
    expect((await world.call('DELETE', `/sobjects/Account/${id}`)).status).toBe(204);
    expect(await world.call('DELETE', `/sobjects/Account/${id}`)).toMatchObject({
      status: 404,
      json: [{ errorCode: 'ENTITY_IS_DELETED' }],
    });
    expect(codeOf((await world.call('GET', '/sobjects/Account/001000000000000AAA')).json)).toBe('NOT_FOUND');
  });

  it('of a request carry its user and its tag into the commit log', async () => {
    await world.call(
      'POST',
      '/sobjects/Account',
      { Name: 'A' },
      { 'sforce-call-options': 'client=ours; defaultNamespace=x' },
    );
    expect(world.org.commitsAfter(0).at(-1)).toMatchObject({
      change_origin: 'com/salesforce/api/rest/67.0;client=ours',
      commit_user: world.org.admin_id,
    });
  });

  it('are upserted by external id: 201, then 200 with a body, before version 46 204 without', async () => {
    const path = `/sobjects/Account/External_Id__c/${encodeURIComponent('a/1 ü?')}`;
    const made = await world.call('PATCH', path, { Name: 'A' });
    const { id } = made.json as { id: string };
    expect(made).toMatchObject({ status: 201, json: { success: true, errors: [], created: true } });
    expect(await world.call('PATCH', path, { Name: 'B' })).toMatchObject({ status: 200, json: { id, created: false } });
    expect(await world.call('PATCH', `/services/data/v45.0${path}`, { Name: 'C' })).toMatchObject({
      status: 204,
      text: '',
    });
    const old = await world.call('PATCH', '/services/data/v45.0/sobjects/Account/External_Id__c/new', { Name: 'N' });
    expect(Object.keys(old.json as object)).toEqual(['id', 'success', 'errors']);
    expect((await world.call('GET', path)).json).toMatchObject({ Id: id, Name: 'C', External_Id__c: 'a/1 ü?' });
    expect((await world.call('DELETE', path)).status).toBe(204);
    expect((await world.call('GET', path)).status).toBe(404);
  });

  it('are not upserted where the address or the body is wrong', async () => {
    const status = async (path: string, body: object): Promise<string> => {
      const { status: number, json } = await world.call('PATCH', path, body);
      return `${number} ${codeOf(json)}`;
    };
    expect(await status('/sobjects/Account/External_Id__c/1?updateOnly=true', { Name: 'A' })).toBe('404 NOT_FOUND');
    expect(await status('/sobjects/Account/External_Id__c/1', { External_Id__c: '1' })).toBe('400 INVALID_FIELD');
    expect(await status('/sobjects/Account/External_Id__c/1', { Id: '1' })).toBe('400 INVALID_FIELD');
    expect(await status('/sobjects/Account/Nope__c/1', { Name: 'A' })).toBe('404 NOT_FOUND');
    expect(await status('/sobjects/Account/Phone/1', { Name: 'A' })).toBe('404 NOT_FOUND');
    expect(await status('/sobjects/Nope/External_Id__c/1', { Name: 'A' })).toBe('404 NOT_FOUND');
    expect(await status('/sobjects/Account/External_Id__c/a.inc', { Name: 'A' })).toBe('404 NOT_FOUND');
    expect(await status('/sobjects/Account/External_Id__c/1', {})).toBe('400 REQUIRED_FIELD_MISSING');
    expect(world.org.rows('Account')).toEqual([]);
  });

  it('with one external id are a choice of several, and nothing is written', async () => {
    const ids = world.org.seed('Account', [
      { Name: 'A', Legacy_Id__c: 'x' },
      { Name: 'B', Legacy_Id__c: 'x' },
    ]);
    const { status, json } = await world.call('PATCH', '/sobjects/Account/Legacy_Id__c/x', { Name: 'C' });
    expect([status, json]).toEqual([300, ids.map((id) => `/services/data/v67.0/sobjects/Account/${id}`)]);
    expect(world.org.rows('Account').map(({ Name }) => Name)).toEqual(['A', 'B']);
  });

  it('are locked by the dates of their last change', async () => {
    const id = world.org.create('Account', { Name: 'A' });
    const at = new Date(world.clock.now).toUTCString();
    const before = new Date(world.clock.now - 1000).toUTCString();
    const path = `/sobjects/Account/${id}`;
    expect((await world.call('PATCH', path, { Name: 'B' }, { 'if-unmodified-since': before })).status).toBe(412);
    expect((await world.call('PATCH', path, { Name: 'B' }, { 'if-unmodified-since': at })).status).toBe(204);
    expect((await world.call('GET', path, undefined, { 'if-modified-since': at })).status).toBe(304);
    expect((await world.call('GET', path, undefined, { 'if-modified-since': before })).status).toBe(200);
    expect(world.org.row('Account', id)).toMatchObject({ Name: 'B' });
  });
});

it('describes objects', async () => {
  const { json } = await world.call('GET', '/sobjects/Invoice__c/describe');
  const { fields, ...object } = json as { fields: Record<string, unknown>[] };
  expect(object).toMatchObject({ name: 'Invoice__c', keyPrefix: 'a00', custom: true });
  const field = (name: string): object => fields.find((each) => each['name'] === name)!;
  expect(field('External_Id__c')).toMatchObject({
    type: 'string',
    length: 64,
    externalId: true,
    unique: true,
    idLookup: true,
  });
  expect(field('Total__c')).toMatchObject({ calculated: true, createable: false, updateable: false });
  expect(field('Account__c')).toMatchObject({
    referenceTo: ['Account'],
    relationshipName: 'Account__r',
    nillable: false,
  });
  expect(field('Status__c')).toMatchObject({
    restrictedPicklist: true,
    picklistValues: [{ value: 'Draft', defaultValue: true }, {}, {}],
  });
});

describe('queries', () => {
  it('come in pages', async () => {
    world.org.seed(
      'Account',
      Array.from({ length: 450 }, (_, i) => ({ Name: `A${i}` })),
    );
    const query = '/query?q=SELECT+Id,Name+FROM+Account+ORDER+BY+SystemModstamp,Id';
    const headers = { 'sforce-query-options': 'batchSize=200' };
    const names: string[] = [];
    let next: string | undefined = query;
    let pages = 0;
    while (next !== undefined) {
      const { json } = await world.call('GET', next, undefined, headers);
      const page = json as { totalSize: number; done: boolean; nextRecordsUrl?: string; records: { Name: string }[] };
      expect(page).toMatchObject({ totalSize: 450, done: page.nextRecordsUrl === undefined });
      names.push(...page.records.map(({ Name }) => Name));
      next = page.nextRecordsUrl;
      pages += 1;
    }
    expect([pages, new Set(names).size]).toEqual([3, 450]);
    expect((await world.call('GET', '/query?q=SELECT+COUNT()+FROM+Account')).json).toEqual({
      totalSize: 450,
      done: true,
      records: [],
    });
  });

  it.each([
    ['SELEC', 'MALFORMED_QUERY'],
    ['SELECT Nope FROM Account', 'INVALID_FIELD'],
    ['SELECT Id FROM Nope', 'INVALID_TYPE'],
  ])('%s is refused with %s', async (query, code) => {
    const { status, json } = await world.call('GET', `/query?q=${encodeURIComponent(query)}`);
    expect([status, codeOf(json)]).toEqual([400, code]);
  });

  it('of an unknown locator are refused', async () => {
    expect(codeOf((await world.call('GET', '/query/01gxx0000000001AAA-2000')).json)).toBe('INVALID_QUERY_LOCATOR');
  });
});

describe('replication', () => {
  it('lists what was updated and what was deleted in a window of whole minutes', async () => {
    const [a, b, c] = ['A', 'B', 'C'].map((Name) => world.org.create('Account', { Name }));
    world.clock.now += 61_000;
    world.org.update('Account', b!, { Phone: '1' });
    world.org.delete('Account', c!);
    world.clock.now += 120_000;
    const path = (what: string, start: string, end: string): string =>
      `/sobjects/Account/${what}?start=${encodeURIComponent(start)}&end=${encodeURIComponent(end)}`;
    expect(
      (await world.call('GET', path('updated', '2026-11-21T12:00:40+00:00', '2026-11-21T12:01:00Z'))).json,
    ).toEqual({
      ids: [a],
      latestDateCovered: '2026-11-21T12:01:00.000+0000',
    });
    expect((await world.call('GET', path('updated', '2026-11-21T12:01:00Z', '2026-11-21T13:00:00Z'))).json).toEqual({
      ids: [b],
      latestDateCovered: '2026-11-21T12:03:00.000+0000',
    });
    expect(
      (await world.call('GET', path('deleted', '2026-11-21T12:00:00Z', '2026-11-21T12:03:00Z'))).json,
    ).toMatchObject({
      deletedRecords: [{ id: c, deletedDate: '2026-11-21T12:01:01.000+0000' }],
    });
    world.org.purge('Account', c!);
    expect(
      (await world.call('GET', path('deleted', '2026-11-21T12:00:00Z', '2026-11-21T12:03:00Z'))).json,
    ).toMatchObject({
      deletedRecords: [{ id: c }],
    });
    for (const [start, end] of [
      ['2026-11-21T12:00:10Z', '2026-11-21T12:00:50Z'],
      ['2026-09-01T00:00:00Z', '2026-11-21T00:00:00Z'],
      ['x', 'y'],
    ])
      expect(codeOf((await world.call('GET', path('updated', start!, end!))).json)).toBe('INVALID_REPLICATION_DATE');
  });
});
