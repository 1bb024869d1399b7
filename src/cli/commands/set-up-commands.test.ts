import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cli, notRunning, PLACES, TERMINAL, type CliWorld } from '../../../test/support/cli-host.ts';
import { lockDirectory } from '../../storage/sqlite/lock.ts';

let home = '';
let config_file = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'syncline-cli-'));
  config_file = join(home, 'config.toml');
});

/** Runs in a home of its own. */
function run(argv: string[], world: CliWorld = {}) {
  return cli(argv, { ...world, host: { env: { SYNCLINE_HOME: home }, ...world.host } });
}

describe('version', () => {
  it('prints program, Node and SQLite', async () => {
    const { exit, stdout } = await run(['version']);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^syncline \d+\.\d+\.\d+\nnode 24\.21\.0, SQLite \d+\.\d+\.\d+, linux\n$/);
    expect(JSON.parse((await run(['version', '--json'])).stdout)).toMatchObject({
      schema: 'syncline.version/1',
      node: '24.21.0',
    });
    expect((await run(['-V'])).stdout).toMatch(/^syncline \d+\.\d+\.\d+\n$/);
  });
});

describe('config', () => {
  it('show: what somebody has set, with its origin, and no secret', async () => {
    writeFileSync(config_file, '[team]\nurl = "https://a.dev"\ntoken = { file = "team.token" }\n');
    const { exit, stdout, stderr } = await run(['config', 'show'], {
      host: { env: { SYNCLINE_HOME: home, SYNCLINE_PORT: '5000' } },
    });
    expect(exit).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['key', 'value', 'from'],
      ['team.url', 'https://a.dev', `${config_file}:2:1`],
      ['team.token', '<secret from file team.token>', `${config_file}:3:1`],
      ['http.port', '5000', 'SYNCLINE_PORT'],
      [''],
    ]);
    expect(stderr).toMatch(/keys have their default; see them with --all/);
  });

  it('show: one section, all, JSON', async () => {
    expect((await run(['config', 'show', 'http'])).stdout).toMatch(/http\.port {2}4777 +default/);
    expect((await run(['config', 'show', '--all'])).stdout).toMatch(/server\.limits\.max_items/);
    const { values } = JSON.parse((await run(['config', 'show', '--json'])).stdout) as { values: { key: string }[] };
    expect(values.find(({ key }) => key === 'http.port')).toEqual({
      key: 'http.port',
      value: 4777,
      origin: 'default',
      from: 'default',
    });
    expect((await run(['config', 'show', 'htp'])).stderr).toBe(
      'syncline: There is no section "htp".\n  → Did you mean http?\n',
    );
  });

  it('check: lists all problems and exits 2', async () => {
    writeFileSync(config_file, '[http]\nprot = 1\n[capture]\nexclude = 3\n');
    const { exit, stdout, stderr } = await run(['config', 'check']);
    expect(exit).toBe(2);
    expect(stdout).toBe(
      `${config_file}:2:1: unknown key http.prot; did you mean http.port?\n${config_file}:4:1: capture.exclude must be a list of patterns, like ["github.com/acme/*"]\n`,
    );
    expect(stderr).toBe('2 problems; nothing was done.\n');
    const json = await run(['config', 'check', '--json']);
    expect(json.exit).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: 'syncline.config-check/1',
      valid: false,
      problems: [{ key: 'http.prot' }, { key: 'capture.exclude' }],
    });
  });

  it('check: a valid file, and none', async () => {
    expect((await run(['config', 'check'])).stderr).toContain('is not there: everything has its default.');
    writeFileSync(config_file, '[records]\nmax_deletes = 2\n');
    const { exit, stderr } = await run(['config', 'check']);
    expect(exit).toBe(0);
    expect(stderr).toContain(`${config_file} is valid.\n`);
    expect((await run(['config', 'check', '--config', 'none.toml'])).exit).toBe(2);
  });

  it('schema and path', async () => {
    const schema = JSON.parse((await run(['config', 'schema'])).stdout) as { properties: Record<string, unknown> };
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(['team', 'telemetry', 'storage', 'server', 'http']),
    );
    expect((await run(['config', 'path', '--profile', 'acme'])).stdout).toBe(
      `configuration  ${home}/profiles/acme/config.toml\nstate          ${home}/profiles/acme\n`,
    );
    expect((await run(['config', 'path', '--profile', '../x'])).exit).toBe(2);
  });
});

describe('init', () => {
  it('asks nobody without a terminal: exit 6, nothing written', async () => {
    expect((await run(['init'])).exit).toBe(6);
    expect(existsSync(config_file)).toBe(false);
  });

  it('writes with --yes a private file that is valid and shares nothing', async () => {
    const { exit, stderr } = await run(['init', '--yes']);
    expect(exit).toBe(0);
    expect(stderr).toBe(
      `Wrote ${config_file}.\nNo team, no destination: nothing leaves this machine.\nNext: syncline up\n`,
    );
    expect(statSync(config_file).mode & 0o777).toBe(0o600);
    expect((await run(['config', 'check'])).exit).toBe(0);
    expect((await run(['config', 'show', 'team'])).stdout).not.toContain('team.url');
  });

  it('writes a team from three answers, and the token into a file of its own', async () => {
    const questions: string[] = [];
    const answers = ['https://sync.acme.dev', 'github.com/acme/*, "odd\\name"'];
    const prompts = {
      text: async (question: string) => (questions.push(question), answers.shift() ?? ''),
      secret: async (question: string) => (questions.push(question), ' scl_token \n'),
    };
    const { exit, stderr } = await run(['init'], { prompts, host: { ...TERMINAL, env: { SYNCLINE_HOME: home } } });
    expect([exit, questions.length]).toEqual([0, 3]);
    expect(stderr).toContain('Shares with https://sync.acme.dev only');
    const shown = JSON.parse((await run(['config', 'show', 'team', '--json'])).stdout) as {
      values: { key: string; value: unknown }[];
    };
    expect(Object.fromEntries(shown.values.map(({ key, value }) => [key, value]))).toMatchObject({
      'team.url': 'https://sync.acme.dev',
      'team.token': '<secret from file team.token>',
      'team.projects': ['github.com/acme/*', '"odd\\name"'],
    });
    expect(readFileSync(join(home, 'team.token'), 'utf8')).toBe('scl_token\n');
    expect(statSync(join(home, 'team.token')).mode & 0o777).toBe(0o600);
    expect(readFileSync(config_file, 'utf8')).not.toContain('scl_token');
  });

  it('never replaces a file without a yes, and keeps the old one', async () => {
    writeFileSync(config_file, '# mine\n');
    const host = { ...TERMINAL, env: { SYNCLINE_HOME: home } };
    const no = await run(['init'], { prompts: { confirm: async () => false }, host });
    expect([no.exit, readFileSync(config_file, 'utf8')]).toEqual([1, '# mine\n']);
    const yes = await run(['init'], { prompts: { confirm: async () => true, text: async () => '' }, host });
    expect(yes.exit).toBe(0);
    expect(readFileSync(`${config_file}.bak`, 'utf8')).toBe('# mine\n');
  });

  it('checks the address as it is typed', async () => {
    const verdicts: (string | undefined)[] = [];
    const text = async (_: string, { validate }: { validate?: (answer: string) => string | undefined }) => {
      for (const answer of ['', 'https://a.dev', 'http://localhost:4777', 'http://a.dev', 'https://u:p@a.dev', 'a.dev'])
        verdicts.push(validate?.(answer));
      return '';
    };
    await run(['init'], { prompts: { text }, host: { ...TERMINAL, env: { SYNCLINE_HOME: home } } });
    const refused = 'An https:// address, or nothing.';
    expect(verdicts).toEqual([undefined, undefined, undefined, refused, refused, refused]);
  });
});

describe('doctor', () => {
  const runtime = { agentPlaces: async () => PLACES, connectOperator: notRunning };

  it('finds nothing wrong on a good machine, and lists each place looked at (R21)', async () => {
    chmodSync(home, 0o700);
    const { exit, stdout, stderr } = await run(['doctor'], { runtime });
    expect(stderr).toBe('\nNo fault found.\n');
    expect(exit).toBe(0);
    expect(stdout).toContain('ok     Node     24.21.0\n');
    expect(stdout).toContain('ok     Agents   Claude Code: ~/.claude/projects (default): 312 files\n');
    expect(stdout).toContain('ok              Codex: /opt/codex/sessions (CODEX_HOME): not there\n');
  });

  it.each<[string, () => CliWorld, RegExp]>([
    [
      'an old Node',
      () => ({ host: { node_version: '22.1.0' } }),
      /fault {2}Node {5}22\.1\.0 is too old\n +→ Install Node 24/,
    ],
    [
      'an open home',
      () => (chmodSync(home, 0o755), {}),
      /fault {2}Home {5}1 entry of .* can be read by others, first .*\n +→ chmod -R go= /,
    ],
    [
      'an open file',
      () => (writeFileSync(join(home, 'x'), '', { mode: 0o644 }), {}),
      /fault {2}Home {5}1 entry of .* first .*\/x\n/,
    ],
    [
      'a broken configuration',
      () => (writeFileSync(config_file, 'x = ', { mode: 0o600 }), {}),
      /fault {2}Config {3}.*:1:5: not valid TOML/,
    ],
    [
      'a secret that is missing',
      () => (
        writeFileSync(
          config_file,
          `[team]\nurl = "https://a.dev"\ntoken = { file = "t" }\nsalt = { file = "${config_file}" }\n`,
          { mode: 0o600 },
        ),
        {}
      ),
      /fault {11}team\.token: the secret file t cannot be read \(ENOENT\)\./,
    ],
    [
      'a clock before the program',
      () => ({ host: { clock: { now_ms: () => 0, monotonic_ms: () => 0 } } }),
      /fault {2}Clock /,
    ],
  ])('finds %s and exits 1', async (_, spoil, expected) => {
    const world = spoil();
    const { exit, stdout, stderr } = await run(['doctor'], { runtime, ...world });
    expect(stdout).toMatch(expected);
    expect([exit, stderr]).toEqual([1, '\n1 fault found.\n']);
  });

  it('finds a holder of the lock that does not answer', async () => {
    const lock = lockDirectory(home, 4711);
    chmodSync(join(home, 'lock.db'), 0o600);
    try {
      const { exit, stdout } = await run(['doctor'], { runtime });
      expect(exit).toBe(1);
      expect(stdout).toContain('held by process 4711, which does not answer');
    } finally {
      lock.release();
    }
  });

  it('names where conversations are read, and warns of a newer agentsview', async () => {
    const database = {
      reader: 'agentsview' as const,
      path: '/home/ada/.agentsview/sessions.db',
      because: 'default',
      exists: true,
      in_use: true,
      newer: false,
      behind: null,
      problem: null,
    };
    const path = '/home/ada/.claude/projects';
    const transcripts = { ...database, reader: 'claude transcripts' as const, path, in_use: false };
    const places = [
      database,
      { ...database, newer: true },
      { ...database, problem: 'locked' },
      { ...database, behind: 'it rests' },
      transcripts,
    ];
    const { exit, stdout } = await run(['doctor'], { runtime: { ...runtime, sessionPlaces: async () => places } });
    expect(exit).toBe(0);
    expect(stdout).toContain(
      'ok     History  conversations from agentsview: ~/.agentsview/sessions.db (default): read\n',
    );
    expect(stdout).toMatch(/warn .*sessions\.db \(default\): written by a newer agentsview than is known\n +→ /);
    expect(stdout).toMatch(/warn .*sessions\.db \(default\): locked\n/);
    expect(stdout).toMatch(/warn .*sessions\.db \(default\): it rests\n/);
    expect(stdout).toMatch(/ok .*claude transcripts: ~\/\.claude\/projects \(default\): there, not read/);
  });

  it('warns without failing', async () => {
    mkdirSync(join(home, 'spool'), { mode: 0o700 });
    writeFileSync(join(home, 'spool', 'a'), 'x'.repeat(900), { mode: 0o600 });
    writeFileSync(config_file, '[storage]\nspool_max_bytes = 1000\n', { mode: 0o600 });
    const problem = [{ ...PLACES[0]!, files: null, problem: 'EACCES' }];
    const { exit, stdout } = await run(['doctor'], {
      runtime: { ...runtime, agentPlaces: async () => problem },
      host: { platform: 'win32' },
    });
    expect(exit).toBe(0);
    expect(stdout).toMatch(/warn {3}System {3}Windows, natively: untested/);
    expect(stdout).toMatch(/warn {3}Agents {3}Claude Code: ~\/\.claude\/projects \(default\): EACCES/);
    expect(stdout).toMatch(/warn {3}Spool {4}900 B in 1 file: nearly full/);
  });

  it('goes on when a check itself fails, and is data with --json', async () => {
    const agentPlaces = async (): Promise<never> => Promise.reject(new Error('boom'));
    const { exit, stdout } = await run(['doctor', '--json'], { runtime: { ...runtime, agentPlaces } });
    expect(exit).toBe(1);
    const { healthy, checks } = JSON.parse(stdout) as {
      healthy: boolean;
      checks: { check: string; state: string; found: string }[];
    };
    expect(healthy).toBe(false);
    expect(checks.find(({ check }) => check === 'Agents')).toMatchObject({
      state: 'fault',
      found: 'could not be checked: boom',
    });
    expect(checks.at(-1)?.check).toBe('Clock');
  });

  it('leaves a home that is not there alone', async () => {
    rmSync(home, { recursive: true });
    const { exit, stdout } = await run(['doctor'], { runtime });
    expect([exit, existsSync(home)]).toEqual([0, false]);
    expect(stdout).toContain('is not there yet');
  });
});
