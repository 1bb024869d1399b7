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
const idIn = (result: SalesforceResult | undefined) => (result?.kind === 'done' ? result.id : '');
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
          fc.pre(key.length <= 32 && !key.includes('\0') && !/\.[A-Za-z]{1,5}$/.test(key) && !/^\.{1,2}$/.test(key));
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

const many = (count: number, fields: (at: number) => SalesforceWrite['fields'] = (at) => ({ name: `N${at}` })) =>
  Array.from({ length: count }, (_, at) => upsert(`k${at}`, fields(at)));
const kinds = (results: readonly SalesforceResult[]) => [...new Set(results.map(classOf))];

describe('many records', () => {
  test('go 200 a call, each with its own result, in order', async () => {
    const told = await write(...many(450, (at) => (at % 100 === 7 ? { name: null } : { name: `N${at}` })));
    expect(told.flatMap((result, at) => (result.kind === 'failed' ? [at] : []))).toEqual([7, 107, 207, 307, 407]);
    expect(classOf(told[7])).toBe('permanent REQUIRED_FIELD_MISSING');
    told.forEach((result, at) => {
      if (result.kind === 'done') expect(row(result.id)['External_Id__c']).toBe(`k${at}`);
    });
    expect(writes()).toHaveLength(3);
  });

  test('of which one cannot be read by Salesforce are found out from the others', async () => {
    const odd = accounts({
      fields: [...accounts().fields, { ...accounts().fields[1]!, name: 'gone', salesforce: 'No_Such_Field__c' }],
    });
    const all = many(200);
    all[77] = { ...all[77]!, fields: { ...all[77]!.fields, gone: 'x' } };
    const told = await opened.side.write(odd, all, signal);
    expect(told.flatMap((result, at) => (result.kind === 'done' ? [] : [at]))).toEqual([77]);
    expect(classOf(told[77])).toMatch(/^permanent /);
  });

  test('two changes of one record keep their order and never share a call', async () => {
    const told = await write(
      upsert('a', { name: '1' }),
      upsert('b'),
      upsert('A', { name: '2' }),
      upsert('a', { name: '3' }),
    );
    expect(kinds(told)).toEqual(['done']);
    expect(rows().map((one) => one['Name'])).toEqual(expect.arrayContaining(['3', 'b']));
    expect(rows()).toHaveLength(2);
  });

  test('of all kinds: by id, by key, deletes that are known by key alone', async () => {
    await write(...many(6));
    const id = (at: number) => rows().find((one) => one['External_Id__c'] === `k${at}`)!['Id'] as string;
    const ids = [id(0), id(1), id(2)];
    const told = await write(
      { ...upsert('k0', { name: 'by id' }), id: ids[0]! },
      { ...upsert('k1', { name: 'update' }), operation: 'update' },
      { key: 'k2', id: null, operation: 'delete', fields: {} },
      { key: 'k3', id: null, operation: 'delete', fields: {} },
      { key: 'never', id: null, operation: 'delete', fields: {} },
      { ...upsert('nobody'), operation: 'update' },
    );
    expect(told.map(classOf)).toEqual(['done', 'done', 'done', 'done', 'gone', 'identity NOT_FOUND']);
    expect([row(ids[0]!)['Name'], row(ids[1]!)['Name']]).toEqual(['by id', 'update']);
    expect(rows().map((one) => one['External_Id__c'])).toEqual(['k0', 'k1', 'k4', 'k5']);
  });

  test('locks are tried again in smaller company, and only for the rows that met them', async () => {
    opened.world.faults.add({
      match: { values: { Name: 'N3' } },
      effect: { kind: 'row', status_code: 'UNABLE_TO_LOCK_ROW' },
      times: 2,
    });
    expect(kinds(await write(...many(100)))).toEqual(['done']);
    expect(writes()).toHaveLength(3);
    opened.world.faults.add({
      match: { values: { Name: 'N5' } },
      effect: { kind: 'row', status_code: 'UNABLE_TO_LOCK_ROW' },
    });
    const told = await write(...many(100));
    expect(told.filter(({ kind }) => kind === 'failed').map(classOf)).toEqual(['retry UNABLE_TO_LOCK_ROW']);
  });

  test('a record that meets the limits of a trigger alone does not stop the org', async () => {
    const message = 'T: System.LimitException: Apex CPU time limit exceeded';
    opened.world.faults.add({
      match: { values: { Name: 'N5' } },
      effect: { kind: 'row', status_code: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', message },
    });
    const told = await write(...many(10));
    expect(told.filter(({ kind }) => kind === 'failed').map(classOf)).toEqual([
      'retry CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    ]);
  });

  test('a dropped connection leaves its 200 unknown and the others as they are', async () => {
    await one(upsert('warm'));
    opened.world.faults.add({
      match: { path: '*/composite/*' },
      effect: { kind: 'drop_after_commit' },
      times: 1,
      after: 1,
    });
    const told = await write(...many(450));
    expect(told.map((result) => classOf(result)?.split(' ')[0])).toEqual([
      ...Array<string>(200).fill('done'),
      ...Array<string>(200).fill('unknown'),
      ...Array<string>(50).fill('done'),
    ]);
  });

  test('an external id that no address can hold goes in a body', async () => {
    const told = [await one(upsert('page.inc')), await one(upsert('..'))];
    expect(told.map(classOf)).toEqual(['done', 'done']);
    expect(classOf(await one({ key: 'page.inc', id: null, operation: 'delete', fields: {} }))).toBe('done');
    expect(rows().map((each) => each['External_Id__c'])).toEqual(['..']);
  });

  test('10,000 changed records take at most 60 calls', async () => {
    await one(upsert('warm'));
    const changes = many(10_000);
    opened.calls();
    for (let at = 0; at < changes.length; at += 2_000) {
      const some = changes.slice(at, at + 2_000);
      await opened.side.readKeys(
        accounts(),
        some.map(({ key }) => key),
        signal,
      );
      for (let from = 0; from < some.length; from += 1_000)
        expect(kinds(await write(...some.slice(from, from + 1_000)))).toEqual(['done']);
    }
    // 50 of 200 records each, and what is read before.
    expect(opened.calls().length).toBeLessThanOrEqual(60);
    const [bulk] = [await write(...changes)];
    expect(kinds(bulk)).toEqual(['done']);
    expect(opened.calls().length).toBeLessThanOrEqual(15);
  });
});

describe('thousands of records', () => {
  const thousands = async () => {
    await opened.close();
    opened = await openSide({ bulk_from: 50 });
  };
  const big = (fields?: (at: number) => SalesforceWrite['fields']) => many(2_100, fields);

  test('go as a job, whose failed rows are known each by each', async () => {
    await thousands();
    const texts = ['a,b', 'say "x"', 'two\nlines', ' space ', 'ü', '#N/A'];
    const told = await write(
      ...big((at) => (at === 9 ? { name: null, phone: null } : { name: texts[at] ?? `N${at}`, phone: null })),
    );
    expect(told.flatMap((result, at) => (result.kind === 'done' ? [] : [at]))).toEqual([9]);
    expect(classOf(told[9])).toBe('permanent REQUIRED_FIELD_MISSING');
    const name = (at: number) => row(idIn(told[at]))['Name'];
    expect([0, 1, 2, 4, 5].map(name)).toEqual(['a,b', 'say "x"', 'two\nlines', 'ü', '#N/A']);
    expect(opened.calls().some((call) => call.includes('/jobs/ingest'))).toBe(true);
  });

  test('deletes and changes by id, too, and references by external id', async () => {
    await thousands();
    const parent = await one(upsert('Parent'));
    const people = Array.from({ length: 2_100 }, (_, at): SalesforceWrite => ({
      key: `c${at}`,
      id: null,
      operation: 'upsert',
      fields: { last_name: `L${at}`, account: 'parent' },
    }));
    const made = await opened.side.write(contacts(), people, signal);
    expect(kinds(made)).toEqual(['done']);
    const contact = () => opened.world.org.rows('Contact');
    expect(new Set(contact().map((each) => each['AccountId']))).toEqual(new Set([parent.kind === 'done' && parent.id]));
    const ids = made.map((result) => (result.kind === 'done' ? result.id : ''));
    const cleared = people.map((change, at) => ({ ...change, id: ids[at]!, fields: { account: null } }));
    expect(kinds(await opened.side.write(contacts(), cleared, signal))).toEqual(['done']);
    expect(contact().every((each) => (each['AccountId'] ?? null) === null)).toBe(true);
    const gone = people.map(({ key }, at) => ({ key, id: ids[at]!, operation: 'delete' as const, fields: {} }));
    expect(kinds(await opened.side.write(contacts(), gone, signal))).toEqual(['done']);
    expect(contact()).toEqual([]);
  });

  test.each(['Failed', 'Aborted'] as const)('a job that ends as %s says of each row what is known', async (outcome) => {
    await thousands();
    opened.world.faults.add({ effect: { kind: 'bulk', outcome, after_rows: 300 } });
    const told = await write(...big());
    expect(rows()).toHaveLength(300);
    expect(told.filter(({ kind }) => kind === 'done')).toHaveLength(300);
    expect(kinds(told)).toEqual(expect.arrayContaining(['done', 'retry bulk_unprocessed']));
    expect(told.every((result) => result.kind !== 'failed' || result.failure.class === 'retry')).toBe(true);
  });

  test('a job that does not end is aborted, and what it may have done is unknown or told', async () => {
    await thousands();
    opened.world.faults.add({ effect: { kind: 'bulk', outcome: 'stalled', after_rows: 100 } });
    const told = await write(...big());
    expect(opened.calls().some((call) => call.startsWith('PATCH') && call.includes('/jobs/ingest/'))).toBe(true);
    for (const result of told)
      if (result.kind === 'failed') expect(['unknown', 'retry']).toContain(result.failure.class);
    const done = new Set(rows().map((each) => each['Id']));
    expect(told.filter((result) => result.kind === 'done').every((result) => done.has(result.id))).toBe(true);
  });

  test.each([
    ['POST', '*/jobs/ingest'],
    ['PUT', '*/batches*'],
  ])('a connection that drops at %s leaves nothing done and nothing in doubt', async (method, path) => {
    await thousands();
    opened.world.faults.add({ match: { method, path }, effect: { kind: 'drop_after_commit' }, times: 1 });
    const told = await write(...big());
    expect(told.every((result) => result.kind === 'failed' && result.failure.class === 'retry')).toBe(true);
    expect(rows()).toEqual([]);
  });

  test.each(['drop_before_commit', 'drop_after_commit'] as const)(
    'when closing the file is lost (%s) the job is found by its state',
    async (kind) => {
      await thousands();
      opened.world.faults.add({ match: { method: 'PATCH', path: '*/jobs/ingest/*' }, effect: { kind }, times: 1 });
      expect(kinds(await write(...big()))).toEqual(['done']);
    },
  );

  test('results that cannot be read leave their rows unknown', async () => {
    await thousands();
    opened.world.faults.add({ match: { path: '*successfulResults*' }, effect: { kind: 'drop_before_commit' } });
    expect(kinds(await write(...big()))).toEqual(['unknown bulk_no_result']);
  });
});

describe('families', () => {
  const person = (key: string, account: string | null, last_name: string | null = key): SalesforceWrite => ({
    key,
    id: null,
    operation: 'upsert',
    fields: { last_name, account },
  });
  const together = (accountWrites: SalesforceWrite[], contactWrites: SalesforceWrite[]) =>
    opened.side.writeTogether(
      [
        { mapping: contacts(), writes: contactWrites },
        { mapping: accounts(), writes: accountWrites },
      ],
      signal,
    );

  test('are created in one go, children with their parents', async () => {
    await one(upsert('warm'));
    const [children, parents] = await together(
      [upsert('A'), upsert('B')],
      [person('1', 'a'), person('2', 'b'), person('3', null)],
    );
    expect(kinds([...children!, ...parents!])).toEqual(['done']);
    const [first] = opened.world.org.rows('Contact').filter((each) => each['External_Id__c'] === '1');
    expect(first!['AccountId']).toBe(parents![0]!.kind === 'done' && parents![0]!.id);
    expect(writes().filter((call) => call.includes('/composite/graph'))).toHaveLength(1);
  });

  test('of which one member fails lose only that one', async () => {
    const [children, parents] = await together(
      [upsert('A'), upsert('B')],
      [person('1', 'a', null), person('2', 'a'), person('3', 'b')],
    );
    expect(children!.map(classOf)).toEqual(['permanent REQUIRED_FIELD_MISSING', 'done', 'done']);
    expect(kinds(parents!)).toEqual(['done']);
  });

  test('whose parent fails leave their children to wait for it', async () => {
    const [children, parents] = await together([upsert('A', { name: null })], [person('1', 'a')]);
    expect(classOf(parents![0])).toBe('permanent REQUIRED_FIELD_MISSING');
    expect(children![0]).toMatchObject({ failure: { class: 'order' } });
  });

  test('that are too large for a graph, or whose texts it would take for references, go level by level', async () => {
    const people = Array.from({ length: 600 }, (_, at) => person(`p${at}`, 'a'));
    const [children] = await together([upsert('A')], people);
    expect(kinds(children!)).toEqual(['done']);
    const [odd] = await together([upsert('B', { name: '@{n0.id}' })], [person('x', 'b')]);
    expect(kinds(odd!)).toEqual(['done']);
    expect(rows().map((each) => each['Name'])).toContain('@{n0.id}');
    expect(writes().some((call) => call.includes('/composite/graph'))).toBe(false);
  });
});
