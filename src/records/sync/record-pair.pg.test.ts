/** Two real sides, brought to the same state key by key: a PostgreSQL with its triggers, and a simulated organisation. */
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test, vi } from 'vitest';
import { ACCOUNTS, RecordsRig } from '../../../test/support/records-rig.ts';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { listConflicts, resolveStep } from './conflicts.ts';
import { historyOf } from './history.ts';
import { mappingRows } from './mapping-states.ts';

let cluster: TestPostgres;
let rig: RecordsRig;

beforeAll(async () => {
  cluster = await startPostgres();
}, 60_000);
afterAll(() => cluster?.remove());
beforeEach(async () => {
  rig = await RecordsRig.open(cluster);
});
afterEach(async () => {
  await rig.close();
  expect(rig.reports).toEqual([]);
});

const insert = (ext: string, name: string, phone: string | null = null) =>
  rig.sql('INSERT INTO public.accounts (ext, name, phone) VALUES ($1, $2, $3)', [ext, name, phone]);
const update = (ext: string, column: string, value: string | null) =>
  rig.sql(`UPDATE public.accounts SET ${column} = $2 WHERE ext = $1`, [ext, value]);
const create = (External_Id__c: string, Name: string) => rig.org.create('Account', { External_Id__c, Name });

function edit(ext: string, values: Record<string, string | number | null>): void {
  rig.time.step(5_000);
  rig.org.update('Account', rig.idOf(ext), values);
}

async function bothHave(expected: Record<string, object>): Promise<void> {
  const shown = Object.fromEntries(
    Object.entries(expected).map(([key, one]) => [key, { phone: null, revenue: null, ...one }]),
  );
  expect(await rig.table()).toEqual(shown);
  expect(rig.accounts()).toEqual(shown);
}

async function progress() {
  const [progress] = await rig.store.keyed.progress();
  return progress;
}

describe('what changes on one side', () => {
  test('a row that is inserted becomes a record, whose id is written back', async () => {
    await insert('a1', 'Acme', '555');
    await rig.settle();
    await bothHave({ a1: { name: 'Acme', phone: '555' } });
    expect(await rig.sql('SELECT sfid FROM public.accounts')).toEqual([{ sfid: rig.idOf('a1') }]);
    expect(await progress()).toMatchObject({ waiting: 0, held_keys: 0 });
  });

  test('a record that is created becomes a row', async () => {
    create('s1', 'Sales');
    await rig.settle();
    await bothHave({ s1: { name: 'Sales' } });
  });

  test('the second and the tenth change of a field go over as the first did (W1)', async () => {
    await insert('a1', 'Acme 0');
    await rig.settle();
    for (let i = 1; i <= 5; i++) {
      await update('a1', 'name', `Acme ${i}`);
      await rig.settle();
      edit('a1', { Phone: `${i}` });
      await rig.settle();
      await bothHave({ a1: { name: `Acme ${i}`, phone: `${i}` } });
    }
    expect(await listConflicts(rig.records.database, {}, 10)).toEqual([]);
  });

  test('deletes go over, and a key that comes back is made again (W2)', async () => {
    await insert('a1', 'Acme');
    await insert('a2', 'Bcme');
    await rig.settle();
    await rig.sql(`DELETE FROM public.accounts WHERE ext = 'a1'`);
    rig.org.delete('Account', rig.idOf('a2'));
    await rig.settle();
    await bothHave({});
    await insert('a1', 'Acme again');
    create('a2', 'Bcme again');
    await rig.settle();
    await bothHave({ a1: { name: 'Acme again' }, a2: { name: 'Bcme again' } });
  });

  test('an echo of our own write changes nothing and costs no call', async () => {
    await insert('a1', 'Acme');
    await rig.captureTable();
    await rig.deliver();
    const { calls } = rig.salesforce;
    expect(await rig.captureEvents()).toBe(1);
    await rig.deliver();
    expect(rig.salesforce.calls - calls).toBeLessThanOrEqual(1);
    await bothHave({ a1: { name: 'Acme' } });
    edit('a1', { Name: 'Changed there' });
    await rig.settle();
    await bothHave({ a1: { name: 'Changed there' } });
  });
});

test('a value in a field that goes the other way is put back also when its record was just made from there', async () => {
  const fields = ACCOUNTS.fields.map((one) =>
    one.name === 'revenue' ? { ...one, direction: 'postgres_to_salesforce' as const } : one,
  );
  const one = await RecordsRig.open(cluster, { mapping: { ...ACCOUNTS, fields } });
  one.org.create('Account', { External_Id__c: 's1', Name: 'Sales', AnnualRevenue: 12 });
  await one.settle();
  expect(await one.table()).toEqual({ s1: { name: 'Sales', phone: null, revenue: null } });
  expect(one.accounts()).toEqual(await one.table());
  expect(await one.store.keyed.progress()).toMatchObject([{ waiting: 0 }]);
  await one.close();
});

describe('what changes on both', () => {
  beforeEach(async () => {
    await insert('a1', 'Acme', '1');
    await rig.settle();
  });

  test('different fields are merged', async () => {
    await update('a1', 'name', 'Acme & Co');
    edit('a1', { Phone: '2' });
    await rig.settle();
    await bothHave({ a1: { name: 'Acme & Co', phone: '2' } });
  });

  test('the same field is a conflict that holds both values and stops nothing else; a word resolves it', async () => {
    await update('a1', 'phone', 'ours');
    edit('a1', { Phone: 'theirs' });
    await update('a1', 'name', 'Renamed');
    await rig.settle();
    const [conflict] = await listConflicts(rig.records.database, {}, 10);
    expect(conflict).toMatchObject({
      field: 'phone',
      base: '1',
      salesforce: 'theirs',
      postgres: 'ours',
      state: 'open',
    });
    expect(await rig.table()).toMatchObject({ a1: { name: 'Renamed', phone: 'ours' } });
    expect(rig.accounts()).toMatchObject({ a1: { name: 'Renamed', phone: 'theirs' } });
    await rig.settle();
    expect(await listConflicts(rig.records.database, {}, 10)).toHaveLength(1);

    const { keys } = await resolveStep(rig.records.database, { field: 'phone' }, { take: 'salesforce' }, 'ada');
    const { partition_id } = rig.object.stream.salesforce;
    await rig.store.keyed.touch(keys.map(({ key }) => ({ partition_id, key })), Date.now()); // prettier-ignore
    await rig.settle();
    await bothHave({ a1: { name: 'Renamed', phone: 'theirs' } });
    expect(await listConflicts(rig.records.database, { state: 'open' }, 10)).toEqual([]);
  });

  test('a conflict that the sides end by themselves is superseded', async () => {
    await update('a1', 'phone', 'ours');
    edit('a1', { Phone: 'theirs' });
    await rig.settle();
    await update('a1', 'phone', 'theirs');
    await rig.settle();
    expect(await listConflicts(rig.records.database, {}, 10)).toMatchObject([{ state: 'superseded' }]);
    await bothHave({ a1: { name: 'Acme', phone: 'theirs' } });
  });

  test('an edit that our write went over unseen meets it in the merge', async () => {
    // Somebody edits between our reading and our writing; the event comes afterwards.
    rig.salesforce.beforeWrite = () => {
      rig.salesforce.beforeWrite = () => undefined;
      edit('a1', { Phone: 'theirs' });
    };
    await update('a1', 'phone', 'ours');
    await rig.settle();
    expect(await listConflicts(rig.records.database, { state: 'open' }, 10)).toMatchObject([
      { field: 'phone', base: '1', salesforce: 'theirs', postgres: 'ours' },
    ]);
  });

  test('a delete against a change is a conflict about the record', async () => {
    await rig.sql(`DELETE FROM public.accounts WHERE ext = 'a1'`);
    edit('a1', { Phone: 'changed' });
    await rig.settle();
    expect(await listConflicts(rig.records.database, {}, 10)).toMatchObject([
      { field: null, salesforce: true, postgres: false, state: 'open' },
    ]);
    expect(rig.accounts()).toMatchObject({ a1: { phone: 'changed' } });
  });
});

describe('trust', () => {
  test('nothing is written before the mapping is applied', async () => {
    const before = await RecordsRig.open(cluster, { applied: false });
    await before.sql(`INSERT INTO public.accounts (ext, name) VALUES ('a1', 'Acme')`);
    before.org.create('Account', { External_Id__c: 's1', Name: 'Sales' });
    await before.settle();
    expect(Object.keys(before.accounts())).toEqual(['s1']);
    expect(Object.keys(await before.table())).toEqual(['a1']);
    await before.close();
  });

  test('a table that is emptied deletes nothing there, and the object pauses', async () => {
    await insert('a1', 'Acme');
    await insert('a2', 'Bcme');
    await rig.settle();
    await rig.sql('TRUNCATE public.accounts');
    edit('a1', { Phone: 'news' });
    await rig.settle();
    expect(Object.keys(rig.accounts())).toEqual(['a1', 'a2']);
    expect(await mappingRows(rig.records.database)).toMatchObject([
      { state: 'applied', paused: { reason: 'truncated' } },
    ]);
  });

  test('rows that vanish without a trace (triggers off) delete nothing either: a person is asked', async () => {
    await insert('a1', 'Acme');
    await rig.settle();
    await rig.sql('ALTER TABLE public.accounts DISABLE TRIGGER ALL');
    await rig.sql('DELETE FROM public.accounts');
    edit('a1', { Phone: 'news' });
    await rig.settle();
    expect(Object.keys(rig.accounts())).toEqual(['a1']);
    expect(await listConflicts(rig.records.database, {}, 10)).toMatchObject([{ field: null, state: 'open' }]);
  });

  test('more deletes than the brake allows stop the object, and nothing of the excess is sent', async () => {
    for (let i = 0; i < 130; i++) await insert(`k${String(i).padStart(3, '0')}`, `Name ${i}`);
    await rig.settle();
    expect(Object.keys(rig.accounts())).toHaveLength(130);
    await rig.sql('DELETE FROM public.accounts');
    await rig.settle();
    expect(Object.keys(rig.accounts())).toHaveLength(30);
    expect(rig.paused).toBe(1);
    expect(await mappingRows(rig.records.database)).toMatchObject([
      { paused: { reason: 'brake', side: 'salesforce' } },
    ]);
  });

  test('history tells each change with the values before and after, and who made it', async () => {
    await rig.sql(`SELECT set_config('syncline.session', 's-1', false)`);
    await insert('a1', 'Acme');
    await rig.settle();
    edit('a1', { Name: 'Acme 2' });
    await rig.settle();
    const rows = await historyOf(rig.records.database, rig.object.stream.stream, 'a1', 10);
    expect(rows).toMatchObject([
      { side: 'postgres', operation: 'update', changes: { name: ['Acme', 'Acme 2'] }, actor: rig.org.admin_id },
      { side: 'salesforce', operation: 'create', changes: { name: [null, 'Acme'] } },
    ]);
  });
});

describe('faults', () => {
  test('an answer that was lost: the record is looked at before it is written again', async () => {
    await insert('a1', 'Acme');
    rig.salesforce.fault = (call) => (call === 'write' ? 'lost' : 'none');
    await rig.captureTable();
    await rig.deliver(1);
    rig.salesforce.fault = () => 'none';
    const { lastCommit } = rig.org;
    await waitUntilDue();
    await rig.settle();
    await bothHave({ a1: { name: 'Acme' } });
    expect(rig.org.lastCommit).toBe(lastCommit);
  });

  test('a crash between the call and its settlement repeats nothing', async () => {
    await insert('a1', 'Acme');
    await rig.captureTable();
    const killed = vi.spyOn(rig.store.keyed, 'settle').mockRejectedValueOnce(new Error('killed'));
    await expect(rig.deliver(1)).rejects.toThrow('killed');
    killed.mockRestore();
    const { lastCommit } = rig.org;
    await rig.settle();
    await bothHave({ a1: { name: 'Acme' } });
    expect(rig.org.lastCommit).toBe(lastCommit);
  });

  test.each(['before', 'after'] as const)(
    'a write whose settlement was lost is what both agreed on, its echo come %s the next change',
    async (echo) => {
      await insert('a1', 'Acme', '1');
      await rig.settle();
      await update('a1', 'phone', '2');
      await rig.captureTable();
      const killed = vi.spyOn(rig.store.keyed, 'settle').mockRejectedValueOnce(new Error('killed'));
      await expect(rig.deliver(1)).rejects.toThrow('killed');
      killed.mockRestore();
      await update('a1', 'phone', '3');
      if (echo === 'before') await rig.captureEvents();
      await rig.captureTable();
      await rig.deliver();
      await rig.settle();
      expect(await listConflicts(rig.records.database, {}, 10)).toEqual([]);
      await bothHave({ a1: { name: 'Acme', phone: '3' } });
    },
  );

  test('one refused record is a dead letter; its neighbours go on', async () => {
    rig.salesforce.rowFault = ({ key }) =>
      key === 'bad'
        ? {
            class: 'permanent',
            code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
            message: 'Refused',
            fields: ['Name'],
            wait_ms: null,
          }
        : null;
    await insert('bad', 'Bad');
    await insert('good', 'Good');
    await rig.settle();
    expect(Object.keys(rig.accounts())).toEqual(['good']);
    const [letter] = await rig.store.deadLetters({});
    expect(letter).toMatchObject({ key: 'bad', code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', state: 'open' });
  });

  describe('what PostgreSQL refuses', () => {
    const refuse = (sql: string) => rig.sql(`ALTER TABLE public.accounts ${sql}`);
    const trigger = `CREATE FUNCTION public.no_bad() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.name = 'Bad' THEN RAISE EXCEPTION 'secret %', NEW.name; END IF; RETURN NEW; END $$;
      CREATE TRIGGER no_bad BEFORE INSERT OR UPDATE ON public.accounts FOR EACH ROW EXECUTE FUNCTION public.no_bad()`;
    test.each([
      [
        'a check',
        `ALTER TABLE public.accounts ADD CONSTRAINT no_bad CHECK (name <> 'Bad')`,
        'postgres.23514',
        'no_bad',
      ],
      [
        'a type',
        `ALTER TABLE public.accounts ADD CHECK (CASE WHEN name = 'Bad' THEN name::int > 0 ELSE true END)`,
        'postgres.22P02',
        'the row',
      ],
      ['a trigger that raises', trigger, 'postgres.P0001', 'the row'],
    ])('%s: a dead letter that names it; its neighbours go on', async (_, ddl, code, where) => {
      await rig.postgres.transaction(async (connection) => {
        await connection.begin(ddl);
        await connection.commit([]);
      });
      for (const key of ['a1', 'bad', 'z1']) create(key, key === 'bad' ? 'Bad' : 'Good');
      await rig.settle();
      expect(Object.keys(await rig.table())).toEqual(['a1', 'z1']);
      expect(rig.accounts()).toMatchObject({ bad: { name: 'Bad' } });
      for (let i = 0; i < 8; i++) {
        create(`n${i}`, 'Good');
        await rig.hasten();
        await rig.settle();
      }
      const letters = await rig.store.deadLetters({});
      expect(letters).toMatchObject([{ key: 'bad', code, state: 'open' }]);
      expect(letters[0]?.message).toContain(where);
      expect(JSON.stringify(letters[0])).not.toContain('Bad');
      expect(Object.keys(await rig.table())).toHaveLength(10);
    });

    test('once it is taken the key goes on by itself', async () => {
      await refuse(`ADD CONSTRAINT no_bad CHECK (name <> 'Bad')`);
      await insert('a1', 'Acme');
      await rig.settle();
      edit('a1', { Name: 'Bad' });
      await update('a1', 'phone', '1');
      await rig.settle();
      expect(await rig.table()).toMatchObject({ a1: { name: 'Acme', phone: '1' } });
      await refuse('DROP CONSTRAINT no_bad');
      await rig.hasten();
      await rig.settle();
      await bothHave({ a1: { name: 'Bad', phone: '1' } });
    });

    test('two rows that exclude each other: one of them comes, the other is refused', async () => {
      await refuse('ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED');
      create('a1', 'Same');
      create('a2', 'Same');
      create('a3', 'Other');
      await rig.settle();
      expect(Object.keys(await rig.table())).toEqual(['a1', 'a3']);
      expect(await progress()).toMatchObject({ waiting: 1, failing: 1 });
    });
  });

  test('a throttled Salesforce does not hold up what goes to PostgreSQL', async () => {
    await insert('a1', 'Acme');
    await rig.settle();
    rig.salesforce.fault = (call) => (call === 'write' ? 'throttled' : 'none');
    await insert('a2', 'Bcme');
    edit('a1', { Name: 'From there' });
    await rig.captureTable();
    await rig.captureEvents();
    await rig.deliver();
    expect(await rig.table()).toMatchObject({ a1: { name: 'From there' } });
    expect(Object.keys(rig.accounts())).toEqual(['a1']);
  });
});

/** The circuit of the pair opened: until it may be tried again. */
async function waitUntilDue(): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const [row] = await rig.store.destinations();
    if (row === undefined || row.circuit_until_ms <= Date.now()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
