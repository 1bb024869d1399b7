import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { query, startPostgres } from './postgres.ts';

it('is a real PostgreSQL with databases of their own, survives a crash, and leaves nothing', async () => {
  const postgres = await startPostgres(['fsync=on']);
  const url = await postgres.createDatabase();
  await query(url, 'CREATE TABLE kept (n int)');
  await query(url, 'INSERT INTO kept VALUES (1)');
  const [folder] = await query(url, 'SHOW data_directory');
  await postgres.stop('immediate');
  await expect(query(url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
  await postgres.start();
  expect(await query(url, "SELECT n, current_setting('server_version_num')::int >= 180000 AS new FROM kept")).toEqual([
    { n: 1, new: true },
  ]);
  await postgres.remove();
  expect(existsSync(String(folder?.['data_directory']))).toBe(false);
}, 60_000);
