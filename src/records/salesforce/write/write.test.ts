import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accounts, contacts, openSide, type SalesforceSideWorld } from '../../../../test/support/salesforce-side.ts';
import type { SalesforceResult, SalesforceWrite } from '../../sides.ts';

let opened: SalesforceSideWorld;
const signal = new AbortController().signal;
beforeEach(async () => void (opened = await openSide()));
afterEach(() => opened.close());

const upsert = (key: string, fields: SalesforceWrite['fields'] = { name: key }): SalesforceWrite => ({
  key: key.toLowerCase(),
  id: null,
  operation: 'upsert',
  fields: { external_id: key, ...fields },
});
const write = (...writes: SalesforceWrite[]) => opened.side.write(accounts(), writes, signal);
const one = async (change: SalesforceWrite) => (await write(change))[0]!;
const rows = () => opened.world.org.rows('Account');
const row = (id: string) => opened.world.org.row('Account', id)!;
const classOf = (result: SalesforceResult | undefined) =>
  result?.kind === 'failed' ? `${result.failure.class} ${result.failure.code}` : result?.kind;
const writes = () => opened.calls().filter((call) => !call.startsWith('GET'));

describe('one record', () => {
  test('is created, changed and deleted by external id, and bears our tag', async () => {
    const made = await one(upsert('Ab', { name: 'A', revenue: '12', active: true, phone: null }));
    expect(made).toMatchObject({ kind: 'done', created: true });
    const id = made.kind === 'done' ? made.id : '';
    expect(row(id)).toMatchObject({ External_Id__c: 'Ab', Name: 'A', AnnualRevenue: 12, Active__c: true });
    expect(opened.world.org.commitsAfter(0).at(-1)!.change_origin).toContain('client=syncline-test');
    expect(await one(upsert('ab', { phone: '1' }))).toEqual({ kind: 'done', id, created: false });
    expect(await one({ key: 'ab', id: null, operation: 'delete', fields: {} })).toMatchObject({ kind: 'done' });
    expect(rows()).toEqual([]);
  });

  test('is changed by its id, the external id included', async () => {
    const [id] = opened.world.org.seed('Account', [{ Name: 'A' }]);
    expect(await one({ ...upsert('New'), id: id! })).toEqual({ kind: 'done', id, created: false });
    expect(row(id!)).toMatchObject({ External_Id__c: 'New', Name: 'New' });
  });

  test('is not created by an update', async () => {
    expect(classOf(await one({ ...upsert('x'), operation: 'update' }))).toBe('identity NOT_FOUND');
    expect(rows()).toEqual([]);
  });

  test('that is deleted already is gone; one that was meant by a stale id is looked up anew', async () => {
    const [id] = opened.world.org.seed('Account', [{ Name: 'A', External_Id__c: 'a' }]);
    opened.world.org.delete('Account', id!);
    expect(await one({ key: 'a', id: id!, operation: 'delete', fields: {} })).toEqual({ kind: 'gone' });
    expect(classOf(await one({ ...upsert('a'), id: id! }))).toMatch(/^identity /);
    opened.world.org.purge('Account', id!);
    expect(await one({ key: 'a', id: id!, operation: 'delete', fields: {} })).toEqual({ kind: 'gone' });
    expect(classOf(await one({ ...upsert('a'), id: id! }))).toMatch(/^identity /);
  });

  test('is never called gone because its object cannot be seen', async () => {
    await one(upsert('a'));
    opened.world.faults.add({
      match: { path: '*/sobjects/Account*' },
      effect: { kind: 'reply', status: 404, error_code: 'NOT_FOUND' },
    });
    expect(classOf(await one({ key: 'a', id: null, operation: 'delete', fields: {} }))).toBe('retry object_not_seen');
  });

  test('of several with one external id is not chosen', async () => {
    opened.world.org.seed('Account', [
      { Name: 'A', Legacy_Id__c: 'x' },
      { Name: 'B', Legacy_Id__c: 'x' },
    ]);
    const legacy = accounts({ salesforce: { object: 'Account', external_id: 'Legacy_Id__c', case_sensitive: false } });
    const [told] = await opened.side.write(legacy, [{ ...upsert('x'), fields: { name: 'C' } }], signal);
    expect(classOf(told)).toBe('identity MULTIPLE_CHOICES');
  });

  test('a value that Salesforce cannot keep is refused before any call', async () => {
    await one(upsert('warm'));
    opened.calls();
    expect(await one(upsert('a', { phone: '1'.repeat(41) }))).toMatchObject({
      kind: 'failed',
      failure: { class: 'permanent', code: 'too_long', fields: ['Phone'] },
    });
    expect(classOf(await one({ ...upsert('a'), operation: 'undelete' }))).toBe('permanent undelete_not_offered');
    expect(opened.calls()).toEqual([]);
  });

  test('a refusal names the field and not the value', async () => {
    opened.world.org.addValidationRule('Account', {
      message: 'secret-value is no phone',
      field: 'Phone',
      fails: () => true,
    });
    const told = await one(upsert('a', { name: 'A', phone: 'secret-value' }));
    expect(told).toMatchObject({ failure: { class: 'permanent', code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION' } });
    expect(JSON.stringify(told)).not.toContain('secret-value');
  });

  test('any text is an external id', async () => {
    const exact = accounts({ salesforce: { object: 'Account', external_id: 'Code__c', case_sensitive: true } });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.constantFrom(
            'a/b',
            '?',
            '#',
            '%',
            '%2F',
            'a b',
            'ü',
            '日本語',
            "'",
            '(*)',
            '..',
            '.',
            'x.y/../z',
            '+',
            '&=',
            '\\',
          ),
          fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => text.trim() === text),
        ),
        async (key) => {
          fc.pre(!key.includes('\0') && !/\.[A-Za-z]{1,5}$/.test(key) && !/^\.{1,2}$/.test(key));
          const [told] = await opened.side.write(
            exact,
            [{ key, id: null, operation: 'upsert', fields: { name: 'N' } }],
            signal,
          );
          expect(told).toMatchObject({ kind: 'done' });
          expect(row(told!.kind === 'done' ? told!.id : '')['Code__c']).toBe(key);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('refers to its parent by external id, and waits for one that is not there', async () => {
    const contact = (account: string | null): SalesforceWrite => ({
      key: 'c',
      id: null,
      operation: 'upsert',
      fields: { last_name: 'L', account },
    });
    const [early] = await opened.side.write(contacts(), [contact('parent')], signal);
    expect(early).toMatchObject({ kind: 'failed', failure: { class: 'order' } });
    const parent = await one(upsert('Parent'));
    const [late] = await opened.side.write(contacts(), [contact('parent')], signal);
    const id = late?.kind === 'done' ? late.id : '';
    expect(opened.world.org.row('Contact', id)!['AccountId']).toBe(parent.kind === 'done' && parent.id);
    await opened.side.write(contacts(), [contact(null)], signal);
    expect(opened.world.org.row('Contact', id)!['AccountId'] ?? null).toBeNull();
  });
});

describe('one record under faults', () => {
  test('a lock is waited for', async () => {
    opened.world.faults.add({ effect: { kind: 'row', status_code: 'UNABLE_TO_LOCK_ROW' }, times: 2 });
    expect(await one(upsert('a'))).toMatchObject({ kind: 'done' });
    opened.world.faults.add({ effect: { kind: 'row', status_code: 'UNABLE_TO_LOCK_ROW' } });
    expect(classOf(await one(upsert('a')))).toBe('retry UNABLE_TO_LOCK_ROW');
  });

  test('a create that lost a race becomes a change', async () => {
    opened.world.faults.add({ effect: { kind: 'row', status_code: 'DUPLICATE_VALUE' }, times: 1 });
    expect(await one(upsert('a'))).toMatchObject({ kind: 'done' });
    opened.world.faults.add({ effect: { kind: 'row', status_code: 'DUPLICATE_VALUE' } });
    opened.calls();
    expect(classOf(await one(upsert('b')))).toBe('identity DUPLICATE_VALUE');
    expect(writes()).toHaveLength(2);
  });

  test.each(['drop_before_commit', 'drop_after_commit'] as const)(
    'a connection that drops (%s) leaves it unknown',
    async (kind) => {
      await one(upsert('warm'));
      opened.world.faults.add({ match: { method: 'PATCH' }, effect: { kind }, times: 1 });
      opened.calls();
      expect(classOf(await one(upsert('a')))).toMatch(/^unknown /);
      expect(writes()).toHaveLength(1);
      expect(rows()).toHaveLength(kind === 'drop_after_commit' ? 2 : 1);
    },
  );

  test('a token that ends in the middle is renewed once', async () => {
    await one(upsert('a'));
    opened.world.faults.add({ match: { method: 'PATCH' }, effect: { kind: 'expire_tokens' }, times: 1 });
    expect(await one(upsert('b'))).toMatchObject({ kind: 'done' });
    expect(opened.world.requests.filter(({ target }) => target.includes('/oauth2/token'))).toHaveLength(2);
  });

  test('a limit that is reached stops calls, and does not blame the record', async () => {
    await one(upsert('a'));
    opened.world.usage.max = opened.world.usage.used;
    expect(classOf(await one(upsert('b')))).toMatch(/^throttle /);
    const before = opened.world.requests.length;
    expect(classOf(await one(upsert('c')))).toMatch(/^throttle /);
    expect(opened.world.requests).toHaveLength(before);
  });

  test('being stopped is a result, not an error', async () => {
    await one(upsert('warm'));
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const told = await opened.side.write(accounts(), [upsert('a'), upsert('b')], stop.signal);
    expect(told.map(classOf)).toEqual(['retry aborted', 'retry aborted']);
  });
});
