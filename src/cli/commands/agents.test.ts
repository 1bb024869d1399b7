import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cli, TERMINAL, type CliWorld } from '../../../test/support/cli-host.ts';

const SETTINGS = '{\n  // mine\n  "model": "opus",\n  "hooks": {\n    "Stop": [{ "hooks": [] }], // bell\n  },\n}\n';
const CODEX = 'model = "gpt"\n\n[mcp_servers.docs] # theirs\ncommand = "docs"';

let home = '';
let program = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'syncline-agents-'));
  for (const folder of ['.claude', '.codex', '.cursor', 'state', 'bin']) mkdirSync(join(home, folder));
  writeFileSync(join(home, '.claude', 'settings.json'), SETTINGS, { mode: 0o640 });
  writeFileSync(join(home, '.claude.json'), '{"oauth":"secret-of-theirs"}');
  writeFileSync(join(home, '.codex', 'config.toml'), CODEX);
  program = join(home, 'bin', 'syncline');
  writeFileSync(program, '#!/bin/sh\necho called "$@" "$SYNCLINE_HOME"\n', { mode: 0o755 });
});

/** `SYNCLINE_HOME` is not set: agents are started without it. */
function run(argv: string[], world: CliWorld = {}) {
  return cli(argv, { ...world, host: { env: { HOME: home }, user_home: home, program, ...world.host } });
}

const read = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8');

describe('agents connect', () => {
  it('puts hook and memory into every agent, keeps the rest, and twice is as once', async () => {
    const { exit, stderr } = await run(['agents', 'connect', '--yes']);
    expect(exit).toBe(0);
    expect(stderr).toContain('~/.claude/settings.json\n@@ line');
    expect(stderr).not.toContain('secret-of-theirs');
    const settings = read('.claude', 'settings.json');
    for (const line of SETTINGS.split('\n')) expect(settings).toContain(line.replace(/\}?\],? \/\/ bell/, ''));
    expect(statSync(join(home, '.claude', 'settings.json')).mode & 0o777).toBe(0o640);
    expect(read('.codex', 'config.toml')).toBe(
      `${CODEX}\n# syncline agents connect\n[mcp_servers.syncline]\ncommand = "${program}"\nargs = [ "memory", "mcp" ]\n`,
    );
    expect(JSON.parse(read('.claude.json'))).toEqual({
      oauth: 'secret-of-theirs',
      mcpServers: { syncline: { command: program, args: ['memory', 'mcp'], env: { SYNCLINE_CONNECTED: '1' } } },
    });
    expect(JSON.parse(read('.cursor', 'hooks.json'))).toMatchObject({ version: 1, hooks: { stop: [{ timeout: 10 }] } });
    expect(read('.claude', 'settings.json.before-syncline')).toBe(SETTINGS);

    const kept = mkdtempSync(join(tmpdir(), 'syncline-agents-kept-'));
    cpSync(home, kept, { recursive: true, preserveTimestamps: true });
    const again = await run(['agents', 'connect', '--yes']);
    expect(again).toMatchObject({ exit: 0, stderr: 'Connected already.\n' });
    execFileSync('diff', ['-r', home, kept]);
  });

  it('disconnect gives every file back to the byte, and takes those away that were made for it', async () => {
    const before = mkdtempSync(join(tmpdir(), 'syncline-agents-before-'));
    cpSync(home, before, { recursive: true });
    await run(['agents', 'connect', '--yes']);
    expect((await run(['agents', 'disconnect', '--yes'])).exit).toBe(0);
    execFileSync('diff', ['-r', home, before]);
    expect(await run(['agents', 'disconnect', '--yes'])).toMatchObject({
      exit: 0,
      stderr: 'Nothing of ours is in their files.\n',
    });
  });

  it('the hook line: calls the program; with the program gone no output and exit 0', async () => {
    await run(['agents', 'connect', '--yes', '--home', join(home, "the state's")]);
    const line = (JSON.parse(read('.cursor', 'hooks.json')) as { hooks: { stop: { command: string }[] } }).hooks.stop[0]
      ?.command;
    const call = () => spawnSync('/bin/sh', ['-c', line ?? ''], { encoding: 'utf8', input: '{}' });
    expect(call()).toMatchObject({
      status: 0,
      stdout: `called telemetry hook --agent cursor ${join(home, "the state's")}\n`,
    });
    writeFileSync(program, '#!/bin/sh\nexit 2\n');
    expect(call()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    rmSync(program);
    expect(call()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('shows what it would do and asks; a no or a dry run changes nothing', async () => {
    const prompts = { confirm: async () => false };
    expect(
      await run(['agents', 'connect'], { prompts, host: { ...TERMINAL, env: { HOME: home }, program } }),
    ).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/\+.*telemetry hook[^]*Nothing was changed\.\n$/) as string,
    });
    expect((await run(['agents', 'connect'])).exit).toBe(6);
    expect((await run(['agents', 'connect', '--dry-run'])).exit).toBe(0);
    expect(read('.claude', 'settings.json')).toBe(SETTINGS);
    expect(existsSync(join(home, '.cursor', 'hooks.json'))).toBe(false);
  });

  it('follows a link and leaves it a link', async () => {
    mkdirSync(join(home, 'dotfiles'));
    writeFileSync(join(home, 'dotfiles', 'mcp.json'), '{}');
    symlinkSync(join(home, 'dotfiles', 'mcp.json'), join(home, '.cursor', 'mcp.json'));
    await run(['agents', 'connect', 'cursor', '--yes']);
    expect(lstatSync(join(home, '.cursor', 'mcp.json')).isSymbolicLink()).toBe(true);
    expect(read('dotfiles', 'mcp.json')).toContain(program);
  });

  it('leaves a file that it cannot read as it is, says so, and does the others', async () => {
    writeFileSync(join(home, '.claude', 'settings.json'), '{ "hooks": ');
    writeFileSync(join(home, '.claude.json'), '{"mcpServers":{"syncline":{"command":"mine"}}}');
    const { exit, stderr } = await run(['agents', 'connect', '--yes']);
    expect(exit).toBe(1);
    expect(stderr).toContain('Claude Code: ~/.claude/settings.json is left as it is. It is not a JSON object.');
    expect(stderr).toContain('Claude Code: ~/.claude.json has a server named syncline by hand; it stays.');
    expect(read('.claude', 'settings.json')).toBe('{ "hooks": ');
    expect(read('.claude.json')).toContain('"mine"');
    expect(read('.codex', 'config.toml')).toContain(program);
  });

  it('makes nothing for an agent that was never used', async () => {
    rmSync(join(home, '.cursor'), { recursive: true });
    expect((await run(['agents', 'connect', 'cursor', '--yes'])).exit).toBe(1);
    await run(['agents', 'connect', '--yes']);
    expect(existsSync(join(home, '.cursor'))).toBe(false);
  });

  it('wants an agent that it knows', async () => {
    expect(await run(['agents', 'connect', 'vim'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('claude, codex, cursor, all') as string,
    });
  });
});

describe('agents list and doctor', () => {
  const states = async (): Promise<string[]> => {
    const { stdout } = await run(['agents', 'list', '--json']);
    const { schema, agents } = JSON.parse(stdout) as {
      schema: string;
      agents: { agent: string; part: string; state: string }[];
    };
    expect(schema).toBe('syncline.agents/1');
    return agents.map(({ agent, part, state }) => `${agent} ${part} ${state}`);
  };

  it('tell what is connected, and what leads nowhere', async () => {
    expect(await states()).toEqual(
      ['claude hooks', 'claude memory', 'codex hooks', 'codex memory', 'cursor hooks', 'cursor memory'].map(
        (of) => `${of} none`,
      ),
    );
    await run(['agents', 'connect', 'claude', '--yes']);
    expect((await states()).slice(0, 3)).toEqual([
      'claude hooks connected',
      'claude memory connected',
      'codex hooks none',
    ]);
    const world = { runtime: { agentPlaces: async () => [] } };
    const healthy = await run(['doctor'], world);
    expect(healthy.stdout).toContain('Claude Code: hooks in ~/.claude/settings.json: connected');
    rmSync(program);
    expect((await states())[0]).toBe('claude hooks stale');
    expect((await run(['doctor'], world)).stdout).toContain('calls a program that is not there any more');
    writeFileSync(program, '');
    chmodSync(program, 0o755);
    const moved = join(home, 'bin', 'other');
    expect((await run(['agents', 'list'], { host: { env: { HOME: home }, program: moved } })).stdout).toContain(
      'of another version or place',
    );
    await run(['agents', 'connect', 'claude', '--yes'], { host: { env: { HOME: home }, program: moved } });
    expect(read('.claude', 'settings.json')).not.toContain(`${program} `);
  });
});
