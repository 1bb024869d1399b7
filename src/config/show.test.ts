import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { effectiveValues } from './show.ts';

const file = join(mkdtempSync(join(tmpdir(), 'syncline-show-')), 'config.toml');

it('shows every key with its origin, and no secret', () => {
  writeFileSync(
    file,
    '[team]\nurl = "https://a.dev"\ntoken = { file = "team.token" }\n' +
      '[[telemetry.destination]]\ntype = "server"\nname = "eu"\nurl = "https://b.dev"\ntoken = { env = "B" }\nteam_id = "b"\nsalt = { file = "b.salt" }\n',
  );
  const env = { SYNCLINE_TEAM__SALT: '00ff00ff', B: 'plain-secret' };
  const flags = [{ key: 'http.port', flag: '--port', value: 5000 }];
  const values = effectiveValues(loadConfig({ file, env, flags }));
  const row = (key: string) => values.find((value) => value.key === key);

  expect(row('http.port')).toEqual({ key: 'http.port', value: 5000, origin: 'flag', from: '--port' });
  expect(row('team.url')).toMatchObject({ origin: 'file', from: `${file}:2:1` });
  expect(row('team.token')?.value).toBe('<secret from file team.token>');
  expect(row('team.salt')).toMatchObject({ value: '<secret from env SYNCLINE_TEAM__SALT>', origin: 'env' });
  expect(row('team.names')).toEqual({ key: 'team.names', value: true, origin: 'default', from: 'default' });
  expect(row('telemetry.destination[0].token')?.value).toBe('<secret from env B>');
  expect(row('telemetry.destination[0].salt')?.value).toBe('<secret from file b.salt>');
  expect(row('server.limits.max_items')?.value).toBe(1000);
  expect(row('records.max_deletes')).toBeUndefined();
  expect(JSON.stringify(values)).not.toMatch(/00ff00ff|plain-secret/);
});
