import { afterEach, beforeEach, expect, it } from 'vitest';
import { request } from 'undici';
import { startSalesforce, type SalesforceWorld } from '../../../../test/support/salesforce.ts';

let world: SalesforceWorld;
beforeEach(async () => void (world = await startSalesforce()));
afterEach(() => world.close());

async function open(
  path: string,
  form?: Record<string, string>,
): Promise<{ status: number; text: string; location: string }> {
  const response = await request(`${world.url}${path}`, {
    ...(form
      ? {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams(form).toString(),
        }
      : {}),
  });
  return {
    status: response.statusCode,
    text: await response.body.text(),
    location: String(response.headers['location']),
  };
}

it('lists objects and records, and finds', async () => {
  world.org.seed('Account', [{ Name: '<b>Acme</b>' }, { Name: 'Beta' }]);
  expect((await open('/')).text).toContain('<a href="/objects/Account">Account</a>');
  const list = (await open('/objects/Account')).text;
  expect(list).toContain('&lt;b&gt;Acme&lt;/b&gt;');
  const found = (await open('/objects/Account?q=bet')).text;
  expect([found.includes('Beta'), found.includes('Acme')]).toEqual([true, false]);
  expect((await open('/objects/Nope')).status).toBe(404);
  expect((await open('/objects/Account/001000000000000AAA')).status).toBe(404);
});

it('makes a record and changes only what a person changed', async () => {
  const { location } = await open('/objects/Account/new', { Name: 'A', Phone: '1', Active__c: 'true', act: 'save' });
  const id = location.split('/').at(-1)!;
  expect(world.org.row('Account', id)).toMatchObject({ Name: 'A', Phone: '1', Active__c: true });
  const text = (await open(location)).text;
  expect(text).toContain('<input type="hidden" name="was.Phone" value="1" />');
  // Meanwhile somebody else changes the phone; the form says nothing of it.
  world.org.update('Account', id, { Phone: '2' });
  const form = {
    'was.Name': 'A',
    Name: 'B',
    'was.Phone': '1',
    Phone: '1',
    'was.Active__c': 'true',
    Active__c: 'true',
    act: 'save',
  };
  expect((await open(location, form)).status).toBe(303);
  expect(world.org.row('Account', id)).toMatchObject({ Name: 'B', Phone: '2', Active__c: true });
  expect(world.org.commitsAfter(0).at(-1)).toMatchObject({
    change_origin: '',
    changed_fields: ['Name', 'LastModifiedDate'],
  });
});

it('shows why something was refused, deletes, restores and deletes for good', async () => {
  const id = world.org.create('Account', { Name: 'A' });
  const refused = await open(`/objects/Account/${id}`, { 'was.Name': 'A', Name: '', act: 'save' });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain('REQUIRED_FIELD_MISSING');
  await open(`/objects/Account/${id}`, { act: 'delete' });
  expect(world.org.row('Account', id)).toMatchObject({ IsDeleted: true });
  expect((await open(`/objects/Account/${id}`)).text).toContain('Delete for good');
  await open(`/objects/Account/${id}`, { act: 'undelete' });
  expect(world.org.row('Account', id)).toMatchObject({ IsDeleted: false });
  await open(`/objects/Account/${id}`, { act: 'delete' });
  await open(`/objects/Account/${id}`, { act: 'purge' });
  expect(world.org.row('Account', id)).toBeNull();
});
