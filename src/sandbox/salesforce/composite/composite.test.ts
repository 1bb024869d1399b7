import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSalesforce, type SalesforceWorld } from '../../../../test/support/salesforce.ts';

let world: SalesforceWorld;
beforeEach(async () => void (world = await startSalesforce()));
afterEach(() => world.close());

const account = (values: object): object => ({ attributes: { type: 'Account' }, ...values });
const names = (): unknown[] => world.org.rows('Account').map(({ Name }) => Name);
const BASE = '/services/data/v67.0';

describe('collections', () => {
  const send = (method: string, records: object[], allOrNone = false, path = '') =>
    world.call(method, `/composite/sobjects${path}`, { allOrNone, records });

  it('write what is good and say of each row what became of it, in one transaction', async () => {
    const before = world.org.lastCommit;
    const { status, json } = await send('POST', [account({ Name: 'A' }), account({}), account({ Name: 'C' })]);
    expect([status, json]).toEqual([
      200,
      [
        { id: expect.stringMatching(/^001/) as string, success: true, errors: [] },
        {
          success: false,
          errors: [
            { statusCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Name]', fields: ['Name'] },
          ],
        },
        { id: expect.stringMatching(/^001/) as string, success: true, errors: [] },
      ],
    ]);
    expect(
      world.org
        .commitsAfter(before)
        .map(({ commit_number, sequence_number }) => [commit_number - before, sequence_number]),
    ).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  it('write nothing when one fails and all or none was asked for', async () => {
    const { json } = await send('POST', [account({ Name: 'A' }), account({ Name: 'x'.repeat(300) })], true);
    expect(json).toMatchObject([
      { success: false, errors: [{ statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', fields: [] }] },
      { success: false, errors: [{ statusCode: 'STRING_TOO_LONG' }] },
    ]);
    expect(names()).toEqual([]);
  });

  it('upsert by external id, and twice the same fails twice', async () => {
    const path = '/Account/External_Id__c';
    const rows = ['1', '2', '2', '3'].map((External_Id__c) => account({ Name: `N${External_Id__c}`, External_Id__c }));
    const { json } = await send('PATCH', rows, false, path);
    expect((json as { success: boolean }[]).map(({ success }) => success)).toEqual([true, false, false, true]);
    expect(json).toMatchObject([{ created: true }, { errors: [{ statusCode: 'DUPLICATE_VALUE' }] }, {}, {}]);
    const again = await send(
      'PATCH',
      [account({ Name: 'again', External_Id__c: '1' }), account({ Name: 'none' })],
      false,
      path,
    );
    expect(again.json).toMatchObject([
      { success: true, created: false },
      { success: false, errors: [{ statusCode: 'MISSING_ARGUMENT' }] },
    ]);
    expect(names().sort()).toEqual(['N3', 'again']);
    world.org.seed('Account', [
      { Name: 'L', Legacy_Id__c: 'l' },
      { Name: 'M', Legacy_Id__c: 'l' },
    ]);
    expect(
      (await send('PATCH', [account({ Name: 'x', Legacy_Id__c: 'l' })], false, '/Account/Legacy_Id__c')).json,
    ).toMatchObject([{ success: false, errors: [{ statusCode: 'DUPLICATE_EXTERNAL_ID' }] }]);
  });

  it('update, delete and retrieve', async () => {
    const [a, b] = world.org.seed('Account', [{ Name: 'A' }, { Name: 'B' }]);
    const missing = a!.replace(/....$/, 'zAAA');
    expect(
      (
        await send('PATCH', [
          account({ id: a, Phone: '1' }),
          account({ id: missing, Phone: '1' }),
          account({ Phone: '1' }),
        ])
      ).json,
    ).toMatchObject([
      { id: a, success: true },
      {
        success: false,
        errors: [{ statusCode: expect.stringMatching(/MALFORMED_ID|INVALID_CROSS_REFERENCE_KEY/) as string }],
      },
      { success: false, errors: [{ statusCode: 'MISSING_ARGUMENT' }] },
    ]);
    expect((await world.call('DELETE', `/composite/sobjects?ids=${b},${b}&allOrNone=false`)).json).toMatchObject([
      { id: b, success: true },
      { success: false, errors: [{ statusCode: 'ENTITY_IS_DELETED' }] },
    ]);
    expect(
      (await world.call('POST', '/composite/sobjects/Account', { ids: [a, b], fields: ['Name', 'Phone'] })).json,
    ).toEqual([{ attributes: { type: 'Account', url: `${BASE}/sobjects/Account/${a}` }, Name: 'A', Phone: '1' }, null]);
  });

  it('of more than 200 are refused whole', async () => {
    const { status } = await send(
      'POST',
      Array.from({ length: 201 }, () => account({ Name: 'A' })),
    );
    expect([status, names()]).toEqual([400, []]);
  });

  it('carry no tag unless the sandbox is told to', async () => {
    const headers = { 'sforce-call-options': 'client=ours' };
    await world.call('POST', '/composite/sobjects', { records: [account({ Name: 'A' })] }, headers);
    expect(world.org.commitsAfter(0).at(-1)?.change_origin).toBe('com/salesforce/api/rest/67.0');
    await world.close();
    world = await startSalesforce({ tags_composite: true });
    await world.call('POST', '/composite/sobjects', { records: [account({ Name: 'A' })] }, headers);
    expect(world.org.commitsAfter(0).at(-1)?.change_origin).toBe('com/salesforce/api/rest/67.0;client=ours');
  });
});

interface Part {
  httpStatusCode: number;
  referenceId: string;
  body: { id?: string; errorCode?: string }[] & { id?: string };
}

const sub = (method: string, path: string, referenceId: string, body?: object): object => ({
  method,
  url: `${BASE}${path}`,
  referenceId,
  ...(body ? { body } : {}),
});

describe('composite', () => {
  const send = async (compositeRequest: object[], allOrNone = false): Promise<{ status: number; parts: Part[] }> => {
    const { status, json } = await world.call('POST', '/composite', { allOrNone, compositeRequest });
    return { status, parts: (json as { compositeResponse?: Part[] }).compositeResponse ?? [] };
  };

  it('uses in one subrequest what another answered', async () => {
    const { parts } = await send([
      sub('POST', '/sobjects/Account', 'a', { Name: 'A' }),
      sub('POST', '/sobjects/Contact', 'c', { LastName: 'C', AccountId: '@{a.id}', Title: 'of @{a.id}' }),
      sub('GET', '/query?q=SELECT+Id,AccountId+FROM+Contact', 'q'),
      sub('GET', '/sobjects/Account/@{q.records[0].AccountId}?fields=Name', 'g'),
    ]);
    const [a, c, , g] = parts;
    expect(parts.map(({ httpStatusCode }) => httpStatusCode)).toEqual([201, 201, 200, 200]);
    expect(world.org.row('Contact', c!.body.id!)).toMatchObject({ AccountId: a!.body.id, Title: `of ${a!.body.id}` });
    expect(a).toMatchObject({ referenceId: 'a', httpHeaders: { Location: `${BASE}/sobjects/Account/${a!.body.id}` } });
    expect(g!.body).toMatchObject({ Name: 'A' });
  });

  it('all or none: undoes everything with the first that fails', async () => {
    const before = world.org.lastCommit;
    const { status, parts } = await send(
      [
        sub('POST', '/sobjects/Account', 'a', { Name: 'A' }),
        sub('POST', '/sobjects/Account', 'b', {}),
        sub('POST', '/sobjects/Account', 'c', { Name: 'C' }),
      ],
      true,
    );
    expect([status, names(), world.org.lastCommit]).toEqual([200, [], before]);
    expect(parts.map(({ httpStatusCode, body }) => [httpStatusCode, body[0]?.errorCode])).toEqual([
      [400, 'PROCESSING_HALTED'],
      [400, 'REQUIRED_FIELD_MISSING'],
      [400, 'PROCESSING_HALTED'],
    ]);
  });

  it('otherwise halts only what needs the failed one', async () => {
    const { parts } = await send([
      sub('POST', '/sobjects/Account', 'a', {}),
      sub('POST', '/sobjects/Contact', 'c', { LastName: 'C', AccountId: '@{a.id}' }),
      sub('POST', '/sobjects/Account', 'b', { Name: 'B' }),
    ]);
    expect(parts.map(({ httpStatusCode }) => httpStatusCode)).toEqual([400, 400, 201]);
    expect(parts[1]!.body[0]?.errorCode).toBe('PROCESSING_HALTED');
    expect(names()).toEqual(['B']);
  });

  it.each([
    ['too many', Array.from({ length: 26 }, (_, i) => sub('GET', '/limits', `r${i}`))],
    ['too many queries', Array.from({ length: 6 }, (_, i) => sub('GET', '/query?q=x', `r${i}`))],
    ['a bad id', [sub('GET', '/limits', '_a')]],
    ['one id twice', [sub('GET', '/limits', 'a'), sub('GET', '/limits', 'a')]],
    ['another address', [{ method: 'GET', url: 'https://example.com/', referenceId: 'a' }]],
    ['a header of its own', [{ ...sub('GET', '/limits', 'a'), httpHeaders: { Authorization: 'x' } }]],
  ])('with %s is refused whole', async (_, list) => {
    expect((await send(list)).status).toBe(400);
  });
});

describe('composite graph', () => {
  interface Graph {
    graphId: string;
    isSuccessful: boolean;
    graphResponse: { compositeResponse: Part[] };
  }
  const send = async (graphs: object[]): Promise<{ status: number; graphs: Graph[] }> => {
    const { status, json } = await world.call('POST', '/composite/graph', { graphs });
    return { status, graphs: (json as { graphs?: Graph[] }).graphs ?? [] };
  };
  const graph = (graphId: string, compositeRequest: object[]): object => ({ graphId, compositeRequest });

  it('takes each graph whole or not at all', async () => {
    const { status, graphs } = await send([
      graph('good', [
        sub('PATCH', '/sobjects/Account/External_Id__c/1', 'a', { Name: 'A' }),
        sub('POST', '/sobjects/Contact', 'c', { LastName: 'C', AccountId: '@{a.id}' }),
      ]),
      graph('bad', [sub('POST', '/sobjects/Account', 'a', { Name: 'B' }), sub('POST', '/sobjects/Account', 'b', {})]),
    ]);
    expect([status, names(), world.org.rows('Contact').length]).toEqual([200, ['A'], 1]);
    expect(graphs.map(({ graphId, isSuccessful }) => [graphId, isSuccessful])).toEqual([
      ['good', true],
      ['bad', false],
    ]);
    expect(graphs[1]!.graphResponse.compositeResponse.map(({ body }) => body[0]?.errorCode)).toEqual([
      'PROCESSING_HALTED',
      'REQUIRED_FIELD_MISSING',
    ]);
  });

  it('runs no more after 14 failed ones', async () => {
    const { graphs } = await send([
      ...Array.from({ length: 15 }, (_, i) => graph(`bad${i}`, [sub('POST', '/sobjects/Account', 'a', {})])),
      graph('late', [sub('POST', '/sobjects/Account', 'a', { Name: 'A' })]),
    ]);
    expect(graphs.at(-1)).toMatchObject({
      isSuccessful: false,
      graphResponse: { compositeResponse: [{ httpStatusCode: 400 }] },
    });
    expect(names()).toEqual([]);
  });

  const chain = (length: number): object[] =>
    Array.from({ length }, (_, i) =>
      sub('POST', '/sobjects/Account', `r${i}`, { Name: 'A', ...(i > 0 ? { ParentId: `@{r${i - 1}.id}` } : {}) }),
    );
  it.each([
    ['76 graphs', Array.from({ length: 76 }, (_, i) => graph(`g${i}`, chain(1)))],
    ['a depth of 16', [graph('g', chain(16))]],
    [
      '501 nodes',
      Array.from({ length: 3 }, (_, g) =>
        graph(
          `g${g}`,
          Array.from({ length: 167 }, (_, i) => sub('POST', '/sobjects/Account', `r${i}`, { Name: 'A' })),
        ),
      ),
    ],
    ['a query', [graph('g', [sub('GET', '/query?q=x', 'a')])]],
  ])('with %s is refused whole', async (_, graphs) => {
    expect((await send(graphs)).status).toBe(400);
    expect(names()).toEqual([]);
  });

  it('with a depth of 15 is taken', async () => {
    expect((await send([graph('g', chain(15))])).graphs).toMatchObject([{ isSuccessful: true }]);
  });
});
