import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../platform/errors.ts';
import { inspectConfig, loadConfig, type ConfigInputs } from './load.ts';
import { formatProblem } from './problems.ts';

const folder = mkdtempSync(join(tmpdir(), 'syncline-config-'));
const file = join(folder, 'config.toml');

function given(text: string, more: Partial<ConfigInputs> = {}): ConfigInputs {
  writeFileSync(file, text);
  return { file, env: {}, ...more };
}

/** The problems as printed, with the folder left out. */
function problems(text: string, more: Partial<ConfigInputs> = {}): string[] {
  return inspectConfig(given(text, more)).problems.map((problem) => formatProblem(problem).replace(`${folder}/`, ''));
}

describe('the example of the product page', () => {
  const example = readFileSync(new URL('./fixtures/all-flows.toml', import.meta.url), 'utf8');

  it('parses; only its OTLP destination is refused, because it is not built yet', () => {
    expect(problems(example)).toEqual([
      'config.toml:14:1: a destination of type "otlp" is not available in this version; remove it or use "server"',
    ]);
  });

  it('loads without it, with the defaults filled in', () => {
    const without = example.replace(/\[\[telemetry\.destination\]\][^[]*/, '');
    const { config } = loadConfig(given(without));
    expect(config.team).toMatchObject({ url: 'https://syncline.acme.dev', names: true, token: { file: 'team.token' } });
    expect(config.capture.exclude).toEqual(['~/private/**', 'github.com/acme/payroll']);
    expect(config.sessions?.hold).toBe(15 * 60_000);
    expect(config.records?.salesforce?.key).toEqual({ file: 'sf.pem' });
    expect(config.http.port).toBe(4777);
  });
});

describe('an empty or missing file', () => {
  it('is all defaults, and no team', () => {
    const { config, file_exists } = loadConfig({ file: join(folder, 'none.toml'), env: {} });
    expect(file_exists).toBe(false);
    expect(config.team).toBeUndefined();
    expect(config.telemetry).toEqual({ content: 'none', destination: [] });
    expect(config.server.limits.max_items).toBe(1000);
  });

  it('must exist when it was named', () => {
    const { problems: found } = inspectConfig({ file: join(folder, 'none.toml'), file_required: true, env: {} });
    expect(found[0]?.message).toBe('there is no such file');
  });
});

describe('every form of error', () => {
  const cases: [name: string, text: string, expected: string[]][] = [
    ['syntax', '[team]\nurl = \n', ['config.toml:2:7: not valid TOML: invalid value']],
    [
      'unknown key',
      '[team]\nurl="https://a.dev"\ntoken={env="T"}\nnaems = true',
      ['config.toml:4:1: unknown key team.naems; did you mean team.names?'],
    ],
    [
      'unknown section',
      '[telemtry]\ncontent = "none"',
      ['config.toml:1:1: unknown key telemtry; did you mean telemetry?'],
    ],
    ['key of another section', 'port = 1', ['config.toml:1:1: unknown key port; did you mean http.port?']],
    ['unlike anything', '[http]\nxyzzy = 1', ['config.toml:2:1: unknown key http.xyzzy']],
    ['wrong type', '[http]\nport = "4777"', ['config.toml:2:1: http.port must be a whole number from 1 to 65535']],
    ['out of range', '[http]\nport = 70000', ['config.toml:2:1: http.port must be a whole number from 1 to 65535']],
    [
      'boolean',
      '[team]\nurl="https://a.dev"\ntoken={env="T"}\nnames="yes"',
      ['config.toml:4:1: team.names must be true or false'],
    ],
    [
      'enumeration',
      '[telemetry]\ncontent = "redcated"',
      ['config.toml:2:1: telemetry.content must be "none" or "redacted"; did you mean "redacted"?'],
    ],
    [
      'list',
      '[capture]\nexclude = "x"',
      ['config.toml:2:1: capture.exclude must be a list of patterns, like ["github.com/acme/*"]'],
    ],
    [
      'item of a list',
      '[capture]\nexclude = [\n  "x",\n  3,\n]',
      ['config.toml:4:3: capture.exclude[1] must be text in quotes'],
    ],
    ['section as value', 'team = 3', ['config.toml:1:1: team must be a table']],
    [
      'missing key',
      '[team]\nurl = "https://a.dev"',
      [
        'config.toml:1:1: team.token is missing; it must be a reference to the secret, { file = "NAME" } or { env = "NAME" }: a secret is never written in this file',
      ],
    ],
    [
      'empty section',
      '[team]',
      [
        'config.toml:1:1: team.url is missing; it must be an http:// or https:// address without a user name or password',
        'config.toml:1:1: team.token is missing; it must be a reference to the secret, { file = "NAME" } or { env = "NAME" }: a secret is never written in this file',
      ],
    ],
    [
      'plain http',
      '[team]\nurl = "http://a.dev"\ntoken = { env = "T" }',
      [
        'config.toml:2:1: team.url must be an https:// address; `insecure = true` beside it allows http:// and is shown in every status',
      ],
    ],
    [
      'duration',
      '[sessions]\nhold = "15 minutes"',
      ['config.toml:2:1: sessions.hold must be a duration like "90s", "15m", "2h" or "7d"'],
    ],
    [
      'size',
      '[storage]\nmax_bytes = "5"',
      ['config.toml:2:1: storage.max_bytes must be a number of bytes or a size like "512MiB" or "5GiB"'],
    ],
    [
      'key in a list of tables',
      '[[telemetry.destination]]\ntype = "file"\n[[telemetry.destination]]\ntype = "server"\nurl = "https://a.dev"\ntoken = { env = "T" }\nteam_id = "t"\nsalt = { env = "S" }\nrequird = true',
      [
        'config.toml:9:1: unknown key telemetry.destination[1].requird; did you mean telemetry.destination[1].required?',
      ],
    ],
    [
      'unknown type of destination',
      '[[telemetry.destination]]\ntype = "servr"',
      ['config.toml:2:1: telemetry.destination[0].type must be "server"; did you mean "server"?'],
    ],
    [
      'equal names',
      `${destination('a')}${destination('a')}`,
      ['config.toml:10:1: telemetry.destination[1].name must be another name: two destinations have this one'],
    ],
    [
      'reserved name',
      destination('local'),
      ['config.toml:3:1: telemetry.destination[0].name must be another name: "local" is the store of this machine'],
    ],
    [
      'name of the team',
      `${destination('team')}[team]\nurl = "https://a.dev"\ntoken = { env = "T" }`,
      ['config.toml:3:1: telemetry.destination[0].name must be another name: "team" is the destination of [team]'],
    ],
    [
      'certificate without key',
      '[server]\ntls_cert = "c.pem"',
      ['config.toml:1:1: server.tls_key is missing; it must be set: certificate and key belong together'],
    ],
    [
      'open address without TLS',
      '[server]\nlisten = "0.0.0.0:4777"',
      [
        'config.toml:2:1: server.listen must be a loopback address, or come with tls_cert and tls_key, or with behind_proxy',
      ],
    ],
    [
      'address ranges',
      '[server]\nbehind_proxy = ["10.0.0.0/40"]',
      [
        'config.toml:2:17: server.behind_proxy[0] must be a list of address ranges, like ["10.0.0.0/8"] or ["fd00::/8"]',
      ],
    ],
  ];

  it.each(cases)('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('lists all problems at once and exits 2', () => {
    const load = (): unknown => loadConfig(given('[http]\nport = 0\n[storage]\nmax = 1'));
    expect(load).toThrow(UsageError);
    expect(load).toThrow(/http\.port must be[^]*unknown key storage\.max/);
  });
});

function destination(name: string): string {
  return `[[telemetry.destination]]\ntype = "server"\nname = "${name}"\nurl = "https://a.dev"\ntoken = { env = "T" }\nteam_id = "t"\nsalt = { env = "S" }\n`;
}

describe('secrets', () => {
  const literal = 'scl_9f8e7d6c5b4a';
  it.each([
    ['as the token', `[team]\nurl = "https://a.dev"\ntoken = "${literal}"`],
    ['under a wrong key of the token', `[team]\nurl = "https://a.dev"\ntoken = { value = "${literal}" }`],
    ['in the address', `[team]\nurl = "https://x:${literal}@a.dev"\ntoken = { env = "T" }`],
    ['where a number belongs', `[http]\nport = "${literal}"`],
    ['in a line that is not TOML', `[team]\ntoken = ${literal}`],
    ['as a word of an enumeration', `[telemetry]\ncontent = "${literal}"`],
  ])('are refused and not repeated: %s', (_, text) => {
    const found = problems(text).join('\n');
    expect(found).not.toBe('');
    expect(found).not.toContain(literal);
  });

  it('are referred to by the variable that holds them, never copied', () => {
    const env = { SYNCLINE_TEAM__URL: 'https://a.dev', SYNCLINE_TEAM__TOKEN: literal };
    const loaded = loadConfig(given('', { env }));
    expect(loaded.config.team?.token).toEqual({ env: 'SYNCLINE_TEAM__TOKEN' });
    expect(JSON.stringify([...loaded.origins])).not.toContain(literal);
  });
});

describe('precedence', () => {
  /** Keys of several kinds, with a way to write a value for each layer. */
  const keys = [
    { key: 'http.port', values: [5001, 5002, 5003], fallback: 4777 },
    { key: 'retention.days', values: [1, 2, 3], fallback: 30 },
    { key: 'telemetry.content', values: ['redacted', 'none', 'redacted'], fallback: 'none' },
    { key: 'capture.enabled', values: [false, true, false], fallback: true },
    { key: 'capture.exclude', values: [['a'], ['b', 'c'], ['d']], fallback: [] },
    { key: 'server.listen', values: ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'], fallback: '127.0.0.1:4777' },
    { key: 'server.limits.max_items', values: [7, 8, 9], fallback: 1000 },
  ] as const;

  it('is flag over environment over file over default, for every key', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ file: fc.boolean(), env: fc.boolean(), flag: fc.boolean() }), {
          minLength: keys.length,
          maxLength: keys.length,
        }),
        (layers) => {
          const lines: string[] = [];
          const env: Record<string, string> = {};
          const flags: { key: string; flag: string; value: unknown }[] = [];
          keys.forEach(({ key, values }, index) => {
            if (layers[index]?.file) lines.push(`${key} = ${JSON.stringify(values[0])}`);
            if (layers[index]?.env) env[`SYNCLINE_${key.replaceAll('.', '__').toUpperCase()}`] = String(values[1]);
            if (layers[index]?.flag) flags.push({ key, flag: `--${key}`, value: values[2] });
          });
          const { config, origins } = loadConfig(given(lines.join('\n'), { env, flags }));
          keys.forEach(({ key, values, fallback }, index) => {
            const { flag, env: by_env, file: by_file } = layers[index]!;
            const value = key
              .split('.')
              .reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], config);
            expect(value).toEqual(flag ? values[2] : by_env ? values[1] : by_file ? values[0] : fallback);
            expect(origins.get(key)?.kind).toBe(flag ? 'flag' : by_env ? 'env' : by_file ? 'file' : undefined);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('lets a section come from two layers', () => {
    const { config } = loadConfig(
      given('[team]\nurl = "https://a.dev"\ntoken = { file = "t" }', { env: { SYNCLINE_TEAM__NAMES: 'false' } }),
    );
    expect(config.team).toMatchObject({ url: 'https://a.dev', names: false });
  });
});

it('finds the certificate beside the file that names it, and one from a flag where it was said', () => {
  const text = '[server]\ntls_cert = "cert.pem"\ntls_key = "/etc/key.pem"\n';
  expect(loadConfig(given(text)).config.server).toMatchObject({
    tls_cert: join(folder, 'cert.pem'),
    tls_key: '/etc/key.pem',
  });
  const flags = [{ key: 'server.tls_cert', flag: '--tls-cert', value: 'other.pem' }];
  expect(loadConfig(given(text, { flags })).config.server.tls_cert).toBe('other.pem');
});

describe('the environment', () => {
  it('knows the short name of the port, and refuses two different ones', () => {
    expect(loadConfig(given('', { env: { SYNCLINE_PORT: '5000' } })).config.http.port).toBe(5000);
    expect(problems('', { env: { SYNCLINE_PORT: '5000', SYNCLINE_HTTP__PORT: '5001' } })).toEqual([
      'SYNCLINE_PORT: SYNCLINE_PORT and SYNCLINE_HTTP__PORT set different ports',
    ]);
  });

  it('leaves reserved and empty variables alone', () => {
    const env = { SYNCLINE_HOME: '/x', SYNCLINE_PRIVATE: '1', SYNCLINE_TEAM__URL: '' };
    expect(loadConfig(given('', { env })).config.team).toBeUndefined();
  });

  it('takes a token file and a list of tables', () => {
    const env = {
      SYNCLINE_TEAM__URL: 'https://a.dev',
      SYNCLINE_TEAM__TOKEN__FILE: 'team.token',
      SYNCLINE_TELEMETRY__DESTINATION:
        '[{ type = "server", url = "https://b.dev", token = { env = "B" }, team_id = "b", salt = { env = "S" } }]',
    };
    const { config } = loadConfig(given('', { env }));
    expect(config.team?.token).toEqual({ file: 'team.token' });
    expect(config.telemetry.destination[0]).toMatchObject({
      name: 'server',
      url: 'https://b.dev',
      max_batch_items: 500,
    });
  });

  it.each([
    [{ SYNCLINE_TEAM_URL: 'https://a.dev' }, 'SYNCLINE_TEAM_URL: unknown variable; did you mean SYNCLINE_TEAM__URL?'],
    [{ SYNCLINE_TELEMETRY: 'x' }, 'SYNCLINE_TELEMETRY: unknown variable'],
    [{ SYNCLINE_PORT: 'x' }, 'SYNCLINE_PORT: http.port must be a whole number from 1 to 65535'],
    [{ SYNCLINE_CAPTURE__ENABLED: 'yes' }, 'SYNCLINE_CAPTURE__ENABLED: capture.enabled must be true or false'],
  ])('answers a mistake: %j', (env, expected) => {
    expect(problems('', { env })).toEqual([expected]);
  });
});
