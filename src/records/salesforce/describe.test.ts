import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accounts, contacts, openSide, type SalesforceSideWorld } from '../../../test/support/salesforce-side.ts';
import type { ObjectDescribe } from '../model/describe.ts';
import { checkPermissions } from './permissions.ts';
import { schemaChanges } from './schema-change.ts';
import type { SalesforceTransport } from './transport.ts';

let opened: SalesforceSideWorld;
const signal = new AbortController().signal;
beforeEach(async () => void (opened = await openSide()));
afterEach(() => opened.close());

const change = (description: ObjectDescribe, name: string, more: Partial<ObjectDescribe['fields'][number]> | null) => ({
  ...description,
  fields: description.fields.flatMap((field) =>
    field.name !== name ? [field] : more === null ? [] : [{ ...field, ...more }],
  ),
});

describe('the description of an object', () => {
  test('is asked for once in ten minutes, and whenever it must be fresh', async () => {
    const { side, world } = opened;
    const first = await side.descriptions.of('Account', signal);
    expect(first.fields.find(({ name }) => name === 'External_Id__c')).toMatchObject({
      externalId: true,
      unique: true,
    });
    await side.descriptions.of('Account', signal);
    expect(opened.calls()).toHaveLength(1);
    await side.descriptions.of('Account', signal, { fresh: true });
    world.clock.now += 10 * 60_000;
    await side.descriptions.of('Account', signal);
    expect(opened.calls()).toHaveLength(2);
  });
});

describe('what an administrator changed', () => {
  test.each([
    ['Phone', null, 'error', 'phone', /Account\.Phone is gone/],
    ['Phone', { type: 'boolean' }, 'error', 'phone', /was of type phone and is now boolean/],
    ['Phone', { updateable: false }, 'error', 'phone', /no longer be updated/],
    ['Phone', { length: 10 }, 'warning', 'phone', /takes 10 characters now and took 40/],
    ['Phone', { nillable: false }, 'warning', 'phone', /must have a value now/],
    ['External_Id__c', null, 'error', null, /external id Account\.External_Id__c is gone/],
    ['External_Id__c', { externalId: false, idLookup: false }, 'error', null, /no external id any more/],
    ['External_Id__c', { caseSensitive: true }, 'error', null, /now tells upper from lower case/],
    ['External_Id__c', { unique: false }, 'warning', null, /not unique any more/],
  ] as const)('%s: %o is an %s', async (name, more, severity, field, message) => {
    const before = await opened.side.descriptions.of('Account', signal);
    const found = schemaChanges(accounts(), before, change(before, name, more));
    expect(found).toContainEqual({ severity, field, message: expect.stringMatching(message) as string });
    expect(schemaChanges(accounts(), before, change(before, 'Fax', null))).toEqual([]);
    expect(schemaChanges(accounts(), before, before)).toEqual([]);
  });

  test('rights that were taken, and a relation that was renamed', async () => {
    const before = await opened.side.descriptions.of('Account', signal);
    expect(schemaChanges(accounts(), before, { ...before, deletable: false })).toHaveLength(1);
    expect(schemaChanges(accounts({ deletes: 'ignore' }), before, { ...before, deletable: false })).toEqual([]);
    const contact = await opened.side.descriptions.of('Contact', signal);
    expect(schemaChanges(contacts(), contact, change(contact, 'AccountId', { relationshipName: 'Firm' }))).toHaveLength(
      1,
    );
  });
});

describe('what init looks at', () => {
  const look = (events: string[] | null, objects: string[]) => {
    const { side } = opened;
    const call = async (...[request, stop]: Parameters<SalesforceTransport['call']>) => {
      if (!request.path.includes('/tooling/') || events === null) return side.transport.call(request, stop);
      const records = events.map((SelectedEntity) => ({ SelectedEntity }));
      return { ok: true, status: 200, headers: {}, body: { records } };
    };
    const transport = {
      call,
      base: '',
      budget: side.transport.budget,
      refreshBudget: (stop: AbortSignal) => side.refreshBudget(stop),
    } as unknown as SalesforceTransport;
    return checkPermissions({ transport, descriptions: side.descriptions, poll_every_ms: 30_000 }, objects, signal);
  };
  const codes = (report: Awaited<ReturnType<typeof look>>) =>
    report.findings.map(({ object, code }) => `${object ?? 'org'} ${code}`);

  test('calls, objects, external ids, and whose changes come as events', async () => {
    const report = await look(
      ['AccountChangeEvent', 'Invoice__ChangeEvent'],
      ['Account', 'Contact', 'Nothing__c', 'Opportunity'],
    );
    expect(codes(report)).toEqual([
      'org calls',
      'Account external_id',
      'Account events',
      'Contact external_id',
      'Contact polled',
      'Nothing__c object_unseen',
      'Opportunity external_id',
      'Opportunity polled',
    ]);
    expect(report.event_objects).toEqual(['Account', 'Invoice__c']);
    expect(report.external_ids.get('Account')).toEqual(['External_Id__c', 'Code__c', 'Legacy_Id__c']);
    expect(report.findings.find(({ code }) => code === 'polled')!.message).toContain('3 of 5 places are free');
  });

  test('a full selection names what takes the places; one that cannot be seen is said to be so', async () => {
    const full = await look(
      ['A', 'B', 'C', 'D', 'E'].map((name) => `${name}ChangeEvent`),
      ['Account'],
    );
    expect(full.findings.at(-1)!.message).toContain('are taken by A, B, C, D, E');
    const unseen = await look(null, ['Account']);
    expect(unseen.event_objects).toBeNull();
    expect(unseen.findings.at(-1)).toMatchObject({ code: 'polled', weight: 'note' });
  });

  test('an object without an external id cannot be written', async () => {
    expect(codes(await look([], ['User']))).toContain('User no_external_id');
  });
});
