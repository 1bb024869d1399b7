import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accounts, contacts, openSide, type SalesforceSideWorld } from '../../../test/support/salesforce-side.ts';

let opened: SalesforceSideWorld;
const signal = new AbortController().signal;
beforeEach(async () => void (opened = await openSide()));
afterEach(() => opened.close());

const seed = (...rows: Record<string, string | number | boolean | null>[]) =>
  opened.world.org.seed(
    'Account',
    rows.map((row) => ({ Name: 'N', ...row })),
  );

describe('reading by external id', () => {
  test('tells each record, each absence and each ambiguity, in order', async () => {
    const ids = seed(
      { External_Id__c: 'Acme', Phone: '1', AnnualRevenue: 12, Active__c: true },
      { External_Id__c: 'b' },
    );
    const found = await opened.side.readKeys(accounts(), ['b', 'nothing', 'acme'], signal);
    expect(found).toEqual([
      { kind: 'record', record: expect.objectContaining({ key: 'b', id: ids[1] }) as unknown },
      { kind: 'missing' },
      {
        kind: 'record',
        record: {
          key: 'acme',
          id: ids[0],
          document: { external_id: 'Acme', name: 'N', phone: '1', revenue: '12', active: true },
          external_id: 'Acme',
          modified_ms: opened.world.clock.now,
          problems: [],
        },
      },
    ]);
    const legacy = accounts({ salesforce: { object: 'Account', external_id: 'Legacy_Id__c', case_sensitive: false } });
    const twice = seed({ Legacy_Id__c: 'x' }, { Legacy_Id__c: 'X' });
    expect(await opened.side.readKeys(legacy, ['x'], signal)).toEqual([{ kind: 'ambiguous', ids: twice }]);
  });

  test('any text is a key and no text is anything else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.oneof(
            fc.constantFrom(
              "'",
              '\\',
              "a' OR Name != '",
              '%',
              '_',
              '/',
              '?',
              '#',
              ' x',
              'ü',
              '日本',
              '\\n',
              'a.inc',
              "\\'",
            ),
            fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
          ),
          { minLength: 1, maxLength: 5, selector: (key) => key.toLowerCase() },
        ),
        async (texts) => {
          const exact = accounts({ salesforce: { object: 'Account', external_id: 'Code__c', case_sensitive: true } });
          const keys = texts.filter((text) => text.trim() === text && !text.includes('\0'));
          for (const row of opened.world.org.rows('Account')) opened.world.org.delete('Account', row['Id'] as string);
          seed(...keys.map((Code__c) => ({ Code__c })));
          const found = await opened.side.readKeys(exact, [...keys, 'not there'], signal);
          expect(found.map((one) => (one.kind === 'record' ? one.record.key : one.kind))).toEqual([...keys, 'missing']);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('of a number field asks for numbers, and knows that no record has a text', async () => {
    const [id] = opened.world.org.seed('Account', [{ Name: 'A', External_Id__c: 'a' }]);
    opened.world.org.seed('Invoice__c', [{ Number__c: 7, Account__c: id! }]);
    const invoices = accounts({
      salesforce: { object: 'Invoice__c', external_id: 'Number__c', case_sensitive: true },
      fields: [],
    });
    const found = await opened.side.readKeys(invoices, ['7', 'x7', '8'], signal);
    expect(found.map(({ kind }) => kind)).toEqual(['record', 'missing', 'missing']);
  });

  test('splits what no address can hold, and takes no short answer for an absence', async () => {
    const keys = Array.from({ length: 2_000 }, (_, at) => `${String(at).padStart(8, '0')}-0000-4000-8000-000000000000`);
    seed(...keys.map((External_Id__c) => ({ External_Id__c })));
    const read = async () => {
      opened.calls();
      const found = await opened.side.readKeys(accounts(), keys, signal);
      expect(found.map((one) => one.kind === 'record' && one.record.key)).toEqual(keys);
      return opened.calls();
    };
    await opened.side.descriptions.of('Account', signal);
    expect(await read()).toEqual(['POST /composite']);
    // An org that does not take long queries gets short ones, and is not asked again.
    opened.world.faults.add({
      match: { path: '*/composite' },
      effect: { kind: 'reply', status: 414, error_code: 'URI_TOO_LONG' },
    });
    expect(await read()).toContain('POST /composite');
    const calls = await read();
    expect(calls).not.toContain('POST /composite');
    expect(Math.max(...calls.map((call) => call.length))).toBeLessThan(16_000);
    opened.world.faults.add({
      match: { path: '*/query*' },
      effect: { kind: 'reply', status: 200, body: JSON.stringify({ totalSize: 1, done: true, records: [] }) },
    });
    await expect(opened.side.readKeys(accounts(), ['key-1'], signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^salesforce\.(short|answer)$/) as string,
    });
  });

  test('goes through a reference to the external id of the parent', async () => {
    const [parent] = seed({ External_Id__c: 'Parent' });
    opened.world.org.seed('Contact', [
      { LastName: 'A', External_Id__c: 'c1', AccountId: parent! },
      { LastName: 'B', External_Id__c: 'c2' },
    ]);
    const found = await opened.side.readKeys(contacts(), ['c1', 'c2'], signal);
    expect(found.map((one) => one.kind === 'record' && one.record.document)).toEqual([
      { last_name: 'A', account: 'parent' },
      { last_name: 'B', account: null },
    ]);
  });

  test('a refusal is an error without a value in it', async () => {
    opened.world.faults.add({
      match: { path: '*/query*' },
      effect: { kind: 'reply', status: 400, error_code: 'INVALID_FIELD', message: "No such column 'secret-value'" },
    });
    await expect(opened.side.readKeys(accounts(), ['a'], signal)).rejects.toMatchObject({
      code: 'salesforce.permanent',
      message: expect.not.stringContaining('secret-value') as string,
    });
  });
});

describe('reading by id', () => {
  test('tells records, also without an external id, and what is gone', async () => {
    const [kept, plain, gone] = seed({ External_Id__c: 'k' }, {}, { External_Id__c: 'g' });
    opened.world.org.delete('Account', gone!);
    const found = await opened.side.readIds(accounts(), [gone!, plain!, kept!.slice(0, 15), 'no id'], signal);
    expect(found.map((one) => (one.kind === 'record' ? one.record.key : one.kind))).toEqual([
      'missing',
      '',
      'k',
      'missing',
    ]);
  });
});

describe('a walk over all records', () => {
  test('sees each once, 2,000 a call, and goes on from any place', async () => {
    seed(...Array.from({ length: 4_500 }, (_, at) => (at === 7 ? {} : { External_Id__c: `k${at}` })));
    const keys: string[] = [];
    const unkeyed: string[] = [];
    let from: string | null = null;
    let calls = 0;
    do {
      const page = await opened.side.scan(accounts(), from, signal);
      keys.push(...page.records.map(({ key }) => key));
      unkeyed.push(...page.unkeyed.map(({ id }) => id));
      from = page.next;
      calls++;
      // A record that comes or goes behind the walk does not move what is before it.
      if (calls === 1) opened.world.org.delete('Account', page.records[0]!.id);
    } while (from !== null);
    expect(new Set(keys).size).toBe(4_499);
    expect(keys).toHaveLength(4_499);
    expect(unkeyed).toHaveLength(1);
    expect(calls).toBe(3);
  });
});

describe('polling', () => {
  const drain = async (position: string | null) => {
    const page = await opened.side.poll(accounts(), position, signal);
    return { ...page, keys: page.changed.map(({ key }) => key) };
  };

  test('begins now, then tells changes and deletes once', async () => {
    seed({ External_Id__c: 'old' });
    opened.world.clock.now += 3_600_000;
    const begun = await drain(null);
    expect(begun.changed).toEqual([]);
    opened.world.clock.now += 60_000;
    const [a, b] = seed({ External_Id__c: 'a' }, { External_Id__c: 'b' });
    opened.world.org.delete('Account', b!);
    const first = await drain(begun.position);
    expect(first.keys).toEqual(['a']);
    expect(first.changed[0]).toMatchObject({ id: a, changed_by: opened.world.org.admin_id });
    expect(first.deleted.map(({ id }) => id)).toEqual([b]);
    const second = await drain(first.position);
    expect([second.keys, second.deleted]).toEqual([[], []]);
    // The page was lost before it was kept: it comes again.
    expect((await drain(begun.position)).keys).toEqual(['a']);
  });

  test('sees what became visible late, within the look-back', async () => {
    const begun = await drain(null);
    opened.world.clock.now += 600_000;
    seed({ External_Id__c: 'new' });
    const first = await drain(begun.position);
    expect(first.keys).toEqual(['new']);
    opened.world.clock.now -= 300_000;
    seed({ External_Id__c: 'late' });
    opened.world.clock.now += 300_000;
    expect((await drain(first.position)).keys).toEqual(['late']);
  });

  test('records of one moment are not lost between pages', async () => {
    const begun = await drain(null);
    opened.world.clock.now += 60_000;
    seed(...Array.from({ length: 2_500 }, (_, at) => ({ External_Id__c: `k${at}` })));
    const first = await drain(begun.position);
    expect(first.more).toBe(true);
    const second = await drain(first.position);
    expect(second.more).toBe(false);
    expect(new Set([...first.keys, ...second.keys]).size).toBe(2_500);
  });

  test('asks now and then for what left the recycle bin, and says when that is no longer known', async () => {
    const begun = await drain(null);
    const [id] = seed({ External_Id__c: 'x' });
    const first = await drain(begun.position);
    opened.world.org.delete('Account', id!);
    opened.world.clock.now += 700_000;
    const second = await drain(first.position);
    expect(second.deleted.map((one) => one.id)).toContain(id);
    expect(opened.calls().filter((call) => call.includes('/deleted/'))).toHaveLength(2);
    opened.world.clock.now += 40 * 86_400_000;
    await expect(drain(second.position)).rejects.toMatchObject({ code: 'salesforce.too_old' });
  });
});
