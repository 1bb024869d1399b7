import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, STATUS } from '../../test/support/cli-host.ts';
import { ForbiddenError, InvariantError } from '../platform/errors.ts';
import type { CommandDeclaration } from './declaration.ts';
import { COMMAND_GROUPS } from './tree/index.ts';

/** Every command with its words, `['telemetry', 'report']`. */
function allCommands(commands: readonly CommandDeclaration[], before: string[] = []): [string[], CommandDeclaration][] {
  return commands.flatMap((command) => {
    const path = [...before, command.name];
    return [[path, command] as [string[], CommandDeclaration], ...allCommands(command.commands ?? [], path)];
  });
}
const COMMANDS = allCommands(COMMAND_GROUPS.flatMap(({ commands }) => commands));

describe('help', () => {
  it.each(COMMANDS.map(([path, command]) => [path.join(' '), path, command] as const))(
    'of %s has examples that parse',
    async (_, path, command) => {
      const asked = await cli([...path, '--help']);
      expect([asked.exit, asked.stderr]).toEqual([0, '']);
      expect(asked.stdout).toContain(`Usage: syncline ${path.join(' ')}`);
      expect(command.examples?.length).toBeGreaterThan(0);
      for (const example of command.examples ?? []) expect(asked.stdout).toContain(`  ${example}\n`);
      expect((await cli(['help', ...path])).stdout).toBe(asked.stdout);
    },
  );

  it('names every command once and none of a later version', async () => {
    const { exit, stdout } = await cli(['help']);
    expect(exit).toBe(0);
    for (const { name, summary } of COMMAND_GROUPS.flatMap(({ commands }) => commands))
      expect(
        stdout.match(new RegExp(`^ {2}${name} .*${summary.slice(0, 20).replace(/[[\]()]/g, '.')}`, 'gm')),
      ).toHaveLength(1);
    expect(stdout).not.toMatch(/^ {2}(join|service|reconcile|sent)\b/m);
  });

  it('fits 80 columns', async () => {
    const host = { is_tty: { stdin: false, stdout: true, stderr: false }, columns: () => 80 };
    for (const [path] of COMMANDS) {
      const { stdout } = await cli([...path, '--help'], { host });
      // Examples stay on one line, so that they can be copied.
      const text = stdout.slice(0, stdout.indexOf('\nExamples:'));
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it('is shown, as a mistake, when a group is called alone', async () => {
    expect(await cli([])).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: syncline') as string,
    });
    expect(await cli(['config'])).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: syncline config') as string,
    });
  });
});

describe('mistakes', () => {
  it.each<[string[], string]>([
    [['statu'], "syncline: Unknown command 'statu'.\n  → Did you mean status? See: syncline help\n"],
    [['config', 'chek'], "syncline: Unknown command 'chek'.\n  → Did you mean check? See: syncline help config\n"],
    [
      ['help', 'telemetry', 'repot'],
      "syncline: Unknown command 'repot'.\n  → Did you mean report? See: syncline help telemetry\n",
    ],
    [['status', '--wach'], "syncline: Unknown option '--wach'.\n  → Did you mean --watch? See: syncline help status\n"],
    [['dead-letters', 'show'], "syncline: Missing required argument 'id'.\n  → See: syncline help dead-letters show\n"],
    [
      ['stop', 'now'],
      "syncline: Too many arguments for 'stop'. Expected 0 arguments but got 1: now.\n  → See: syncline help stop\n",
    ],
    [['up', '--port'], "syncline: Option '--port <n>' argument missing.\n  → See: syncline help up\n"],
    [['completion', 'tcsh'], 'syncline: There is no completion for "tcsh".\n  → One of: bash, zsh, fish.\n'],
    [
      ['status', '--color', 'red'],
      "syncline: Option '--color <when>' argument 'red' is invalid. Allowed choices are auto, never, always.\n  → See: syncline help status\n",
    ],
  ])('%j', async (argv, expected) => {
    expect(await cli(argv)).toEqual({ exit: 2, stdout: '', stderr: expected });
  });

  it('are JSON on stderr with --json', async () => {
    const { stderr } = await cli(['statu', '--json']);
    expect(JSON.parse(stderr)).toMatchObject({ schema: 'syncline.error/1', code: 'usage.unknownCommand', exit: 2 });
  });
});

describe('global flags', () => {
  it('may stand before or after the command', async () => {
    const operator = { status: async () => STATUS };
    const before = await cli(['--json', '--home', '/tmp/x', 'status'], { operator });
    expect(await cli(['status', '--home', '/tmp/x', '--json'], { operator })).toEqual(before);
    expect(JSON.parse(before.stdout)).toEqual(STATUS);
  });

  it('--color always colours, --quiet leaves only data and errors', async () => {
    const operator = {
      status: async () => STATUS,
      flush: async () => ({
        delivered: 1,
        remaining: 1,
        unread: false,
        unreadable: 0,
        dead_letters: 0,
        destinations: [],
      }),
    };
    expect((await cli(['status', '--color', 'always'], { operator })).stdout).toContain('\u001b[');
    expect((await cli(['status'], { operator })).stdout).not.toContain('\u001b[');
    expect(await cli(['flush', '--quiet'], { operator })).toEqual({ exit: 1, stdout: '', stderr: '' });
  });
});

describe('failures', () => {
  it('of our own kind carry their exit code', async () => {
    const status = async (): Promise<never> => {
      throw new ForbiddenError('scope', 'The token may not do this.', { hint: 'Ask for scope read.' });
    };
    expect(await cli(['status'], { operator: { status } })).toEqual({
      exit: 4,
      stdout: '',
      stderr: 'syncline: The token may not do this.\n  → Ask for scope read.\n',
    });
  });

  it('of any other kind exit 70, leave a private report, and repeat nothing of the message', async () => {
    const home = mkdtempSync(join(tmpdir(), 'syncline-defect-'));
    const status = async (): Promise<never> => {
      throw new TypeError('cannot read sk-secret', { cause: new RangeError('of prompt text') });
    };
    const { exit, stdout, stderr } = await cli(['status'], {
      operator: { status },
      host: { env: { SYNCLINE_HOME: home } },
    });
    expect([exit, stdout]).toEqual([70, '']);
    const [report = ''] = readdirSync(join(home, 'log'));
    const file = join(home, 'log', report);
    expect(stderr).toBe(
      `syncline: A defect of Syncline stopped \`syncline status\`.\n  → Please report it with this file, which holds no data of yours: ${file}\n`,
    );
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/TypeError\n\s+at [^]*RangeError\n\s+at /);
    expect(text + stderr).not.toMatch(/sk-secret|prompt text/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('of a broken invariant say which', async () => {
    const status = async (): Promise<never> => {
      throw new InvariantError('offsets are dense');
    };
    const { exit, stderr } = await cli(['status'], { operator: { status } });
    expect(exit).toBe(70);
    expect(stderr).toMatch(/^syncline: A defect of Syncline stopped `syncline status`: offsets are dense\n/);
  });

  it('still speak when no report can be written', async () => {
    const home = mkdtempSync(join(tmpdir(), 'syncline-defect-'));
    writeFileSync(join(home, 'log'), 'in the way');
    const status = async (): Promise<never> => Promise.reject(new Error('x'));
    const { exit, stderr } = await cli(['status'], {
      operator: { status },
      host: { env: { SYNCLINE_HOME: home } },
    });
    expect(exit).toBe(70);
    expect(stderr).toContain('No report could be written.');
  });

  it('refuse a test runner without a home of its own (R27)', async () => {
    const { exit, stderr } = await cli(['status'], { host: { env: { VITEST: 'true' } } });
    expect(exit).toBe(2);
    expect(stderr).toContain('without SYNCLINE_HOME');
  });
});
