/** Records as a user meets them: the real program, a real PostgreSQL, the Salesforce sandbox over TLS with change events. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { schemaDump } from '../../../src/records/postgres/schema-dump.ts';
import { Postgres } from '../../../src/storage/postgres/postgres.ts';
import { until } from '../../support/condition.ts';
import { RecordsScene } from '../../support/records-scene.ts';

let scene: RecordsScene;
beforeEach(async () => void (scene = await RecordsScene.start()));
afterEach(() => scene[Symbol.asyncDispose]());

/** From nothing to an object that is kept in step both ways. */
async function keepInStep(more = ''): Promise<void> {
  await scene.expect(0, 'records', 'init', '--object', 'Account', '--table', 'public.accounts');
  scene.editMapping((toml) => toml.replace('"salesforce_to_postgres"', '"both"'));
  scene.configure(['accounts'], more);
  await scene.expect(0, 'records', 'init', '--apply-sql', '--yes');
  const code = (await scene.run('records', 'plan', '--out', 'accounts.plan')).exit;
  expect([0, 1]).toContain(code);
  await scene.expect(0, 'records', 'apply', 'accounts.plan', '--yes');
  await scene.expect(0, 'flush', 'records');
}

test('two filled sides come into step, a conflict is decided, a change is taken back, and all of it can be removed', async () => {
  scene.sandbox.org.seed('Account', [
    { Name: 'Northwind Bakery', External_Id__c: 'A-1', Phone: '111' },
    { Name: 'Harbour Textiles', External_Id__c: 'A-2', Phone: '222' },
    { Name: 'Quiet Fjord', External_Id__c: 'A-3' },
  ]);
  await scene.sql(`INSERT INTO accounts (external_id, name, phone)
    VALUES ('A-1', 'Northwind Bakery', '111'), ('A-2', 'Harbour Textiles', '999'), ('A-9', 'Only in the table', NULL)`);
  const before = await dump();

  const proposed = await scene.expect(0, 'records', 'init', '--object', 'Account', '--table', 'public.accounts');
  expect(proposed).toContain('[[records.object]]');
  scene.editMapping((toml) => toml.replace('"salesforce_to_postgres"', '"both"'));
  scene.configure(['accounts']);
  expect(await scene.expect(1, 'records', 'init')).toContain('CREATE SCHEMA');
  expect(await dump()).toBe(before);
  await scene.expect(0, 'records', 'init', '--apply-sql', '--yes');

  const rows = await scene.rows();
  const planned = await scene.expect(1, 'records', 'plan', '--out', 'accounts.plan');
  expect(planned).toMatch(/Salesforce +1 created, 0 updated, 0 deleted/);
  expect(planned).toMatch(/1 conflict: phone 1/);
  await scene.expect(0, 'flush', 'records').catch(() => undefined);
  expect(await scene.rows(), 'nothing is written before the yes').toEqual(rows);
  await scene.expect(0, 'records', 'apply', 'accounts.plan', '--yes');
  await scene.expect(0, 'flush', 'records');
  expect((await scene.rows())['A-3']).toEqual({ name: 'Quiet Fjord', phone: null });
  expect(scene.records()['A-9']).toEqual({ name: 'Only in the table', phone: null });

  expect(await scene.expect(1, 'conflicts', 'list')).toMatch(/222 +999/);
  const stream = ['--stream', 'records/accounts', '--field', 'phone'];
  await scene.expect(0, 'conflicts', 'resolve', ...stream, '--take', 'salesforce', '--yes');
  await scene.sql(`UPDATE accounts SET phone = '333' WHERE external_id = 'A-1'`);
  scene.editRecord('A-3', { Name: 'Quiet Fjord AS' });
  await scene.expect(0, 'flush', 'records');
  expect((await scene.rows())['A-2']?.phone).toBe('222');
  expect((await scene.rows())['A-3']?.name).toBe('Quiet Fjord AS');
  expect(scene.records()['A-1']?.phone).toBe('333');
  expect(await scene.rows()).toEqual(scene.records());
  await scene.expect(0, 'records', 'plan');

  expect(await scene.expect(0, 'records', 'history', 'accounts', 'A-1')).toContain('phone: 111 → 333');
  await scene.expect(0, 'records', 'revert', 'accounts', 'A-1', '--yes');
  await scene.expect(0, 'flush', 'records');
  expect([(await scene.rows())['A-1']?.phone, scene.records()['A-1']?.phone]).toEqual(['111', '111']);
  await scene.expect(0, 'records', 'drift');

  await scene.expect(0, 'records', 'uninstall', '--yes');
  expect(await dump()).toBe(before);
});

test('up keeps both sides in step by change events, and pauses before the third deletion until somebody allows it', async () => {
  const keys = ['A-1', 'A-2', 'A-3', 'A-4'];
  // The same on both sides: a plan that is said yes to lifts the brakes by as much as it showed.
  const records = keys.map((key) => ({ Name: key, External_Id__c: key }));
  scene.sandbox.org.seed('Account', records);
  await scene.sql('INSERT INTO accounts (external_id, name) SELECT k, k FROM unnest($1::text[]) AS k', [keys]);
  await keepInStep('max_deletes = 2');
  // Asked so rarely that only change events can be what is quick.
  scene.poll_every = '1h';
  scene.configure(['accounts'], 'max_deletes = 2');
  const up = await scene.machine.up(['--only', 'records'], scene.options);
  await until('the change events are read', () => scene.pubsub.streams() > 0);
  scene.editRecord('A-1', { Phone: '1' });
  await until('the table has the edit', async () => (await scene.rows())['A-1']?.phone === '1');
  await scene.sql(`UPDATE accounts SET phone = '2' WHERE external_id = 'A-2'`);
  await until('Salesforce has the edit', () => scene.records()['A-2']?.phone === '2');

  await scene.sql(`DELETE FROM accounts WHERE external_id <> 'A-4'`);
  await until('the object pauses', async () => (await scene.run('records', 'status')).stdout.includes('paused'));
  expect(Object.keys(scene.records())).toHaveLength(2);
  await scene.expect(0, 'resume', 'records/accounts', '--allow', '1');
  await until('the third is deleted, too', () => Object.keys(scene.records()).length === 1);
  expect(scene.records()).toEqual(await scene.rows());
  expect((await up.stop('SIGINT')).exit).toBe(130);
  expect(readFileSync(scene.mapping_file, 'utf8')).toContain('"both"');
});

async function dump(): Promise<string> {
  const postgres = new Postgres({ url: scene.database, timers: systemTimers, random: seededRandom(1) });
  try {
    return await schemaDump(postgres);
  } finally {
    await postgres.close();
  }
}
