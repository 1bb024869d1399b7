import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cli } from '../../../test/support/cli-host.ts';

const has = (program: string): boolean => spawnSync(program, ['-c', 'true']).status === 0;

/** What bash offers for the words typed so far, the last one unfinished. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await cli(['completion', 'bash']);
  const typed = ['syncline', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${stdout}\nCOMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _syncline; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout: out, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return out.split('\n').filter((word) => word !== '');
}

describe.skipIf(!has('bash'))('completion in bash', () => {
  it('offers commands, sub-commands, options and their values', async () => {
    expect(await offered('st')).toEqual(['stop', 'status']);
    expect(await offered('telemetry', 're')).toEqual(['report']);
    expect(await offered('telemetry', 'report', '--s')).toEqual(['--since']);
    expect(await offered('telemetry', 'report', '--by', 'mo')).toEqual(['model']);
    expect(await offered('--quiet', 'dead-letters', 'dis')).toEqual(['discard']);
    expect(await offered('status', '--color', '')).toEqual(['auto', 'never', 'always']);
  });
});

describe('completion', () => {
  it.each(['zsh', 'fish'])('of %s names every command', async (shell) => {
    const { exit, stdout } = await cli(['completion', shell]);
    expect(exit).toBe(0);
    for (const word of ['dead-letters', 'discard', 'telemetry', 'report', 'since', 'profile'])
      expect(stdout).toContain(word);
  });

  it.skipIf(!has('zsh'))('of zsh is valid', async () => {
    const { stdout } = await cli(['completion', 'zsh']);
    expect(spawnSync('zsh', ['-n'], { input: stdout, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});
