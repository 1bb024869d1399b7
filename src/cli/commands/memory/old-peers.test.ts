import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { cli, NOW_MS, type CliResult, type CliWorld } from '../../../../test/support/cli-host.ts';
import { KeyDirectory } from '../../../memory/compat/key-directory.ts';
import type { DestinationStatus, StatusReport } from '../../../runtime/operator.ts';

const BEFORE = '# of mine\n[memory]\nname = "ours"\n';
const KEY = '6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw';

let home = '';
let config_file = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'syncline-cli-'));
  config_file = join(home, 'config.toml');
  writeFileSync(config_file, BEFORE);
});

function run(argv: string[], world: CliWorld = {}): Promise<CliResult> {
  return cli(argv, { ...world, host: { env: { SYNCLINE_HOME: home }, ...world.host } });
}
const peers = (...argv: string[]): Promise<CliResult> => run(['memory', 'peers', ...argv]);

describe('memory peers add', () => {
  test('shows what it writes, asks, keeps the rest and a copy', async () => {
    const asked = [
      'add',
      'desktop',
      '--url',
      'https://desktop.lan:9077',
      '--send',
      'team/**, global',
      '--public-key',
      KEY,
    ];
    const unasked = await peers(...asked);
    expect([unasked.exit, readFileSync(config_file, 'utf8')]).toEqual([6, BEFORE]);
    const added = await peers(...asked, '--yes');
    expect(added.exit).toBe(0);
    const text = readFileSync(config_file, 'utf8');
    expect(text).toBe(
      `${BEFORE}\n[[memory.compat.peer]]\nname = "desktop"\nurl = "https://desktop.lan:9077"\n` +
        `send = [ "team/**", "global" ]\ntake = []\npublic_key = "${KEY}"\n`,
    );
    expect(added.stderr).toContain('[[memory.compat.peer]]');
    expect(readFileSync(`${config_file}.bak`, 'utf8')).toBe(BEFORE);
  });

  test.each([
    [['add', 'Desktop'], 'memory.compat.peer[0].name must be a short name in lower case'],
    [['add', 'd', '--url', 'http://desktop.lan:9077'], 'memory.compat.peer[0].url must be an https:// address'],
    [['add', 'd', '--send', 'a b'], 'memory.compat.peer[0].send'],
    [['add', 'd', '--public-key', 'x'], 'memory.compat.peer[0].public_key must be a public key'],
    [['add', 'd', '--public-key', KEY, '--unsigned'], 'memory.compat.peer[0].unsigned must be false'],
  ])('%j is refused with its reason, and nothing is changed', async (argv, reason) => {
    const { exit, stderr } = await peers(...argv, '--yes');
    expect([exit, readFileSync(config_file, 'utf8')]).toEqual([2, BEFORE]);
    expect(stderr.replaceAll('`', '')).toContain(reason);
    expect(existsSync(`${config_file}.draft`)).toBe(false);
  });
});

test('memory peers remove takes out what add wrote; a name that nobody has is refused', async () => {
  await peers('add', 'desktop', '--send', 'team', '--yes');
  await peers('add', 'laptop', '--take', 'team', '--yes');
  expect((await peers('remove', 'desktop', '--yes')).exit).toBe(0);
  expect(readFileSync(config_file, 'utf8')).not.toContain('desktop');
  expect((await peers('remove', 'laptop', '--yes')).exit).toBe(0);
  expect(readFileSync(config_file, 'utf8').trim()).toBe(BEFORE.trim());
  expect((await peers('remove', 'laptop', '--yes')).exit).not.toBe(0);
});

test('memory peers list: what each gets, writes, and how far it is behind; how they know us', async () => {
  await peers('add', 'desktop', '--url', 'https://desktop.lan:9077', '--send', 'team/**', '--unscoped', '--yes');
  const key = new KeyDirectory(join(home, 'keys', 'ai-memory')).write('syncline:ours', new Uint8Array(32).fill(7));
  const desktop = {
    ...{ destination: 'desktop', stream: 'memory', state: 'active', circuit: 'open', waiting: 12, held: [] },
    ...{ on_hold: null, offline_since_ms: NOW_MS - 7_200_000, oldest_waiting_ms: NOW_MS - 3_600_000, dead_letters: 0 },
    last_error: { at_ms: NOW_MS, code: 'memory.old_peer', message: 'connection refused' },
  } as unknown as DestinationStatus;
  const operator = { status: async () => ({ destinations: [desktop] }) as unknown as StatusReport };
  const { exit, stdout, stderr } = await run(['memory', 'peers', 'list'], { operator });
  expect(exit).toBe(0);
  expect(stdout.replaceAll(/ +/g, ' ')).toContain(
    'desktop https://desktop.lan:9077 team/** and without a scope nothing offline since 12:32, 12 items wait, oldest 1 h; nothing is lost connection refused',
  );
  expect(key.public_key).toHaveLength(32);
  expect(stderr).toContain(`They know this machine as syncline:ours, by the key ${KEY}`);
  const { stdout: json } = await run(['memory', 'peers', 'list', '--json'], { operator });
  expect(JSON.parse(json)).toMatchObject({
    peers: [],
    old_peers: [{ name: 'desktop', agent_id: 'desktop', send: ['team/**'], take: [], status: { waiting: 12 } }],
    own_on_old_wire: { agent_id: 'syncline:ours', public_key: KEY },
  });
});

describe('doctor', () => {
  const checks = async (toml: string): Promise<string[]> => {
    writeFileSync(config_file, toml);
    const runtime = { agentPlaces: async () => [] };
    const { stdout } = await run(['doctor', '--json'], { runtime });
    const report = JSON.parse(stdout) as { checks: { check: string; state: string; found: string }[] };
    return report.checks
      .filter(({ check, found }) => check === 'Peers' || found.includes('memory.compat'))
      .map(({ state, found }) => `${state} ${found}`);
  };

  test('says what each peer may, and what is missing', async () => {
    const found = await checks(`
[memory]
compat_listen = "127.0.0.1:9077"
[memory.compat]
mtls_allowlist = "nobody.txt"
tls_cert = "none.pem"
tls_key = "none.pem"
[[memory.compat.peer]]
name = "a"
url = "http://a.lan:9077"
insecure = true
send = ["team/**"]
unscoped = true
api_key = { file = "a.key" }
[[memory.compat.peer]]
name = "b"
unsigned = true
`);
    expect(found).toEqual([
      'fault memory.compat.peer[0].api_key: the secret file a.key cannot be read (ENOENT).',
      'ok a (ai-memory) gets team/**, also memories without a scope; writes to nothing',
      'warn a: its key is not known, so its requests are refused',
      'warn a: memories go there unencrypted',
      'ok b (ai-memory) gets nothing; writes to nothing',
      'warn b: nothing is exchanged with it',
      'fault memory.compat.tls_cert cannot be used: ENOENT',
      'fault memory.compat.mtls_allowlist cannot be used: ENOENT',
    ]);
  });

  test('is silent where there is none', async () => {
    expect(await checks(BEFORE)).toEqual([]);
  });
});
