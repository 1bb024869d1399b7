import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inspectConfig } from './load.ts';
import { formatProblem } from './problems.ts';

const problems = (salesforce: string): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'syncline-config-')), 'config.toml');
  writeFileSync(file, `[records.salesforce]\nclient_id = "app"\n${salesforce}\n`);
  return inspectConfig({ file, env: {} }).problems.map(formatProblem).join('\n');
};
const login = 'login = "https://login.salesforce.com"';

test.each([
  `${login}\nuser = "u@acme.com"\nkey = { file = "sf.pem" }`,
  `${login}\nrefresh_token = "salesforce.token"`,
  `${login}\nclient_secret = { env = "SECRET" }`,
  'login = "http://127.0.0.1:4780"\nclient_secret = { env = "SECRET" }',
])('one way to sign in is enough: %s', (text) => {
  expect(problems(text)).not.toContain('records.salesforce');
});

test.each([
  [login, 'records.salesforce.key'],
  [`${login}\nkey = { file = "sf.pem" }`, 'records.salesforce.user'],
  [`${login}\nuser = "u"\nkey = { file = "sf.pem" }\nrefresh_token = "t"`, 'records.salesforce.refresh_token'],
  ['login = "http://login.example"\nclient_secret = { env = "SECRET" }', 'records.salesforce.login'],
])('none, half of one, two, or one in clear is refused: %s', (text, key) => {
  expect(problems(text)).toContain(key);
});
