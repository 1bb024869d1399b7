import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSalesforce, type SalesforceWorld } from '../../../../test/support/salesforce.ts';

let world: SalesforceWorld;
beforeEach(async () => void (world = await startSalesforce({ bulk: { queue_ms: 1000, work_ms: 2000 } })));
afterEach(() => world.close());

type Info = Record<string, string | number>;
const JOB = '/jobs/ingest';

async function open(body: object): Promise<Info> {
  const { json } = await world.call('POST', JOB, { contentType: 'CSV', object: 'Account', ...body });
  return json as Info;
}
const put = (id: unknown, csv: string) =>
  world.call('PUT', `${JOB}/${String(id)}/batches`, csv, { 'content-type': 'text/csv' });
const patch = (id: unknown, state: string) => world.call('PATCH', `${JOB}/${String(id)}`, { state });
const info = async (id: unknown): Promise<Info> => (await world.call('GET', `${JOB}/${String(id)}`)).json as Info;
const file = async (id: unknown, part: string): Promise<string[]> =>
  (await world.call('GET', `${JOB}/${String(id)}/${part}`)).text.trimEnd().split(/\r?\n/);

async function run(body: object, csv: string): Promise<Info> {
  const { id } = await open(body);
  expect((await put(id, csv)).status).toBe(201);
  expect((await patch(id, 'UploadComplete')).status).toBe(200);
  world.clock.now += 1000;
  await info(id);
  world.clock.now += 2000;
  return info(id);
}

describe('an ingest job', () => {
  it('goes through its states as time does', async () => {
    const job = await open({ operation: 'insert' });
    expect(job).toMatchObject({
      id: expect.stringMatching(/^750.{15}$/) as string,
      state: 'Open',
      apiVersion: 67,
      jobType: 'V2Ingest',
      contentUrl: `services/data/v67.0/jobs/ingest/${job['id']}/batches`,
      lineEnding: 'LF',
      columnDelimiter: 'COMMA',
    });
    await put(job['id'], 'Name\nA\n');
    expect((await patch(job['id'], 'UploadComplete')).json).toMatchObject({ state: 'UploadComplete' });
    expect(await info(job['id'])).toMatchObject({ state: 'UploadComplete' });
    world.clock.now += 1000;
    expect(await info(job['id'])).toMatchObject({ state: 'InProgress' });
    expect(world.org.rows('Account')).toEqual([]);
    world.clock.now += 2000;
    const done = await info(job['id']);
    expect(done).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 1, numberRecordsFailed: 0 });
    expect(done).not.toHaveProperty('contentUrl');
    expect(world.org.commitsAfter(0).at(-1)?.change_origin).toBe('com/salesforce/api/bulkapi/67.0');
    expect((await world.call('DELETE', `${JOB}/${job['id']}`)).status).toBe(204);
    expect(await world.call('GET', `${JOB}/${job['id']}`)).toMatchObject({
      status: 404,
      json: [{ errorCode: 'NOT_FOUND' }],
    });
  });

  it('refuses steps out of turn, and takes one upload', async () => {
    const { id } = await open({ operation: 'insert' });
    expect((await patch(id, 'UploadComplete')).status).toBe(400);
    expect((await world.call('DELETE', `${JOB}/${id}`)).status).toBe(400);
    await put(id, 'Name\nA\n');
    expect(await put(id, 'Name\nB\n')).toMatchObject({ status: 400, json: [{ errorCode: 'INVALIDJOBSTATE' }] });
    expect((await patch(id, 'JobComplete')).status).toBe(400);
    expect((await patch(id, 'Aborted')).json).toMatchObject({ state: 'Aborted' });
    expect(await patch(id, 'UploadComplete')).toMatchObject({ status: 400, json: [{ errorCode: 'INVALIDJOBSTATE' }] });
    expect((await world.call('POST', JOB, { object: 'Nope', operation: 'insert' })).status).toBe(404);
    expect((await world.call('POST', JOB, { object: 'Account', operation: 'merge' })).status).toBe(400);
    expect((await world.call('POST', JOB, { object: 'Account', operation: 'upsert' })).status).toBe(400);
  });

  it('upserts with empty, null, quoted and parent values, and says of each row what became of it', async () => {
    world.org.seed('Account', [
      { Name: 'Old', External_Id__c: 'e1', Phone: '1', Fax: '2' },
      { Name: 'Parent', External_Id__c: 'p' },
    ]);
    const csv = [
      'Id,External_Id__c,Name,Phone,Fax,Description,Parent.External_Id__c,Renewal_Date__c,Active__c',
      ',e1,,#N/A,,"a ""quoted"", two\nlines",p,2026-01-31,true',
      ',e2, New ,,,,,,',
      ',e3,,,,,,,',
      ',e4,N,,,,none,,',
      ',e5,N,,,,,31.1.2026,',
      ',e6,N,,,,,,',
      ',e6,N,,,,,,',
    ].join('\n');
    const job = await run({ operation: 'upsert', externalIdFieldName: 'External_Id__c' }, csv);
    expect(job).toMatchObject({
      state: 'JobComplete',
      numberRecordsProcessed: 7,
      numberRecordsFailed: 5,
      externalIdFieldName: 'External_Id__c',
    });
    const [old, parent, made] = world.org.rows('Account');
    expect(old).toMatchObject({
      Name: 'Old',
      Fax: '2',
      Description: 'a "quoted", two\nlines',
      ParentId: parent!['Id'],
      Renewal_Date__c: '2026-01-31',
      Active__c: true,
    });
    expect(old).not.toHaveProperty('Phone');
    expect(made).toMatchObject({ Name: ' New ' });
    expect((await file(job['id'], 'successfulResults')).slice(0, 2)).toEqual([
      '"sf__Id","sf__Created","Id","External_Id__c","Name","Phone","Fax","Description","Parent.External_Id__c","Renewal_Date__c","Active__c"',
      `"${String(made!['Id'])}","true","","e2"," New ","","","","","",""`,
    ]);
    const failed = await file(job['id'], 'failedResults');
    expect(failed.slice(1).map((line) => line.split(',"","e')[0])).toEqual([
      '"","DUPLICATE_VALUE:Duplicate external id specified: e6:External_Id__c --"',
      '"","DUPLICATE_VALUE:Duplicate external id specified: e6:External_Id__c --"',
      '"","INVALID_TYPE_ON_FIELD_IN_RECORD:Renewal Date: value not of required type: 31.1.2026:Renewal_Date__c --"',
      '"","INVALID_FIELD:Foreign key external ID: none not found for field External_Id__c in entity Account:--"',
      '"","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"',
    ]);
    expect(await file(job['id'], 'unprocessedrecords')).toHaveLength(1);
  });

  it('updates, deletes and deletes for good by id', async () => {
    const [a, b, c] = world.org.seed('Account', [{ Name: 'A' }, { Name: 'B' }, { Name: 'C' }]);
    expect(await run({ operation: 'update' }, `Id,Phone\n${a},1\n001000000000000AAA,1\n`)).toMatchObject({
      numberRecordsFailed: 1,
    });
    expect(await run({ operation: 'delete' }, `Id\n${b}\n`)).toMatchObject({ numberRecordsFailed: 0 });
    expect(await run({ operation: 'hardDelete' }, `Id\n${c}\n`)).toMatchObject({ numberRecordsFailed: 0 });
    expect([
      world.org.row('Account', a!)?.['Phone'],
      world.org.row('Account', b!)?.['IsDeleted'],
      world.org.row('Account', c!),
    ]).toEqual(['1', true, null]);
  });

  it('takes other delimiters and line endings, and fails whole where the file is another', async () => {
    const form = { operation: 'insert', columnDelimiter: 'PIPE', lineEnding: 'CRLF' };
    const job = await run(form, 'Name|Phone\r\nA|1\r\n');
    expect(job).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 1 });
    expect((await world.call('GET', `${JOB}/${job['id']}/successfulResults`)).text).toMatch(
      /^"sf__Id"\|"sf__Created"\|"Name"\|"Phone"\r\n/,
    );
    expect(await run({ operation: 'insert' }, 'Name,Nope__c\nA,1\n')).toMatchObject({
      state: 'Failed',
      errorMessage: 'InvalidBatch : Field name not found : Nope__c',
      numberRecordsProcessed: 0,
    });
    expect(await run({ operation: 'insert' }, 'Name\n"A\n')).toMatchObject({ state: 'Failed' });
  });

  it('works in transactions of 200', async () => {
    const before = world.org.lastCommit;
    await run({ operation: 'insert' }, `Name\n${Array.from({ length: 450 }, (_, i) => `A${i}`).join('\n')}\n`);
    expect(world.org.lastCommit - before).toBe(3);
  });

  it('is ended after a day without an upload, and forgotten after a week', async () => {
    const { id } = await open({ operation: 'insert' });
    world.clock.now += 25 * 3_600_000;
    const token = world.sessions.issue({ user_id: world.org.admin_id, client_id: 'x' }).access_token;
    const get = () => world.call('GET', `${JOB}/${id}`, undefined, { authorization: `Bearer ${token}` });
    expect((await get()).json).toMatchObject({ state: 'Aborted' });
    expect((await get()).status).toBe(200);
  });

  it.each([
    ['Failed', { state: 'Failed', errorMessage: 'broken', numberRecordsProcessed: 2 }],
    ['Aborted', { state: 'Aborted', numberRecordsProcessed: 2 }],
  ] as const)('%s by a fault leaves the rest unprocessed and what was done done', async (outcome, expected) => {
    world.faults.add({ effect: { kind: 'bulk', outcome, after_rows: 2, message: 'broken' }, times: 1 });
    const job = await run({ operation: 'insert' }, 'Name\nA\nB\nC\n');
    expect(job).toMatchObject(expected);
    expect(await file(job['id'], 'unprocessedrecords')).toEqual(['"Name"', '"C"']);
    expect(world.org.rows('Account')).toHaveLength(2);
  });

  it('is slow until the fault is gone', async () => {
    const fault = world.faults.add({ match: { object: 'Account' }, effect: { kind: 'bulk', outcome: 'stalled' } });
    const job = await run({ operation: 'insert' }, 'Name\nA\n');
    expect(job).toMatchObject({ state: 'InProgress' });
    world.faults.remove(fault);
    expect(await info(job['id'])).toMatchObject({ state: 'JobComplete' });
  });
});

describe('a query job', () => {
  it('gives its records as CSV, page by page', async () => {
    world.org.seed('Account', [{ Name: 'A', External_Id__c: '1' }, { Name: 'B "b"' }, { Name: 'C' }]);
    const [a] = world.org.rows('Account');
    world.org.seed('Contact', [{ LastName: 'L', AccountId: a!['Id'] }]);
    const { json } = await world.call('POST', '/jobs/query', {
      operation: 'query',
      query: 'SELECT Name, External_Id__c, CreatedDate, Parent.Name FROM Account ORDER BY Name',
    });
    const { id } = json as { id: string };
    const path = `/jobs/query/${id}`;
    expect(json).toMatchObject({ state: 'UploadComplete', jobType: 'V2Query', object: 'Account' });
    expect((await world.call('GET', `${path}/results`)).status).toBe(400);
    world.clock.now += 1000;
    await world.call('GET', path);
    world.clock.now += 2000;
    expect((await world.call('GET', path)).json).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 3 });
    const first = await world.call('GET', `${path}/results?maxRecords=2`);
    expect(first.text).toBe(
      '"Name","External_Id__c","CreatedDate","Parent.Name"\n"A","1","2026-11-21T12:00:00.000Z",""\n"B ""b""","","2026-11-21T12:00:00.000Z",""\n',
    );
    expect(first.headers).toMatchObject({ 'sforce-numberofrecords': '2' });
    const second = await world.call(
      'GET',
      `${path}/results?maxRecords=2&locator=${String(first.headers['sforce-locator'])}`,
    );
    expect([second.text.split('\n').length, second.headers['sforce-locator']]).toEqual([3, 'null']);
    expect((await world.call('GET', `/services/data/v60.0${path}/results`)).status).toBe(409);
    expect((await world.call('DELETE', path)).status).toBe(204);
  });

  it('is refused where the query is', async () => {
    for (const query of ['SELEC', 'SELECT COUNT() FROM Account', 'SELECT Nope FROM Account'])
      expect((await world.call('POST', '/jobs/query', { operation: 'query', query })).status).toBe(400);
  });
});
