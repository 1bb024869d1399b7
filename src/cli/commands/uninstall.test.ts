import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli, notRunning, TERMINAL, type CliResult } from '../../../test/support/cli-host.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { lockDirectory } from '../../storage/sqlite/lock.ts';

const SETTINGS = '{\n  // mine\n  "model": "opus"\n}\n';

let scratch: ReturnType<typeof scratchDirectory>;
let home: string;
beforeEach(() => {
  scratch = scratchDirectory();
  home = scratch.path;
  for (const folder of ['.claude', 'bin', 'state', 'state/keys', 'state/profiles'])
    mkdirSync(join(home, folder), { recursive: true });
  writeFileSync(join(home, '.claude', 'settings.json'), SETTINGS);
  writeFileSync(join(home, 'bin', 'syncline'), '', { mode: 0o755 });
  for (const file of [
    'engine.db',
    'engine.db-wal',
    'memory.db',
    'memory.db.before-memory-0003',
    'lock.db',
    'hook.json',
  ])
    writeFileSync(join(home, 'state', file), '');
  for (const file of ['config.toml', 'novel.txt', 'keys/salt']) writeFileSync(join(home, 'state', file), '# mine');
});
afterEach(() => scratch.remove());

const run = (
  argv: string[],
  host: object = {},
  runtime: object = { connectOperator: notRunning },
): Promise<CliResult> =>
  cli(argv, {
    runtime,
    host: {
      env: { HOME: home, SYNCLINE_HOME: join(home, 'state') },
      user_home: home,
      program: join(home, 'bin', 'syncline'),
      ...host,
    },
  });

const settings = (): string => readFileSync(join(home, '.claude', 'settings.json'), 'utf8');

describe('uninstall', () => {
  it('takes out of the agents what connect put in, shows it, and says what it leaves', async () => {
    await run(['agents', 'connect', '--yes']);
    expect(settings()).toContain('hook');
    const { exit, stderr } = await run(['uninstall', '--yes']);
    expect(exit).toBe(0);
    expect(settings()).toBe(SETTINGS);
    expect(stderr).toContain('~/.claude/settings.json\n@@ line');
    expect(stderr).toContain('Left: ~/state   the state, ');
    expect(stderr).toContain('Left: ~/state/config.toml   the configuration');
    expect(stderr).toContain('Left: ~/bin/syncline   the program');
    expect(existsSync(join(home, 'state', 'engine.db'))).toBe(true);
    expect((await run(['uninstall', '--yes'])).stderr).toContain('Nothing of ours was in the agents.');
  });

  it('stops what runs', async () => {
    let asked = 0;
    const operator = { stop: async () => ({ pid: 4711 }), status: async () => ({ running: false }) };
    const connectOperator = async () => (asked++, { ...operator, [Symbol.asyncDispose]: async () => undefined });
    const { stderr } = await run(['uninstall', '--yes'], {}, { connectOperator });
    expect(stderr).toContain('Stopped process 4711.');
    expect(asked).toBeGreaterThan(0);
  });

  it('deletes the state after a question of its own, and nothing that is not ours', async () => {
    const questions: string[] = [];
    const answers = [true, false];
    const prompts = async () => ({ confirm: async (question: string) => (questions.push(question), answers.shift()!) });
    await run(['uninstall', '--purge'], { ...TERMINAL, prompts });
    expect(questions[1]).toMatch(/^Delete the state in ~\/state \(.*memories, keys\)\? It does not come back\.$/);
    expect(existsSync(join(home, 'state', 'keys', 'salt'))).toBe(true);
    const { exit, stderr } = await run(['uninstall', '--purge', '--yes']);
    expect(exit).toBe(0);
    expect(readdirSync(join(home, 'state')).sort()).toEqual(['config.toml', 'novel.txt', 'profiles']);
    expect(stderr).toContain('Left: ~/state/novel.txt');
  });

  it('deletes nothing while a process works there', async () => {
    const lock = lockDirectory(join(home, 'state'), 4712);
    const { exit, stderr } = await run(['uninstall', '--purge', '--yes']);
    lock.release();
    expect(exit).toBe(5);
    expect(stderr).toContain('4712');
    expect(existsSync(join(home, 'state', 'engine.db'))).toBe(true);
  });

  it('changes nothing in a dry run, nor without a yes', async () => {
    await run(['agents', 'connect', '--yes']);
    const before = settings();
    const { exit, stderr } = await run(['uninstall', '--purge', '--dry-run']);
    expect(exit).toBe(0);
    expect(stderr).toContain('Nothing was changed.');
    expect((await run(['uninstall'])).exit).toBe(6);
    expect(settings()).toBe(before);
    expect(existsSync(join(home, 'state', 'engine.db'))).toBe(true);
  });
});
