/** `[memory.compat]`: every refusal names its field. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inspectConfig } from './load.ts';
import { effectiveValues } from './show.ts';

const file = join(mkdtempSync(join(tmpdir(), 'syncline-config-')), 'config.toml');
const KEY = '6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw';
const PEER = '[[memory.compat.peer]]\nname = "a"\n';

function inspect(text: string): ReturnType<typeof inspectConfig> {
  writeFileSync(file, text);
  return inspectConfig({ file, env: {} });
}

test('nothing leaves, and nothing comes in, unless it was named', () => {
  const { loaded } = inspect(PEER);
  expect(loaded?.config.memory.compat).toEqual({
    pull_every: 30_000,
    peer: [{ name: 'a', send: [], take: [], senders: [], unscoped: false, unsigned: false, insecure: false }],
  });
});

test('a fingerprint in any spelling is one; config show prints no secret', () => {
  const text = `${PEER}fingerprint = "${'AB:'.repeat(31)}AB"\napi_key = { env = "A_KEY" }\n`;
  const { loaded } = inspect(text);
  expect(loaded?.config.memory.compat.peer[0]?.fingerprint).toBe('ab'.repeat(32));
  const shown = effectiveValues(loaded!).find(({ key }) => key === 'memory.compat.peer[0].api_key');
  expect(shown?.value).toBe('<secret from env A_KEY>');
});

test.each<[string, string, string]>([
  ['no id', `${PEER}agent_id = "a b"`, 'memory.compat.peer[0].agent_id'],
  ['no namespace', `${PEER}send = ["a//b"]`, 'memory.compat.peer[0].send[0]'],
  ['a literal key', `${PEER}api_key = "plain"`, 'memory.compat.peer[0].api_key'],
  ['no public key', `${PEER}public_key = "abc"`, 'memory.compat.peer[0].public_key'],
  ['no fingerprint', `${PEER}fingerprint = "abc"`, 'memory.compat.peer[0].fingerprint'],
  ['http to another machine', `${PEER}url = "http://a.lan:9077"`, 'memory.compat.peer[0].url'],
  ['signed and unsigned', `${PEER}unsigned = true\npublic_key = "${KEY}"`, 'memory.compat.peer[0].unsigned'],
  ['two of one name', `${PEER}agent_id = "x"\n${PEER}`, 'memory.compat.peer[1].name'],
  ['two of one id', `${PEER}[[memory.compat.peer]]\nname = "b"\nagent_id = "a"`, 'memory.compat.peer[1].agent_id'],
  ['the name of a member', `${PEER}[[memory.peer]]\nname = "a"`, 'memory.compat.peer[0].name'],
  ['the name of the team', `[[memory.compat.peer]]\nname = "team"`, 'memory.compat.peer[0].name'],
  ['an unknown key', `${PEER}namespaces = ["a"]`, 'memory.compat.peer[0].namespaces'],
  ['half a certificate', `[memory.compat]\ntls_cert = "a.pem"`, 'memory.compat.tls_key'],
  ['half of our own', `[memory.compat]\nclient_key = "a.pem"`, 'memory.compat.client_cert'],
  ['an allow-list without TLS', `[memory.compat]\nmtls_allowlist = "a"`, 'memory.compat.tls_cert'],
  ['a port for nobody', '[memory]\ncompat_listen = "127.0.0.1:9077"', 'memory.compat.peer'],
  ['a port in clear', `[memory]\ncompat_listen = "0.0.0.0:9077"\n${PEER}`, 'memory.compat_listen'],
  [
    'a port on which anybody could be that peer',
    `[memory]\ncompat_listen = "0.0.0.0:9077"\n[memory.compat]\ntls_cert = "a"\ntls_key = "b"\n${PEER}unsigned = true`,
    'memory.compat.peer[0].unsigned',
  ],
])('%s is refused', (_, text, field) => {
  expect(inspect(text).problems.map(({ key }) => key)).toEqual([field]);
});
